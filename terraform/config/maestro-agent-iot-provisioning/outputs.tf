output "certificate_data" {
  description = "The certificate as it stands, its ids, the secret, and where the key is: never the key."
  value       = module.certificate.certificate_data
  sensitive   = true
}

output "broker" {
  description = "The broker, as modules/maestro-agent takes it."
  value       = module.certificate.broker
}

output "outcome" {
  description = "What the function did when this was applied first."
  value       = module.certificate.outcome
}
