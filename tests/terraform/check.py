#!/usr/bin/env python3
"""`make terraform-check`: everything about terraform/ that can be checked without AWS.

    fmt        terraform fmt -check
    rules      our own, in rules.py: grants, alarms and their runbook, buildspecs, no secret values, pins, links of documents
    charts     the Helm charts and Argo CD applications, rendered and compared with what they must fit: charts.py
    real       each root and module: init, validate, terraform test (mocked) on the real AWS provider of this machine, or of the registry
    static     a second checker, where there is one (optional, see CHECKER below): unknown, missing, unused, undescribed
    v6 schema  validate and test again, on the schema of provider 6 that the second checker serves

Nothing is written beside the sources. What cannot run here is said, and counted as skipped. `check.py rules` runs the rules alone.
"""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import rules
from toolbox import REPOSITORY, Workspace, find_mirror, find_terraform

sys.path.append(str(REPOSITORY / "tests/stack"))
import environment
from say import Failure

# An optional second checker: a folder with tfcheck.py, schemaprovider.py and schemas/. It is no part of this repository; TERRAFORM_CHECKER
# names it, and without that it is looked for beside the checkout. Where there is none, its two layers are skipped, and that is said.
CHECKER = pathlib.Path(os.environ.get("TERRAFORM_CHECKER") or REPOSITORY.parent / "shared/tools/terraform")


class Report:
    """Counts, and one line for each check."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.began = time.monotonic()

    def ran(self, name, failures):
        """A check that ran: passed when it has nothing to say."""
        if failures:
            self.failed += 1
            print(f"FAIL {name}")
            for line in failures:
                print(f"     {line}")
        else:
            self.passed += 1
            print(f"ok   {name}", flush=True)

    def command(self, name, done):
        code, text = done
        self.ran(name, [] if code == 0 else text.splitlines()[-60:] or [f"exit code {code}"])

    def skip(self, name, reason):
        self.skipped += 1
        print(f"SKIP {name}: {reason}", flush=True)

    def end(self):
        print(f"terraform: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def main(arguments):
    report = Report()
    for name, rule in rules.ALL:
        report.ran(f"rule: {name}", list(rule()))
    if arguments == ["rules"]:
        return report.end()
    charts(report)
    python = checker_python(report)
    if python:
        static(report, python)
    terraform = find_terraform()
    if not terraform:
        report.skip("fmt, validate, test", "no terraform on this machine: nothing but what stands above was checked")
        return report.end()
    print("fmt, validate and test of each folder: 2 to 4 minutes on two cores, 7 with the provider 6 schema", flush=True)
    mirror = find_mirror()
    work = Workspace(mirror, "check")
    try:
        report.command("fmt", work.run([terraform, "fmt", "-check", "-recursive", "-diff", "."], "terraform"))
        if mirror or os.environ.get("TERRAFORM_REGISTRY"):
            sweep(report, terraform, work, "real provider", {})
        else:
            report.skip("real provider", "no filesystem mirror with hashicorp/aws (TF_PLUGIN_MIRROR names one; TERRAFORM_REGISTRY=1 uses the registry)")
    finally:
        work.remove()
    if python:
        schema_of_provider_6(report, terraform, python)
    return report.end()


def folders(tree):
    """Every root and module, with whether it has tests. Folders below tests/ are no modules."""
    for folder in sorted({path.parent for path in (tree / "terraform").rglob("*.tf")}):
        if "tests" not in folder.parts and ".terraform" not in folder.parts:
            yield folder.relative_to(tree), any((folder / "tests").glob("*.tftest.hcl"))


def planned_for_real(folder):
    """Whether a folder's tests plan with the real provider: Terraform's mocks refuse every module that has ephemeral resources."""
    return any(re.search(r'^provider "aws"', path.read_text(), re.M) for path in (REPOSITORY / folder / "tests").glob("*.tftest.hcl"))


def sweep(report, terraform, work, label, env, mocks_only=False):
    for folder, has_tests in folders(work.folder):
        code, text = work.run([terraform, "init", "-backend=false", "-no-color"], folder, **env)
        if code == 0:
            code, text = work.run([terraform, "validate", "-no-color"], folder, **env)
        report.command(f"{label}: validate {folder}", (code, text))
        if has_tests and mocks_only and planned_for_real(folder):
            report.skip(f"{label}: test {folder}", "its tests plan with the real provider, and here is only a schema")
        elif has_tests and code == 0:
            report.command(f"{label}: test {folder}", work.run([terraform, "test", "-no-color"], folder, **env))
        elif not has_tests:
            report.ran(f"{label}: test {folder}", ["it has no tests/*.tftest.hcl"])


def checker_python(report):
    """The Python for the second checker. None without a checker."""
    if not (CHECKER / "tfcheck.py").is_file():
        for name in ("static (tfcheck)", "provider 6 schema"):
            report.skip(name, "the optional second checker is not here (TERRAFORM_CHECKER names the folder of its tfcheck.py)")
        return None
    return venv_python(report)


def venv_python(report):
    """The Python of the project's virtual environment, made when it is missing. None when it cannot be made, which is a failure."""
    try:
        if not environment.venv_is_ready():
            environment.make_venv()
    except Failure as failure:
        report.ran("virtual environment of the checks", [failure.line, *failure.details.splitlines()])
        return None
    return str(environment.VENV / "bin/python")


def charts(report):
    """charts.py, with a Python that reads YAML: this one if it can, or the virtual environment's."""
    python = sys.executable if importlib.util.find_spec("yaml") else venv_python(report)
    if not python:
        return
    done = subprocess.run([python, str(REPOSITORY / "tests/terraform/charts.py")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        report.ran("charts", done.stdout.splitlines()[-20:])
        return
    for line in done.stdout.splitlines():
        check = json.loads(line)
        if "skipped" in check:
            report.skip(f"charts: {check['name']}", check["skipped"])
        else:
            report.ran(f"charts: {check['name']}", check["failures"])


def static(report, python):
    """The checker's own reading of every folder: no terraform needed."""
    schema = ["--schema", str(CHECKER / "schemas/aws-6.66.0.json.gz")]
    folders_ = [str(REPOSITORY / folder) for folder, _ in folders(REPOSITORY)]
    done = subprocess.run([python, str(CHECKER / "tfcheck.py"), *schema, "--lint", *folders_], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    report.command("static (tfcheck, provider 6 schema, lint)", (done.returncode, done.stdout))


def schema_of_provider_6(report, terraform, python):
    """validate and test again, on the schema that the checker serves in the place of the provider."""
    with tempfile.TemporaryDirectory() as home:
        started = subprocess.run([python, str(CHECKER / "schemaprovider.py"), "start", f"aws={CHECKER}/schemas/aws-6.66.0.json.gz"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": home})
        exported = dict(line.removeprefix("export ").split("=", 1) for line in started.stdout.splitlines() if line.startswith("export "))
        attach = exported.get("TF_REATTACH_PROVIDERS", "").strip("'\"")
        if not attach:
            report.ran("provider 6 schema: start its server", started.stderr.splitlines() or [f"it ended with {started.returncode}"])
            return
        work = Workspace(None, "schema")
        try:
            sweep(report, terraform, work, "provider 6 schema", {"TF_REATTACH_PROVIDERS": attach}, mocks_only=True)
        finally:
            work.remove()
            pid = exported.get("SCHEMAPROVIDER_PID", "").strip("'\"")
            if pid.isdigit():
                os.kill(int(pid), 15)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
