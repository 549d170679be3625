output "webhook_url" {
  description = "What goes into the GitHub App's webhook settings."
  value       = "${module.api.url}/webhooks/github"
}

output "api_url" {
  description = "The API's base URL."
  value       = module.api.url
}

output "absent_routes" {
  description = "The routes that are not there, because they need a token and `jwt` says no issuer."
  value       = module.api.absent_routes
}

output "secret_arns" {
  description = "The secrets that a person fills."
  value       = module.secrets.arns
}

output "governance_digest" {
  description = "The bundle that functions run by; GET /health answers the same."
  value       = module.governance.digest
}

output "build_role_arn" {
  description = "What the role in a cluster's account must trust."
  value       = module.cluster_pipeline_runtime.build_role_arn
}

output "connection" {
  description = "The connection that pipelines on GitHub use. A `terraform plan` warns when it is not AVAILABLE."
  value       = var.connection_arn
}

output "table" {
  description = "The table's name."
  value       = module.table.name
}

output "bus" {
  description = "The bus's name."
  value       = module.bus.name
}

output "gate_guard" {
  description = "A service control policy: nobody but stage-gate answers at the gates of cluster pipelines, nobody but the provisioner changes them. The organisation attaches it."
  value       = jsonencode(local.gate_guard)
}
