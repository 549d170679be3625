# The role that the function iot-cert-provisioner takes in an account: a regional one, where the broker is, or a management one, where an
# agent's secret is. Only that function's role may take it.

locals {
  prefix  = "arn:${var.place.partition}"
  regions = length(var.regions) == 0 ? [var.place.region] : sort(var.regions)

  regional   = contains(var.sides, "regional")
  management = contains(var.sides, "management")

  # Who may have a certificate, by the name of its thing; policy and secret are called after it.
  agents  = [for id in sort(var.cluster_ids) : "${id}-maestro-agent"]
  servers = [for alias in sort(var.aliases) : "${alias}-maestro-server"]
  things  = concat(local.agents, local.servers)

  iot          = [for region in local.regions : "${local.prefix}:iot:${region}:${var.place.account_id}"]
  thing_arns   = flatten([for iot in local.iot : [for thing in local.things : "${iot}:thing/${thing}"]])
  policy_arns  = flatten([for iot in local.iot : [for thing in local.things : "${iot}:policy/${thing}-policy"]])
  certificates = [for iot in local.iot : "${iot}:cert/*"] # their ids are digests, and nobody knows them before

  secret_names = concat(
    local.management ? [for agent in local.agents : "${agent}-cert"] : [],
    local.regional ? concat([for server in local.servers : "${server}-cert"], [for alias in sort(var.aliases) : "${alias}-maestro-consumers"]) : [],
  )
  secrets = flatten([for region in local.regions : [for name in local.secret_names : "${local.prefix}:secretsmanager:${region}:${var.place.account_id}:secret:${name}"]])
  # A secret's ARN ends with six characters that Secrets Manager chooses.
  secret_arns = [for secret in local.secrets : "${secret}-??????"]

  # The key by the service that uses it, and no other way.
  through_secrets_manager = { StringEquals = { "kms:ViaService" = [for region in local.regions : "secretsmanager.${region}.amazonaws.com"] } }

  trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheOneFunction"
      Effect    = "Allow"
      Principal = { AWS = var.function_role_arn }
      Action    = ["sts:AssumeRole"]
      # Not aws:SourceAccount: a role's request does not have it, and the condition would refuse everybody. README.md has the sources.
      Condition = { StringEquals = {
        "sts:ExternalId"       = var.external_id
        "aws:PrincipalArn"     = var.function_role_arn
        "aws:PrincipalAccount" = split(":", var.function_role_arn)[4]
      } }
    }]
  }

  # Actions, resources, condition (null falls away), and whether this account has the use for it.
  rights = {
    Version = "2012-10-17"
    Statement = [for statement in [
      {
        # AWS knows no resource for these four. <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiot.html>
        Sid       = "FindTheBrokerAndSignRequests"
        Effect    = "Allow"
        Action    = ["iot:CreateCertificateFromCsr", "iot:DescribeEndpoint", "iot:ListAttachedPolicies", "iot:ListCertificates"]
        Resource  = ["*"]
        Condition = jsonencode({ StringEquals = { "aws:RequestedRegion" = local.regions } })
        wanted    = local.regional
      },
      {
        Sid       = "KeepOurThings"
        Effect    = "Allow"
        Action    = ["iot:CreateThing", "iot:DeleteThing", "iot:DescribeThing", "iot:ListThingPrincipals"]
        Resource  = local.thing_arns
        Condition = null
        wanted    = local.regional
      },
      {
        Sid    = "KeepOurPolicies"
        Effect = "Allow"
        Action = [
          "iot:CreatePolicy", "iot:CreatePolicyVersion", "iot:DeletePolicy", "iot:DeletePolicyVersion", "iot:GetPolicy", "iot:ListPolicyVersions",
          "iot:ListTargetsForPolicy",
        ]
        Resource  = local.policy_arns
        Condition = null
        wanted    = local.regional
      },
      {
        Sid    = "KeepCertificates"
        Effect = "Allow"
        Action = [
          "iot:AttachPolicy", "iot:DeleteCertificate", "iot:DescribeCertificate", "iot:DetachPolicy", "iot:ListPrincipalThings",
          "iot:UpdateCertificate",
        ]
        Resource  = local.certificates
        Condition = null
        wanted    = local.regional
      },
      {
        # Their resource is the certificate; the thing is a condition key, which older requests may lack.
        Sid       = "GiveThemToOurThings"
        Effect    = "Allow"
        Action    = ["iot:AttachThingPrincipal", "iot:DetachThingPrincipal"]
        Resource  = local.certificates
        Condition = jsonencode({ ArnLikeIfExists = { "iot:thingArn" = local.thing_arns } })
        wanted    = local.regional
      },
      {
        # Its answer carries the private key. Denied, and not only not allowed: another policy on this role would not open it.
        Sid       = "NeverHaveAKeyMadeByAws"
        Effect    = "Deny"
        Action    = ["iot:CreateKeysAndCertificate"]
        Resource  = ["*"]
        Condition = null
        wanted    = true
      },
      {
        # When a secret is made its ARN has no end yet.
        Sid       = "MakeTheSecrets"
        Effect    = "Allow"
        Action    = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
        Resource  = concat(local.secrets, local.secret_arns)
        Condition = null
        wanted    = true
      },
      {
        Sid    = "KeepTheSecrets"
        Effect = "Allow"
        Action = [
          "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
          "secretsmanager:RestoreSecret", "secretsmanager:UpdateSecretVersionStage",
        ]
        Resource  = local.secret_arns
        Condition = null
        wanted    = true
      },
      {
        Sid       = "UseTheirKeys"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = sort(var.key_arns)
        Condition = jsonencode(local.through_secrets_manager)
        wanted    = length(var.key_arns) > 0
      },
      ] : merge(
      { Sid = statement.Sid, Effect = statement.Effect, Action = statement.Action, Resource = statement.Resource },
      statement.Condition == null ? {} : { Condition = jsondecode(statement.Condition) },
    ) if statement.wanted]
  }
}

resource "aws_iam_role" "this" {
  name                 = var.role_name
  description          = "What Penstock's iot-cert-provisioner does in this account: ${join(", ", sort(var.sides))}"
  assume_role_policy   = jsonencode(local.trust)
  max_session_duration = 3600 # the least; the function asks for a quarter of an hour
}

resource "aws_iam_role_policy" "this" {
  name   = "certificates"
  role   = aws_iam_role.this.name
  policy = jsonencode(local.rights)

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.rights)) <= 10240
      error_message = "A role's inline policies have 10240 characters together: name fewer clusters or regions, or let cluster_ids be *."
    }
  }
}
