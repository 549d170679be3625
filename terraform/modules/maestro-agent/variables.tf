variable "cluster_id" {
  description = "The management cluster's cluster_id: the consumer's name, and what every name here starts with."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", var.cluster_id))
    error_message = "cluster_id must have 1 to 40 characters of a-z, 0-9 and hyphen, and neither begin nor end with a hyphen."
  }
}

variable "place" {
  description = "Where we are: the caller reads it once. The management account."
  type        = object({ partition = string, region = string, account_id = string })
  nullable    = false
}

variable "eks_cluster_name" {
  description = "The EKS cluster that the agent runs in."
  type        = string
  nullable    = false
}

variable "broker" {
  description = "The regional account's broker: the output `broker` of modules/maestro-infrastructure, or those two fields of it."
  type        = object({ endpoint = string, topic_prefix = string })
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+-ats\\.iot\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?$", var.broker.endpoint))
    error_message = "broker.endpoint must be the account's data endpoint, such as abc123-ats.iot.us-east-1.amazonaws.com: `aws iot describe-endpoint --endpoint-type iot:Data-ATS` in the regional account."
  }

  validation {
    condition     = can(regex("^[a-z]+/[a-z0-9-]+/[a-z]+$", var.broker.topic_prefix)) || var.broker.topic_prefix == "maestro/consumers"
    error_message = "broker.topic_prefix must be that of the regional account: three levels such as sources/maestro/consumers, or the older maestro/consumers."
  }
}

variable "key_arn" {
  description = "The KMS key that encrypts the configuration, or null for the one that AWS manages. The certificate's secret is made by the function, under the latter."
  type        = string
  default     = null
}

variable "secret_recovery_window_days" {
  description = "How long the deleted configuration can be had back. 0 deletes at once: for clusters that come and go under one name."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.secret_recovery_window_days == 0 || (var.secret_recovery_window_days >= 7 && var.secret_recovery_window_days <= 30)
    error_message = "0, or 7 to 30 days: Secrets Manager's limits."
  }
}
