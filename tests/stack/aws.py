"""Clients for the emulators, and the names and numbers of the local account."""

import functools
import os

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"
PARTITION = "aws"

# The root user of the emulated account. `make up` writes them to target/stack/env.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Aws:
    """The emulated account: MiniStack, and for CodePipeline the engine in front of moto."""

    def __init__(self, endpoint, codepipeline_endpoint):
        self.endpoint = endpoint
        self.codepipeline_endpoint = codepipeline_endpoint
        # The forge's, once it is up.
        self.codecommit_endpoint = None
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

    @functools.cache
    def client(self, service, moto=False):
        """A client for one service; CodePipeline, and the IAM that it looks into, are moto's, and CodeCommit is the forge's."""
        endpoints = {"codepipeline": self.codepipeline_endpoint, "codecommit": self.codecommit_endpoint}
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.codepipeline_endpoint if moto else endpoints.get(service, self.endpoint),
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard"}, max_pool_connections=64),
        )

    def arn(self, service, resource):
        """An ARN in the local account and region."""
        return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"
