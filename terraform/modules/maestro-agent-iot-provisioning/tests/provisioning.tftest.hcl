# What the function is asked, and what of its answer comes out.

mock_provider "aws" {
  mock_resource "aws_lambda_invocation" {
    defaults = { result = "{\"outcome\":\"issued\",\"reasons\":[]}" }
  }
  mock_data "aws_lambda_invocation" {
    defaults = {
      result = <<-ANSWER
        {
          "outcome": "unchanged",
          "cluster": "integration/us-east-1/management/mc01",
          "certificate": {
            "id": "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "arn": "arn:aws:iot:us-east-1:111111111111:cert/0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "not_after": "2049-12-31T23:59:59Z",
            "status": "ACTIVE"
          },
          "secret": {
            "arn": "arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-cert-abcdef",
            "version": "00000000-0000-4000-8000-000000000000",
            "account": "222222222222"
          },
          "policy": "mc01-maestro-agent-policy",
          "thing": "mc01-maestro-agent",
          "clients": ["mc01-work-agent-client"],
          "topic_prefix": "sources/maestro/consumers",
          "endpoint": "abc123-ats.iot.us-east-1.amazonaws.com",
          "retiring": [],
          "reasons": []
        }
      ANSWER
    }
  }
}

variables {
  environment  = "integration"
  region_alias = "us-east-1"
  cluster      = "mc01"
}

# Applied, as what stands is read after what is made.
run "request" {
  command = apply

  assert {
    condition = jsondecode(aws_lambda_invocation.certificate.input) == {
      action = "ensure", environment = "integration", region_alias = "us-east-1", cluster = "mc01"
    }
    error_message = "Which cluster, and no account, region or role: those are the function's to know."
  }
  assert {
    condition     = aws_lambda_invocation.certificate.lifecycle_scope == "CRUD" && aws_lambda_invocation.certificate.triggers == tomap({ cluster = "mc01/integration/us-east-1" })
    error_message = "Destroyed with its certificate; another cluster is another certificate."
  }
  assert {
    condition     = jsondecode(data.aws_lambda_invocation.status.input).action == "status" && data.aws_lambda_invocation.status.qualifier == "live"
    error_message = "What stands is asked for without changing it."
  }
  assert {
    condition = nonsensitive(output.certificate_data) == {
      certificate_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
      certificate_id  = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
      certificate_arn = "arn:aws:iot:us-east-1:111111111111:cert/0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
      not_after       = "2049-12-31T23:59:59Z"
      status          = "ACTIVE"
      thing           = "mc01-maestro-agent"
      policy          = "mc01-maestro-agent-policy"
      secret_arn      = "arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-cert-abcdef"
      secret_version  = "00000000-0000-4000-8000-000000000000"
      secret_account  = "222222222222"
      private_key     = "the field privateKey of the secret arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-cert-abcdef, in the account 222222222222, and nowhere else"
    }
    error_message = "Certificate, ids, the secret, and where the key is."
  }
  assert {
    condition     = output.broker == { endpoint = "abc123-ats.iot.us-east-1.amazonaws.com", topic_prefix = "sources/maestro/consumers" } && output.outcome == "issued"
    error_message = "The broker, as the agent's module takes it."
  }
}

run "nothing_there" {
  command = apply

  override_data {
    target = data.aws_lambda_invocation.status
    values = { result = "{\"outcome\":\"absent\",\"certificate\":null,\"secret\":null,\"reasons\":[\"It was revoked.\"]}" }
  }
  expect_failures = [check.certificate]
  assert {
    condition     = alltrue([for value in values(nonsensitive(output.certificate_data)) : value == null])
    error_message = "Without a certificate there is nothing to say."
  }
}

run "path_as_cluster" {
  command = plan

  variables {
    cluster = "../mc02"
  }
  expect_failures = [var.cluster]
}

run "function_of_another_account" {
  command = plan

  variables {
    function_name = "arn:aws:lambda:us-east-1:999999999999:function:other"
  }
  expect_failures = [var.function_name]
}
