# Bus → rule → queue → function. The bus is ours, and for what AWS's services tell the account's default one. The queue is what keeps an event while the function fails or is throttled.
#
# Three ways lead into the dead-letter queue: the last failed receive, a rule that could not deliver, a schedule that could not. All three
# leave the message as the function expects it, so one redrive command mends them all: docs/runbooks.md#dead-letters.

locals {
  # Of the default bus only what is from this account and region: another account's events come there too, when the bus's policy lets them.
  here = { account = [var.place.account_id], region = [var.place.region] }

  rules = merge(
    { for index, pattern in var.facts.patterns : tostring(index) => { bus = var.bus_name, pattern = pattern } },
    { for index, pattern in var.facts.aws_patterns : "aws-${index}" => { bus = "default", pattern = merge(pattern, local.here) } },
  )

  # EventBridge is a service principal: only a resource policy can admit it, and only this one does. (Objects of different shapes do not
  # fit into one list; through JSON they do.)
  rule_arns = [for rule in aws_cloudwatch_event_rule.this : rule.arn]
  queue_policies = { for queue, arn in {
    work = one(aws_sqs_queue.work[*].arn)
    dead = one(aws_sqs_queue.dead[*].arn)
    } : queue => {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "RefusePlainHttp"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = jsondecode(jsonencode({ Bool = { "aws:SecureTransport" = "false" } }))
      }],
      length(local.rules) == 0 ? [] : [{
        Sid       = "OurRulesDeliver"
        Effect    = "Allow"
        Principal = jsondecode(jsonencode({ Service = "events.amazonaws.com" }))
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = jsondecode(jsonencode({
          ArnEquals    = { "aws:SourceArn" = local.rule_arns }
          StringEquals = { "aws:SourceAccount" = var.place.account_id }
        }))
      }],
      length(local.schedules) == 0 ? [] : [{
        Sid       = "OurScheduleRoleDelivers"
        Effect    = "Allow"
        Principal = jsondecode(jsonencode({ AWS = one(aws_iam_role.schedule[*].arn) }))
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = jsondecode(jsonencode({ StringEquals = { "aws:PrincipalAccount" = var.place.account_id } }))
      }],
    )
  } if var.facts.queue }
}

resource "aws_sqs_queue" "dead" {
  count = var.facts.queue ? 1 : 0

  name                      = "${local.name}-dead"
  message_retention_seconds = 1209600 # 14 days: SQS's most
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "work" {
  count = var.facts.queue ? 1 : 0

  name                       = local.name
  visibility_timeout_seconds = 6 * var.facts.timeout_s # AWS's advice: room for the poller's own retries
  message_retention_seconds  = 345600                  # 4 days: a weekend and its Monday
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[0].arn
    maxReceiveCount     = var.facts.max_receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  count = var.facts.queue ? 1 : 0

  queue_url = aws_sqs_queue.dead[0].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.work[0].arn]
  })
}

resource "aws_sqs_queue_policy" "work" {
  count = var.facts.queue ? 1 : 0

  queue_url = aws_sqs_queue.work[0].id
  policy    = jsonencode(local.queue_policies.work)
}

resource "aws_sqs_queue_policy" "dead" {
  count = var.facts.queue ? 1 : 0

  queue_url = aws_sqs_queue.dead[0].id
  policy    = jsonencode(local.queue_policies.dead)
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name           = "${local.name}-${each.key}"
  description    = "Wakes ${var.function}: ${join(", ", try(each.value.pattern["detail-type"], ["any"]))}"
  event_bus_name = each.value.bus
  event_pattern  = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "queue" {
  for_each = local.rules

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = each.value.bus
  target_id      = "queue"
  arn            = aws_sqs_queue.work[0].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead[0].arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  # A target without the policy would throw events away until the policy is there.
  depends_on = [aws_sqs_queue_policy.work, aws_sqs_queue_policy.dead]
}

resource "aws_lambda_event_source_mapping" "queue" {
  count = var.facts.queue ? 1 : 0

  event_source_arn        = aws_sqs_queue.work[0].arn
  function_name           = aws_lambda_alias.live.arn
  batch_size              = 1 # one message, one run: the timeout is that of a run
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}
