"""The part of the demo about items that issues describe: made, judged by what is in git, put aside and brought back, ended and archived."""

from expect import equal, expect
from items import OWNER
from limits import call
from processes import wait_until
from say import tell
import settings

LABEL = "work item"
# The one person of the local forge, as people.yaml knows them.
PERSON = "ada"


def issues(scene):
    """an issue becomes a work item: a file in git opens its gate, closing puts it aside, and what ends is archived"""
    number = scene.forge.open_issue("Search is slow", LABEL)
    item = f"issue-{settings.REPOSITORY_ID}-{number}"
    stands(scene, item, {"state": "active", "stage": "spark"}, f"issue {number} with the label is an item of whom it is assigned to")

    code, refused = move(scene, item, "r-1", "seed")
    missing = [reason["missing"] for reason in refused["reasons"]]
    equal("its gate asks for a file, and no word will do", (code, missing), (200, ["decision_memo is missing: it must be true, from a file"]))
    code, body = call(scene, "POST", f"/v1/items/{item}/evidence", OWNER, {"key": "decision_memo", "value": True})
    equal("  somebody's word is refused", code, 422)
    scene.push({f".penstock/{item}/decision_memo.md": "# Three paths\n\nWe take the second.\n"}, "decide how to make search fast", settings.BRANCH)
    code, admitted = move(scene, item, "r-2", "seed")
    equal("the memo is pushed: the gate reads it at the branch's head", (code, admitted["verdict"]), (200, "admit"))

    scene.forge.set_issue(number, state="closed")
    stands(scene, item, {"state": "parked", "from": "seed"}, "the issue is closed: the item is put aside and holds no place")
    scene.forge.set_issue(number, state="open")
    stands(scene, item, {"state": "active", "stage": "seed"}, "opened again, it goes on where it left")

    reason = "the vendor's search is good enough for everybody"
    code, killed = move(scene, item, "r-3", "KILLED", origin="seed", reason=reason)
    equal("its owner ends it", (code, killed["step"]), (200, "kill"))
    archived = wait_until("what remains of the item was not kept", lambda: look(scene, item).get("archived"), 90)
    tell(f"kept as the branch {archived['branch']} and the tag {archived['tag']}; issue {archived['postmortem']} asks for what was learnt")
    refs = scene.clone.git("ls-remote", "origin", f"refs/heads/{archived['branch']}", f"refs/tags/{archived['tag']}")
    equal("a branch and a tag keep what remains", len(refs.split()), 4)
    equal("and an issue asks for what was learnt", [issue["title"] for issue in scene.forge.issues("postmortem")], [f"Postmortem: {item}"])


def stands(scene, item, position, words):
    """Waits until an item stands there."""
    there = lambda: look(scene, item).get("position") == position
    expect(words, wait_until(f"{item} does not come to {position}", there, 90))


def look(scene, item):
    """The item as the API shows it; nothing while there is none."""
    code, body = call(scene, "GET", f"/v1/items/{item}", PERSON)
    return body if code == 200 else {}


def move(scene, item, request, to, origin="spark", reason=None):
    """A move, asked for by its owner."""
    body = {"request_id": request, "from": origin, "to": to}
    return call(scene, "POST", f"/v1/items/{item}/transitions", PERSON, body | ({"reason": reason} if reason else {}))
