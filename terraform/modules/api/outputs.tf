output "url" {
  description = "The API's base URL, without a slash at the end."
  value       = trimsuffix(aws_apigatewayv2_stage.this.invoke_url, "/")
}

output "id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}

output "absent_routes" {
  description = "The routes that were not made, because they need a token and jwt says no issuer."
  value       = local.absent
}
