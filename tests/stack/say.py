"""How the stack talks to the person in front of it: steps with the time they took, a story, one clear line on failure."""

import sys
import time


class Failure(Exception):
    """Something a person has to know, in one line: what happened, where, what to do. `details` may add the end of a log."""

    def __init__(self, line, details=""):
        super().__init__(line)
        self.line = line
        self.details = details


class Steps:
    """Numbered steps. Each is announced when it starts, so that nobody looks at an empty screen."""

    def __init__(self, title, total, expected):
        self.total = total
        self.number = 0
        self.started = time.monotonic()
        line(f"{title}\nExpected duration: {expected}.\n")

    def step(self, text):
        """Announces the next step."""
        self.number += 1
        line(f"[{self.number}/{self.total}] {self.elapsed():>5}  {text}")

    def elapsed(self):
        """The time since the first step, for people."""
        seconds = int(time.monotonic() - self.started)
        return f"{seconds // 60}:{seconds % 60:02d}"


def line(text=""):
    """One line (or several), at once."""
    print(text, flush=True)


def tell(text, indent=14):
    """A part of the story, below the step it belongs to."""
    for part in str(text).splitlines() or [""]:
        line(" " * indent + part if part else "")


def table(rows, indent=14):
    """Rows of text in columns of equal width."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        tell("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), indent)


def failed(failure):
    """The one clear line, and the details below it."""
    print(f"\nfailed: {failure.line}", file=sys.stderr, flush=True)
    if failure.details:
        print(failure.details.rstrip(), file=sys.stderr, flush=True)
