# What tells a person. Each description names the section of the runbook and the first command to type; a check compares both.

locals {
  region = var.place.region

  alarms = merge(
    {
      errors = {
        says      = "${local.name} fails: docs/runbooks.md#function-errors; first: aws logs tail /aws/lambda/${local.name} --since 1h --region ${local.region} --filter-pattern '{ $.level = \"ERROR\" }'"
        namespace = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = local.name }
        statistic = "Sum", threshold = 5, periods = 3
      }
      throttles = {
        says      = "${local.name} is throttled: docs/runbooks.md#throttles; first: aws lambda get-account-settings --region ${local.region}"
        namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = local.name }
        statistic = "Sum", threshold = 1, periods = 3
      }
    },
    !var.facts.queue ? {} : {
      dead-letters = {
        says      = "Messages that ${local.name} could not process: docs/runbooks.md#dead-letters; first: aws sqs receive-message --queue-url ${aws_sqs_queue.dead[0].id} --max-number-of-messages 10 --visibility-timeout 0 --region ${local.region}"
        namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${local.name}-dead" }
        statistic = "Maximum", threshold = 1, periods = 1
      }
      waiting = {
        says      = "The oldest message of ${local.name} waits too long: docs/runbooks.md#queue-age; first: aws lambda list-event-source-mappings --function-name ${local.name}:live --region ${local.region}"
        namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = local.name }
        statistic = "Maximum", threshold = max(900, 2 * var.facts.timeout_s), periods = 3
      }
    },
    var.facts.stream == null ? {} : {
      stream-failures = {
        says      = "Stream records that ${local.name} gave up: docs/runbooks.md#stream-failures; first: aws sqs receive-message --queue-url ${aws_sqs_queue.failed[0].id} --max-number-of-messages 10 --visibility-timeout 0 --region ${local.region}"
        namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${local.name}-failed" }
        statistic = "Maximum", threshold = 1, periods = 1
      }
      stream-age = {
        says      = "${local.name} lags behind the stream: docs/runbooks.md#stream-age; first: aws logs tail /aws/lambda/${local.name} --since 1h --region ${local.region}"
        namespace = "AWS/Lambda", metric = "IteratorAge", dimensions = { FunctionName = local.name, Resource = "${local.name}:live" }
        statistic = "Maximum", threshold = 300000, periods = 3
      }
    },
    # What the function says of itself, in its manifest. Its metrics have the function's short name as dimension.
    { for alarm in var.facts.alarms : alarm.name => {
      says      = "${alarm.says}: docs/runbooks.md#${alarm.runbook}; first: aws logs tail /aws/lambda/${local.name} --since 1h --region ${local.region}"
      namespace = "Penstock", metric = alarm.metric, dimensions = { function = var.function }
      statistic = alarm.statistic, threshold = alarm.threshold, periods = alarm.periods, period = alarm.period_s, missing = alarm.missing
    } },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  period              = try(each.value.period, 60)
  evaluation_periods  = each.value.periods
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}
