"""The local stack: `python3 tests/stack <command>`; the Makefile calls it.

up, down          the stack alone
demo [HOST]       journey 1 on the stack, told as a story; exit code 0 only if every expectation held; HOST: github or codecommit
journey           the same, and the acceptance checks, as `make test` runs them
trace ID          one event's path through the stack, by its correlation id
audit [SUBJECT]   a subject's audit chain, verified; without a subject, the subjects there are
fortnight-slack   the fortnight's posts through the adapter that ships to an emulator of Slack; exit code 2 when it could not run
token USER ROLE   a token of the running stack's issuer, for the HTTP API; without a role, the person has those of people.yaml
"""

import os
import sys

import environment
import processes
import say


def main(arguments):
    """Prepares the machine, then does what was asked."""
    command, *rest = arguments or ["help"]
    if command not in COMMANDS:
        print(__doc__)
        return 0 if command == "help" else 2
    try:
        if not environment.in_venv():
            prepare(command)
        return COMMANDS[command](*[word for word in rest if word])
    except say.Failure as failure:
        say.failed(failure)
        return 1
    except KeyboardInterrupt:
        say.line("stopped by you; nothing of it runs any more" if command in ("demo", "up", "journey") else "stopped by you")
        return 130


def prepare(command):
    """Tools first, then the virtual environment; goes on in that."""
    if command == "down" and not environment.venv_is_ready():
        return
    if command in ("trace", "audit"):
        # Before anything is installed: without a stack there is nothing to look at.
        processes.check_up()
    environment.check_tools()
    if not environment.venv_is_ready():
        environment.make_venv()
    environment.enter_venv()


def up():
    """`make up`."""
    import stack

    stack.refuse_second()
    contract = environment.contract()
    steps = say.Steps("The local stack.", 5, environment.expected_duration(contract, seconds=10))
    steps.step("build the workspace (cargo)")
    with stack.ended(keep=True):
        running = stack.up(environment.build(), contract, steps.step)
    say.line(f"\nUp after {steps.elapsed()}. Addresses are in target/stack/endpoints.json, variables in target/stack/env.")
    say.table(running.addresses(), indent=2)
    say.line("\nTry:")
    say.line(f"  git clone {running.endpoints['forge_git_url']} target/stack/fleet    # empty: your first push makes main")
    say.line("  make down    # stops it")
    return 0


def down():
    """`make down`."""
    count = processes.stop_all()
    for name in ("endpoints.json", "env"):
        (environment.STATE / name).unlink(missing_ok=True)
    say.line(f"stopped {count} programs" if count else "nothing was up")
    return 0


def demo(host="github"):
    """`make demo ON=…`."""
    import demo
    import stack

    if host not in stack.HOSTS:
        raise say.Failure(f"ON is one of {', '.join(stack.HOSTS)}, and not {host!r}")
    return demo.run(keep=os.environ.get("KEEP", "") not in ("", "0"), host=host)


def journey():
    """The end-to-end part of `make test`."""
    import journey

    return journey.run()


def fortnight_slack():
    """`make fortnight-slack`."""
    import fortnight_slack

    return fortnight_slack.run()


def trace(identifier=""):
    """`make trace ID=…`."""
    import trace_event

    return trace_event.run(identifier)


def audit(subject=""):
    """`make audit SUBJECT=…`."""
    import audit

    return audit.run(subject)


def token(person="", role=""):
    """`make token USER=… ROLE=…`."""
    import tokens

    return tokens.run(person, role)


COMMANDS = {"up": up, "down": down, "demo": demo, "journey": journey, "fortnight-slack": fortnight_slack, "trace": trace, "audit": audit, "token": token}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
