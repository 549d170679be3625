output "name" {
  description = "The function's whole name."
  value       = aws_lambda_function.this.function_name
}

output "alias_arn" {
  description = "The ARN of the alias `live`."
  value       = aws_lambda_alias.live.arn
}

output "alias_name" {
  description = "The alias's name, as the qualifier of a permission."
  value       = aws_lambda_alias.live.name
}

output "alias_invoke_arn" {
  description = "What API Gateway calls."
  value       = aws_lambda_alias.live.invoke_arn
}

output "role_arn" {
  description = "The function's role."
  value       = aws_iam_role.this.arn
}

output "queue_url" {
  description = "Its queue, or null."
  value       = one(aws_sqs_queue.work[*].id)
}

output "policy" {
  description = "All that the role may do, as a list of statements: asserted by tests."
  value       = concat(local.wiring.Statement, flatten([for policy in values(var.policies) : jsondecode(policy).Statement]))
}
