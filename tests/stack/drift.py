"""The part of the demo about pipelines that somebody changes by hand: told, and set back only by leave."""

import copy
import json

import bus
import settings
from expect import equal, expect
from limits import call
from processes import wait_until
from say import tell
from scene import PATIENCE

QUEUE = f"{settings.NAME}-pipeline-provisioner"
LEFT, RESTORED = "production/ap-southeast-2/management/mc01", "integration/us-east-1/management/mc02"


def drift(scene):
    """somebody takes the gate out of two pipelines: one is told and left, the other one is set back"""
    left, restored = named(scene, "mc-production-"), named(scene, "mc-integration-us-east-1-mc02-")
    client, written = scene.aws.client("codepipeline"), scene.pipelines()
    for name in (left, restored):
        edited = copy.deepcopy(written[name])
        stage = next(stage for stage in edited["stages"] if stage["name"] == "Deploy")
        stage["actions"] = [action for action in stage["actions"] if action["name"] != "Gate"]
        client.update_pipeline(pipeline=edited)
    writes = len(scene.writes())
    schedule(scene)
    told = wait_until("nobody noticed that a gate was taken out", lambda: bus.of_kind(scene.aws, "Pipeline Drifted", cluster=LEFT), PATIENCE)
    for reason in told[0]["reasons"]:
        tell(f"{LEFT}: {reason}")
    equal("production leaves changes by hand: it is told what is unsafe about it", told[0]["weakened"], ["gate_gone"])
    code, explained = call(scene, "GET", "/v1/clusters/production/ap-southeast-2/mc01/explain", "cy")
    equal("explain says it, too", (code, explained["drift"]["weakened"]), (200, ["gate_gone"]))
    updated = wait_until("the other pipeline was not set back", lambda: bus.of_kind(scene.aws, "Pipeline Updated", cluster=RESTORED), PATIENCE)
    tell(f"{RESTORED}: {updated[-1]['reasons'][0]}")
    equal("integration lets it be set back: that is the only write", scene.writes()[writes:], [("UpdatePipeline", restored)])
    now = scene.pipelines()
    equal("its gate is there again", now[restored]["stages"], written[restored]["stages"])

    client.update_pipeline(pipeline=written[left])
    schedule(scene)
    gone = wait_until("nobody noticed that it was put back", lambda: bus.of_kind(scene.aws, "Pipeline Unchanged", cluster=LEFT), PATIENCE)
    expect("somebody puts production's back: that is told, too", "the drift is gone" in gone[0]["reasons"][0], gone)
    equal("all of it once", len(bus.of_kind(scene.aws, "Pipeline Drifted")), 1)


def schedule(scene):
    """What Scheduler sends each quarter of an hour."""
    sqs = scene.aws.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"], MessageBody=json.dumps({"schedule": "reconcile"}))


def named(scene, prefix):
    """A pipeline by the beginning of its name."""
    return next(name for name in scene.pipelines() if name.startswith(prefix))
