output "name" {
  description = "The pipeline's name."
  value       = aws_codepipeline.this.name
}

output "policies" {
  description = "Trust and rights of its role, as objects: asserted by tests."
  value       = { trust = local.trust, run = local.policy }
}
