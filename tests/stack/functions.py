"""Deploys the functions as `events/contract.json` says: role, code, environment, queue, rules, schedules, stream, routes.

Terraform reads the same file and the same grants (terraform/grants/*.json). Nothing here names a function or an event.
"""

import concurrent.futures
import io
import json
import pathlib
import shutil
import string
import subprocess
import zipfile

import settings
from aws import ACCOUNT, PARTITION, REGION
from environment import ROOT, STATE
from processes import wait_until
from say import Failure

GRANTS = ROOT / "terraform" / "grants"
# What AWS asks for between a function's timeout and its queue's visibility.
VISIBILITY_FACTOR = 6


class Deployment:
    """One deployment of all functions."""

    def __init__(self, aws, contract, facts, values, binaries, api_id, authorizer_id):
        self.aws = aws
        self.contract = contract
        self.facts = facts
        self.values = values
        self.binaries = pathlib.Path(binaries)
        self.api_id = api_id
        self.authorizer_id = authorizer_id

    def run(self):
        """Deploys every function, side by side. Broken off, it does not wait for those under way: the emulator below them is ended."""
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=4)
        try:
            for done in [pool.submit(self._function, *item) for item in self.contract["functions"].items()]:
                done.result()
            for name, manifest in self.contract["functions"].items():
                if manifest["deploy"]:
                    self._call(name)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _function(self, name, manifest):
        queue = self._queue(name, manifest) if manifest["queue"] else None
        failures = self._plain_queue(f"{settings.NAME}-{name}-on-failure") if manifest["stream"] else None
        arn = self._code(name, manifest, self._role(name, manifest, queue, failures))
        if queue:
            self._consume(arn, queue)
        if manifest["stream"]:
            self._stream(arn, manifest["stream"], failures)
        for number, pattern in enumerate(manifest["patterns"]):
            self._rule(f"{settings.NAME}-{name}-{number}", settings.BUS, pattern, queue)
        for number, pattern in enumerate(manifest["aws_patterns"]):
            self._rule(f"{settings.NAME}-{name}-aws-{number}", "default", pattern, queue)
        for schedule in manifest["schedules"]:
            self._schedule(f"{settings.NAME}-{name}-{schedule['name']}", schedule, queue)
        for route in manifest["routes"]:
            self._route(arn, route)

    def _call(self, name):
        """What prepares the table is called by the deployment, and fails it when it fails."""
        answer = self.aws.client("lambda").invoke(FunctionName=f"{settings.NAME}-{name}", Payload=b"{}")
        text = answer["Payload"].read().decode(errors="replace")
        if answer.get("FunctionError"):
            raise Failure(f"{name} failed: {text[:400]}")

    def _role(self, name, manifest, queue, failures):
        """A role with exactly the named grants, and what its wake-up and its logs need. MiniStack enforces it (AUTH=true)."""
        role = f"{settings.NAME}-{name}"
        iam = self.aws.client("iam")
        trust = _policy([{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}])
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        for grant in manifest["grants"]:
            iam.put_role_policy(RoleName=role, PolicyName=grant, PolicyDocument=self._grant(name, grant))
        wiring = [_allow(["logs:CreateLogStream", "logs:PutLogEvents"], self.aws.arn("logs", f"log-group:/aws/lambda/{role}:*"))]
        if queue:
            wiring.append(_allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue["arn"]))
        if failures:
            reads = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
            wiring += [_allow(reads, self.facts["stream_arn"]), _allow(["sqs:SendMessage"], failures["arn"])]
        iam.put_role_policy(RoleName=role, PolicyName="wiring", PolicyDocument=_policy(wiring))
        return f"arn:{PARTITION}:iam::{ACCOUNT}:role/{role}"

    def _grant(self, name, grant):
        """A grant with its placeholders filled in, as Terraform's templatefile does."""
        template = GRANTS / f"{grant}.json"
        if not template.exists():
            raise Failure(f"{name} asks for the grant {grant}, but {template.relative_to(ROOT)} does not exist")
        facts = {**self.facts, "partition": PARTITION, "region": REGION, "account_id": ACCOUNT, "name": settings.NAME}
        try:
            return string.Template(template.read_text()).substitute(facts)
        except (KeyError, ValueError) as error:
            raise Failure(f"{template.relative_to(ROOT)} uses a placeholder that the local stack does not know: {error}") from error

    def _code(self, name, manifest, role):
        self.aws.client("lambda").create_function(
            FunctionName=f"{settings.NAME}-{name}",
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=role,
            Code={"ZipFile": archive(self.binaries / name)},
            MemorySize=manifest["memory_mb"],
            Timeout=manifest["timeout_s"],
            Environment={"Variables": self._environment(name, manifest)},
            LoggingConfig={"LogFormat": "JSON"},
        )
        arn = self.aws.arn("lambda", f"function:{settings.NAME}-{name}")
        state = lambda: self.aws.client("lambda").get_function_configuration(FunctionName=arn)["State"] == "Active"
        wait_until(f"{name} is not active", state, 30)
        return arn

    def _environment(self, name, manifest):
        """Exactly the variables that the function declares, and where CodePipeline and CodeCommit are (MiniStack adds its own address)."""
        given = {entry["name"]: self.values.get(entry["name"]) for entry in manifest["env"]}
        unknown = [entry["name"] for entry in manifest["env"] if entry["required"] and given[entry["name"]] is None]
        if unknown:
            raise Failure(f"{name} needs {', '.join(unknown)}, which the local stack does not know: see tests/stack/stack.py")
        given = {key: value for key, value in given.items() if value is not None}
        beside = {"CODEPIPELINE": self.aws.codepipeline_endpoint, "CODECOMMIT": self.aws.codecommit_endpoint}
        return {**given, **{f"AWS_ENDPOINT_URL_{service}": url for service, url in beside.items()}}

    def _plain_queue(self, name, **attributes):
        url = self.aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return {"url": url, "arn": self.aws.arn("sqs", name)}

    def _queue(self, name, manifest):
        dead = self._plain_queue(f"{settings.NAME}-{name}-dead")
        redrive = json.dumps({"deadLetterTargetArn": dead["arn"], "maxReceiveCount": manifest["max_receives"]})
        return self._plain_queue(
            f"{settings.NAME}-{name}", VisibilityTimeout=str(manifest["timeout_s"] * VISIBILITY_FACTOR), RedrivePolicy=redrive
        )

    def _consume(self, function, queue):
        self.aws.client("lambda").create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=queue["arn"],
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": 2},
        )

    def _stream(self, function, stream, failures):
        keys = {"Keys": {"pk": {"S": [{"prefix": stream["prefix"]}]}}}
        pattern = {"eventName": ["INSERT", "MODIFY"], "dynamodb": keys}
        self.aws.client("lambda").create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=self.facts["stream_arn"],
            StartingPosition="TRIM_HORIZON",
            BatchSize=stream["batch_size"],
            MaximumRetryAttempts=stream["attempts"],
            MaximumRecordAgeInSeconds=stream["max_age_s"],
            BisectBatchOnFunctionError=True,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
            DestinationConfig={"OnFailure": {"Destination": failures["arn"]}},
        )

    def _rule(self, rule, bus, pattern, queue):
        events = self.aws.client("events")
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "queue", "Arn": queue["arn"]}])

    def _schedule(self, schedule, entry, queue):
        role = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{settings.NAME}-scheduler"
        self.aws.client("scheduler").create_schedule(
            Name=schedule,
            ScheduleExpression=entry["rate"],
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": queue["arn"], "RoleArn": role, "Input": entry["input"]},
        )

    def _route(self, function, route):
        api = self.aws.client("apigatewayv2")
        target = api.create_integration(
            ApiId=self.api_id, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
        )["IntegrationId"]
        access = {"AuthorizationType": "NONE"} if route["public"] else {"AuthorizationType": "JWT", "AuthorizerId": self.authorizer_id}
        api.create_route(ApiId=self.api_id, RouteKey=f"{route['method']} {route['path']}", Target=f"integrations/{target}", **access)


def archive(binary):
    """The program, stripped, as the `bootstrap` of a zip."""
    if not binary.exists():
        raise Failure(f"{binary} was not built")
    stripped = STATE / "bin" / binary.name
    stripped.parent.mkdir(exist_ok=True)
    if not shutil.which("strip") or subprocess.run(["strip", "-o", stripped, binary], capture_output=True).returncode != 0:
        shutil.copy(binary, stripped)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        zipped.writestr(entry, stripped.read_bytes())
    return data.getvalue()


def _policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(actions, resource):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
