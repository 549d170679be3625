"""The part of the demo about the idea ledger: ideas by what they are worth, one that becomes an item, and where that item is deployed."""

from expect import equal, expect
from issues import look
from items import LEAD, OWNER
from limits import call
from processes import wait_until
from say import tell
import settings

IDEA = "idea-search"


def ideas(scene):
    """ideas are kept by what they are worth; one becomes a work item, and shows where its pull request is deployed"""
    equal("an idea comes into the ledger with four grades", add(scene, IDEA, 4, 4, 3, 2), 201)
    equal("and another", add(scene, "idea-colours", 1, 2, 5, 1), 201)
    _, ledger = call(scene, "GET", "/v1/ideas", OWNER)
    for idea in ledger["ideas"]:
        tell(f"{idea['id']}: {idea['score']}, {idea['suggested']}")
    equal("the ledger begins with what is worth most", [idea["id"] for idea in ledger["ideas"]], [IDEA, "idea-colours"])
    code, refused = call(scene, "PUT", f"/v1/ideas/{IDEA}/grades", LEAD, grades(1, 1, 1, 5))
    equal("it is graded by whoever had it, and not by everybody", (code, refused["title"]), (403, "Not allowed"))

    place = {"pod": "ratio", "owner": OWNER, "pipeline": "memo"}
    equal("it becomes a work item", promote(scene, place), (201, "promoted"))
    equal("  once", promote(scene, place), (200, "promoted"))
    equal("  of the same id", look(scene, IDEA)["type"], "idea")

    pull = scene.forge.get("pulls?state=all")[-1]
    link = {"repository": settings.REPOSITORY_ID, "change": pull["number"]}
    code, _ = call(scene, "PUT", f"/v1/items/{IDEA}/link", OWNER, link)
    equal(f"pull request {pull['number']} brings it", code, 200)
    scene.forge.deploy(pull["head"]["sha"], "staging", "success")
    shown = lambda: look(scene, IDEA).get("deployments", {}).get("staging")
    deployed = wait_until("the item does not show where it is deployed", shown, 90)
    expect("its deployment is read of the host and shown", deployed["state"] == "success" and deployed["commit"] == pull["head"]["sha"])


def add(scene, idea, *given):
    """Adds an idea; answers the status."""
    body = {
        "id": idea, "title": "A better search", "problem": "nobody finds what they look for",
        "hypothesis": "with an index they ask us half as often", "grades": grades(*given),
    }
    return call(scene, "POST", "/v1/ideas", OWNER, body)[0]


def grades(impact, fit, feasibility, effort):
    """Grades as the API takes them."""
    return {"impact": impact, "strategic_fit": fit, "feasibility": feasibility, "effort": effort}


def promote(scene, place):
    """Makes the idea an item: the status and where it stands."""
    code, body = call(scene, "POST", f"/v1/ideas/{IDEA}/promotion", OWNER, place)
    return code, body.get("state", {}).get("state", body)
