"""`make trace ID=<correlation id>`: one event's path through the running stack.

The id is the `event_id` in the webhook's answer; without one, the latest causes are listed with theirs. Put together from four
places: the forge's deliveries, the events on the bus, the audit entries, and the functions' log lines that name the id.
"""

import json

import bus
import say
import settings
from forge import Forge
from stack import Stack


# What every log line has, and the path shows in another place.
FRAME = {"timestamp", "level", "message", "target", "span", "event_id"}


def run(identifier=""):
    """Prints the path, oldest first."""
    stack = Stack.running()
    if not identifier:
        latest(stack)
        return 0
    rows = [*_deliveries(stack, identifier), *_events(stack, identifier), *_audit(stack, identifier), *_logs(stack, identifier)]
    if not rows:
        say.line(f"nothing in this stack has the correlation id {identifier}; `make trace` alone lists the latest ones")
        return 1
    for when, where, what in sorted(rows):
        say.line(f"{when:<27}  {where:<24}  {what}")
    return 0


def latest(stack, most=10):
    """The latest causes: each correlation id with its first event, and how many came of it."""
    causes = {}
    for event in bus.events(stack.aws):
        causes.setdefault(event["detail"]["correlation_id"], []).append(event)
    if not causes:
        say.line("no event has gone over the bus of this stack yet: push something first")
        return
    say.line("the latest causes (make trace ID=<one of them>):")
    for identifier, events in list(causes.items())[-most:]:
        first = events[0]
        detail = first["detail"]
        said = f"{first['detail-type']}: {detail['subject']}"
        count = "1 event" if len(events) == 1 else f"{len(events)} events"
        say.line(f"  {identifier}  {_second(detail['occurred_at'])}  {said}, {count} in all")


def _deliveries(stack, identifier):
    for delivery in Forge(stack.endpoints["forge_url"]).deliveries():
        if identifier in (delivery["response"] or ""):
            what = f"{delivery['event']} {delivery['guid']} → {delivery['status_code']} in {delivery['duration_ms']} ms"
            yield _second(delivery["delivered_at"]), "webhook", what


def _events(stack, identifier):
    for event in bus.events(stack.aws):
        detail = event["detail"]
        if detail["correlation_id"] == identifier:
            yield _second(detail["occurred_at"]), "bus", f"{event['detail-type']}: {detail['subject']} ({detail['event_id']})"


def _audit(stack, identifier):
    pages = stack.aws.client("dynamodb").get_paginator("scan").paginate(
        TableName=settings.TABLE,
        FilterExpression="begins_with(pk, :audit) AND begins_with(sk, :entry)",
        ExpressionAttributeValues={":audit": {"S": "AUDIT#"}, ":entry": {"S": "E#"}},
    )
    for page in pages:
        for item in page["Items"]:
            entry = json.loads(item["json"]["S"])
            if entry["correlation_id"] == identifier:
                yield _second(entry["at"]), "audit", f"{entry['subject']} {entry['sequence']}: {entry['phase']} {entry['action']}"


def _logs(stack, identifier):
    logs = stack.aws.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{settings.NAME}-")["logGroups"]:
        name = group["logGroupName"].removeprefix(f"/aws/lambda/{settings.NAME}-")
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for line in page["events"]:
                if identifier in line["message"] and line["message"].startswith("{"):
                    said = json.loads(line["message"])
                    fields = ", ".join(f"{key} {value}" for key, value in said.items() if key not in FRAME and identifier not in str(value))
                    what = f"{said.get('level', '')} {said.get('message', '')}" + (f" ({fields})" if fields else "")
                    yield _second(said.get("timestamp", "")), f"log {name}", what


def _second(timestamp):
    return timestamp.replace("Z", "")[:26]
