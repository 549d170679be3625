output "role_arn" {
  description = "The role of the agent's pod."
  value       = aws_iam_role.this.arn
}

output "secret_names" {
  description = "The two secrets that the pod mounts: `config` is made here, `cert` by the function."
  value       = { cert = "${local.agent}-cert", config = aws_secretsmanager_secret.config.name }
}

output "helm_summary" {
  description = "The values of charts/maestro-agent: `terraform output -json helm_summary` is a values file. Nothing in it is secret."
  value       = { global = { region = var.place.region }, maestroAgent = { consumerName = var.cluster_id } }
}

output "policies" {
  description = "The role's trust and rights, as objects: asserted by tests."
  value       = { trust = local.trust, role = local.rights }
}
