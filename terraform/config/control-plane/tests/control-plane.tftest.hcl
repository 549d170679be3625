# The root over the real contract, with a mocked provider: each function gets what its manifest asks for, and nothing else.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_codestarconnections_connection" {
    defaults = { connection_status = "AVAILABLE" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = {
      arn        = "arn:aws:dynamodb:us-east-1:123456789012:table/penstock-test"
      stream_arn = "arn:aws:dynamodb:us-east-1:123456789012:table/penstock-test/stream/2026-01-01T00:00:00.000"
    }
  }
  mock_resource "aws_cloudwatch_event_bus" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:event-bus/penstock-test" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:rule/penstock-test/some-rule" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::some-bucket", id = "some-bucket" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/some-role" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:some-queue", id = "https://sqs.us-east-1.amazonaws.com/123456789012/some-queue" }
  }
  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:some-function:live" }
  }
  mock_resource "aws_apigatewayv2_stage" {
    defaults = { invoke_url = "https://api123.execute-api.us-east-1.amazonaws.com/" }
  }
  mock_resource "aws_apigatewayv2_api" {
    defaults = { id = "api123", execution_arn = "arn:aws:execute-api:us-east-1:123456789012:api123" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:some-group" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:some-secret-AbCdEf" }
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

run "contract" {
  command = plan

  assert {
    condition     = toset(keys(module.function)) == toset(keys(jsondecode(file("../../../events/contract.json")).functions))
    error_message = "Every function of the contract is made, and no other."
  }
  assert {
    condition = alltrue([for function, facts in jsondecode(file("../../../events/contract.json")).functions :
      length([for variable in facts.env : variable.name if variable.required && !contains(keys(local.environment), variable.name)]) == 0
    ])
    error_message = "Every required variable is known here."
  }
  assert {
    condition = alltrue([for function, facts in local.functions :
      alltrue([for grant in facts.grants : fileexists("../../grants/${grant}.json")])
    ])
    error_message = "Every grant is a file."
  }
  assert {
    condition = alltrue([for function in values(module.function) : alltrue([for statement in function.policy :
      alltrue([for action in flatten([statement.Action]) : !strcontains(action, "*")]) && !strcontains(jsonencode(statement), "$${")
    ])])
    error_message = "No action has a wildcard, and every placeholder is filled."
  }
  assert {
    condition = toset(flatten([for function in values(module.function) : [for statement in function.policy :
      statement.Action if contains(flatten([statement.Resource]), "*")
      ]])) == toset([
      "cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms", "codepipeline:GetJobDetails", "codepipeline:ListPipelines", "codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult",
      "dynamodb:ListStreams", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    ])
    error_message = "Only these have no smaller resource than a star."
  }
  assert {
    condition = alltrue([for statement in module.function["delivery-sweeper"].policy :
      length([for arn in flatten([statement.Resource]) : arn if strcontains(arn, ":sqs:") && strcontains(arn, "*")]) == 0
      ]) && toset(flatten([for statement in module.function["delivery-sweeper"].policy : statement.Resource if contains(flatten([statement.Action]), "sqs:SendMessage")])) == toset([
      for function in split(",", local.environment.QUEUE_FUNCTIONS) : "arn:aws:sqs:us-east-1:123456789012:${var.name}-${function}"
    ])
    error_message = "A redrive reaches the queues of this installation's functions by name, and no other."
  }
  assert {
    condition     = length(local.routes) == sum([for facts in values(local.functions) : length(facts.routes)]) && output.webhook_url == "https://api123.execute-api.us-east-1.amazonaws.com/webhooks/github"
    error_message = "Every route of the contract is a route of the API."
  }
}

run "without_an_issuer" {
  command = plan

  variables {
    contract_file = "tests/protected-route.json"
  }

  assert {
    condition     = output.absent_routes == tolist(["PUT /v1/wip/scopes/{scope}"])
    error_message = "A route that needs a token is not made without an issuer, and the output says so."
  }
  assert {
    condition     = local.environment.API_URL == "https://api123.execute-api.us-east-1.amazonaws.com" && !contains(keys(local.environment), "API_ISSUER")
    error_message = "The canary knows the API, and that it has no issuer."
  }
}

run "with_an_issuer" {
  command = plan

  variables {
    contract_file = "tests/protected-route.json"
    jwt           = { issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE", audience = ["1example23456789"] }
  }

  assert {
    condition     = length(output.absent_routes) == 0
    error_message = "With an issuer every route of the contract is made."
  }
  assert {
    condition     = local.environment.API_ISSUER == var.jwt.issuer
    error_message = "The canary knows that there is an issuer: 401 is what it wants."
  }
}

run "without_a_sender" {
  command = plan

  assert {
    condition     = length([for statement in module.function["feedback"].policy : statement if strcontains(jsonencode(statement), "ses:")]) == 0 && !contains(keys(local.environment), "EMAIL_FROM")
    error_message = "Nothing is mailed unless somebody says from whom, and nobody may."
  }
}

run "with_a_sender" {
  command = plan

  variables {
    email_from = "penstock@mail.example.org"
  }

  assert {
    condition = [for statement in module.function["feedback"].policy : [statement.Resource, statement.Condition] if try(statement.Sid, "") == "SendFromOneAddress"] == [[
      ["arn:aws:ses:us-east-1:123456789012:identity/penstock@mail.example.org", "arn:aws:ses:us-east-1:123456789012:identity/mail.example.org"],
      { StringEquals = { "ses:FromAddress" = "penstock@mail.example.org" } },
    ]]
    error_message = "One function may send, from that address alone."
  }
  assert {
    condition     = [for name, function in module.function : name if strcontains(jsonencode(function.policy), "ses:")] == ["feedback"] && local.environment.EMAIL_FROM == "penstock@mail.example.org"
    error_message = "And no other."
  }
}

run "with_personal_links" {
  command = plan

  variables {
    approval_links_url = "https://penstock.example.org"
  }

  assert {
    condition     = [for name, function in module.function : name if strcontains(jsonencode(function.policy), "ReadApprovalLinkKey")] == ["feedback", "stage-gate"] && local.environment.APPROVAL_LINKS_URL == "https://penstock.example.org"
    error_message = "Who makes links and who takes them read the key, and nobody else."
  }
}

run "connection_pending" {
  command = plan

  override_data {
    target          = data.aws_codestarconnections_connection.source[0]
    override_during = plan
    values          = { connection_status = "PENDING" }
  }
  expect_failures = [check.connection]
}

run "without_codecommit" {
  command = plan

  assert {
    condition     = alltrue([for function in values(module.function) : !strcontains(jsonencode(function.policy), "codecommit:")])
    error_message = "Where no repository on CodeCommit is listed, no function may do anything there."
  }
}

run "on_codecommit_alone" {
  command = plan

  variables {
    connection_arn       = null
    github_app_id        = null
    governance_directory = "tests/on-codecommit"
  }
  override_module {
    target  = module.governance
    outputs = { bucket_name = "some-bucket", bucket_arn = "arn:aws:s3:::some-bucket", digest = "0000" }
  }

  assert {
    condition = toset(flatten([for function in values(module.function) : [for statement in function.policy :
      statement.Resource if strcontains(jsonencode(statement.Action), "codecommit:")
    ]])) == toset(["arn:aws:codecommit:us-east-1:123456789012:fleet", "arn:aws:codecommit:us-east-1:123456789012:services"])
    error_message = "The functions may read and mark the listed repositories, and no other."
  }
  assert {
    condition     = length(setintersection(keys(local.environment), ["GITHUB_APP_ID", "GITHUB_APP_KEY_SECRET_ID", "CONNECTION_ARN"])) == 0
    error_message = "Nothing says that there is an App or a connection."
  }
  assert {
    condition     = alltrue([for function in values(module.function) : !strcontains(jsonencode(function.policy), "ReadGithubAppKey")])
    error_message = "And nobody reads the App's key."
  }
  assert {
    condition     = local.cluster_repositories == ["arn:aws:codecommit:us-east-1:123456789012:fleet"]
    error_message = "Pipelines read the repositories that clusters are configured in, and no other."
  }
  assert {
    condition = tolist(distinct(flatten([for function in values(module.function) : [for statement in function.policy :
      jsonencode(try(statement.Condition, null)) if contains(flatten([statement.Action]), "codecommit:CreateBranch")
    ]]))) == tolist([jsonencode({ StringLike = { "codecommit:References" = ["refs/heads/archive/*"] } })])
    error_message = "A branch is made only to keep what ended."
  }
}

run "on_codecommit_elsewhere" {
  command = plan

  variables {
    governance_directory = "tests/on-codecommit-elsewhere"
  }
  override_module {
    target  = module.governance
    outputs = { bucket_name = "some-bucket", bucket_arn = "arn:aws:s3:::some-bucket", digest = "0000" }
  }
  expect_failures = [terraform_data.contract]

  assert {
    condition = local.repository_elsewhere == [
      "arn:aws:codecommit:eu-west-1:123456789012:region", "arn:aws:codecommit:us-east-1:210987654321:account",
      "arn:aws-cn:codecommit:us-east-1:123456789012:partition", "arn:aws:codecommit:us-east-1:123456789012:wild*",
    ]
    error_message = "Those of another region, account or partition, and those that mean more than one, are named, and no other."
  }
}

run "github_without_an_app" {
  command = plan

  variables {
    connection_arn = null
    github_app_id  = null
  }
  expect_failures = [terraform_data.contract]

  assert {
    condition     = local.github_repositories == ["example-org/platform-config"]
    error_message = "The repositories that nothing could read are named."
  }
}

run "half_of_github" {
  command = plan

  variables {
    github_app_id = null
  }
  expect_failures = [terraform_data.contract]
}

run "provision_pipelines_without_a_connection" {
  command = plan

  variables {
    connection_arn      = null
    github_app_id       = null
    provision_pipelines = { clusters = { repository = "acme/clusters", branch = "main" } }
  }
  expect_failures = [var.provision_pipelines]
}

run "contract_that_asks_for_more" {
  command = plan

  variables {
    contract_file = "tests/unknown-variable.json"
  }
  expect_failures = [terraform_data.contract]
}

run "values_that_aws_would_refuse_later" {
  command = plan

  variables {
    account_id         = "12345"
    region             = "Virginia"
    connection_arn     = "00000000-0000-4000-8000-000000000000"
    github_app_id      = "Iv1.0123456789abcdef"
    github_api_url     = "http://github.example.com/"
    email_from         = "Penstock <penstock@example.org>"
    approval_links_url = "http://penstock.example.org/"
    log_level          = "loud"
    log_retention_days = 100
    state_bucket       = "arn:aws:s3:::states"
    state_key_arn      = "alias/states"
    target_role_name   = "arn:aws:iam::123456789012:role/deploy"
    target_account_ids = ["123456789012", "12"]
    throttle           = { rate = 0, burst = 10 }
    alarm_topic_arns   = ["on-call"]
    jwt                = { issuer = "issuer.example.org", audience = [""] }
  }
  expect_failures = [
    var.account_id, var.region, var.connection_arn, var.github_app_id, var.github_api_url, var.email_from, var.approval_links_url, var.log_level, var.log_retention_days,
    var.state_bucket, var.state_key_arn, var.target_role_name, var.target_account_ids, var.throttle, var.alarm_topic_arns, var.jwt,
  ]
}

run "nobody_passes_a_gate_around_us" {
  command = plan

  assert {
    condition = alltrue(flatten([for action, owner in {
      "codepipeline:PutApprovalResult"      = "stage-gate"
      "codepipeline:UpdatePipeline"         = "pipeline-provisioner"
      "codepipeline:OverrideStageCondition" = ""
      } : [for name, function in module.function :
      anytrue([for statement in function.policy : contains(flatten([statement.Action]), action)]) == (name == owner)
    ]]))
    error_message = "Answering at gates is stage-gate's alone, changing pipelines the provisioner's, and overriding conditions nobody's."
  }
  assert {
    condition = toset([for name, function in module.function : name
      if anytrue([for statement in function.policy : contains(flatten([statement.Action]), "codepipeline:PutJobSuccessResult")])
    ]) == toset(["iot-cert-provisioner", "pipeline-provisioner", "stage-gate"])
    error_message = "Jobs are answered by the functions that pipelines invoke, and by no other."
  }
  assert {
    condition = alltrue([for statement in jsondecode(output.gate_guard).Statement :
      statement.Effect == "Deny" && alltrue([for resource in statement.Resource : can(regex("^arn:aws:codepipeline:\\*:123456789012:(rc|mc)-\\*$", resource))])
    ])
    error_message = "The guard denies, over the cluster pipelines of this account and nothing else."
  }
  assert {
    condition = { for statement in jsondecode(output.gate_guard).Statement : statement.Action[0] => try(statement.Condition, null) } == {
      "codepipeline:PutApprovalResult"      = { ArnNotEquals = { "aws:PrincipalArn" = [module.function["stage-gate"].role_arn] } }
      "codepipeline:UpdatePipeline"         = { ArnNotEquals = { "aws:PrincipalArn" = [module.function["pipeline-provisioner"].role_arn] } }
      "codepipeline:OverrideStageCondition" = null
    }
    error_message = "Each of the three is denied to everybody but whoever of us needs it."
  }
}

run "pipelines_that_provision" {
  command = plan

  variables {
    provision_pipelines = { clusters = { repository = "acme/clusters", branch = "main" } }
  }

  assert {
    condition     = local.environment.PROVISION_PIPELINES == "penstock-test-provision-clusters" && module.provision_pipeline["clusters"].name == "penstock-test-provision-clusters"
    error_message = "The provisioner answers the pipelines that are made for it."
  }
}
