"""How large a function may be, and what it may ask of the machine that runs it.

A cold start reads the whole program: about 0.9 ms a megabyte when its pages are cold. AWS Lambda's `provided.al2023` has glibc 2.34.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

MB = 1_000_000

# The goal for each function. Measured for arm64: outbox-relay 4.1, github-webhook 4.3, feedback 5.2 (all of it at opt-level "s"; `common` at
# 3 adds 0.1 to 0.4), pipeline-provisioner 8.1. That last one carries GitHub's client and four AWS clients, and nobody waits for its cold start;
# stage-gate carries the same ones.
DEFAULT_LIMIT = 6 * MB
LIMITS = {"pipeline-provisioner": 9 * MB, "stage-gate": 9 * MB}

NEWEST_GLIBC = (2, 34)


def functions():
    """The functions' names, from the contract."""
    return sorted(json.loads((ROOT / "events" / "contract.json").read_text())["functions"])


def size(report, function, program, artefact):
    """One line: name, size, limit. `artefact` says what is measured."""
    limit = LIMITS.get(function, DEFAULT_LIMIT)
    found = f"{function}: {artefact} has {len(program) / MB:.2f} MB, the limit is {limit / MB:.1f} MB"
    report.check(found, len(program) <= limit, "see what came in: cargo tree -e features -p " + function)


def glibc(report, function, program):
    """The newest glibc that the program's dynamic symbols ask for."""
    asked = {tuple(int(part) for part in found) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", program)}
    newest = max(asked, default=(0, 0))
    told = ".".join(map(str, newest))
    allowed = ".".join(map(str, NEWEST_GLIBC))
    report.check(f"{function}: asks for glibc {told}, Lambda has {allowed}", (0, 0) < newest <= NEWEST_GLIBC, "link against an older one")


def no_jitter_entropy(report, function, program):
    """No aws-lc in the program, whose CPU-jitter entropy costs 24 ms in the first TLS handshake; ring is there instead."""
    for absent in (b"aws-lc", b"aws_lc", b"jitterentropy"):
        report.check(f"{function}: no {absent.decode()} in the program", absent not in program, "tests/workspace/dependencies.rs says how")
    report.check(f"{function}: ring is in the program", b"ring-0." in program, "which TLS provider is it built with?")


class Report:
    """Counts, one line for each check, and a closing line."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, says, holds, otherwise):
        """A check; `otherwise` says what to do when it does not hold."""
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"ok   {says}" if holds else f"FAIL {says}\n     {otherwise}", flush=True)

    def end(self):
        """The closing line; gives back the exit code."""
        print(f"release: {self.passed} passed, {self.failed} failed, 0 skipped")
        return 1 if self.failed else 0
