"""`make test`: all of it, one after another, and one closing line `N passed, N failed`.

Standard library only. Each part's own output is shown as it comes; its own closing lines are counted. A part that ends with a
failure but counts none (a build that breaks) counts as one.
"""

import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = sys.executable

# What to run, and the lines that count.
PARTS = [
    (
        "units, properties, contract, layers, port suites, flows (cargo test)",
        ["cargo", "test", "--workspace", "--locked", "--no-fail-fast"],
        re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored"),
    ),
    (
        "Terraform (make terraform-check)",
        [PYTHON, "tests/terraform/check.py"],
        re.compile(r"^terraform: (?P<passed>\d+) passed, (?P<failed>\d+) failed, (?P<skipped>\d+) skipped"),
    ),
    (
        "the journey on the local stack",
        [PYTHON, "tests/stack", "journey"],
        re.compile(r"^(?P<passed>\d+) expectations held, (?P<failed>\d+) did not(?P<skipped>)"),
    ),
    (
        "journey 1 on the local stack with the repository on CodeCommit",
        [PYTHON, "tests/stack", "demo", "codecommit"],
        re.compile(r"^(?P<passed>\d+) expectations held, (?P<failed>\d+) did not(?P<skipped>)"),
    ),
]


def main():
    """Runs the parts; gives back the exit code."""
    print(f"make test: {len(PARTS)} parts. Expected duration: 5 minutes after a build, 20 to 40 minutes from a clean clone on two cores.", flush=True)
    started = time.monotonic()
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for number, (name, command, counted) in enumerate(PARTS, 1):
        print(f"\n== [{number}/{len(PARTS)}] {name} ({int(time.monotonic() - started)} s)", flush=True)
        counts, code = run(command, counted)
        if code != 0 and counts["failed"] == 0:
            print(f"== {name}: ended with {code}", flush=True)
            counts["failed"] = 1
        for key, count in counts.items():
            total[key] += count
    skipped = f" ({total['skipped']} skipped: said above)" if total["skipped"] else ""
    print(f"\nmake test took {int(time.monotonic() - started)} s{skipped}")
    print(f"{total['passed']} passed, {total['failed']} failed", flush=True)
    return 1 if total["failed"] else 0


def run(command, counted):
    """Runs one part, shows what it prints, and counts."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    for line in child.stdout:
        print(line, end="", flush=True)
        found = counted.match(line)
        if found:
            for key, number in found.groupdict().items():
                counts[key] += int(number or 0)
    return counts, child.wait()


if __name__ == "__main__":
    sys.exit(main())
