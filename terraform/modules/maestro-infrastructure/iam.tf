# What the servers' pods may do in AWS: read their three secrets. At the broker they are known by their certificate, not by this role.

locals {
  server_trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheServersPods"
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

  server_rights = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "ReadItsSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        Resource = [for secret in ["server-cert", "server-config", "db-credentials"] : aws_secretsmanager_secret.this[secret].arn]
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

resource "aws_iam_role" "server" {
  name               = local.server
  description        = "What the pods of Maestro's server in ${var.name} run as"
  assume_role_policy = jsonencode(local.server_trust)
}

resource "aws_iam_role_policy" "server" {
  name   = "read-secrets"
  role   = aws_iam_role.server.name
  policy = jsonencode(local.server_rights)
}

resource "aws_eks_pod_identity_association" "server" {
  cluster_name    = var.eks_cluster_name
  namespace       = local.namespace
  service_account = local.service_account
  role_arn        = aws_iam_role.server.arn
}
