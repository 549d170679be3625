output "helm_summary" {
  description = "The values of charts/maestro-server: `terraform output -json helm_summary > values.json`."
  value       = module.maestro.helm_summary
}

output "broker" {
  description = "What modules/maestro-agent takes in the management accounts."
  value       = module.maestro.broker
}

output "consumers" {
  description = "What the management clusters are called where."
  value       = module.maestro.consumers
}
