# The agent's half of Maestro, in a management account: the role that its pod takes, and its configuration of the broker.
#
# Certificate and private key are in <cluster_id>-maestro-agent-cert. The function iot-cert-provisioner makes that secret, writes it and
# removes it; it is there before this is applied, and Terraform knows its name alone.

locals {
  agent  = "${var.cluster_id}-maestro-agent"
  prefix = "arn:${var.place.partition}"

  # The chart is made for these.
  namespace       = "maestro-agent"
  service_account = "maestro-agent"

  config = yamlencode({
    brokerHost     = "${var.broker.endpoint}:8883"
    username       = ""
    password       = ""
    clientCertFile = "/mnt/secrets-store/certificate"
    clientKeyFile  = "/mnt/secrets-store/privateKey"
    caFile         = "/mnt/secrets-store/ca.crt"
    topics = {
      sourceEvents = "${var.broker.topic_prefix}/${var.cluster_id}/sourceevents"
      agentEvents  = "${var.broker.topic_prefix}/${var.cluster_id}/agentevents"
    }
  })
  config_value = jsonencode({ config = local.config, consumerName = var.cluster_id })

  # A secret's ARN ends with six characters that Secrets Manager chooses; the name itself is exact.
  cert_arn = "${local.prefix}:secretsmanager:${var.place.region}:${var.place.account_id}:secret:${local.agent}-cert-??????"

  trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheAgentsPod"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      # EKS tags the session with what the pod is. <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html>
      Condition = { StringEquals = {
        "aws:RequestTag/eks-cluster-name"           = var.eks_cluster_name
        "aws:RequestTag/kubernetes-namespace"       = local.namespace
        "aws:RequestTag/kubernetes-service-account" = local.service_account
      } }
    }]
  }

  rights = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "ReadItsSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        Resource = [local.cert_arn, aws_secretsmanager_secret.config.arn]
      }],
      var.key_arn == null ? [] : [{
        Sid       = "DecryptThem"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [var.key_arn]
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.place.region}.amazonaws.com" } }
      }],
    )
  }
}

# There is no secret in it. It lies beside the certificate so that the pod has one way to what it needs.
resource "aws_secretsmanager_secret" "config" {
  name                    = "${local.agent}-config"
  description             = "The Maestro agent's configuration of the broker"
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.secret_recovery_window_days
}

resource "aws_secretsmanager_secret_version" "config" {
  secret_id        = aws_secretsmanager_secret.config.id
  secret_string_wo = local.config_value
  # A write-only value is written when its version changes: here, when the text does.
  secret_string_wo_version = parseint(substr(sha256(local.config_value), 0, 12), 16)

  # Another version is another resource: made before the one in use goes.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_iam_role" "this" {
  name               = local.agent
  description        = "What the pod of the Maestro agent of ${var.cluster_id} runs as"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "this" {
  name   = "read-secrets"
  role   = aws_iam_role.this.name
  policy = jsonencode(local.rights)
}

resource "aws_eks_pod_identity_association" "this" {
  cluster_name    = var.eks_cluster_name
  namespace       = local.namespace
  service_account = local.service_account
  role_arn        = aws_iam_role.this.arn
}
