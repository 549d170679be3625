# The two EKS add-ons by which a pod has secrets as files: Pod Identity gives it its role, the CSI driver with AWS's provider mounts what the role
# may read. The charts of Maestro need both, in regional and in management clusters.

locals {
  addons = {
    eks-pod-identity-agent = null
    # Rotation on: a file follows its secret. No syncing into Kubernetes: nothing of ours is kept there.
    aws-secrets-store-csi-driver-provider = jsonencode({
      secrets-store-csi-driver = {
        enableSecretRotation = true
        rotationPollInterval = "${var.poll_minutes}m"
      }
    })
  }
}

resource "aws_eks_addon" "this" {
  for_each = local.addons

  cluster_name                = var.eks_cluster_name
  addon_name                  = each.key
  addon_version               = lookup(var.versions, each.key, null)
  configuration_values        = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}
