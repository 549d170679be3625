"""The part of the demo about the day: a fortnight of work items in a minute, in memory, by the handlers that are deployed here."""

import subprocess

import environment
from expect import equal, expect
from say import tell


def fortnight(_scene):
    """a fortnight of work items in a minute: two end, one has an exception, one blocker is escalated, the clocks change; Slack as text"""
    program = environment.target_directory() / "debug" / "fortnight"
    done = subprocess.run([program], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    equal("it held", (done.returncode, done.stderr), (0, ""))
    lines = done.stdout.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("What stands in Slack")), 0)
    tell("\n".join(lines[start:]))
    expect("two items ended, one was escalated", "p-06, p-07" in done.stdout and "Item Escalated 1" in done.stdout, lines[-2:])
