"""The part of the demo about work items: gates that say all that is missing, and a stage that is full."""

import audit
import bus
from expect import equal, expect
from limits import call, view
from processes import wait_until
from say import tell

ITEM = "product-1"
OWNER, LEAD, INTEGRATOR = "cy", "dan", "bob"


def items(scene):
    """a work item meets its gates: each refusal says all that is missing and who can clear it; a full stage gives a place in line"""
    new = {"id": ITEM, "title": "A product", "type": "project", "pod": "ratio", "owner": OWNER, "pipeline": "candlefish"}
    code, made = call(scene, "POST", "/v1/items", OWNER, new)
    equal("an item is made in the first stage", (code, made["position"]["stage"]), (201, "spark"))
    equal("a stage is skipped: refused", refused(scene, OWNER, "r-1", "spark", "scaffold"), 3)
    equal("a stage that there is not: refused", refused(scene, OWNER, "r-2", "spark", "bogus"), 1)

    attest(scene, LEAD, "strategic_fit", 4)
    approve(scene, "spark", "seed")
    code, decision = move(scene, OWNER, "r-3", "spark", "seed")
    equal("with the lead's word and an approval it goes on", (code, decision["verdict"]), (200, "admit"))
    equal("the same request has the same answer", move(scene, OWNER, "r-3", "spark", "seed"), (code, decision))

    attest(scene, OWNER, "coverage_percent", "61")
    attest(scene, OWNER, "demo_approved", "false")
    approve(scene, "seed", "scaffold")
    equal('"61" is no number, "false" is not false, and nobody reviews what they ask for: refused', refused(scene, INTEGRATOR, "r-4", "seed", "scaffold"), 3)

    attest(scene, OWNER, "coverage_percent", 61)
    attest(scene, OWNER, "demo_approved", True)
    # The approval was given over other evidence, and went with it.
    approve(scene, "seed", "scaffold")
    scope = view(scene)
    left = range(scope["limit"] - len(scope["holders"]))
    equal("others take every place that is left in scaffold", {fill(scene, number) for number in left} - {201}, set())
    code, waits = move(scene, OWNER, "r-5", "seed", "scaffold")
    tell(waits.get("detail", waits))
    position = look(scene)["position"]["stage"]
    equal("the gate is open and there is no room: nothing changes, and it waits in line", (code, position), (409, "seed"))
    again = move(scene, OWNER, "r-5", "seed", "scaffold")[1]
    equal("asking again keeps its place there", again["ticket"]["number"], waits["ticket"]["number"])

    code, text = audit.verify(f"item:{ITEM}")
    tell("\n".join(line for line in text.splitlines() if not line.startswith("        ")))
    equal("each decision is in its audit chain, and the chain verifies", (code, text.count("item.reject"), text.count("item.forward")), (0, 3, 1))
    wanted = {"Stage Gate Approved": 1, "Stage Gate Rejected": 3}
    told = lambda: {kind: sum(event["detail-type"] == kind for event in bus.events(scene.aws)) for kind in wanted} == wanted
    expect("and on the bus", wait_until("the gate's events did not reach the bus", told, 60))


def refused(scene, person, request, origin, to):
    """How much is missing for a move, as it is told; nothing may have moved."""
    code, decision = move(scene, person, request, origin, to)
    expect(f"  {person} asks for {origin} → {to}: the item stays in {origin}", (code, decision.get("verdict")) == (200, "reject") and look(scene)["position"]["stage"] == origin, decision)
    for reason in decision["reasons"]:
        tell(f"{reason['missing']} ({', '.join(reason.get('who', []))})", 18)
    return len(decision["reasons"])


def fill(scene, number):
    """Takes a place in scaffold for other work; the status."""
    work = {"item": f"other-work-{number}", "pod": "ratio", "stage": "scaffold", "type": "project", "owner": "ada"}
    return call(scene, "POST", "/v1/wip/leases", "ada", work)[0]


def look(scene):
    """The item as the API shows it."""
    return call(scene, "GET", f"/v1/items/{ITEM}", OWNER)[1]


def move(scene, person, request, origin, to):
    """A move."""
    return call(scene, "POST", f"/v1/items/{ITEM}/transitions", person, {"request_id": request, "from": origin, "to": to})


def attest(scene, person, key, value):
    """Somebody's word."""
    code, body = call(scene, "POST", f"/v1/items/{ITEM}/evidence", person, {"key": key, "value": value})
    expect(f"  {person} gives their word: {key} is {value!r}", code == 201, body)


def approve(scene, origin, to):
    """An approval by the integrator."""
    code, body = call(scene, "POST", f"/v1/items/{ITEM}/approvals", INTEGRATOR, {"from": origin, "to": to})
    expect(f"  {INTEGRATOR} approves {origin} → {to}", code == 201, body)
