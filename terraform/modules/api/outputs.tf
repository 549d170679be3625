output "url" {
  description = "The API's base URL, without a slash at the end."
  value       = trimsuffix(aws_apigatewayv2_stage.this.invoke_url, "/")
}

output "id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}
