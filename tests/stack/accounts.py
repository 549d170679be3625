"""The accounts that the demo's clusters are in: each lets iot-cert-provisioner in, by a role that may do there what it must and no more.

In AWS this is terraform/modules/certificate-target-role. The emulator knows accounts by their access keys, and evaluates trust and policies.
"""

import json

import boto3
import settings
import tree
from aws import ACCOUNT, PARTITION

THINGS = ("*-maestro-agent", "*-maestro-server")

# Without a resource in AWS; the last four have one there, which the emulator does not look at.
EVERYWHERE = ["iot:CreateCertificateFromCsr", "iot:DescribeEndpoint", "iot:ListAttachedPolicies", "iot:ListCertificates",
              "iot:AttachPolicy", "iot:DetachPolicy", "iot:ListPrincipalThings", "iot:ListTargetsForPolicy"]
OF_THINGS = ["iot:CreateThing", "iot:DeleteThing", "iot:DescribeThing", "iot:ListThingPrincipals",
             # Of the certificate in AWS; here of the thing.
             "iot:AttachThingPrincipal", "iot:DetachThingPrincipal"]
OF_POLICIES = [
    "iot:CreatePolicy", "iot:CreatePolicyVersion", "iot:DeletePolicy", "iot:DeletePolicyVersion", "iot:GetPolicy",
    "iot:ListPolicyVersions", "iot:ListTargetsForPolicy",
]
OF_CERTIFICATES = [
    "iot:AttachThingPrincipal", "iot:DeleteCertificate", "iot:DescribeCertificate", "iot:DetachThingPrincipal", "iot:UpdateCertificate",
]
OF_SECRETS = [
    "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue", "secretsmanager:RestoreSecret", "secretsmanager:TagResource",
    "secretsmanager:UpdateSecretVersionStage",
]


def client(aws, service, account, region):
    """A client as the root user of another account."""
    return boto3.client(
        service, region_name=region, endpoint_url=aws.endpoint, aws_access_key_id=account, aws_secret_access_key="test",
    )


def make(aws):
    """Makes the role in every account of the tree."""
    for region, regional, management in tree.PLACES.values():
        for account in {regional, *management.values()}:
            _role(aws, account, region)


def _role(aws, account, region):
    function = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{settings.NAME}-iot-cert-provisioner"
    iot, secrets = (f"arn:{PARTITION}:{service}:{region}:{account}" for service in ("iot", "secretsmanager"))
    iam = client(aws, "iam", account, region)
    trust = {"Effect": "Allow", "Principal": {"AWS": function}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": settings.CERTIFICATE_EXTERNAL_ID}}}
    iam.create_role(RoleName=settings.CERTIFICATE_ROLE, AssumeRolePolicyDocument=_policy([trust]))
    rights = [
        _allow(EVERYWHERE, "*"),
        _allow(OF_THINGS, [f"{iot}:thing/{thing}" for thing in THINGS]),
        _allow(OF_POLICIES, [f"{iot}:policy/{thing}-policy" for thing in THINGS]),
        _allow(OF_CERTIFICATES, f"{iot}:cert/*"),
        _allow(OF_SECRETS, [f"{secrets}:secret:{name}*" for name in ("*-maestro-agent-cert", "*-maestro-server-cert", "*-maestro-consumers")]),
    ]
    iam.put_role_policy(RoleName=settings.CERTIFICATE_ROLE, PolicyName="certificates", PolicyDocument=_policy(rights))


def _allow(actions, resources):
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
