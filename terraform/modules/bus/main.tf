# The bus of our events and an archive of all that passed. Rules and targets belong to the function that wakes: modules/function.
#
# It is encrypted with the key that EventBridge owns. Details carry no secrets (threat 18), and a key of ours that EventBridge could
# not use would lose events.

resource "aws_cloudwatch_event_bus" "this" {
  name = var.name
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = var.name
  description      = "Every event of ${var.name}, for a replay: docs/runbooks.md#replay"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = var.archive_days
  event_pattern    = jsonencode({ source = [{ prefix = "penstock." }] })
}
