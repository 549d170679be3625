# The shop's daily reports, for the development account.
accounts = {
  "111122223333" = {
    id           = "111122223333"
    account_name = "shop-development"
    environment  = "development"
    regions      = ["us-east-1"]
  }
}

s3_buckets = {
  "shop-development-reports-us-east-1-dev" = {
    bucket_name        = "shop-development-reports-us-east-1-dev"
    versioning_enabled = true
    bucket_key_enabled = true
    kms_key_alias      = "alias/shop-reports"
    bucket_policy_file = "bucket-policy.json"

    block_public_acls       = true
    block_public_policy     = true
    ignore_public_acls      = true
    restrict_public_buckets = true
  }
}

common_tags = {
  Name        = "shop-reports"
  Environment = "development"
  Project     = "reports"
  Owner       = "ratio"
  CostCenter  = "shop"
  ManagedBy   = "terraform"
  VPCAccess   = "true"
  AccessType  = "vpc-endpoint-only"
}
