#!/usr/bin/env python3
"""`make release`: each function for release, alone, as the zip that Terraform deploys: target/lambda/<function>/bootstrap.zip, arm64.

cargo-lambda cross-compiles with zig, both pinned in the ignored folder .tools/; `make release` puts them there. Each function is built
with -p, so that only its own features are in. `package.py sizes` only measures what was built.
"""

import os
import pathlib
import subprocess
import sys
import time
import zipfile

import sizes

TOOLS = sizes.ROOT / ".tools" / "bin"


def main(arguments):
    functions = sizes.functions()
    if arguments != ["sizes"]:
        print(f"release: {len(functions)} functions for arm64. Expected duration: some 5 minutes a function on two idle cores the first time.", flush=True)
        build(functions)
    report = sizes.Report()
    for function in functions:
        measure(report, function)
    return report.end()


def build(functions):
    """One build a function; cargo shows its own progress."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    for number, function in enumerate(functions, 1):
        print(f"\n== [{number}/{len(functions)}] {function}", flush=True)
        started = time.monotonic()
        command = ["cargo", "lambda", "build", "--release", "--locked", "--arm64", "--output-format", "zip", "-p", function]
        done = subprocess.run(command, cwd=sizes.ROOT, stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path})
        if done.returncode != 0:
            sys.exit(f"release: {function} was not built: see cargo's messages above")
        print(f"built after {int(time.monotonic() - started)} s", flush=True)


def measure(report, function):
    """Size of the program and of its zip, and what it asks of Lambda's machine."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", sizes.ROOT / "target"))
    package = target / "lambda" / function / "bootstrap.zip"
    if not package.exists():
        report.check(f"{function}: has {package}", False, "build it: make release")
        return
    with zipfile.ZipFile(package) as zipped:
        program = zipped.read("bootstrap")
    print(f"     {function}: the zip has {package.stat().st_size / sizes.MB:.2f} MB", flush=True)
    sizes.size(report, function, program, "bootstrap")
    arm64 = program[:4] == b"\x7fELF" and int.from_bytes(program[18:20], "little") == AARCH64
    report.check(f"{function}: is an arm64 program", arm64, "build it: make release")
    sizes.glibc(report, function, program)
    sizes.no_jitter_entropy(report, function, program)


# ELF's number of the machine.
AARCH64 = 183

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
