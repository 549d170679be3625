"""The part of the demo about pull requests: one opens where there is no room, and its author sees why, for whom, and when it is over."""

import re

import limits
from expect import equal, expect
from processes import wait_until
from say import table, tell
from scene import PATIENCE

LABEL = "blocked/wip-limit-exceeded"
BRANCH = "say-where"


def waits(scene):
    """a pull request opens while the stage is full: it is held back, told why, and let go when there is room"""
    holders, line = limits.standing(scene)
    head = scene.push({"README.md": "# The fleet\n\nOne directory a region.\n"}, "readme: say where things are", BRANCH)
    number = scene.forge.open_pull_request("Say where things are", BRANCH, "main")
    wait_until(f"pull request #{number} was not held back", lambda: held_back(scene, number), PATIENCE)
    draft, labels, said = show(scene, number)
    equal("it has the label, and is a draft", (labels, draft), ([LABEL], True))
    counts = f"| `{limits.SCOPE}` | {len(holders)} | {len(holders)} |"
    unnamed = [name for name in holders if f"`work-of-{name}`" not in said[0]]
    equal("one comment, with the counts and who holds the places", (len(said), counts in said[0], unnamed), (1, True, []))
    expect(f"it is number {len(line) + 1} in the queue", f"number {len(line) + 1} in the queue" in said[0], said[0])

    tell(f"{' and '.join(holders[:2])} are done:")
    for name in holders[:2]:
        equal(f"  {name} gives the place back", limits.release(scene, name, limits.ask(scene, name)[1]["fence"])[0], 200)
    wait_until(f"pull request #{number} was not let go", lambda: let_go(scene, number), PATIENCE)
    draft, labels, again = show(scene, number)
    equal("label and draft are undone", (labels, draft), ([], False))
    expect("the one comment says that it is over", len(again) == 1 and "has its place" in again[0], again)
    works = limits.board(scene)[0]
    equal(f"{line[0]}, who came first, and the pull request have the two places", sorted({*works} - {*holders}), sorted([line[0], item(scene, number)]))

    tell("it is merged:")
    scene.clone.push("main")
    wait_until(f"pull request #{number} keeps its place", lambda: item(scene, number) not in limits.standing(scene)[0], PATIENCE)
    equal("  its place is free again", (scene.forge.get(f"pulls/{number}")["merge_commit_sha"], len(limits.standing(scene)[0])), (head, len(works) - 1))


def item(scene, number):
    """The item that a pull request is."""
    return f"pr-{scene.forge.get(f'pulls/{number}')['base']['repo']['id']}-{number}"


def marks(scene, number):
    """What a pull request shows: draft, labels, comments."""
    pull = scene.forge.get(f"pulls/{number}")
    return pull["draft"], [label["name"] for label in pull["labels"]], [comment["body"] for comment in scene.forge.get(f"issues/{number}/comments")]


def held_back(scene, number):
    """Whether all that one that waits shows is there."""
    return all(marks(scene, number))


def let_go(scene, number):
    """Whether label and draft are gone, and the comment says something else."""
    draft, labels, comments = marks(scene, number)
    return not draft and not labels and "This pull request waits" not in comments[0]


def show(scene, number):
    """Prints a pull request as its author sees it, and gives that back: draft, labels, comments."""
    draft, labels, comments = marks(scene, number)
    state = "draft" if draft else "ready for review"
    tell(f"pull request #{number}: {state}; labels: {', '.join(labels) or 'none'}; {len(comments)} comment:")
    for comment in comments:
        rendered(comment)
    return draft, labels, comments


def rendered(markdown):
    """Prints a comment's text without its Markdown: paragraphs as they are, a table in columns."""
    plain = re.sub(r"<!--.*?-->", "", markdown, flags=re.S).replace("**", "").replace("`", "")
    for part in plain.strip().split("\n\n"):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
        table([row for row in spread(rows) if not set("".join(row)) <= {"-"}], 18)
        if not rows:
            tell(part, 18)


def spread(rows):
    """A line for each line of a cell."""
    for row in rows:
        cells = [cell.split("<br>") for cell in row]
        for at in range(max(map(len, cells))):
            yield [cell[at] if at < len(cell) else "" for cell in cells]
