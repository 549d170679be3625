"""`make demo`: journey 1 on the local stack, told as a story. It ends with 0 only if every expectation held."""

import codecommit
import environment
import expect
import parts
import say
import stack
import tree
from forge import PERSON
from scene import Scene

SECONDS = {"github": 130, "codecommit": 40}


def run(keep=False, parts_played=None, host="github"):
    """Brings the stack up, plays the parts, and takes the stack down again."""
    played = parts_played or {"github": parts.STORY, "codecommit": codecommit.STORY}[host]
    stack.refuse_second()
    contract = environment.contract()
    with stack.ended(keep):
        steps = say.Steps(
            "Penstock: from `git push` to pipelines, on this machine. No AWS account, no Docker.",
            5 + len(played), environment.expected_duration(contract, SECONDS[host]),
        )
        steps.step("build the workspace (cargo)")
        binaries = environment.build()
        running = stack.up(binaries, contract, steps.step, host)
        scene = Scene(running)
        for part in played:
            steps.step(part.__doc__.splitlines()[0])
            part(scene)
        code = close(steps)
        if keep and host == "github":
            show(running)
    return code


def close(steps):
    """Says how it went."""
    say.line()
    for what in expect.BROKEN:
        say.line(f"did not hold: {what}")
    say.line(f"{len(expect.HELD)} expectations held, {len(expect.BROKEN)} did not, after {steps.elapsed()}.")
    return 1 if expect.BROKEN else 0


def show(running):
    """The addresses, and a push to try by hand."""
    addresses = running.endpoints
    say.line("\nThe stack stays up (make down stops it). Addresses, also in target/stack/endpoints.json:")
    say.table(running.addresses(), indent=2)
    say.line("\nTry a push of your own, from this directory:")
    statuses = f"{addresses['forge_url']}/repos/{addresses['forge_repo']}/commits"
    for line in (
        f"git clone {addresses['forge_git_url']} target/stack/fleet",
        f"sed -i.old 's/cost_center: .*/cost_center: \"777\"/' target/stack/fleet/{tree.PUSHED_BY_HAND} && rm target/stack/fleet/{tree.PUSHED_BY_HAND}.old",
        "git -C target/stack/fleet -c user.name=me -c user.email=me@example.invalid commit -am 'production: charge another cost center'",
        "git -C target/stack/fleet push",
    ):
        say.line(f"  {line}")
    say.line("Then look at what it did:")
    for line in (
        "make trace    # the latest causes; make trace ID=<one of them> prints its path",
        "make audit    # the clusters with an audit chain; make audit SUBJECT=<one of them> verifies it",
        f"curl -s -H 'Authorization: Bearer {PERSON}' {statuses}/$(git -C target/stack/fleet rev-parse HEAD)/statuses",
    ):
        say.line(f"  {line}")
