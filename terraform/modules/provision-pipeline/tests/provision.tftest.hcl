# What the pipeline runs as, and what it tells the provisioner.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::penstock-test-provision-main-123456789012", id = "penstock-test-provision-main-123456789012" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/some-role" }
  }
}

variables {
  name           = "penstock-test-provision-main"
  place          = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
  key_arn        = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  connection_arn = "arn:aws:codeconnections:us-east-1:123456789012:connection/00000000-0000-4000-8000-000000000000"
  function       = "penstock-test-pipeline-provisioner"
  repository     = "acme/clusters"
  branch         = "main"
}

run "pipeline" {
  command = plan

  assert {
    condition = jsondecode(aws_codepipeline.this.stage[1].action[0].configuration.UserParameters) == {
      repository = "acme/clusters", branch = "main", commit = "#{SourceVariables.CommitId}"
    }
    error_message = "The provisioner reads exactly these three."
  }
  assert {
    condition     = aws_codepipeline.this.stage[0].action[0].namespace == "SourceVariables" && aws_codepipeline.this.execution_mode == "QUEUED"
    error_message = "The commit comes from the source action; a push waits for the one before."
  }
}

run "rights" {
  command = plan

  assert {
    condition     = [for statement in output.policies.run.Statement : statement.Resource if contains(statement.Action, "lambda:InvokeFunction")] == [["arn:aws:lambda:us-east-1:123456789012:function:penstock-test-pipeline-provisioner"]]
    error_message = "It invokes the provisioner, and no other function."
  }
  assert {
    condition = alltrue([for statement in output.policies.run.Statement :
      alltrue([for action in statement.Action : !strcontains(action, "*")]) && !contains(statement.Resource, "*")
    ])
    error_message = "No wildcard as action or resource."
  }
  assert {
    condition     = output.policies.trust.Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:codepipeline:us-east-1:123456789012:penstock-test-provision-main"
    error_message = "Only this pipeline takes the role (threat 32)."
  }
}

run "not_a_cluster_s_name" {
  command = plan

  variables {
    name = "mc-provision"
  }
  expect_failures = [var.name]
}
