# The table's stream → function: only rows of the prefix, only INSERT and MODIFY. A row that fails again and again is separated from its
# neighbours by bisecting, and ends, as a pointer into the stream, in the on-failure queue. The row itself is still in the table:
# docs/runbooks.md#stream-failures.

resource "aws_sqs_queue" "failed" {
  count = var.facts.stream == null ? 0 : 1

  name                      = "${local.name}-failed"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "failed" {
  count = var.facts.stream == null ? 0 : 1

  queue_url = aws_sqs_queue.failed[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefusePlainHttp"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = aws_sqs_queue.failed[0].arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_lambda_event_source_mapping" "stream" {
  count = var.facts.stream == null ? 0 : 1

  event_source_arn               = var.stream_arn
  function_name                  = aws_lambda_alias.live.arn
  starting_position              = "TRIM_HORIZON" # what was committed before the first deployment is published too
  batch_size                     = var.facts.stream.batch_size
  maximum_retry_attempts         = var.facts.stream.attempts
  maximum_record_age_in_seconds  = var.facts.stream.max_age_s
  bisect_batch_on_function_error = true
  function_response_types        = ["ReportBatchItemFailures"]

  filter_criteria {
    filter {
      pattern = jsonencode({
        eventName = ["INSERT", "MODIFY"]
        dynamodb  = { Keys = { pk = { S = [{ prefix = var.facts.stream.prefix }] } } }
      })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.failed[0].arn
    }
  }
}
