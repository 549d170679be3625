variable "name" {
  description = "The regional cluster's alias, as its regional.yaml has it: every name starts with it, and the provisioner of certificates looks for these names."
  type        = string
  nullable    = false

  validation {
    # The servers are a stateful set called <name>-maestro-server, and Kubernetes labels its pods with that and ten more: 63 at most.
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,35}[a-z0-9])?$", var.name))
    error_message = "name must have 1 to 37 characters of a-z, 0-9 and hyphen, and neither begin nor end with a hyphen."
  }
}

variable "cluster" {
  description = "Which cluster this is: environment and region alias, the folders that its regional.yaml is in. Thing and secrets are marked with it."
  type        = object({ environment = string, region_alias = string })
  nullable    = false

  validation {
    condition     = alltrue([for part in values(var.cluster) : can(regex("^[a-z0-9][a-z0-9-]{0,31}$", part))])
    error_message = "An environment and a region alias have 1 to 32 characters of a-z, 0-9 and hyphen."
  }
}

variable "place" {
  description = "Where we are: the caller reads it once."
  type        = object({ partition = string, region = string, account_id = string })
  nullable    = false
}

variable "key_arn" {
  description = "The KMS key that encrypts database and secrets, or null for the keys that AWS manages (no cost, no key policy of ours)."
  type        = string
  default     = null
}

variable "vpc_id" {
  description = "The VPC of the regional cluster."
  type        = string
  nullable    = false
}

variable "private_subnet_ids" {
  description = "Private subnets in at least two zones: RDS wants two even for one instance."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(distinct(var.private_subnet_ids)) >= 2
    error_message = "A subnet group needs subnets in at least two availability zones."
  }
}

variable "eks_cluster_name" {
  description = "The EKS cluster that the servers run in."
  type        = string
  nullable    = false
}

variable "eks_security_group_ids" {
  description = "The security groups that the servers' pods come from: the cluster's own, and its additional one if there is one. By a short name each."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.eks_security_group_ids) > 0 && alltrue([for id in values(var.eks_security_group_ids) : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "At least one security group, by its id (sg-…): without one nothing reaches the database."
  }
}

variable "enable_bastion" {
  description = "Whether the bastion may reach the database."
  type        = bool
  default     = false
  nullable    = false
}

variable "bastion_security_group_id" {
  description = "The bastion's security group; needed with enable_bastion."
  type        = string
  default     = null

  validation {
    condition     = !var.enable_bastion || can(regex("^sg-[0-9a-f]+$", var.bastion_security_group_id))
    error_message = "enable_bastion needs bastion_security_group_id (sg-…)."
  }
}

variable "db_instance_class" {
  description = "The database's size."
  type        = string
  default     = "db.t4g.small"
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.db_instance_class))
    error_message = "An instance class is written as db.t4g.small."
  }
}

variable "db_allocated_storage_gib" {
  description = "The database's first storage in GiB. It grows by itself, to five times as much."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.db_allocated_storage_gib >= 20 && var.db_allocated_storage_gib <= 1000
    error_message = "20 to 1000 GiB: gp3 begins at 20."
  }
}

variable "db_engine_version" {
  description = "PostgreSQL's major version. RDS chooses the minor one and raises it: with a minor version here the next plan would go back."
  type        = string
  default     = "17"
  nullable    = false

  validation {
    condition     = can(regex("^1[5-9]$", var.db_engine_version))
    error_message = "A major version from 15 on (since then RDS refuses connections without TLS): 17."
  }
}

variable "db_multi_az" {
  description = "Whether a second instance stands by in another zone. It doubles the database's cost."
  type        = bool
  default     = true
  nullable    = false
}

variable "db_deletion_protection" {
  description = "Whether the database refuses to be deleted. Without it, it goes without a final snapshot, too."
  type        = bool
  default     = true
  nullable    = false
}

variable "db_password_version" {
  description = "Raise it to give the database another password: README.md says what else to do."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.db_password_version >= 1 && floor(var.db_password_version) == var.db_password_version
    error_message = "A whole number from 1 on."
  }
}

variable "secret_recovery_window_days" {
  description = "How long deleted secrets can be had back. 0 deletes at once: for clusters that come and go under one name, which otherwise is taken for that long."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.secret_recovery_window_days == 0 || (var.secret_recovery_window_days >= 7 && var.secret_recovery_window_days <= 30)
    error_message = "0, or 7 to 30 days: Secrets Manager's limits."
  }
}

variable "topic_prefix" {
  description = "What all topics start with. Three levels, as Maestro's client checks them; policies, configuration and charts are made of this one value."
  type        = string
  default     = "sources/maestro/consumers"
  nullable    = false

  # <https://github.com/open-cluster-management-io/sdk-go>, pkg/cloudevents: the pattern of a topic, less its last two levels.
  validation {
    condition     = var.allow_older_topics ? var.topic_prefix == "maestro/consumers" : can(regex("^[a-z]+/[a-z0-9-]+/[a-z]+$", var.topic_prefix)) && length(var.topic_prefix) <= 100
    error_message = "Three levels such as sources/maestro/consumers; or maestro/consumers, with allow_older_topics = true and nothing else."
  }
}

variable "allow_older_topics" {
  description = "Takes the older prefix maestro/consumers, which Maestro's client of today refuses: only for a smoke test of the broker, or a Maestro from before that check."
  type        = bool
  default     = false
  nullable    = false
}

variable "management_cluster_count" {
  description = "How many management clusters there are. With management_cluster_ids it must be their number; without, they are called mc01, mc02 and so on."
  type        = number
  default     = null

  validation {
    condition = var.management_cluster_count == null ? true : (
      var.management_cluster_count >= 0 && var.management_cluster_count <= 99 && floor(var.management_cluster_count) == var.management_cluster_count &&
      (length(var.management_cluster_ids) == 0 || length(var.management_cluster_ids) == var.management_cluster_count)
    )
    error_message = "0 to 99, and the number of management_cluster_ids if those are given."
  }
}

variable "management_cluster_ids" {
  description = "The cluster_ids of the management clusters: each is the name of a Maestro consumer. They only show in the outputs: nothing here has to change when one is added."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.management_cluster_ids : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", id))]) && length(distinct(var.management_cluster_ids)) == length(var.management_cluster_ids)
    error_message = "A cluster_id has 1 to 40 characters of a-z, 0-9 and hyphen, and each is there once."
  }
}
