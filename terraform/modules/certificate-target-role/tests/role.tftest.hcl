# Who may take the role, and what it may do on either side: every verb, and no resource but ours.

mock_provider "aws" {
  override_during = plan
}

variables {
  place             = { partition = "aws", region = "us-east-1", account_id = "111111111111" }
  function_role_arn = "arn:aws:iam::999999999999:role/penstock-production-iot-cert-provisioner"
  external_id       = "0123456789abcdef0123456789abcdef"
  sides             = ["regional"]
}

run "trust" {
  command = plan

  assert {
    condition = output.policies.trust == {
      Version = "2012-10-17"
      Statement = [{
        Sid = "TheOneFunction", Effect = "Allow", Principal = { AWS = var.function_role_arn }, Action = ["sts:AssumeRole"]
        Condition = { StringEquals = {
          "sts:ExternalId" = var.external_id, "aws:PrincipalArn" = var.function_role_arn, "aws:PrincipalAccount" = "999999999999"
        } }
      }]
    }
    error_message = "One role of one account, which knows the external id."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy) == output.policies.trust && jsondecode(aws_iam_role_policy.this.policy) == output.policies.role
    error_message = "What is asserted here is what is made."
  }
  assert {
    condition     = !strcontains(aws_iam_role.this.assume_role_policy, "aws:SourceAccount")
    error_message = "A request of a role has no aws:SourceAccount: with it nobody could take the role."
  }
}

run "regional" {
  command = plan

  assert {
    condition = sort(flatten([for statement in output.policies.role.Statement : statement.Action if statement.Effect == "Allow"])) == sort([
      "iot:DescribeEndpoint", "iot:DescribeThing", "iot:CreateThing", "iot:DeleteThing", "iot:GetPolicy", "iot:CreatePolicy", "iot:CreatePolicyVersion",
      "iot:DeletePolicyVersion", "iot:ListPolicyVersions", "iot:DeletePolicy", "iot:CreateCertificateFromCsr", "iot:DescribeCertificate",
      "iot:UpdateCertificate", "iot:DeleteCertificate", "iot:ListCertificates", "iot:AttachPolicy", "iot:DetachPolicy", "iot:ListAttachedPolicies",
      "iot:ListTargetsForPolicy", "iot:AttachThingPrincipal", "iot:DetachThingPrincipal", "iot:ListThingPrincipals",
      "iot:ListPrincipalThings",
      "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue", "secretsmanager:RestoreSecret", "secretsmanager:TagResource",
      "secretsmanager:UpdateSecretVersionStage",
    ])
    error_message = "These verbs, each once, and no other."
  }
  assert {
    condition = [for statement in output.policies.role.Statement : statement.Sid if contains(statement.Resource, "*")] == [
      "FindTheBrokerAndSignRequests", "NeverHaveAKeyMadeByAws",
    ]
    error_message = "`*` only where AWS has no resource, and in the denial."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement.Resource if statement.Sid == "KeepOurThings"]) == [
      "arn:aws:iot:us-east-1:111111111111:thing/*-maestro-agent", "arn:aws:iot:us-east-1:111111111111:thing/*-maestro-server",
    ]
    error_message = "Things of agents and servers, in this account and region."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement.Resource if statement.Sid == "KeepOurPolicies"]) == [
      "arn:aws:iot:us-east-1:111111111111:policy/*-maestro-agent-policy", "arn:aws:iot:us-east-1:111111111111:policy/*-maestro-server-policy",
    ]
    error_message = "And their policies."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement.Resource if statement.Sid == "KeepTheSecrets"]) == [
      "arn:aws:secretsmanager:us-east-1:111111111111:secret:*-maestro-server-cert-??????",
      "arn:aws:secretsmanager:us-east-1:111111111111:secret:*-maestro-consumers-??????",
    ]
    error_message = "The servers' certificate and the consumers; neither database nor configuration."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement if statement.Effect == "Deny"]) == {
      Sid = "NeverHaveAKeyMadeByAws", Effect = "Deny", Action = ["iot:CreateKeysAndCertificate"], Resource = ["*"]
    }
    error_message = "A key made by AWS comes back in an answer: denied."
  }
  assert {
    condition     = one([for statement in output.policies.role.Statement : statement.Condition.StringEquals["aws:RequestedRegion"] if statement.Sid == "FindTheBrokerAndSignRequests"]) == ["us-east-1"]
    error_message = "What has no resource is held to the region."
  }
}

run "management" {
  command = plan

  variables {
    sides = ["management"]
  }
  assert {
    condition = sort(flatten([for statement in output.policies.role.Statement : statement.Action if statement.Effect == "Allow"])) == sort([
      "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue", "secretsmanager:RestoreSecret", "secretsmanager:TagResource",
      "secretsmanager:UpdateSecretVersionStage",
    ])
    error_message = "Secrets alone: there is no broker."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement.Resource if statement.Sid == "MakeTheSecrets"]) == [
      "arn:aws:secretsmanager:us-east-1:111111111111:secret:*-maestro-agent-cert", "arn:aws:secretsmanager:us-east-1:111111111111:secret:*-maestro-agent-cert-??????",
    ]
    error_message = "The agents' certificates, before and after Secrets Manager has put its end to the name."
  }
  assert {
    condition     = length([for statement in output.policies.role.Statement : statement if statement.Effect == "Deny"]) == 1
    error_message = "Denied here, too."
  }
}

run "both_and_narrow" {
  command = plan

  variables {
    sides       = ["management", "regional"]
    regions     = ["eu-west-1", "us-east-1"]
    cluster_ids = ["mc01"]
    aliases     = ["regional-eu"]
    key_arns    = ["arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"]
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement.Resource if statement.Sid == "KeepOurThings"]) == [
      "arn:aws:iot:eu-west-1:111111111111:thing/mc01-maestro-agent", "arn:aws:iot:eu-west-1:111111111111:thing/regional-eu-maestro-server",
      "arn:aws:iot:us-east-1:111111111111:thing/mc01-maestro-agent", "arn:aws:iot:us-east-1:111111111111:thing/regional-eu-maestro-server",
    ]
    error_message = "Named clusters, exactly, in each region."
  }
  assert {
    condition     = length(one([for statement in output.policies.role.Statement : statement.Resource if statement.Sid == "KeepTheSecrets"])) == 6
    error_message = "One role serves an account that is both."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement if statement.Sid == "UseTheirKeys"]) == {
      Sid       = "UseTheirKeys", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = sort(var.key_arns)
      Condition = { StringEquals = { "kms:ViaService" = ["secretsmanager.eu-west-1.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com"] } }
    }
    error_message = "The key, through Secrets Manager only."
  }
}

run "not_a_whole_account" {
  command = plan

  variables {
    function_role_arn = "arn:aws:iam::999999999999:root"
  }
  expect_failures = [var.function_role_arn]
}

run "not_any_role" {
  command = plan

  variables {
    function_role_arn = "arn:aws:iam::999999999999:role/*"
  }
  expect_failures = [var.function_role_arn]
}

run "part_of_an_id" {
  command = plan

  variables {
    cluster_ids = ["mc1*"]
  }
  expect_failures = [var.cluster_ids]
}

run "short_external_id" {
  command = plan

  variables {
    external_id = "penstock"
  }
  expect_failures = [var.external_id]
}

run "no_side" {
  command = plan

  variables {
    sides = []
  }
  expect_failures = [var.sides]
}
