"""The parts of the demo about the day: the deployed daily unblock, and a fortnight in a minute by the same handlers in memory."""

import json
import subprocess

import audit
import bus
import environment
import settings
from expect import equal, expect
from limits import call
from processes import wait_until
from say import tell

TASK = "review-access"


def morning(scene):
    """it is ten in the morning: one report of what stands still, from every source; a maintenance task is said to be done"""
    for _ in range(3):
        sweep(scene)
    threads = lambda: [told for told in bus.of_kind(scene.aws, "Daily Unblock Report") if told["kind"] == "thread"]
    wait_until("the daily report is not on the bus", threads, 60)
    wait_until("the sweeps are not done", lambda: waiting(scene) == 0, 60)
    equal("three wake-ups, one report", len(threads()), 1)
    report = threads()[0]["report"]
    equal("every source could be read, with the rights that the function has", report["incomplete"], [])
    for entry in report["entries"]:
        tell(f"{entry['title']}: {entry['reason']}")
        tell(f"→ {entry.get('owner', 'whoever takes it')}: {entry['action']}", indent=16)
    expect("each entry has a next action", all(entry["action"] for entry in report["entries"]), report["entries"])
    said = {"evidence": "https://example.org/pull/7"}
    equal("somebody whose task it is says that it was done", call(scene, "POST", f"/v1/maintenance/{TASK}", "bob", said)[0], 201)
    equal("  once", call(scene, "POST", f"/v1/maintenance/{TASK}", "ada", said)[0], 200)
    equal("  and nobody else may", call(scene, "POST", f"/v1/maintenance/{TASK}", "cy", said)[0], 403)
    code, text = audit.verify(f"maintenance:{TASK}")
    tell(text)
    equal("what shows it is in its audit chain, and the chain verifies", code, 0)


def fortnight(_scene):
    """a fortnight of work items in a minute: two end, one has an exception, one blocker is escalated, the clocks change; Slack as text"""
    program = environment.target_directory() / "debug" / "fortnight"
    done = subprocess.run([program], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    equal("it held", (done.returncode, done.stderr), (0, ""))
    lines = done.stdout.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("What stands in Slack")), 0)
    tell("\n".join(lines[start:]))
    expect("two items ended, one was escalated", "p-06, p-07" in done.stdout and "Item Escalated 1" in done.stdout, lines[-2:])


def queue(scene):
    return scene.aws.client("sqs").get_queue_url(QueueName=f"{settings.NAME}-daily-unblock")["QueueUrl"]


def sweep(scene):
    """What Scheduler sends."""
    scene.aws.client("sqs").send_message(QueueUrl=queue(scene), MessageBody=json.dumps({"schedule": "sweep"}))


def waiting(scene):
    """How many messages the function has before it, those in its hands among them."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = scene.aws.client("sqs").get_queue_attributes(QueueUrl=queue(scene), AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)
