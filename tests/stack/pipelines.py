"""What CodePipeline holds and what was asked of it, as the emulator recorded it."""

import base64
import json
import re

WRITES = {
    "CreatePipeline", "UpdatePipeline", "DeletePipeline", "StartPipelineExecution", "TagResource", "UntagResource",
}


def listed(aws):
    """Every pipeline by name: its declaration, version included."""
    codepipeline = aws.client("codepipeline")
    names = [entry["name"] for page in codepipeline.get_paginator("list_pipelines").paginate() for entry in page["pipelines"]]
    return {name: codepipeline.get_pipeline(name=name)["pipeline"] for name in sorted(names)}


def tags(aws, name):
    """A pipeline's tags."""
    answer = aws.client("codepipeline").list_tags_for_resource(resourceArn=aws.arn("codepipeline", name))
    return {tag["key"]: tag["value"] for tag in answer["tags"]}


def writes(log):
    """Every writing call so far, as (operation, pipeline or ARN)."""
    calls = []
    for line in log.read_text().splitlines() if log.exists() else []:
        record = json.loads(line)
        headers = {name.lower(): value for name, value in record["headers"].items()}
        operation = headers.get("x-amz-target", "").partition(".")[2]
        if headers.get("x-amz-target", "").startswith("CodePipeline") and operation in WRITES:
            body = record["body"] or ""
            body = json.loads(base64.b64decode(body) if record["body_encoded"] else body)
            calls.append((operation, body.get("pipeline", {}).get("name") if isinstance(body.get("pipeline"), dict) else body.get("name") or body.get("resourceArn")))
    return calls


def trigger_paths(pipeline):
    """The path patterns of a pipeline's push trigger."""
    found = []
    for trigger in pipeline.get("triggers", []):
        for push in trigger["gitConfiguration"].get("push", []):
            found += push.get("filePaths", {}).get("includes", [])
    return found


def branches(pipeline):
    """The branches of a pipeline's push trigger."""
    found = []
    for trigger in pipeline.get("triggers", []):
        for push in trigger["gitConfiguration"].get("push", []):
            found += push.get("branches", {}).get("includes", [])
    return found


def started_by(pipelines, branch, path):
    """Which pipelines a push that touches one path on a branch would start."""
    return sorted(
        name for name, pipeline in pipelines.items()
        if branch in branches(pipeline) and any(matches(pattern, path) for pattern in trigger_paths(pipeline))
    )


def matches(pattern, path):
    """CodePipeline's path globs: `**` crosses directories, `*` and `?` do not."""
    tokens = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    expression = "".join(tokens.get(token) or re.escape(token) for token in re.split(r"(\*\*|\*|\?)", pattern))
    return re.fullmatch(expression, path) is not None
