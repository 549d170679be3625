# The table keeps what it holds, and forgets by expires_at alone.

mock_provider "aws" {}

variables {
  name    = "penstock-test"
  key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "table" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == "sk" && one([for index in aws_dynamodb_table.this.global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key}"]) == "gsi1 gsi1pk gsi1sk"
    error_message = "Keys as in common/src/aws/dynamodb/key.rs."
  }
  assert {
    condition     = aws_dynamodb_table.this.stream_enabled && aws_dynamodb_table.this.stream_view_type == "NEW_IMAGE"
    error_message = "The relay needs new images."
  }
  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.server_side_encryption[0].kms_key_arn == var.key_arn && aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "Recoverable, encrypted with our key, protected from deletion."
  }
  assert {
    condition     = one(aws_dynamodb_table.this.ttl).attribute_name == "expires_at" && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "TTL on expires_at, on demand."
  }
}
