"""`make fortnight-slack`: the fortnight's posts through the adapter that ships, to an emulator of Slack, and read back from it.

The emulator is `emulate` (npm), pinned with its hashes in tests/stack/slack/package-lock.json and installed into .tools/slack. It needs Node.
It listens on every interface for the seconds that it runs, with nothing in it but the fortnight. Without Node, or when it cannot be installed, nothing is proven: that is said, and the exit code is 2.
"""

import json
import shutil
import subprocess
import tempfile
import pathlib
import urllib.parse
import urllib.request

import environment
from expect import BROKEN, HELD, equal, expect
from processes import OPENER, answers, free_port, wait_until
from say import Failure, line, tell

OLDEST_NODE = 20
PINNED = pathlib.Path(__file__).with_name("slack")
INSTALLED = environment.ROOT / ".tools" / "slack"
BOT, READER = "xoxb-penstock", "xoxp-reader"
# Whom the fortnight speaks to alone (escalations, kill reviews), by their id in it.
PERSONS = {"ada": "U0000ADA", "bob": "U0000BOB", "cy": "U00000CY", "dan": "U0000DAN"}
CHANNELS = ["unblock-and-commit", "demos", "portfolio-council", "incidents"]

# The bot has the two scopes that the README asks for, and the emulator holds it to them; whoever reads back is another token.
SEED = {"slack": {
    "strict_scopes": True,
    "users": [{"name": name} for name in ["penstock", *PERSONS]],
    "channels": [{"name": name} for name in CHANNELS],
    "tokens": [
        {"token": BOT, "user": "penstock", "scopes": ["chat:write", "channels:history", "im:write"]},
        {"token": READER, "user": "penstock", "scopes": ["channels:history", "im:history", "users:read"]},
    ],
}}


def run():
    """Exit code 0: all stands there as it was said; 1: something does not; 2: not run."""
    node = shutil.which("node")
    why = without_node(node) or not_installed()
    if why:
        line(f"NOT RUN: {why}. Nothing about Slack was proven by this command.")
        return 2
    posts = environment.build() / "fortnight-slack"
    with tempfile.TemporaryDirectory() as home:
        seed = pathlib.Path(home) / "seed.json"
        seed.write_text(json.dumps(SEED))
        port = free_port("PENSTOCK_SLACK_PORT")
        program = INSTALLED / "node_modules" / "emulate" / "dist" / "index.js"
        emulator = subprocess.Popen(
            [node, program, "start", "--service", "slack", "--port", str(port), "--seed", seed],
            cwd=home, env={"HOME": home, "PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            wait_until("the emulator of Slack does not answer", lambda: answers(base), 30)
            compare(base, posted(posts, base))
        finally:
            emulator.terminate()
            emulator.wait(10)
    line(f"{len(HELD)} expectations held, {len(BROKEN)} did not.")
    return 1 if BROKEN else 0


def without_node(node):
    """Why Node cannot be used, or nothing."""
    if not node:
        return f"no Node on this machine (version {OLDEST_NODE} or newer)"
    found = environment.output([node, "--version"])
    return "" if int(found.lstrip("v").split(".")[0]) >= OLDEST_NODE else f"Node {found} is too old: {OLDEST_NODE} or newer is needed"


def not_installed():
    """Installs the emulator when the pinned one is not there; why that failed, or nothing."""
    lock = (PINNED / "package-lock.json").read_text()
    stamp = INSTALLED / "penstock.stamp"
    if stamp.exists() and stamp.read_text() == lock:
        return ""
    npm = shutil.which("npm")
    if not npm:
        return "no npm on this machine, which installs the emulator of Slack"
    line("First run: putting the emulator of Slack into .tools/ (9 MB) …")
    shutil.rmtree(INSTALLED, ignore_errors=True)
    shutil.copytree(PINNED, INSTALLED)
    done = subprocess.run(
        [npm, "ci", "--prefix", INSTALLED, "--ignore-scripts", "--no-audit", "--no-fund"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        return f"npm could not install the emulator of Slack ({(done.stderr.strip().splitlines() or ['no reason given'])[-1]})"
    stamp.write_text(lock)
    return ""


def posted(program, base):
    """Posts all of the fortnight; gives back what was to be said and where it stands, a dictionary each."""
    members = ask(base, "users.list")["members"]
    there = {member["name"]: member["id"] for member in members}
    persons = [part for name, here in PERSONS.items() for part in ("--person", f"{here}={there[name]}")]
    done = subprocess.run([program, "--slack", f"{base}/api", "--token", BOT, *persons], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failure("the fortnight could not be posted", done.stderr)
    return [json.loads(one) for one in done.stdout.splitlines()]


def compare(base, posts):
    """What stands in the emulator, post by post, against what was to be said."""
    kinds = {"thread" if post["thread_ts"] else post["key"].split("/")[0] for post in posts}
    wanted = {*CHANNELS[:3], "thread", "escalation", "kill-review"}
    expect("the fortnight speaks in each channel, in threads, and to persons", kinds >= wanted, sorted(kinds))
    stand = {}
    for channel in sorted({post["channel"] for post in posts}):
        for head in pages(base, "conversations.history", channel=channel):
            thread = pages(base, "conversations.replies", channel=channel, ts=head["ts"])
            stand.update({(channel, message["ts"]): message for message in [head, *thread]})
    equal("as many stand there, and no other", len(stand), len(posts))
    for post in posts:
        found = stand.get((post["channel"], post["ts"]), {})
        said = (found.get("text"), found.get("blocks"), found.get("thread_ts"), found.get("metadata", {}).get("event_payload"))
        if said != (post["text"], post["blocks"], post["thread_ts"], {"key": post["key"]}):
            expect(f"{post['at']} {post['key']} stands as it was said", False, found)
    expect("each with its text, blocks, thread and key", not BROKEN, BROKEN)
    for post in [post for post in posts if post["at"].startswith("Wed 04")]:
        tell(f"{post['at']}  {stand[post['channel'], post['ts']]['text']}", 2)


def pages(base, method, **fields):
    """All messages of a listing."""
    messages, cursor = [], ""
    while True:
        answer = ask(base, method, limit=100, cursor=cursor, **fields)
        messages += answer["messages"]
        cursor = answer.get("response_metadata", {}).get("next_cursor", "")
        if not cursor:
            return messages


def ask(base, method, **fields):
    """One of Slack's methods, as whoever reads back."""
    body = urllib.parse.urlencode({name: value for name, value in fields.items() if value != ""}).encode()
    request = urllib.request.Request(f"{base}/api/{method}", body, {"Authorization": f"Bearer {READER}"})
    with OPENER.open(request, timeout=10) as answer:
        found = json.loads(answer.read())
    if not found.get("ok"):
        raise Failure(f"{method}: Slack's emulator answered {found.get('error')}", json.dumps(found))
    return found
