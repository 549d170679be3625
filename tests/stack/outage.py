"""The part of the demo about an outage: webhooks are lost while nobody receives them, and the sweeper brings each back, once."""

import json

import bus
import settings
import tree
from expect import equal, expect
from processes import wait_until
from say import table, tell
from scene import PATIENCE

FUNCTION = f"{settings.NAME}-delivery-sweeper"
# Nobody listens there.
NOBODY = "http://127.0.0.1:1/"
PLACES = [("integration", "us-east-1"), ("integration", "eu-west-1"), ("production", "ap-southeast-2")]


def outage(scene):
    """the receiver is down while three pushes happen: once it is back, the sweeper makes all three effective, once"""
    before, writes, sent = scene.versions(), len(scene.writes()), len(scene.forge.deliveries())
    scene.forge.set_webhook(NOBODY)
    commits = [scene.push({path(place): regional(place)}, f"{place[1]}: charge another cost center", "main") for place in PLACES]
    failed = wait_until("the three webhooks were not tried", lambda: tried(scene, sent), PATIENCE)
    table([("webhook", delivery["guid"], delivery["status"][:60]) for delivery in failed])
    equal("nobody took any of them, and GitHub does not repeat them", [delivery["status_code"] for delivery in failed], [None] * len(PLACES))
    equal("no pipeline changed", (scene.versions(), scene.writes()[writes:]), (before, []))

    scene.forge.set_webhook(scene.stack.endpoints["webhook_url"])
    tell("the receiver is back; the sweeper looks:")
    guids = {delivery["guid"] for delivery in failed}
    wait_until("the sweeper did not bring the three webhooks back", lambda: swept(scene) and accepted(scene, guids, len(guids)), PATIENCE)
    wait_until("not all three are effective", lambda: len(changed(before, scene.versions())) == len(PLACES), PATIENCE)
    wait_until("not every push reached the bus", lambda: all(pushed(scene, commit) for commit in commits), PATIENCE)
    table([("version of", name, versions) for name, versions in changed(before, scene.versions()).items()])
    equal("exactly their three pipelines changed", sorted(name.split("-")[0] for name in changed(before, scene.versions())), ["rc"] * len(PLACES))
    status = wait_until("the last commit has no status", lambda: scene.forge.status(commits[-1]), PATIENCE)
    tell(f"commit status {status['context']}: {status['state']}: {status['description']}")

    count = len(scene.forge.deliveries())
    equal("the sweeper looks once more", swept(scene), True)
    again = [delivery for delivery in scene.forge.deliveries()[count:] if delivery["redelivery"]]
    equal("nothing is sent another time", again, [])
    equal("each webhook was accepted once", accepted(scene, guids, len(guids)), True)
    equal("each push is one event", [len(pushed(scene, commit)) for commit in commits], [1] * len(commits))
    written = {name for operation, name in scene.writes()[writes:] if operation == "UpdatePipeline"}
    equal("no other pipeline was written", sorted(written), sorted(changed(before, scene.versions())))


def path(place):
    """A regional cluster's file."""
    environment, alias = place
    return f"deploy/{environment}/{alias}/terraform/regional.yaml"


def regional(place):
    """That file, with another cost center."""
    region, account, _ = tree.PLACES[place]
    return tree.regional(*place, region, account, cost_center="077")


def swept(scene):
    """One sweep, asked for by hand as its schedule does; true when it met no failure."""
    answer = scene.aws.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps({"schedule": "sweep"}).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        expect("a sweep meets no failure", False, said)
    return said == {"result": "done"}


def tried(scene, sent):
    """The webhooks since then, once all of the pushes have been tried."""
    since = [delivery for delivery in scene.forge.deliveries()[sent:] if delivery["event"] == "push"]
    return since if len(since) == len(PLACES) and all(delivery["duration_ms"] is not None for delivery in since) else None


def accepted(scene, guids, wanted):
    """Whether so many of these webhooks were taken as new, each once."""
    answers = [delivery["guid"] for delivery in scene.forge.deliveries() if delivery["guid"] in guids and delivery["status_code"] == 202]
    return len(answers) == len(set(answers)) == wanted


def pushed(scene, commit):
    """The Branch Pushed events about a commit."""
    return bus.of_kind(scene.aws, "Branch Pushed", after=commit)


def changed(before, after):
    """The pipelines whose version is another."""
    return {name: f"{before.get(name)} → {after[name]}" for name in after if after[name] != before.get(name)}
