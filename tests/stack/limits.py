"""The part of the demo about limits on work in progress: eight developers, three places, and a small board."""

import concurrent.futures
import json
import urllib.error
import urllib.request

import audit
import bus
import tokens
from expect import equal, expect
from processes import OPENER, wait_until
from say import Failure, table, tell
from scene import PATIENCE

POD, STAGE = "ratio", "scaffold"
SCOPE = f"pod-stage:{POD}:{STAGE}"
DEVELOPERS = ["ada", "bob", "cy", "dan", "eve", "fay", "gus", "hal"]
ADMIN = "ada"
LIMIT = 3
REASON = "to see in the demo what happens"


def limits(scene):
    """eight developers want to begin in one stage, three may; the others wait in line until a place comes free"""
    wait_until("the pull request that was merged keeps its place", lambda: not standing(scene)[0], PATIENCE)
    tell(f"all eight ask at once for a place in {SCOPE}:")
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(DEVELOPERS)) as pool:
        answers = dict(zip(DEVELOPERS, pool.map(lambda name: ask(scene, name), DEVELOPERS)))
    codes = [code for code, _ in answers.values()]
    equal(f"{LIMIT} begin, {len(DEVELOPERS) - LIMIT} wait", (codes.count(201), codes.count(409)), (LIMIT, len(DEVELOPERS) - LIMIT))
    holders, line = board(scene)
    waiting = next(body for name, (_, body) in answers.items() if name == line[-1])
    tell(f"what {line[-1]} was told: {waiting['reasons'][0]}")
    code, again = ask(scene, holders[0])
    equal(f"{holders[0]} asks again: the same lease, the same fence", (code, again["fence"]), (200, answers[holders[0]][1]["fence"]))

    tell(f"{holders[0]} is done and gives the place back:")
    code, _ = release(scene, holders[0], again["fence"])
    equal(f"  it goes to {line[0]}, the first in line", (code, line[0] in board(scene)[0]), (200, True))

    dead, first = holders[1], line[1]
    fence = ask(scene, dead)[1]["fence"]
    renew(scene, dead, fence, 1)
    tell(f"{dead}'s machine dies; the lease runs out, and {first}, now the first in line, asks:")
    taken = wait_until(f"{first} did not get the place of {dead}", lambda: admitted(ask(scene, first)), 60)
    holders = board(scene)[0]
    expect(f"  {first} has the place, under a higher fence", first in holders and dead not in holders and taken["fence"] > fence, holders)
    equal(f"  {dead} wakes up and gives back what is not there any more: refused", release(scene, dead, fence)[0] in (404, 409), True)

    tell("the limit goes down to 1, and up to 5:")
    equal("  a member may not change it", put(scene, "cy", 1, LIMIT)[0], 403)
    equal("  nor an admin who was shown another limit", put(scene, ADMIN, 1, 99)[0], 409)
    equal("  an admin may; nobody is evicted", (put(scene, ADMIN, 1, LIMIT)[0], board(scene)[0]), (200, holders))
    code, _ = put(scene, ADMIN, 5, 1)
    holders, line = board(scene)
    equal("  with 5 places the next two begin at once", (code, len(holders)), (200, 5))
    code, text = audit.verify(f"scope:{SCOPE}")
    tell("\n".join(line for line in text.splitlines() if not line.startswith("        ")))
    said = [text.count(line) for line in (f"by: {ADMIN}", "from: 3\n        to: 1\n", "from: 1\n        to: 5\n", REASON)]
    equal("  both changes are in its audit chain, with who, what and why, and the chain verifies", (code, said), (0, [2, 1, 1, 2]))
    told = wait_until("the events of the limits did not reach the bus", lambda: enough(scene), 60)
    tell("on the bus: " + ", ".join(f"{count} {kind}" for kind, count in sorted(told.items())))


def board(scene):
    """Draws the scope and gives back who works and who waits, in order."""
    scope = view(scene)
    holders, queue = scope["holders"], scope["queue"]
    taken = "■" * len(holders) + "□" * max(0, scope["limit"] - len(holders))
    rows = [[f"{SCOPE}  {taken}", f"{len(holders)} of {scope['limit']}"]]
    rows += [[f"  works    {entry['item']}", f"until {entry['expires_at'][:19]}Z"] for entry in holders]
    rows += [[f"  waits    {entry['item']}", f"place {place}"] for place, entry in enumerate(queue, 1)]
    table(rows, indent=18)
    return people(holders), people(queue)


def standing(scene):
    """Who works and who waits, in order, without drawing it."""
    scope = view(scene)
    return people(scope["holders"]), people(scope["queue"])


def view(scene):
    """The scope as the API shows it."""
    code, scope = call(scene, "GET", f"/v1/wip/scopes/{SCOPE}", ADMIN)
    if code != 200:
        raise Failure(f"the scope {SCOPE} cannot be read: {code}", json.dumps(scope))
    return scope


def people(entries):
    """Whose items they are."""
    return [entry["item"].removeprefix("work-of-") for entry in entries]


def enough(scene):
    """How many events of each kind the limits put on the bus, once all that must be there are."""
    kinds = [event["detail-type"] for event in bus.events(scene.aws) if event["detail-type"].startswith("WIP ")]
    counts = {kind: kinds.count(kind) for kind in kinds}
    # One of those acquired and one of those released is the fleet's pull request.
    wanted = {"WIP Lock Acquired": 8, "WIP Lock Released": 2, "WIP Lock Expired": 1, "WIP Limit Changed": 2}
    return counts if all(counts.get(kind, 0) >= count for kind, count in wanted.items()) else None


def admitted(answer):
    """The lease, when it is one."""
    code, body = answer
    return body if code in (200, 201) else None


def ask(scene, name):
    """A place for somebody's work."""
    work = {"item": f"work-of-{name}", "pod": POD, "stage": STAGE, "type": "project", "owner": name}
    return call(scene, "POST", "/v1/wip/leases", name, work)


def renew(scene, name, fence, seconds):
    """Another end for somebody's lease."""
    return call(scene, "POST", f"/v1/wip/leases/work-of-{name}/renew", name, {"fence": fence, "ttl_seconds": seconds})


def release(scene, name, fence):
    """Gives somebody's place back."""
    return call(scene, "DELETE", f"/v1/wip/leases/work-of-{name}?fence={fence}", name)


def put(scene, name, limit, expected):
    """Another limit, as a person sets it."""
    body = {"limit": limit, "expected_limit": expected, "reason": REASON}
    return call(scene, "PUT", f"/v1/wip/scopes/{SCOPE}", name, body)


def call(scene, method, path, name, body=None):
    """One call of the API as somebody; status and body."""
    token = tokens.signed(tokens.claims(scene.stack.endpoints["issuer_url"], name))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(scene.stack.endpoints["api_url"] + path, data=data, headers=headers, method=method)
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")
