"""What `make test` checks on the deployed system beyond the demo: attacks, copies, late events, the schedule, the trigger matrix, enforced roles."""

import concurrent.futures
import datetime
import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid

import bus
import pipelines
import settings
import tree
from expect import equal, expect
from processes import OPENER, wait_until

COPIES = 100


def copies(scene):
    """100 copies of one delivery at once, and the same body under another id: one event"""
    body = scene.delivered(scene.clone.git("rev-parse", "HEAD"))["request"]["body"].replace('"ref"', ' "ref"', 1).encode()
    guid = str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(max_workers=20) as pool:
        answers = list(pool.map(lambda _: post(scene, "push", body, guid), range(COPIES)))
    codes = sorted(code for code, _ in answers)
    equal("one is accepted, 99 are told that they are copies", (codes.count(202), codes.count(200)), (1, COPIES - 1))
    identifier = next(json.loads(text)["event_id"] for code, text in answers if code == 202)
    ask = lambda: [event for event in bus.events(scene.aws) if event["detail"]["event_id"] == identifier]
    wait_until("the event of the accepted copy did not reach the bus", ask, 60)
    code, text = post(scene, "push", body, str(uuid.uuid4()))
    equal("the same body under another delivery id has no second effect", code, 200)
    wait_until("the outbox is not empty", lambda: not outbox(scene), 60)
    equal("one event on the bus", len(ask()), 1)


def forged(scene):
    """forged, unsigned, mismatched and malformed webhooks: one reason each, never a 5xx"""
    body = b'{"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {}}'
    guid = lambda: str(uuid.uuid4())
    good = signature(body)
    cases = [
        ("no signature", 401, post(scene, "ping", body, guid(), signed=None)),
        ("another secret's signature", 401, post(scene, "ping", body, guid(), signed="sha256=" + "0" * 64)),
        ("a signature in upper case", 401, post(scene, "ping", body, guid(), signed=good.upper())),
        ("a body changed by one byte", 401, post(scene, "ping", body.replace(b"Keep", b"keep"), guid(), signed=good)),
        ("a body that is no JSON", 400, post(scene, "push", b"{", guid())),
        ("a ping that claims to be a push", 422, post(scene, "push", body, guid())),
        ("an event that nobody knows", 200, post(scene, "sponsorship", b"{}", guid())),
    ]
    for what, wanted, (code, text) in cases:
        equal(f"{what}: {wanted}", code, wanted)
        expect("  with a reason", any(json.loads(text).get(key) for key in ("reason", "detail", "title")), text)


def late(scene):
    """a late event for an old commit changes nothing"""
    before, writes = scene.versions(), len(scene.writes())
    on_main = lambda body: f'"refs/heads/{settings.BRANCH}"' in body and tree.CHANGED in body
    old = next(entry for entry in scene.forge.deliveries() if entry["event"] == "push" and on_main(entry["request"]["body"]))
    body = old["request"]["body"].replace('"ref"', ' "ref"', 1).encode()
    code, text = post(scene, "push", body, str(uuid.uuid4()))
    identifier = json.loads(text).get("event_id")
    equal("it is accepted: the host decides what is late, not the payload", code, 202)
    ask = lambda: bus.of_kind(scene.aws, "Provisioning Finished", correlation_id=identifier)
    finished = wait_until("no run for the late event", ask, 120)[-1]
    equal("the run read the present head", finished["run"]["head"], scene.clone.git("rev-parse", "HEAD"))
    equal("no pipeline changed", (scene.versions(), scene.writes()[writes:]), (before, []))


def wake(scene):
    """the schedule wakes the provisioner, without any event"""
    versions, writes = scene.versions(), len(scene.writes())
    before = {event["detail"]["correlation_id"] for event in bus.events(scene.aws)}
    scheduler = scene.aws.client("scheduler")
    deployed = scheduler.get_schedule(Name=f"{settings.NAME}-pipeline-provisioner-reconcile")
    # Nobody waits 15 minutes here: the deployed target, once, now.
    scheduler.create_schedule(
        Name=f"{deployed['Name']}-now",
        ScheduleExpression=f"at({datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow=deployed["FlexibleTimeWindow"],
        Target=deployed["Target"],
        ActionAfterCompletion="DELETE",
    )
    ask = lambda: [run for run in bus.of_kind(scene.aws, "Provisioning Finished") if run["correlation_id"] not in before]
    finished = wait_until("no run came of the schedule", ask, 120)[-1]
    woken = [event["detail-type"] for event in bus.events(scene.aws) if event["detail"]["correlation_id"] == finished["correlation_id"]]
    equal("a run, and no push before it", woken, ["Provisioning Started", "Provisioning Finished"])
    equal("it read the head of the branch", finished["run"]["head"], scene.clone.git("rev-parse", "HEAD"))
    equal("no pipeline changed", (scene.versions(), scene.writes()[writes:]), (versions, []))


def triggers(scene):
    """which push starts which pipeline"""
    found = scene.pipelines()
    name = lambda start: [pipeline for pipeline in found if pipeline.startswith(start)]
    regional = sorted(pipeline for pipeline in found if pipeline.startswith("rc-"))
    management = sorted(pipeline for pipeline in found if pipeline.startswith("mc-"))
    matrix = [
        ("main", "deploy/integration/us-east-1/terraform/regional.yaml", name("rc-integration-us-east-1-")),
        ("main", "deploy/integration/us-east-1/terraform/management/mc02.yaml", name("mc-integration-us-east-1-mc02-")),
        ("main", "deploy/integration/us-east-1/argocd/regional-cluster-values.yaml", []),
        ("main", "terraform/config/regional-cluster/main.tf", regional),
        ("main", "terraform/config/management-cluster/main.tf", management),
        ("main", "terraform/modules/vpc/main.tf", sorted(found)),
        ("main", "terraform/config/pipeline-regional-cluster/buildspec-apply.yml", regional),
        ("main", "terraform/config/pipeline-management-cluster/buildspec-apply.yml", management),
        ("another", "deploy/integration/us-east-1/terraform/regional.yaml", []),
        ("main", "README.md", []),
    ]
    for branch, path, wanted in matrix:
        equal(f"{path} on {branch}: {len(wanted)} pipelines", pipelines.started_by(found, branch, path), sorted(wanted))
    expect("no trigger has more than 8 patterns", all(len(pipelines.trigger_paths(pipeline)) <= 8 for pipeline in found.values()))


def roles(scene):
    """nothing was lost, and no role was too small"""
    sqs = scene.aws.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        if url.endswith(("-dead", "-on-failure")):
            counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
            equal(f"{url.rpartition('/')[2]} is empty", counts["ApproximateNumberOfMessages"], "0")
    equal("the outbox is empty", outbox(scene), 0)
    denied = [line for line in logged(scene) if "AccessDenied" in line or "not authorized" in line]
    equal("no function was denied anything: the roles are enforced here", denied, [])


def outbox(scene):
    """How many rows wait in the outbox."""
    pages = scene.aws.client("dynamodb").get_paginator("scan").paginate(
        TableName=settings.TABLE, FilterExpression="begins_with(pk, :outbox)",
        ExpressionAttributeValues={":outbox": {"S": "OUTBOX#"}}, Select="COUNT",
    )
    return sum(page["Count"] for page in pages)


def logged(scene):
    """Every line that the functions logged."""
    logs = scene.aws.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{settings.NAME}-")["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from (line["message"] for line in page["events"])


def signature(body):
    """GitHub's signature of a body."""
    return "sha256=" + hmac.new(settings.WEBHOOK_SECRET_TEXT.encode(), body, hashlib.sha256).hexdigest()


def post(scene, event, body, guid, signed=""):
    """Posts a webhook as GitHub does; gives back status and body. `signed` replaces the signature; None leaves it out."""
    headers = {"Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": guid}
    if signed is not None:
        headers["X-Hub-Signature-256"] = signed or signature(body)
    request = urllib.request.Request(scene.stack.endpoints["webhook_url"], data=body, headers=headers, method="POST")
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


PARTS = [copies, forged, late, wake, triggers, roles]
