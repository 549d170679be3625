"""MiniStack as a program, with one door more. CodePipeline is not in it but beside it (the engine), and tells the default bus what happens.

AWS refuses every `aws.…` event but those of its own services, and so does MiniStack. Here the events of CodePipeline are let in; who
may put events on the default bus at all is still a question for the caller's role. Runs in the virtual environment.
"""

import sys

from ministack.app import main
from ministack.services import eventbridge

SOURCE = "aws.codepipeline"

_refuses_aws = eventbridge._put_events


def put_events(data):
    """PutEvents, for CodePipeline as for the services that MiniStack has."""
    beside = all(entry.get("Source") == SOURCE for entry in data.get("Entries", []))
    return _refuses_aws(data, allow_aws_source=beside)


eventbridge._put_events = put_events

if __name__ == "__main__":
    sys.exit(main())
