# The bus keeps what passed for a replay, and not for ever.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_cloudwatch_event_bus" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:event-bus/penstock-test" }
  }
}

variables {
  name = "penstock-test"
}

run "archive" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_archive.this.event_source_arn == aws_cloudwatch_event_bus.this.arn && aws_cloudwatch_event_archive.this.retention_days == 14
    error_message = "Two weeks of events."
  }
}

run "for_ever" {
  command = plan

  variables {
    archive_days = 0
  }
  expect_failures = [var.archive_days]
}
