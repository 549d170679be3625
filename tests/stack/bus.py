"""Every event that went over the bus: a queue that listens to all of them, emptied into target/stack/events.jsonl on each look.

Only the local stack has it: `make trace` and the demo read what was said, without asking the functions.
"""

import json
import threading

import settings
from environment import STATE

QUEUE = f"{settings.NAME}-every-event"
FILE = STATE / "events.jsonl"
_lock = threading.Lock()


def listen(aws):
    """Makes the queue and the rule that feeds it; before the functions, so that no event is missed."""
    aws.client("sqs").create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "60"})
    pattern = json.dumps({"source": [{"prefix": f"{settings.NAME}."}]})
    aws.client("events").put_rule(Name=QUEUE, EventBusName=settings.BUS, EventPattern=pattern)
    target = {"Id": "queue", "Arn": aws.arn("sqs", QUEUE)}
    aws.client("events").put_targets(Rule=QUEUE, EventBusName=settings.BUS, Targets=[target])


def events(aws):
    """All events so far, oldest first: {"detail-type", "detail"}."""
    with _lock:
        _drain(aws)
        lines = FILE.read_text().splitlines() if FILE.exists() else []
    return [json.loads(line) for line in lines]


def _drain(aws):
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        with FILE.open("a") as file:
            for message in messages:
                file.write(json.dumps(json.loads(message["Body"])) + "\n")
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def of_kind(aws, kind, **fields):
    """The details of all events of one kind whose fields (dotted with __) have these values."""
    found = []
    for event in events(aws):
        if event["detail-type"] == kind and all(_field(event["detail"], name) == value for name, value in fields.items()):
            found.append(event["detail"])
    return found


def _field(detail, name):
    for part in name.split("__"):
        detail = detail.get(part) if isinstance(detail, dict) else None
    return detail
