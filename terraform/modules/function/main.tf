# One Lambda function: code, role, log group. What wakes it is in events.tf, schedules.tf and stream.tf; what tells of trouble in alarms.tf.
#
# Everything invokes the alias `live`. Functions have no reserved concurrency: consumers are limited at their queue.

locals {
  name   = "${var.name}-${var.function}"
  prefix = "arn:${var.place.partition}"

  trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaOfThisAccountRunsIt"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
    }]
  }

  # What every function with a log group, a key, a queue or a stream needs in the same way. The grants hold the rest.
  # Actions of one entry, resource, condition: a null falls away.
  wiring = {
    Version = "2012-10-17"
    Statement = [for statement in [
      {
        Sid       = "WriteItsOwnLogs"
        Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource  = "${local.prefix}:logs:${var.place.region}:${var.place.account_id}:log-group:/aws/lambda/${local.name}:*"
        Condition = null
        wanted    = true
      },
      {
        Sid       = "SendTraces"
        Action    = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource  = "*" # X-Ray has no resource-level permissions
        Condition = null
        wanted    = true
      },
      {
        Sid      = "UseTheKeyThroughTheServicesThatKeepOurData"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = var.key_arn
        Condition = jsonencode({
          StringEquals = { "kms:ViaService" = [for service in ["dynamodb", "s3", "secretsmanager"] : "${service}.${var.place.region}.amazonaws.com"] }
        })
        wanted = true
      },
      {
        Sid       = "TakeItsMessages"
        Action    = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource  = "${local.prefix}:sqs:${var.place.region}:${var.place.account_id}:${local.name}"
        Condition = null
        wanted    = var.facts.queue
      },
      {
        Sid       = "ReadTheStream"
        Action    = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        Resource  = var.stream_arn
        Condition = null
        wanted    = var.facts.stream != null
      },
      {
        Sid       = "FindStreams"
        Action    = ["dynamodb:ListStreams"]
        Resource  = "*" # no smaller resource exists
        Condition = null
        wanted    = var.facts.stream != null
      },
      {
        Sid       = "KeepWhatCouldNotBeProcessed"
        Action    = ["sqs:SendMessage"]
        Resource  = "${local.prefix}:sqs:${var.place.region}:${var.place.account_id}:${local.name}-failed"
        Condition = null
        wanted    = var.facts.stream != null
      },
      ] : merge(
      { Sid = statement.Sid, Effect = "Allow", Action = statement.Action, Resource = statement.Resource },
      statement.Condition == null ? {} : { Condition = jsondecode(statement.Condition) },
    ) if statement.wanted]
  }
}

resource "aws_iam_role" "this" {
  name               = local.name
  description        = var.facts.purpose
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "wiring" {
  name   = "wiring"
  role   = aws_iam_role.this.name
  policy = jsonencode(local.wiring)
}

resource "aws_iam_role_policy" "grant" {
  for_each = var.policies

  name   = each.key
  role   = aws_iam_role.this.name
  policy = each.value
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_lambda_function" "this" {
  function_name    = local.name
  description      = var.facts.purpose
  role             = aws_iam_role.this.arn
  filename         = var.package_file
  source_code_hash = filebase64sha256(var.package_file)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = var.facts.memory_mb
  timeout          = var.facts.timeout_s
  publish          = true
  kms_key_arn      = var.key_arn

  environment {
    variables = var.environment
  }

  # The functions write JSON lines and choose their own level (LOG_LEVEL): the platform must not filter them a second time.
  logging_config {
    log_format            = "JSON"
    application_log_level = "TRACE"
    system_log_level      = "INFO"
    log_group             = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = "Active"
  }

  # Without them the first invocations after a creation would be refused.
  depends_on = [aws_iam_role_policy.wiring, aws_iam_role_policy.grant]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What everything invokes"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}
