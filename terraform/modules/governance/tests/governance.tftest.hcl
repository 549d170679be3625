# The bundle lies under the digest of its own bytes, and an incomplete or unreadable folder makes none.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::penstock-test-governance-123456789012", id = "penstock-test-governance-123456789012" }
  }
}

variables {
  name      = "penstock-test"
  place     = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
  key_arn   = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  directory = "../../governance"
}

run "bundle" {
  command = plan

  assert {
    condition     = aws_s3_object.bundle.key == "governance/${sha256(aws_s3_object.bundle.content)}.json" && output.digest == sha256(aws_s3_object.bundle.content)
    error_message = "The key is the digest of the content."
  }
  assert {
    condition     = jsondecode(aws_s3_object.bundle.content)["environments.yaml"] == file("../../governance/environments.yaml")
    error_message = "The bundle holds each file's text as it is."
  }
}

run "stages" {
  command = plan

  assert {
    condition     = jsondecode(aws_s3_object.bundle.content)["stages/delivery.yaml"] == file("../../governance/stages/delivery.yaml")
    error_message = "Stage pipelines are in the bundle under their folder's name."
  }
}

run "incomplete" {
  command = plan

  variables {
    directory = "tests"
  }
  expect_failures = [aws_s3_object.bundle]
}
