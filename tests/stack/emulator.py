"""MiniStack as a program, with two things more.

CodePipeline is not in it but beside it (the engine), and tells the default bus what happens.
AWS refuses every `aws.…` event but those of its own services, and so does MiniStack. Here the events of CodePipeline, and those of
CodeCommit, which the forge tells, are let in; who
may put events on the default bus at all is still a question for the caller's role.

And it takes a thing's exclusive attachment for one of any name, as AWS does since the certificate is that thing's alone; without it the
client's name must be the thing's. <https://docs.aws.amazon.com/iot/latest/developerguide/exclusive-thing.html>

Runs in the virtual environment.
"""

import sys

from ministack.app import main
from ministack.services import eventbridge, iot

SOURCES = {"aws.codecommit", "aws.codepipeline"}

_refuses_aws = eventbridge._put_events


def put_events(data):
    """PutEvents, for what stands beside it as for the services that MiniStack has."""
    beside = all(entry.get("Source") in SOURCES for entry in data.get("Entries", []))
    return _refuses_aws(data, allow_aws_source=beside)


eventbridge._put_events = put_events

_policy_context = iot._mqtt_policy_context


def policy_context(account, region, certificate, client):
    """What a policy's variables are. MiniStack does not keep whether an attachment is exclusive: here that of a certificate with one thing is."""
    with iot.request_scope(account, region):
        things = (iot._certificates.get(certificate) or {}).get("attachedThings", [])
    name = iot._thing_name_from_arn(things[0]) if len(things) == 1 else client
    return {**_policy_context(account, region, certificate, name), "iot:clientid": client}


iot._mqtt_policy_context = policy_context

if __name__ == "__main__":
    sys.exit(main())
