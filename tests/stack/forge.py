"""The person at the keyboard: git pushes, pull requests, and reading what Penstock answered on the commit."""

import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import settings
from environment import STATE
from processes import OPENER
from say import Failure

# What the forge takes for its one person; anyone on this machine may push without it.
PERSON = "local-person-token"


class Forge:
    """The forge's HTTP interface, as GitHub's."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        """Reads a resource of the repository."""
        return self._call("GET", f"/repos/{settings.REPOSITORY}/{path}")

    def open_pull_request(self, title, head, base):
        """Opens a pull request and gives back its number."""
        body = {"title": title, "head": head, "base": base, "body": ""}
        return self._call("POST", f"/repos/{settings.REPOSITORY}/pulls", body)["number"]

    def status(self, commit):
        """The newest commit status of Penstock, or nothing."""
        statuses = [entry for entry in self.get(f"commits/{commit}/statuses") if entry["context"] == "penstock/clusters"]
        return statuses[0] if statuses else None

    def check_run(self, commit, name):
        """The newest completed check run of a name, or nothing."""
        runs = [run for run in self.get(f"commits/{commit}/check-runs")["check_runs"] if run["name"] == name]
        done = [run for run in runs if run["status"] == "completed"]
        return max(done, key=lambda run: run["id"]) if done else None

    def annotations(self, run):
        """The annotations of a check run."""
        return self.get(f"check-runs/{run['id']}/annotations?per_page=100")

    def deliveries(self):
        """Every webhook that was sent, oldest first."""
        return self._call("GET", "/_forge/deliveries")

    def set_webhook(self, url):
        """Sends webhooks there from now on."""
        return self._call("PUT", "/_forge/webhook", {"url": url, "secret": settings.WEBHOOK_SECRET_TEXT})

    def tell_bus(self, endpoint):
        """Tells what happens on CodeCommit to the default bus there from now on, and sends no webhooks; without an endpoint, to nobody."""
        self._call("PUT", "/_forge/webhook", None)
        self._call("PUT", "/_forge/codecommit/sink", endpoint and {"url": endpoint})

    def told(self):
        """Every event that CodeCommit would have put on the default bus, oldest first."""
        return self._call("GET", "/_forge/codecommit/events")

    def open_issue(self, title, label):
        """Opens an issue as the one person, assigned to them; gives back its number."""
        body = {"title": title, "labels": [label], "assignees": ["local-person"]}
        return self._call("POST", f"/repos/{settings.REPOSITORY}/issues", body)["number"]

    def set_issue(self, number, **changes):
        """Changes an issue."""
        return self._call("PATCH", f"/repos/{settings.REPOSITORY}/issues/{number}", changes)

    def deploy(self, commit, environment, state):
        """A deployment of a commit, and its state, as somebody's pipeline reports them."""
        deployments = f"/repos/{settings.REPOSITORY}/deployments"
        made = self._call("POST", deployments, {"ref": commit, "environment": environment})
        return self._call("POST", f"{deployments}/{made['id']}/statuses", {"state": state})

    def issues(self, label):
        """The open issues with a label."""
        return self.get(f"issues?labels={label}")

    def redeliver(self, identifier):
        """Sends a recorded delivery again: the same bytes under the same id."""
        return self._call("POST", f"/_forge/redeliver/{identifier}")

    def _call(self, method, path, body=None):
        # Where nothing is meant to be set, nothing is said, too: `null`.
        data = None if body is None and method != "PUT" else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {PERSON}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with OPENER.open(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise Failure(f"the forge answered {error.code} to {method} {path}", error.read().decode(errors="replace")) from error
        except OSError as error:
            raise Failure(f"the forge does not answer {method} {path}: {error}") from error


class Clone:
    """A working copy, driven with real git."""

    def __init__(self, git_url, name="clone"):
        self.path = STATE / name
        self.git_url = git_url
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch", settings.BRANCH)
        self.git("remote", "add", "origin", git_url)

    def write(self, files):
        """Writes files: text by path; no text removes the file."""
        for name, text in files.items():
            path = pathlib.Path(self.path, name)
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    def commit(self, message):
        """Commits everything and gives back the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, branch, *options):
        """Pushes HEAD to a branch."""
        self.git("push", "--quiet", *options, "origin", f"HEAD:refs/heads/{branch}")

    def git(self, *arguments):
        """Runs git without anybody's configuration, and without a prompt."""
        who = {"NAME": "Demo Person", "EMAIL": "local-person@users.noreply.example"}
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.path), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0",
            **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()},
        }
        done = subprocess.run(["git", *arguments], cwd=self.path, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"git {' '.join(arguments)} ended with {done.returncode}", done.stdout + done.stderr)
        return done.stdout.strip()
