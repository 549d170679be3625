# The one KMS key of a control plane: table, secrets, buckets, environment variables, logs.
#
# Its policy gives the account's IAM the last word and admits exactly one service by name, CloudWatch Logs, for our log groups.
# Queues are not encrypted with it: they use SSE-SQS, so that EventBridge and Scheduler can deliver without a grant here. A queue
# that changes to this key needs `events.amazonaws.com` and `scheduler.amazonaws.com` in this policy, or its events are lost.

locals {
  policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LetIamOfThisAccountDecide"
        Effect    = "Allow"
        Principal = { AWS = "arn:${var.place.partition}:iam::${var.place.account_id}:root" }
        Action    = ["kms:*"]
        Resource  = "*"
      },
      {
        Sid       = "EncryptOurLogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.place.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${var.place.partition}:logs:${var.place.region}:${var.place.account_id}:log-group:*${var.name}*"
          }
        }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  description             = "Everything that ${var.name} keeps"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.policy)
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
