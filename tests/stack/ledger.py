"""What `make test` checks of the ledger on the deployed system: each webhook is accounted for, and what is parked is sent again, once."""

import datetime
import json

import bus
import settings
from expect import equal, expect
from processes import wait_until
from say import table
from scene import PATIENCE

FUNCTION = f"{settings.NAME}-delivery-sweeper"
CONSUMER = "feedback"
# Nobody's: it stays where it is.
POISON = "{no message of ours"


def accounted(scene):
    """every webhook that was accepted stands in the ledger, with what became of it"""
    sent = {delivery["guid"] for delivery in scene.forge.deliveries() if delivery["status_code"] == 202}
    whole = wait_until("not every delivery has come to its end", lambda: settled(scene), PATIENCE)
    equal("the deliveries of the ledger are those that the forge was answered 202 for", sorted(one["delivery"] for one in whole), sorted(sent))
    kinds = sorted({one["event_name"] for one in whole})
    table([(kind, len(of := [one for one in whole if one["event_name"] == kind]), f"{sum(bool(one['functions']) for one in of)} heard by functions") for kind in kinds])
    equal("none failed, none is parked", [one for one in whole if one["standing"] not in ("processed", "waiting")], [])
    asked = {one["delivery"] for one in whole for happened in one["happened"] if happened["what"] == "asked-again"}
    again = {delivery["guid"] for delivery in scene.forge.deliveries() if delivery["redelivery"]}
    expect("what the sweeper asked the forge for is noted", asked and asked <= again, (asked, again))


def parked(scene):
    """two messages are parked: a dry run says what would be done, a redrive sends the one that can be helped, once"""
    sqs = scene.aws.client("sqs")
    dead = sqs.get_queue_url(QueueName=f"{settings.NAME}-{CONSUMER}-dead")["QueueUrl"]
    event = next(event for event in reversed(bus.events(scene.aws)) if event["detail-type"] == "Provisioning Finished")
    identifier = event["detail"]["event_id"]
    before, runs = processed(scene, identifier), marks(scene, event)
    for body in (json.dumps(event), POISON):
        sqs.send_message(QueueUrl=dead, MessageBody=body)
    dry = call(scene, {"redrive": {"function": CONSUMER, "most": 10}})
    table([(one["what"], one["fate"][:90]) for one in dry["messages"]])
    equal("a dry run says what would be done with each", dry["counts"], {"sent": 1, "removed": 0, "left": 1})
    equal("and both are still there, in sight", counted(sqs, dead), 2)
    done = call(scene, {"redrive": {"function": CONSUMER, "most": 10, "dry_run": False}})
    equal("the redrive does just that", (done["dry_run"], done["counts"]), (False, dry["counts"]))
    wait_until("the redriven event was not processed", lambda: processed(scene, identifier) > before, PATIENCE)
    said = call(scene, {"ledger": {"event": identifier}})
    happened = [one["what"] for one in said["functions"][CONSUMER]["happened"]]
    equal("the ledger has it in order", (said["standing"], happened[-2:]), ("processed", ["redriven", "processed"]))
    equal("nobody is told anything twice", marks(scene, event), runs)
    left = call(scene, {"ledger": {"parked": {"function": CONSUMER}}})["messages"]
    equal("what nobody can read is left, with the reason", [(one["what"], one["fate"].startswith("left: it is not JSON")) for one in left], [("nothing that can be read", True)])
    for message in sqs.receive_message(QueueUrl=dead)["Messages"]:
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])


def call(scene, asked):
    """A direct call, and its answer."""
    answer = scene.aws.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(asked).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        expect(f"{json.dumps(asked)} is answered", False, said)
    return said


def settled(scene):
    """All deliveries of the day, once no function that heard of one still waits."""
    now = datetime.datetime.now(datetime.timezone.utc)
    since, until = now - datetime.timedelta(hours=12), now + datetime.timedelta(minutes=1)
    asked = {"since": since.isoformat(), "until": until.isoformat(), "most": 20}
    whole = []
    while True:
        page = call(scene, {"ledger": asked})
        whole += page["deliveries"]
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    return whole if all(one["standing"] != "waiting" or not one["functions"] for one in whole) else None


def processed(scene, event):
    """How often the consumer has processed an event."""
    functions = call(scene, {"ledger": {"event": event}})["functions"]
    happened = functions.get(CONSUMER, {}).get("happened", [])
    return sum(one["count"] for one in happened if one["what"] == "processed")


def marks(scene, event):
    """What stands on the commit of a run."""
    head = event["detail"]["run"]["head"]
    runs = scene.forge.get(f"commits/{head}/check-runs")["check_runs"]
    return [scene.forge.get(f"commits/{head}/statuses"), sorted((run["id"], run["status"]) for run in runs)]


def counted(sqs, queue):
    """How many messages are in sight."""
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(counts["ApproximateNumberOfMessages"])


PARTS = [accounted, parked]
