terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }

  # The rest is given on init: one key a cluster (README.md). The lock is a file beside the state.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
