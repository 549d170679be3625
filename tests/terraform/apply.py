#!/usr/bin/env python3
"""Applies terraform/config/control-plane, whole and unchanged, to an emulator, and plans again: the second plan must be empty.

    python3 tests/terraform/apply.py        about three minutes; most of it is the provider's own wait for SQS

Needs terraform, the AWS provider, and MiniStack (`make up` makes .venv/ with it; MINISTACK names another one).
A green apply is not a correct deployment: the emulator checks neither resource policies nor key policies. `check.py` asserts those.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile

from toolbox import REPOSITORY, Workspace, find_mirror, find_terraform

ROOT = "terraform/config/control-plane"

# What the second plan may want to change, and why that is the emulator's fault and not ours.
KNOWN_LOSSES = {
    "aws_cloudwatch_metric_alarm": (
        {"actions_enabled", "alarm_description", "dimensions", "period", "statistic", "treat_missing_data"},
        "MiniStack's DescribeAlarms drops them",
    ),
    "aws_apigatewayv2_authorizer": (
        {"authorizer_payload_format_version"}, "MiniStack gives a JWT authorizer the version that only Lambda authorizers have",
    ),
    "aws_codebuild_project": ({"logs_config", "queued_timeout"}, "MiniStack does not keep them"),
}


def main():
    terraform, mirror, ministack = find_terraform(), find_mirror(), find_ministack()
    for thing, found, hint in (
        ("terraform", terraform, "install Terraform 1.11 or newer"),
        ("ministack", ministack, "`make up` once makes .venv/ with it"),
    ):
        if not found:
            return say(f"{thing} is not on this machine: {hint}", 2)
    if not mirror:
        say("no provider mirror found: Terraform will fetch the AWS provider from its registry")
    work = Workspace(mirror, "apply")
    emulator = None
    try:
        emulator = Emulator(ministack, work.folder / "emulator")
        return apply(terraform, work, emulator)
    finally:
        if emulator:
            emulator.stop()
        work.remove()


def apply(terraform, work, emulator):
    env = {
        "AWS_ENDPOINT_URL": emulator.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    bucket = "penstock-emulator-state"
    emulator.put_bucket(bucket)
    package = work.folder / "bootstrap.zip"
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("bootstrap", "#!/bin/sh\nexit 1\n")
    (work.folder / ROOT / "emulator.auto.tfvars.json").write_text(json.dumps({
        "name": "penstock-emulator",
        "account_id": "123456789012",
        "region": "us-east-1",
        "connection_arn": "arn:aws:codeconnections:us-east-1:123456789012:connection/00000000-0000-4000-8000-000000000000",
        "github_app_id": "1",
        "state_bucket": bucket,
        "package_file": str(package),
        "deletion_protection": False,
        # The packages are empty here: nothing can be called.
        "prepare": False,
        "jwt": {"issuer": "https://issuer.example.org", "audience": ["penstock"]},
    }))
    steps = [
        ("init", ["init", "-no-color", "-backend-config=bucket=" + bucket, "-backend-config=key=control-plane.tfstate", "-backend-config=region=us-east-1"], 5),
        ("apply", ["apply", "-no-color", "-auto-approve"], 120),
        ("second plan", ["plan", "-no-color", "-out=second.tfplan"], 30),
    ]
    for name, arguments, seconds in steps:
        say(f"{name} (about {seconds} s)")
        began = time.monotonic()
        code, text = work.run([terraform, *arguments], ROOT, **env)
        if code != 0:
            print(tail(text, 60))
            return say(f"{name} failed", 1)
        summary = [line for line in text.splitlines() if line.startswith(("Apply complete", "Plan:", "No changes"))]
        say(f"{name}: {int(time.monotonic() - began)} s. {' '.join(summary)}")
    code, text = work.run([terraform, "show", "-json", "second.tfplan"], ROOT, **env)
    changes = [change for change in json.loads(text.splitlines()[-1])["resource_changes"] if change["change"]["actions"] not in (["no-op"], ["read"])]
    others = []
    losses = {}
    for change in changes:
        before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
        fields = {name for name in after if before.get(name) != after[name]}
        lost, reason = KNOWN_LOSSES.get(change["type"], (set(), ""))
        if change["change"]["actions"] == ["update"] and fields <= lost:
            losses[change["type"]] = losses.get(change["type"], 0) + 1
            continue
        others.append(change)
        say(f"the second plan would {'/'.join(change['change']['actions'])} {change['address']}:")
        for field in sorted(fields):
            say(f"    {field}: {json.dumps(before.get(field))} -> {json.dumps(after[field])}")
    for kind, count in sorted(losses.items()):
        fields, reason = KNOWN_LOSSES[kind]
        say(f"not compared: {', '.join(sorted(fields))} of {count} x {kind}: {reason}")
    code, text = work.run([terraform, "state", "list"], ROOT, **env)
    managed = [line for line in text.splitlines() if not line.startswith("data.") and ".data." not in line]
    if others:
        return say(f"{len(managed)} resources applied; the second plan has {len(others)} changes", 1)
    return say(f"{len(managed)} resources applied; the second plan is empty{' but for those fields' if losses else ''}", 0)


class Emulator:
    """MiniStack in a session of its own, on a free port of the loopback interface, with nothing of our environment."""

    def __init__(self, program, folder):
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": self.url, "MINISTACK_ACCOUNT_ID": "123456789012", "IOT_MTLS_ENABLED": "0",
        }
        self.process = subprocess.Popen([program], cwd=folder, env=env, stdout=open(self.log, "wb"), stderr=subprocess.STDOUT, start_new_session=True)
        until = time.monotonic() + 30
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise SystemExit("apply: the emulator did not start:\n" + tail(self.log.read_text(errors="replace"), 20))
            time.sleep(0.1)

    def healthy(self):
        try:
            return urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1).status == 200
        except OSError:
            return False

    def put_bucket(self, name):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=5)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def find_ministack():
    for candidate in (os.environ.get("MINISTACK"), REPOSITORY / ".venv/bin/ministack", shutil.which("ministack")):
        if candidate and pathlib.Path(candidate).is_file():
            return str(candidate)
    return None


def tail(text, lines):
    return "\n".join(text.splitlines()[-lines:])


def say(text, code=None):
    print(f"apply: {text}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
