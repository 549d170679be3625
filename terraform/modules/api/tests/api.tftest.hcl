# Who may call what through the API.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_apigatewayv2_api" {
    defaults = { id = "api123", execution_arn = "arn:aws:execute-api:us-east-1:123456789012:api123" }
  }
  mock_resource "aws_apigatewayv2_authorizer" {
    defaults = { id = "jwt123" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/penstock-test" }
  }
  mock_resource "aws_apigatewayv2_stage" {
    defaults = { invoke_url = "https://api123.execute-api.us-east-1.amazonaws.com/" }
  }
}

variables {
  name    = "penstock-test"
  place   = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
  key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  routes = {
    github-webhook-0 = {
      method           = "POST", path = "/webhooks/github", public = true, function = "penstock-test-github-webhook", alias_name = "live"
      alias_invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:penstock-test-github-webhook:live/invocations"
    }
  }
}

run "public_route" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_route.this["github-webhook-0"].route_key == "POST /webhooks/github" && aws_apigatewayv2_route.this["github-webhook-0"].authorization_type == "NONE"
    error_message = "The webhook is public: its signature is its authorisation."
  }
  assert {
    condition = (
      aws_lambda_permission.route["github-webhook-0"].principal == "apigateway.amazonaws.com" &&
      aws_lambda_permission.route["github-webhook-0"].source_arn == "arn:aws:execute-api:us-east-1:123456789012:api123/*/POST/webhooks/github" &&
      aws_lambda_permission.route["github-webhook-0"].source_account == "123456789012" &&
      aws_lambda_permission.route["github-webhook-0"].qualifier == "live"
    )
    error_message = "Only this API, method and path may invoke the function, and only its alias."
  }
  assert {
    condition     = aws_apigatewayv2_integration.this["github-webhook-0"].payload_format_version == "2.0"
    error_message = "Payload 2.0."
  }
  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit > 0 && aws_apigatewayv2_stage.this.default_route_settings[0].throttling_burst_limit > 0
    error_message = "Throttled (threat 17)."
  }
  assert {
    condition     = !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "header") && !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "body")
    error_message = "The access log holds no header and no body (threat 18)."
  }
  assert {
    condition     = can(regex("docs/runbooks\\.md#[a-z-]+; first: aws ", aws_cloudwatch_metric_alarm.failures.alarm_description))
    error_message = "The alarm names the runbook and the first command."
  }
  assert {
    condition     = output.url == "https://api123.execute-api.us-east-1.amazonaws.com"
    error_message = "The base URL ends without a slash."
  }
}

run "protected_route_without_an_issuer" {
  command = plan

  variables {
    routes = {
      health-0  = { method = "GET", path = "/health", public = true, function = "penstock-test-console", alias_name = "live", alias_invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:console:live" }
      console-0 = { method = "GET", path = "/v1/clusters", public = false, function = "penstock-test-console", alias_name = "live", alias_invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:console:live" }
    }
  }

  assert {
    condition = alltrue([for made in [aws_apigatewayv2_route.this, aws_apigatewayv2_integration.this, aws_lambda_permission.route] :
      toset(keys(made)) == toset(["health-0"])
    ])
    error_message = "A route that needs a token is not made without an issuer: no route, no integration, no permission."
  }
  assert {
    condition     = length(aws_apigatewayv2_authorizer.jwt) == 0 && output.absent_routes == tolist(["GET /v1/clusters"])
    error_message = "The output says which routes are not there."
  }
}

run "protected_route" {
  command = plan

  variables {
    jwt = { issuer = "https://issuer.example.org/tenant/", audience = ["penstock", "penstock-cli"] }
    routes = {
      health-0  = { method = "GET", path = "/health", public = true, function = "penstock-test-console", alias_name = "live", alias_invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:console:live" }
      console-0 = { method = "GET", path = "/v1/clusters", public = false, function = "penstock-test-console", alias_name = "live", alias_invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:console:live" }
      wip-0     = { method = "POST", path = "/v1/wip/leases/{item}/renew", public = false, function = "penstock-test-wip-limit", alias_name = "live", alias_invoke_arn = "arn:aws:lambda:us-east-1:123456789012:function:wip-limit:live" }
    }
  }

  assert {
    condition = alltrue([for key in ["console-0", "wip-0"] :
      aws_apigatewayv2_route.this[key].authorization_type == "JWT" && aws_apigatewayv2_route.this[key].authorizer_id == "jwt123"
    ])
    error_message = "A route that is not public needs a token."
  }
  assert {
    condition     = aws_lambda_permission.route["wip-0"].source_arn == "arn:aws:execute-api:us-east-1:123456789012:api123/*/POST/v1/wip/leases/{item}/renew"
    error_message = "A path parameter stands in the permission as it stands in the route's key: not filled in, and no wildcard."
  }
  assert {
    condition     = aws_apigatewayv2_route.this["health-0"].authorization_type == "NONE" && length(output.absent_routes) == 0
    error_message = "A public route needs none, and no route is missing."
  }
  assert {
    condition = (
      aws_apigatewayv2_authorizer.jwt[0].authorizer_type == "JWT" &&
      toset(aws_apigatewayv2_authorizer.jwt[0].identity_sources) == toset(["$request.header.Authorization"]) &&
      aws_apigatewayv2_authorizer.jwt[0].jwt_configuration[0].issuer == "https://issuer.example.org/tenant/" &&
      toset(aws_apigatewayv2_authorizer.jwt[0].jwt_configuration[0].audience) == toset(["penstock", "penstock-cli"])
    )
    error_message = "The issuer is passed on to the letter, with every audience; the token comes in the header alone."
  }
}

run "issuer_in_the_clear" {
  command = plan

  variables {
    jwt = { issuer = "http://issuer.example.org", audience = ["penstock"] }
  }
  expect_failures = [var.jwt]
}

run "no_audience" {
  command = plan

  variables {
    jwt = { issuer = "https://issuer.example.org", audience = [] }
  }
  expect_failures = [var.jwt]
}
