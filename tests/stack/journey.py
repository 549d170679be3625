"""The end-to-end part of `make test`: the demo's story, then what a story has no room for. Same stack, same expectations."""

import acceptance
import access
import canary
import demo
import ledger
import parts


def run():
    """Plays everything; exit code 0 only if every expectation held."""
    return demo.run(parts_played=[*parts.STORY, *ledger.PARTS, *access.PARTS, *canary.PARTS, *acceptance.PARTS])
