"""What the samples under events/ speak of, so that `make invoke` works on a stack that nobody has pushed to yet."""

import json
import os

import environment
from say import Failure

SAMPLES = environment.ROOT / "events" / "feedback"

# Fixed in every part, so that its id is the one that the samples name.
MESSAGE = "The commit that the samples under events/ speak of"
WHEN = "2026-01-05T09:00:00Z"
WHO = ("Penstock", "samples@penstock.invalid")


def make_commit(repository):
    """Puts the commit into a bare repository, on no branch: the repository stays empty for whoever clones it."""
    identity = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in zip(("NAME", "EMAIL", "DATE"), (*WHO, WHEN))}
    git = lambda *words: environment.output(["git", "--git-dir", str(repository), *words], env={"PATH": os.environ["PATH"], **identity})
    made = git("commit-tree", git("hash-object", "-t", "tree", "-w", "--stdin"), "-m", MESSAGE)
    for sample in sorted(SAMPLES.glob("*.json")):
        named = json.loads(sample.read_text())["detail"].get("run", {}).get("head")
        if named and named != made:
            raise Failure(f"{sample.relative_to(environment.ROOT)} names the commit {named}, but git made {made}: write that into the sample")
