variable "region" {
  description = "The region of the cluster."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "account_id" {
  description = "The regional account. In any other one, nothing is planned."
  type        = string
  nullable    = false
}

variable "eks_cluster_name" {
  description = "The regional EKS cluster, which is there already."
  type        = string
  nullable    = false
}

variable "private_subnet_ids" {
  description = "Its private subnets, in at least two zones."
  type        = list(string)
  nullable    = false
}
