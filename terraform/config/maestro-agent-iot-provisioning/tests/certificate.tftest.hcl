# The root asks about the cluster that it is given, and says nothing that the function did not.

mock_provider "aws" {
  mock_resource "aws_lambda_invocation" {
    defaults = { result = "{\"outcome\":\"issued\",\"reasons\":[]}" }
  }
  mock_data "aws_lambda_invocation" {
    defaults = {
      result = <<-ANSWER
        {"outcome": "unchanged", "certificate": {"id": "0a1b", "arn": "arn", "pem": "pem", "not_after": "2049-12-31T23:59:59Z", "status": "ACTIVE"},
         "secret": {"arn": "arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-cert-abcdef", "version": "1", "account": "222222222222"},
         "policy": "mc01-maestro-agent-policy", "thing": "mc01-maestro-agent", "topic_prefix": "sources/maestro/consumers",
         "endpoint": "abc123-ats.iot.us-east-1.amazonaws.com", "reasons": []}
      ANSWER
    }
  }
}

variables {
  account_id   = "999999999999"
  region       = "us-east-1"
  environment  = "integration"
  region_alias = "us-east-1"
  cluster      = "mc01"
}

run "certificate" {
  command = apply

  assert {
    condition     = nonsensitive(output.certificate_data).certificate_id == "0a1b" && nonsensitive(output.certificate_data).secret_account == "222222222222"
    error_message = "The answer comes out."
  }
  assert {
    condition     = issensitive(output.certificate_data)
    error_message = "It is not shown by itself."
  }
  assert {
    condition     = output.broker.endpoint == "abc123-ats.iot.us-east-1.amazonaws.com"
    error_message = "And the broker."
  }
}

run "bad_account" {
  command = plan

  variables {
    account_id = "production"
  }
  expect_failures = [var.account_id]
}
