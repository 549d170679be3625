#!/usr/bin/env python3
"""`make release-check`: the webhook as it ships, built for this machine: its size, and what one event costs.

It is the program that `make release` builds for arm64, with the same profile and features, but one that can run here: behind a
stand-in for Lambda's runtime API and the AWS services (lambda_stub.py). Standard library only.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import sys
import time

import lambda_stub
import sizes

FUNCTION = "github-webhook"
EVENTS = 200

# GitHub's documented test secret: the samples under events/ are signed with it.
SECRET = "It's a Secret to Everybody"

READ_SECRET = "secretsmanager.GetSecretValue"
COMMIT = "DynamoDB_20120810.TransactWriteItems"


def main():
    print(f"release-check: building {FUNCTION} for release (fat LTO): about 5 minutes on two idle cores the first time, seconds after that", flush=True)
    started = time.monotonic()
    program = build()
    print(f"built after {int(time.monotonic() - started)} s", flush=True)
    report = sizes.Report()
    content = program.read_bytes()
    sizes.size(report, FUNCTION, content, "the program")
    sizes.no_jitter_entropy(report, FUNCTION, content)
    one_call_an_event(report, program)
    return report.end()


def build():
    """The release build of the one function, alone, so that only its own features are in."""
    done = subprocess.run(["cargo", "build", "--release", "--locked", "-p", FUNCTION], cwd=sizes.ROOT, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{FUNCTION} does not build for release: see cargo's messages above")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", sizes.ROOT / "target"))
    return target / "release" / FUNCTION


def one_call_an_event(report, program):
    """INIT reads the secret; after that, each event is one call, and what is no event is none."""
    stub = lambda_stub.Stub(json.dumps({"current": SECRET}))
    child = None
    try:
        child = stub.run(program, {"TABLE_NAME": "table", "WEBHOOK_SECRET_ID": "webhook", "GOVERNANCE_DIGEST": "0" * 64})
        report.check("INIT makes one call: it reads the secret", stub.calls == [READ_SECRET], str(stub.calls))
        init = lambda_stub.cpu_ms(child)
        answers = [stub.invoke(push(number)) for number in range(EVENTS)]
        total = lambda_stub.cpu_ms(child)
        wrong = [(answer, calls) for answer, calls in answers if (answer["statusCode"], calls) != (202, [COMMIT])]
        report.check(f"{EVENTS} events: each is accepted and makes one call", not wrong, f"not so: {wrong[:1]}")
        answer, calls = stub.invoke(sample("ping"))
        report.check("a ping makes none", (answer["statusCode"], calls) == (200, []), f"{answer}, {calls}")
        answer, calls = stub.invoke(sample("forged-signature"))
        report.check("a forged signature makes none", (answer["statusCode"], calls) == (401, []), f"{answer}, {calls}")
        report.check("all calls went over one connection", len(stub.connections) == 1, f"{len(stub.connections)} connections")
        if init is not None:
            print(f"     processor time here, without TLS: INIT {init:.1f} ms, then {(total - init) / EVENTS:.2f} ms an event")
    except lambda_stub.Died as death:
        report.check("the program runs", False, str(death))
    finally:
        if child:
            child.kill()
            child.wait()
        stub.shutdown()


def sample(name):
    """A committed sample."""
    return json.loads((sizes.ROOT / "events" / FUNCTION / f"{name}.json").read_text())


def push(number):
    """The sample push with a head of its own, signed."""
    event = sample("push-to-deploy")
    body = json.loads(base64.b64decode(event["body"]))
    body["after"] = hashlib.sha1(str(number).encode()).hexdigest()
    event["body"], event["isBase64Encoded"] = json.dumps(body), False
    signature = hmac.new(SECRET.encode(), event["body"].encode(), hashlib.sha256).hexdigest()
    event["headers"] |= {"x-hub-signature-256": f"sha256={signature}", "x-github-delivery": f"delivery-{number}"}
    return event


if __name__ == "__main__":
    sys.exit(main())
