variable "eks_cluster_name" {
  description = "The EKS cluster. Its nodes are on EC2: the driver does not run on Fargate."
  type        = string
  nullable    = false
}

variable "poll_minutes" {
  description = "How often mounted files are compared with their secrets. Each look is a call of Secrets Manager for each secret of each pod."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.poll_minutes >= 1 && var.poll_minutes <= 60 && floor(var.poll_minutes) == var.poll_minutes
    error_message = "1 to 60 whole minutes: a rotated certificate must be there well within the overlap of a day."
  }
}

variable "versions" {
  description = "Versions to keep an add-on at, by its name. Those that are left out: EKS's default for the cluster."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.versions), ["eks-pod-identity-agent", "aws-secrets-store-csi-driver-provider"])) == 0
    error_message = "The add-ons are eks-pod-identity-agent and aws-secrets-store-csi-driver-provider."
  }
}
