"""`make audit SUBJECT=…`: a subject's audit chain from the running stack, verified by the library that wrote it."""

import os
import shlex
import subprocess

import say
import settings
from environment import target_directory
from stack import ENV_FILE, Stack


def run(subject=""):
    """Prints and verifies one chain; without a subject, lists the subjects."""
    stack = Stack.running()
    if not subject:
        say.line("subjects with an audit chain (make audit SUBJECT=<one of them>):")
        for found in subjects(stack.aws):
            say.line(f"  {found}")
        return 0
    code, text = verify(subject)
    say.line(text.rstrip())
    return code


def subjects(aws):
    """Every subject that has a chain."""
    pages = aws.client("dynamodb").get_paginator("scan").paginate(
        TableName=settings.TABLE,
        FilterExpression="begins_with(pk, :audit) AND sk = :head",
        ExpressionAttributeValues={":audit": {"S": "AUDIT#"}, ":head": {"S": "HEAD"}},
        ProjectionExpression="pk",
    )
    found = (item["pk"]["S"].partition("#")[2] for page in pages for item in page["Items"])
    return sorted(name.replace("%23", "#").replace("%25", "%") for name in found)


def verify(subject):
    """The verifier's exit code and what it printed."""
    variables = dict(word.split("=", 1) for word in shlex.split(ENV_FILE.read_text()))
    environment = {"PATH": os.environ.get("PATH", os.defpath), **variables, "LOG_LEVEL": "warn"}
    done = subprocess.run([target_directory() / "debug" / "audit", subject], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
