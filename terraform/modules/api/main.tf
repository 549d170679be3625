# The HTTP API: routes of events/contract.json, each to the alias of its function.
#
# A route that is not public passes only with a token that API Gateway verified: signature, issuer, audience, times. What its claims
# mean, the function decides by people.yaml.
#
# Throttling is the first defence of the webhook (threat 17): a flood costs 429s, not invocations. A web ACL cannot be attached to an
# HTTP API (AWS takes REST APIs, load balancers and CloudFront), so there is none; the webhook's own defence is its signature.

locals {
  # Without an issuer of tokens a route that needs one is not made: better absent than open.
  routes = { for key, route in var.routes : key => route if route.public || var.jwt != null }
  absent = tolist([for key, route in var.routes : "${route.method} ${route.path}" if !contains(keys(local.routes), key)])

  # One permission a route, so that nothing but this API, method and path may invoke the function. An HTTP API names itself by the route's
  # key, with `{item}` as it stands there and not as a caller filled it in (AWS's CDK grants HTTP APIs the same way; only REST APIs need a *).
  source_arns = { for key, route in local.routes : key =>
    "${aws_apigatewayv2_api.this.execution_arn}/*/${route.method}${route.path}"
  }

  # No body, no header but the agent: what a log may hold.
  log_format = {
    requestId    = "$context.requestId"
    at           = "$context.requestTime"
    ip           = "$context.identity.sourceIp"
    agent        = "$context.identity.userAgent"
    route        = "$context.routeKey"
    status       = "$context.status"
    ms           = "$context.responseLatency"
    lambdaMs     = "$context.integrationLatency"
    bytes        = "$context.responseLength"
    error        = "$context.error.message"
    lambdaError  = "$context.integrationErrorMessage"
    lambdaStatus = "$context.integrationStatus"
  }
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "Webhooks and API of ${var.name}"
  protocol_type = "HTTP"
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.throttle.rate
    throttling_burst_limit   = var.throttle.burst
    detailed_metrics_enabled = true
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.log_format)
  }
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  count = var.jwt == null ? 0 : 1

  api_id           = aws_apigatewayv2_api.this.id
  name             = "jwt"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = var.jwt.issuer
    audience = var.jwt.audience
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = local.routes

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = each.value.alias_invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 29000
}

resource "aws_apigatewayv2_route" "this" {
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = "${each.value.method} ${each.value.path}"
  target             = "integrations/${aws_apigatewayv2_integration.this[each.key].id}"
  authorization_type = each.value.public ? "NONE" : "JWT"
  authorizer_id      = each.value.public ? null : one(aws_apigatewayv2_authorizer.jwt[*].id)
}

resource "aws_lambda_permission" "route" {
  for_each = local.routes

  statement_id   = "api-${each.key}"
  action         = "lambda:InvokeFunction"
  function_name  = each.value.function
  qualifier      = each.value.alias_name
  principal      = "apigateway.amazonaws.com"
  source_arn     = local.source_arns[each.key]
  source_account = var.place.account_id
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  alarm_name          = "${var.name}-api-failures"
  alarm_description   = "The API answers 5xx: docs/runbooks.md#api-failures; first: aws logs tail ${aws_cloudwatch_log_group.access.name} --since 1h --region ${var.place.region} --filter-pattern '{ $.status >= 500 }'"
  namespace           = "AWS/ApiGateway"
  metric_name         = "5xx"
  dimensions          = { ApiId = aws_apigatewayv2_api.this.id }
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 5
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}
