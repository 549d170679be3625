"""Expectations: each is said with its result, counted, and remembered. The demo ends with 0 only when all of them held."""

from say import tell

HELD = []
BROKEN = []


def expect(what, holds, found=""):
    """States an expectation; `found` says what there was instead when it did not hold."""
    if holds:
        HELD.append(what)
        tell(f"✓ {what}")
    else:
        BROKEN.append(what)
        tell(f"✗ {what}" + (f": found {found}" if found != "" else ""))
    return bool(holds)


def equal(what, found, wanted):
    """Expects two values to be equal."""
    return expect(what, found == wanted, f"{found}, not {wanted}")
