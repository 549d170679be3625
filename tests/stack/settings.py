"""Names that the local stack gives to things; in AWS Terraform gives them."""

import aws

NAME = "penstock"
TABLE = NAME
BUS = NAME
WEBHOOK_SECRET = f"{NAME}/github-webhook"
SLACK_TOKEN_SECRET = f"{NAME}/slack-token"
LINK_KEY_SECRET = f"{NAME}/approval-link-key"
LINK_KEY = "the key of the local stack, which guards nothing"
APP_KEY_SECRET = f"{NAME}/github-app-key"
GOVERNANCE_BUCKET = f"{NAME}-governance-{aws.ACCOUNT}"
ARTIFACT_BUCKET = f"{NAME}-artifacts-{aws.ACCOUNT}"
PIPELINE_ROLE = f"{NAME}-cluster-pipeline"
PIPELINE_ROLE_ARN = f"arn:{aws.PARTITION}:iam::{aws.ACCOUNT}:role/{PIPELINE_ROLE}"
CONNECTION_ARN = f"arn:{aws.PARTITION}:codeconnections:{aws.REGION}:{aws.ACCOUNT}:connection/00000000-0000-4000-8000-000000000000"
PROJECT_PREFIX = f"{NAME}-cluster"
# The role that certificates are made with, in each account of a cluster.
CERTIFICATE_ROLE = f"{NAME}-certificates"
CERTIFICATE_EXTERNAL_ID = "external-id-of-the-local-stack"
PIPELINES_URL = f"https://{aws.REGION}.console.aws.amazon.com/codesuite/codepipeline/pipelines?region={aws.REGION}"

# The forge's repository: governance/repositories.yaml lists it.
REPOSITORY = "demo/fleet"
REPOSITORY_ID = 4711
BRANCH = "main"
APP_ID = 1001

# The same repository where it is on CodeCommit (`make demo ON=codecommit`): its account's, by its ARN, and by the id that decides.
CODECOMMIT_NAME = "fleet"
CODECOMMIT_ARN = f"arn:{aws.PARTITION}:codecommit:{aws.REGION}:{aws.ACCOUNT}:{CODECOMMIT_NAME}"
CODECOMMIT_ID = "0c0dec00-3117-4111-8222-333344445555"

# GitHub's documented test secret; the samples under events/ are signed with it.
WEBHOOK_SECRET_TEXT = "It's a Secret to Everybody"
