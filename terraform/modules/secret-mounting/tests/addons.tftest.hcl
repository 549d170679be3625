# Both add-ons, with rotation and without copies in Kubernetes.

mock_provider "aws" {}

variables {
  eks_cluster_name = "mc01"
}

run "addons" {
  command = plan

  assert {
    condition     = toset(keys(aws_eks_addon.this)) == toset(["eks-pod-identity-agent", "aws-secrets-store-csi-driver-provider"])
    error_message = "Pod Identity and the CSI driver's provider."
  }
  assert {
    condition = jsondecode(aws_eks_addon.this["aws-secrets-store-csi-driver-provider"].configuration_values) == {
      secrets-store-csi-driver = { enableSecretRotation = true, rotationPollInterval = "2m" }
    }
    error_message = "Files follow their secrets; nothing is synced into Kubernetes."
  }
}

run "pinned" {
  command = plan

  variables {
    versions = { eks-pod-identity-agent = "v1.3.10-eksbuild.3" }
  }
  assert {
    condition     = aws_eks_addon.this["eks-pod-identity-agent"].addon_version == "v1.3.10-eksbuild.3"
    error_message = "A version that is asked for."
  }
}

run "another_addon" {
  command = plan

  variables {
    versions = { coredns = "v1" }
  }
  expect_failures = [var.versions]
}

run "too_rarely" {
  command = plan

  variables {
    poll_minutes = 1440
  }
  expect_failures = [var.poll_minutes]
}
