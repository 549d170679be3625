"""What stands beside the functions: table, bus, buckets, secrets, governance bundle, the pipelines' role.

In AWS this is terraform/modules/{table,bus,governance,secrets,cluster-pipeline-runtime}. Shapes that matter to the code (keys, stream,
index, expiry attribute, object names) are the same here; encryption, backups, alarms and policies of resources are Terraform's alone.
"""

import datetime
import hashlib
import json
import pathlib

import accounts
import settings
from aws import ACCOUNT, PARTITION
from processes import OPENER

GOVERNANCE = pathlib.Path(__file__).with_name("governance")


def make(aws, app_key_pem, host):
    """Makes everything, and gives back what the functions and their grants refer to."""
    digest = _governance(aws, host)
    accounts.make(aws)
    return {
        "certificate_role_name": settings.CERTIFICATE_ROLE,
        "broker_ca": _broker_ca(aws),
        "governance_digest": digest,
        "stream_arn": _table(aws),
        "table_arn": aws.arn("dynamodb", f"table/{settings.TABLE}"),
        "bus_arn": aws.client("events").create_event_bus(Name=settings.BUS)["EventBusArn"],
        "governance_bucket_arn": f"arn:{PARTITION}:s3:::{settings.GOVERNANCE_BUCKET}",
        "artifact_bucket_arn": _bucket(aws, settings.ARTIFACT_BUCKET),
        "webhook_secret_arn": _secret(aws, settings.WEBHOOK_SECRET, json.dumps({"current": settings.WEBHOOK_SECRET_TEXT})),
        "github_app_key_secret_arn": _secret(aws, settings.APP_KEY_SECRET, app_key_pem),
        "approval_link_key_secret_arn": _secret(aws, settings.LINK_KEY_SECRET, settings.LINK_KEY),
        "slack_token_secret_arn": _secret(aws, settings.SLACK_TOKEN_SECRET, "no token: the local stack has no Slack"),
        # Nobody mails here: EMAIL_FROM is not set. The grant is rendered all the same.
        "email_from": "penstock@example.org",
        "email_domain": "example.org",
        "pipeline_role_arn": _pipeline_role(aws),
        "connection_arn": settings.CONNECTION_ARN,
        # In Terraform the functions may do nothing on CodeCommit unless a repository of it is listed.
        "codecommit_repository_arns": settings.CODECOMMIT_ARN,
    }


def _broker_ca(aws):
    """The authority of the emulator's broker, in place of Amazon's."""
    with OPENER.open(f"{aws.endpoint}/_ministack/iot/ca.pem", timeout=20) as answer:
        return answer.read().decode()


def _table(aws):
    made = aws.client("dynamodb").create_table(
        TableName=settings.TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi1pk", "gsi1sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{
            "IndexName": "gsi1",
            "KeySchema": [{"AttributeName": "gsi1pk", "KeyType": "HASH"}, {"AttributeName": "gsi1sk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    aws.client("dynamodb").update_time_to_live(
        TableName=settings.TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    return made["TableDescription"]["LatestStreamArn"]


def _bucket(aws, name):
    aws.client("s3").create_bucket(Bucket=name)
    return f"arn:{PARTITION}:s3:::{name}"


def _secret(aws, name, text):
    return aws.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]


# Where the one repository is on CodeCommit, in the place of governance/repositories.yaml.
CODECOMMIT = f"""repositories:
  - id: {settings.CODECOMMIT_ID}
    arn: {settings.CODECOMMIT_ARN}
    kind: cluster
    default_branch: {settings.BRANCH}
"""


def _governance(aws, host):
    """Joins the files into one bundle, stored under its digest, as terraform/modules/governance does."""
    _bucket(aws, settings.GOVERNANCE_BUCKET)
    paths = [*GOVERNANCE.glob("*.yaml"), *GOVERNANCE.glob("stages/*.yaml")]
    files = {path.relative_to(GOVERNANCE).as_posix(): path.read_text() for path in paths}
    if host == "codecommit":
        files["repositories.yaml"] = CODECOMMIT
    # It is ten in the morning wherever the local stack is: its day has just begun.
    files["schedules.yaml"] = files["schedules.yaml"].replace("time_zone: UTC", f"time_zone: {_where_it_is_ten()}")
    bundle = json.dumps(files, sort_keys=True).encode()
    digest = hashlib.sha256(bundle).hexdigest()
    aws.client("s3").put_object(Bucket=settings.GOVERNANCE_BUCKET, Key=f"governance/{digest}.json", Body=bundle)
    return digest


def _where_it_is_ten():
    """The time zone in which it is between ten and eleven now. In these names the sign is that of the way to Greenwich."""
    ahead = 10 - datetime.datetime.now(datetime.timezone.utc).hour
    ahead += 24 if ahead < -12 else 0
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def _pipeline_role(aws):
    """CodePipeline checks that it may assume the role; moto looks into its own IAM for that."""
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]}
    aws.client("iam", moto=True).create_role(RoleName=settings.PIPELINE_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    return f"arn:{PARTITION}:iam::{ACCOUNT}:role/{settings.PIPELINE_ROLE}"
