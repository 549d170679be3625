# Replace account, connection, app id and bucket with your own.
name                = "penstock-development"
account_id          = "111111111111"
region              = "us-east-1"
connection_arn      = "arn:aws:codeconnections:us-east-1:111111111111:connection/00000000-0000-4000-8000-000000000001"
github_app_id       = "1000001"
state_bucket        = "terraform-state-111111111111"
log_level           = "debug"
log_retention_days  = 14
deletion_protection = false
throttle            = { rate = 20, burst = 40 }
