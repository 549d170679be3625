# Secrets without values. No value is ever given to Terraform, so none is in a plan or in state (threat 65); a person puts it in with
# `aws secretsmanager put-secret-value`: README.md says how, and how to replace one without losing a webhook.

resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = var.key_arn
  recovery_window_in_days = 30
}
