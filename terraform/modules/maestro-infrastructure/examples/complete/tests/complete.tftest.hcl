# The example plans as it stands, with answers in the place of AWS's. The real provider plans it: ../../tests says why.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_partition.current
  values = { partition = "aws" }
}

override_data {
  target = data.aws_eks_cluster.this
  values = {
    name       = "regional-us-east-1"
    vpc_config = [{ vpc_id = "vpc-0a", cluster_security_group_id = "sg-0a" }]
  }
}

override_data {
  target = module.maestro.data.aws_iot_endpoint.mqtt
  values = { endpoint_address = "abc123-ats.iot.us-east-1.amazonaws.com" }
}

variables {
  account_id         = "123456789012"
  eks_cluster_name   = "regional-us-east-1"
  private_subnet_ids = ["subnet-0a", "subnet-0b"]
}

run "complete" {
  command = plan

  assert {
    condition     = output.broker.endpoint == "abc123-ats.iot.us-east-1.amazonaws.com" && output.helm_summary.maestroServer.broker.sourceId == "maestro"
    error_message = "The example has what charts and agents need."
  }
  assert {
    condition     = keys(output.consumers) == ["mc01", "mc02"]
    error_message = "Two management clusters."
  }
}
