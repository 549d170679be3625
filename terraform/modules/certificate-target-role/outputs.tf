output "role_arn" {
  description = "The role that the function takes here."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "Its name, which must be the one that the function is told."
  value       = aws_iam_role.this.name
}

output "policies" {
  description = "The role's trust and rights, as objects: asserted by tests."
  value       = { trust = local.trust, role = local.rights }
}
