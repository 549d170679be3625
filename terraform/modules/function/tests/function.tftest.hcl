# What makes a function wake, what it may do, and what happens to what it cannot process. The emulator checks none of the policies
# here, so these assertions are the only proof of them before AWS.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:some-queue", id = "https://sqs.us-east-1.amazonaws.com/123456789012/some-queue" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:rule/penstock-test/some-rule" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/some-role" }
  }
  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:some-function:live" }
  }
}

variables {
  name         = "penstock-test"
  function     = "worker"
  place        = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
  key_arn      = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  bus_name     = "penstock-test"
  stream_arn   = "arn:aws:dynamodb:us-east-1:123456789012:table/penstock-test/stream/2026-01-01T00:00:00.000"
  package_file = "tests/package.zip"
  environment  = { TABLE_NAME = "penstock-test" }
  policies     = { example = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"events:PutEvents\"],\"Resource\":\"*\"}]}" }
  facts = {
    purpose   = "Works."
    memory_mb = 256
    timeout_s = 60
    queue     = true
    patterns = [
      { source = ["penstock.scm"], "detail-type" = ["Branch Pushed"], detail = { touched_roots = ["deploy", "*"] } },
      { source = ["penstock.scm"], "detail-type" = ["Change Opened"] },
    ]
    aws_patterns = [{ source = ["aws.codepipeline"], "detail-type" = ["CodePipeline Action Execution State Change"] }]
    schedules    = [{ name = "reconcile", rate = "rate(15 minutes)", input = "{\"schedule\":\"reconcile\"}" }]
  }
}

run "code" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap"
    error_message = "arm64 on provided.al2023, handler bootstrap."
  }
  assert {
    condition     = coalesce(aws_lambda_function.this.reserved_concurrent_executions, -1) == -1
    error_message = "No reserved concurrency: consumers are limited at their queue."
  }
  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_format == "JSON" && aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/penstock-test-worker"
    error_message = "JSON logs into the function's own group."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days > 0 && aws_cloudwatch_log_group.this.kms_key_id == var.key_arn
    error_message = "Logs end, and are encrypted with our key."
  }
  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active" && aws_lambda_function.this.publish
    error_message = "Traced and published: the alias points to a version."
  }
}

run "queue" {
  command = plan

  assert {
    condition     = aws_sqs_queue.work[0].visibility_timeout_seconds == 360
    error_message = "The visibility timeout is six times the function's."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.work[0].redrive_policy).maxReceiveCount == 5 && jsondecode(aws_sqs_queue.work[0].redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead[0].arn
    error_message = "Five receives, then the dead-letter queue."
  }
  assert {
    condition     = alltrue([for queue in concat(aws_sqs_queue.work, aws_sqs_queue.dead) : queue.sqs_managed_sse_enabled && queue.kms_master_key_id == null])
    error_message = "Queues use SSE-SQS: with a key of ours, EventBridge could not deliver unless the key's policy admits it."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.queue[0].scaling_config[0].maximum_concurrency == 5 && contains(aws_lambda_event_source_mapping.queue[0].function_response_types, "ReportBatchItemFailures")
    error_message = "The consumer is limited by the mapping, and answers for each message."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.queue[0].function_name == aws_lambda_alias.live.arn
    error_message = "The alias is invoked, never the function."
  }
}

run "queue_policies" {
  command = plan

  assert {
    condition = alltrue([for policy in [aws_sqs_queue_policy.work[0].policy, aws_sqs_queue_policy.dead[0].policy] : length([
      for statement in jsondecode(policy).Statement : statement if
      statement.Effect == "Allow" && try(statement.Principal.Service, "") == "events.amazonaws.com" && statement.Action == "sqs:SendMessage" &&
      toset(try(statement.Condition.ArnEquals["aws:SourceArn"], [])) == toset([for rule in aws_cloudwatch_event_rule.this : rule.arn]) &&
      try(statement.Condition.StringEquals["aws:SourceAccount"], "") == "123456789012"
    ]) == 1])
    error_message = "EventBridge may send to the queue and its dead-letter queue: only our rules, only from this account."
  }
  assert {
    condition = alltrue([for policy in [aws_sqs_queue_policy.work[0].policy, aws_sqs_queue_policy.dead[0].policy] : length([
      for statement in jsondecode(policy).Statement : statement if
      statement.Effect == "Allow" && try(statement.Principal.AWS, "") == aws_iam_role.schedule[0].arn && statement.Action == "sqs:SendMessage"
    ]) == 1])
    error_message = "The schedule's role may send to both."
  }
  assert {
    condition = alltrue(flatten([for policy in [aws_sqs_queue_policy.work[0].policy, aws_sqs_queue_policy.dead[0].policy] : [
      for statement in jsondecode(policy).Statement : statement.Effect == "Deny" || jsonencode(statement.Principal) != "\"*\""
    ]]))
    error_message = "Nobody is admitted by a wildcard."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead[0].redrive_allow_policy).redrivePermission == "byQueue"
    error_message = "Only this function's queue may use its dead-letter queue."
  }
}

run "local_times" {
  command = plan

  variables {
    facts = {
      purpose   = "Speaks each morning.", memory_mb = 256, timeout_s = 60, queue = true, patterns = [], schedules = []
      timetable = { input = "{\"schedule\":\"sweep\"}" }
    }
    local_times = { at-1000-europe-berlin = { expression = "cron(0 10 * * ? *)", time_zone = "Europe/Berlin" } }
  }

  assert {
    condition = alltrue([for schedule in aws_scheduler_schedule.local :
      schedule.schedule_expression == "cron(0 10 * * ? *)" && schedule.schedule_expression_timezone == "Europe/Berlin" && schedule.flexible_time_window[0].mode == "OFF" && schedule.target[0].input == "{\"schedule\":\"sweep\"}"
    ]) && length(aws_scheduler_schedule.local) == 1
    error_message = "A local time is punctual, in its time zone, with the message of the timetable."
  }
  assert {
    condition     = length(aws_scheduler_schedule_group.this) == 1 && length(aws_iam_role.schedule) == 1
    error_message = "It has its group and its role without any other schedule."
  }
}

run "no_timetable" {
  command = plan

  variables {
    local_times = { at-1000-utc = { expression = "cron(0 10 * * ? *)", time_zone = "UTC" } }
  }

  assert {
    condition     = length(aws_scheduler_schedule.local) == 0
    error_message = "Only a function with a timetable wakes at local times."
  }
}

run "deploy" {
  command = plan

  variables {
    facts = { purpose = "Prepares.", memory_mb = 256, timeout_s = 60, queue = false, patterns = [], schedules = [], deploy = true }
  }

  assert {
    condition     = length(aws_lambda_invocation.deploy) == 1 && aws_lambda_invocation.deploy[0].input == "{}"
    error_message = "An apply calls what prepares the table."
  }
}

run "rules_and_schedules" {
  command = plan

  assert {
    condition = [for rule in aws_cloudwatch_event_rule.this : rule.event_pattern] == concat(
      [for pattern in var.facts.patterns : jsonencode(pattern)],
      [for pattern in var.facts.aws_patterns : jsonencode(merge(pattern, { account = [var.place.account_id], region = [var.place.region] }))],
    )
    error_message = "One rule a pattern, word by word; of AWS's services only what is from this account and region."
  }
  assert {
    condition = alltrue([for key, rule in aws_cloudwatch_event_rule.this :
      rule.event_bus_name == (startswith(key, "aws-") ? "default" : var.bus_name) && aws_cloudwatch_event_target.queue[key].event_bus_name == rule.event_bus_name
    ])
    error_message = "What AWS's services tell is heard on the default bus, everything else on ours."
  }
  assert {
    condition = alltrue([for target in aws_cloudwatch_event_target.queue :
      target.arn == aws_sqs_queue.work[0].arn && target.dead_letter_config[0].arn == aws_sqs_queue.dead[0].arn && target.retry_policy[0].maximum_retry_attempts > 0
    ])
    error_message = "Every target is the queue, retried, with the dead-letter queue behind it."
  }
  assert {
    condition = alltrue([for schedule in aws_scheduler_schedule.this :
      schedule.target[0].arn == aws_sqs_queue.work[0].arn && schedule.target[0].dead_letter_config[0].arn == aws_sqs_queue.dead[0].arn && schedule.target[0].input == "{\"schedule\":\"reconcile\"}"
    ]) && length(aws_scheduler_schedule.this) == 1
    error_message = "The schedule sends the manifest's input to the queue."
  }
  assert {
    condition     = jsondecode(aws_iam_role.schedule[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Scheduler may take the role only for this account (threat 32)."
  }
}

run "rights" {
  command = plan

  assert {
    condition     = alltrue([for statement in output.policy : alltrue([for action in statement.Action : !endswith(action, "*")])])
    error_message = "No action with a wildcard."
  }
  assert {
    condition     = toset([for statement in jsondecode(aws_iam_role_policy.wiring.policy).Statement : statement.Sid if statement.Resource == "*"]) == toset(["SendTraces"])
    error_message = "Only X-Ray, which has no smaller resource, gets a star."
  }
  assert {
    condition     = keys(aws_iam_role_policy.grant) == ["example"]
    error_message = "One policy a grant."
  }
}

run "alarms" {
  command = plan

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["errors", "throttles", "dead-letters", "waiting"])
    error_message = "A function with a queue has these alarms."
  }
  assert {
    condition = alltrue([for alarm in aws_cloudwatch_metric_alarm.this :
      can(regex("docs/runbooks\\.md#[a-z-]+; first: aws ", alarm.alarm_description)) && length(alarm.alarm_description) <= 1024
    ])
    error_message = "Every alarm names the runbook and the first command."
  }
}

run "own_alarms" {
  command = plan

  variables {
    facts = {
      purpose   = "Limits."
      memory_mb = 256
      timeout_s = 30
      queue     = false
      patterns  = []
      schedules = []
      alarms = [{
        name      = "oldest-wait", metric = "WIPOldestWait", says = "Somebody waits too long", runbook = "work-in-progress",
        statistic = "Maximum", threshold = 172800, period_s = 300, periods = 3
        }, {
        name      = "outside", metric = "CanaryFailed", says = "Nobody looks", runbook = "canary",
        statistic = "Maximum", threshold = 1, period_s = 600, periods = 1, missing = "breaching"
      }]
    }
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["errors", "throttles", "oldest-wait", "outside"])
    error_message = "What the manifest says beside what every function has."
  }
  assert {
    condition = alltrue([for alarm in [aws_cloudwatch_metric_alarm.this["oldest-wait"]] :
      alarm.namespace == "Penstock" && alarm.dimensions == tomap({ function = var.function }) && alarm.period == 300 && alarm.threshold == 172800
      && startswith(alarm.alarm_description, "Somebody waits too long: docs/runbooks.md#work-in-progress; first: aws logs tail ")
    ])
    error_message = "The metric that the function writes, under its short name, and where to read on."
  }
  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.treat_missing_data if alarm.treat_missing_data != "notBreaching" } == { outside = "breaching" }
    error_message = "Silence calls only where the manifest says so."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["errors"].period == 60
    error_message = "The others look at each minute."
  }
}

run "stream" {
  command = plan

  variables {
    facts = {
      purpose   = "Relays."
      memory_mb = 256
      timeout_s = 30
      queue     = false
      stream    = { prefix = "OUTBOX#", batch_size = 100, attempts = 10, max_age_s = 21600 }
      patterns  = []
      schedules = []
    }
  }

  assert {
    condition = [for filter in aws_lambda_event_source_mapping.stream[0].filter_criteria[0].filter : jsondecode(filter.pattern)] == [{
      eventName = ["INSERT", "MODIFY"]
      dynamodb  = { Keys = { pk = { S = [{ prefix = "OUTBOX#" }] } } }
    }]
    error_message = "Only new and touched rows of the prefix."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.stream[0].bisect_batch_on_function_error && aws_lambda_event_source_mapping.stream[0].maximum_retry_attempts == 10 && aws_lambda_event_source_mapping.stream[0].maximum_record_age_in_seconds == 21600
    error_message = "Bisect, attempts and age as the manifest says: one bad row does not hold the shard for ever."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.stream[0].destination_config[0].on_failure[0].destination_arn == aws_sqs_queue.failed[0].arn && aws_lambda_event_source_mapping.stream[0].starting_position == "TRIM_HORIZON"
    error_message = "What was given up ends in the on-failure queue; what came before the first deployment is published."
  }
  assert {
    condition     = length(aws_sqs_queue.work) == 0 && length(aws_cloudwatch_event_rule.this) == 0 && contains(keys(aws_cloudwatch_metric_alarm.this), "stream-failures") && contains(keys(aws_cloudwatch_metric_alarm.this), "stream-age")
    error_message = "No queue of messages; alarms of the stream."
  }
  assert {
    condition     = length([for statement in output.policy : statement if try(statement.Sid, "") == "KeepWhatCouldNotBeProcessed"]) == 1
    error_message = "The role may send to the on-failure queue."
  }
}

run "called_directly" {
  command = plan

  variables {
    facts = { purpose = "Answers.", memory_mb = 256, timeout_s = 10, queue = false, patterns = [], schedules = [] }
  }

  assert {
    condition     = length(aws_sqs_queue.work) + length(aws_sqs_queue.dead) + length(aws_sqs_queue.failed) + length(aws_lambda_event_source_mapping.queue) == 0
    error_message = "A function behind the API has no queue."
  }
  assert {
    condition     = length([for statement in output.policy : statement if length([for action in statement.Action : action if startswith(action, "sqs:")]) > 0]) == 0
    error_message = "And no right on one."
  }
}

run "queue_without_anything_to_consume" {
  command = plan

  variables {
    facts = { purpose = "Contradicts itself.", memory_mb = 256, timeout_s = 10, queue = true, patterns = [], schedules = [] }
  }
  expect_failures = [var.facts]
}
