# EventBridge Scheduler → the same queue, with the manifest's input as the message: a sweep waits its turn behind events, survives a
# failing function, and reaches the result that the events should have. Local times (schedules.yaml) are schedules in their time zone: they
# move with the clocks.

locals {
  schedules      = { for schedule in var.facts.schedules : schedule.name => schedule }
  local_times    = var.facts.timetable == null ? {} : var.local_times
  wakes_by_clock = length(local.schedules) > 0 || var.facts.timetable != null

  schedule_trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SchedulerOfThisGroupActsForIt"
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.place.account_id }
        ArnEquals    = { "aws:SourceArn" = "${local.prefix}:scheduler:${var.place.region}:${var.place.account_id}:schedule-group/${local.name}" }
      }
    }]
  }

  schedule_policy = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "SendToTheFunctionsQueues"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = concat(aws_sqs_queue.work[*].arn, aws_sqs_queue.dead[*].arn)
    }]
  }
}

resource "aws_iam_role" "schedule" {
  count = local.wakes_by_clock ? 1 : 0

  name               = "${local.name}-schedule"
  description        = "Scheduler sends to the queue of ${local.name}"
  assume_role_policy = jsonencode(local.schedule_trust)
}

resource "aws_iam_role_policy" "schedule" {
  count = local.wakes_by_clock ? 1 : 0

  name   = "send"
  role   = aws_iam_role.schedule[0].name
  policy = jsonencode(local.schedule_policy)
}

resource "aws_scheduler_schedule_group" "this" {
  count = local.wakes_by_clock ? 1 : 0

  name = local.name
}

resource "aws_scheduler_schedule" "this" {
  for_each = local.schedules

  name                = each.key
  group_name          = aws_scheduler_schedule_group.this[0].name
  description         = "Wakes ${var.function}: ${each.key}"
  schedule_expression = each.value.rate

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 1
  }

  target {
    arn      = aws_sqs_queue.work[0].arn
    role_arn = aws_iam_role.schedule[0].arn
    input    = each.value.input

    dead_letter_config {
      arn = aws_sqs_queue.dead[0].arn
    }

    # A missed sweep is made good by the next one: give up soon.
    retry_policy {
      maximum_event_age_in_seconds = 900
      maximum_retry_attempts       = 5
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}

resource "aws_scheduler_schedule" "local" {
  for_each = local.local_times

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.this[0].name
  description                  = "Wakes ${var.function} at a local time"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.time_zone

  # People are waiting: punctual.
  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sqs_queue.work[0].arn
    role_arn = aws_iam_role.schedule[0].arn
    input    = var.facts.timetable.input

    dead_letter_config {
      arn = aws_sqs_queue.dead[0].arn
    }

    # The sweep does the same work a few minutes later.
    retry_policy {
      maximum_event_age_in_seconds = 900
      maximum_retry_attempts       = 5
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}
