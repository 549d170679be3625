output "arn" {
  description = "The key's ARN."
  value       = aws_kms_key.this.arn
}

output "policy" {
  description = "The key's policy, as an object: asserted by tests."
  value       = local.policy
}
