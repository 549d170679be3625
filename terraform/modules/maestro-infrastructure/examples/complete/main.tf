# A regional account's part of Maestro, beside an EKS cluster that is there. modules/maestro-agent is the other half, in each management
# account; `broker` below is what it takes.

terraform {
  required_version = ">= 1.11.0, < 2.0.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

data "aws_partition" "current" {}

data "aws_eks_cluster" "this" {
  name = var.eks_cluster_name
}

module "maestro" {
  source = "../.."

  name    = "regional-us-east-1"
  cluster = { environment = "integration", region_alias = "us-east-1" }
  place   = { partition = data.aws_partition.current.partition, region = var.region, account_id = var.account_id }

  vpc_id                 = data.aws_eks_cluster.this.vpc_config[0].vpc_id
  private_subnet_ids     = var.private_subnet_ids
  eks_cluster_name       = data.aws_eks_cluster.this.name
  eks_security_group_ids = { cluster = data.aws_eks_cluster.this.vpc_config[0].cluster_security_group_id }

  # For trying out: one instance, which goes with everything in it. Production leaves these three out.
  db_multi_az                 = false
  db_deletion_protection      = false
  secret_recovery_window_days = 0

  management_cluster_count = 2
  management_cluster_ids   = ["mc01", "mc02"]
}
