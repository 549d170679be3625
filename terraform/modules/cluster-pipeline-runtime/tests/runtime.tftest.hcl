# What pipelines and builds may do, and what the six projects run.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::penstock-test-artifacts-123456789012", id = "penstock-test-artifacts-123456789012" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/some-role" }
  }
}

variables {
  name                = "penstock-test"
  place               = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
  key_arn             = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  connection_arn      = "arn:aws:codeconnections:us-east-1:123456789012:connection/00000000-0000-4000-8000-000000000000"
  buildspec_directory = "../../config"
  function_arns       = ["arn:aws:lambda:us-east-1:123456789012:function:penstock-test-stage-gate"]
  state_bucket        = "terraform-state-123456789012"
}

run "projects" {
  command = plan

  assert {
    condition     = toset([for project in aws_codebuild_project.this : project.name]) == toset([for pair in setproduct(["regional", "management"], ["validate", "apply", "bootstrap"]) : "penstock-test-${pair[0]}-${pair[1]}"])
    error_message = "Six projects, by kind and step: the provisioner composes these names."
  }
  assert {
    condition     = alltrue([for key, project in aws_codebuild_project.this : project.source[0].buildspec == file("../../config/pipeline-${split("-", key)[0]}-cluster/buildspec-${split("-", key)[1]}.yml")])
    error_message = "Each has its own buildspec."
  }
  assert {
    condition     = alltrue([for key, project in aws_codebuild_project.this : strcontains(yamldecode(project.source[0].buildspec).phases.build.commands[0], "\"$program\" ${replace(key, "-", " ")}")])
    error_message = "Each buildspec starts its own kind and step."
  }
  assert {
    condition     = { for key, project in aws_codebuild_project.this : key => project.build_timeout } == { for pair in setproduct(["regional", "management"], ["validate", "apply", "bootstrap"]) : "${pair[0]}-${pair[1]}" => pair[1] == "apply" ? 60 : 30 }
    error_message = "Timeouts: 30, 60, 30 minutes."
  }
  assert {
    condition     = alltrue([for project in aws_codebuild_project.this : coalesce(project.environment[0].privileged_mode, false) == false && alltrue([for variable in project.environment[0].environment_variable : coalesce(variable.type, "PLAINTEXT") == "PLAINTEXT"])])
    error_message = "No privileged container, no secret in a build's environment."
  }
  assert {
    condition     = aws_s3_object.stage.key == "stages/${filesha256("stage.py")}.py" && alltrue([for project in aws_codebuild_project.this : contains([for variable in project.environment[0].environment_variable : variable.value if variable.name == "STAGE_SHA256"], filesha256("stage.py"))])
    error_message = "Every project names the stage program by its digest."
  }
}

run "trust" {
  command = plan

  assert {
    condition     = alltrue([for policy in [output.policies.pipeline_trust, output.policies.build_trust] : policy.Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"])
    error_message = "Both roles are for this account's pipelines and projects (threat 32)."
  }
  assert {
    condition     = toset(output.policies.build_trust.Statement[0].Condition.ArnEquals["aws:SourceArn"]) == toset([for project in aws_codebuild_project.this : "arn:aws:codebuild:us-east-1:123456789012:project/${project.name}"])
    error_message = "Only the six projects may take the build role."
  }
}

run "rights" {
  command = plan

  assert {
    condition     = flatten([for statement in output.policies.pipeline.Statement : statement.Resource if contains(statement.Action, "lambda:InvokeFunction")]) == ["arn:aws:lambda:us-east-1:123456789012:function:penstock-test-stage-gate"]
    error_message = "Pipelines invoke the functions that they are told, and no other."
  }

  assert {
    condition = alltrue(flatten([for policy in [output.policies.pipeline, output.policies.build] : [
      for statement in policy.Statement : [alltrue([for action in statement.Action : !endswith(action, "*")]), !contains(statement.Resource, "*")]
    ]]))
    error_message = "No wildcard as action or resource."
  }
  assert {
    condition = length(flatten([for policy in [output.policies.pipeline, output.policies.build] : [
      for statement in policy.Statement : [for action in statement.Action : action if startswith(action, "iam:") || startswith(action, "codepipeline:")]
    ]])) == 0
    error_message = "Neither role can touch a role or a pipeline."
  }
  assert {
    condition = one([for statement in output.policies.pipeline.Statement : statement if statement.Sid == "FetchTheSource"]) == {
      Sid = "FetchTheSource", Effect = "Allow", Action = ["codeconnections:UseConnection", "codestar-connections:UseConnection"], Resource = [var.connection_arn]
    }
    error_message = "The connection may be used under its old and its new action name."
  }
  assert {
    condition     = one([for statement in output.policies.build.Statement : statement.Resource if statement.Sid == "EnterTheClustersAccount"]) == ["arn:aws:iam::*:role/OrganizationAccountAccessRole"]
    error_message = "A build assumes roles of one name only."
  }
  assert {
    condition     = one([for statement in output.policies.build.Statement : statement.Resource if statement.Sid == "KeepTheClustersStates"]) == ["arn:aws:s3:::terraform-state-123456789012/clusters/*"]
    error_message = "A build touches clusters' states only: not the control plane's own."
  }
  assert {
    condition     = one([for statement in output.policies.build.Statement : statement.Condition.StringLike["s3:prefix"] if statement.Sid == "FindTheClustersStates"]) == ["clusters/*", "env:/*"]
    error_message = "Terraform's backend lists states and workspaces; without the latter every init is refused."
  }
}

run "codecommit" {
  command = plan

  variables {
    codecommit_repository_arns = ["arn:aws:codecommit:us-east-1:123456789012:fleet"]
  }

  assert {
    condition = jsonencode(one([for statement in output.policies.pipeline.Statement : statement if statement.Sid == "FetchTheSourceFromCodeCommit"])) == jsonencode({
      Sid      = "FetchTheSourceFromCodeCommit"
      Effect   = "Allow"
      Action   = ["codecommit:CancelUploadArchive", "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:GetUploadArchiveStatus", "codecommit:UploadArchive"]
      Resource = ["arn:aws:codecommit:us-east-1:123456789012:fleet"]
    })
    error_message = "A pipeline reads the listed repositories, and writes none."
  }
}

run "codecommit_elsewhere" {
  command = plan

  variables {
    codecommit_repository_arns = ["arn:aws:codecommit:us-east-1:210987654321:fleet"]
  }
  expect_failures = [var.codecommit_repository_arns]
}

run "named_accounts" {
  command = plan

  variables {
    target_account_ids = ["222222222222", "333333333333"]
  }

  assert {
    condition     = one([for statement in output.policies.build.Statement : statement.Resource if statement.Sid == "EnterTheClustersAccount"]) == ["arn:aws:iam::222222222222:role/OrganizationAccountAccessRole", "arn:aws:iam::333333333333:role/OrganizationAccountAccessRole"]
    error_message = "Named accounts, and no other."
  }
}

run "wildcard_role" {
  command = plan

  variables {
    target_role_name = "*"
  }
  expect_failures = [var.target_role_name]
}
