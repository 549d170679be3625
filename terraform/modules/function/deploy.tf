# What prepares the table is called by the apply that changes it or what it runs by: a failure of the function fails the apply.

resource "aws_lambda_invocation" "deploy" {
  count = var.facts.deploy && var.prepare ? 1 : 0

  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  input         = jsonencode({})

  triggers = {
    version     = aws_lambda_function.this.version
    environment = sha256(jsonencode(var.environment))
  }

  depends_on = [aws_iam_role_policy.wiring, aws_iam_role_policy.grant]
}
