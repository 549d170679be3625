# The key of the reports' bucket.
accounts = {
  "111122223333" = {
    id           = "111122223333"
    account_name = "shop-development"
    environment  = "development"
    regions      = ["us-east-1"]
  }
}

kms_keys = {
  "shop-reports" = {
    key_name            = "shop-reports"
    alias               = "alias/shop-reports"
    description         = "Encrypts the shop's daily reports"
    enable_key_rotation = true
  }
}

common_tags = {
  Name        = "shop-reports"
  Environment = "development"
  Project     = "reports"
  Owner       = "ratio"
  CostCenter  = "shop"
  ManagedBy   = "terraform"
}
