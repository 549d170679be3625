# Replace account, connection, app id, bucket and topic with your own.
name               = "penstock"
account_id         = "222222222222"
region             = "us-east-1"
connection_arn     = "arn:aws:codeconnections:us-east-1:222222222222:connection/00000000-0000-4000-8000-000000000002"
github_app_id      = "1000002"
state_bucket       = "terraform-state-222222222222"
log_retention_days = 365
target_account_ids = ["111111111111", "333333333333"]
jwt                = { issuer = "https://example.eu.auth0.com/", audience = ["https://penstock.example.org"] }
alarm_topic_arns   = ["arn:aws:sns:us-east-1:222222222222:platform-on-call"]
