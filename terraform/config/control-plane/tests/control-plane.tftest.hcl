# The root over the real contract, with a mocked provider: what is made for which function.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_codestarconnections_connection" {
    defaults = { connection_status = "AVAILABLE" }
  }
}

variables {
  name           = "penstock-test"
  account_id     = "123456789012"
  region         = "us-east-1"
  connection_arn = "arn:aws:codeconnections:us-east-1:123456789012:connection/00000000-0000-4000-8000-000000000000"
  github_app_id  = "1"
  state_bucket   = "terraform-state-123456789012"
  package_file   = "tests/package.zip"
}

run "plan" {
  command = plan

  assert {
    condition     = toset(keys(module.function)) == toset(keys(jsondecode(file("../../../events/contract.json")).functions))
    error_message = "Every function of the contract is made, and no other."
  }
}
