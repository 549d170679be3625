# The key's policy: IAM of the account, CloudWatch Logs for our groups, nobody else.

mock_provider "aws" {}

variables {
  name  = "penstock-test"
  place = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
}

run "policy" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key rotates."
  }
  assert {
    condition     = [for statement in output.policy.Statement : statement.Sid] == ["LetIamOfThisAccountDecide", "EncryptOurLogGroups"]
    error_message = "Two statements."
  }
  assert {
    condition     = output.policy.Statement[1].Principal == { Service = "logs.us-east-1.amazonaws.com" } && output.policy.Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:us-east-1:123456789012:log-group:*penstock-test*"
    error_message = "CloudWatch Logs of this region, and only for our log groups: without it an encrypted log group cannot be made."
  }
}
