variable "name" {
  description = "The prefix of every name: project and environment."
  type        = string
  nullable    = false
}

variable "place" {
  description = "Where we are: the caller reads it once."
  type        = object({ partition = string, region = string, account_id = string })
  nullable    = false
}

variable "key_arn" {
  description = "The KMS key that encrypts it."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 90
  nullable    = false
}

variable "buildspec_directory" {
  description = "The folder that holds pipeline-regional-cluster/ and pipeline-management-cluster/ with their buildspecs."
  type        = string
  nullable    = false
}

variable "connection_arn" {
  description = "The connection to GitHub. Made by hand once: authorising it needs a person. Null where every repository is on CodeCommit."
  type        = string
  default     = null

  validation {
    condition     = var.connection_arn == null || can(regex("^arn:[a-z-]+:(codestar-connections|codeconnections):[a-z0-9-]+:[0-9]{12}:connection/[a-z0-9-]+$", var.connection_arn))
    error_message = "connection_arn must look like arn:aws:codeconnections:us-east-1:123456789012:connection/<id>."
  }
}

variable "codecommit_repository_arns" {
  description = "The CodeCommit repositories that clusters are configured in, in this account and region: those of kind: cluster that repositories.yaml lists with an ARN."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.codecommit_repository_arns : startswith(arn, "arn:${var.place.partition}:codecommit:${var.place.region}:${var.place.account_id}:") && !strcontains(arn, "*")])
    error_message = "Each ARN in repositories.yaml must be that of a CodeCommit repository in the control plane's own account and region: pipelines read it there."
  }
}

variable "function_arns" {
  description = "The functions that the pipelines may invoke: stage-gate, which answers at a gate that invokes, and iot-cert-provisioner, which sees to certificates."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.function_arns) > 0 && alltrue([for arn in var.function_arns : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-z0-9-]+$", arn))])
    error_message = "function_arns are the ARNs of functions, each without version or wildcard."
  }
}

variable "state_bucket" {
  description = "The bucket that keeps the clusters' Terraform states, in this account. It exists before: README.md says how it should be."
  type        = string
  nullable    = false
}

variable "state_key_arn" {
  description = "The KMS key of that bucket, or null when it uses the bucket's own (SSE-S3)."
  type        = string
  default     = null
}

variable "target_role_name" {
  description = "The role that a build assumes in the account of a cluster. Only roles of this name can be assumed."
  type        = string
  default     = "OrganizationAccountAccessRole"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_/-]{1,64}$", var.target_role_name))
    error_message = "A role's name, without wildcard."
  }
}

variable "target_account_ids" {
  description = "The accounts whose role may be assumed. Empty: any account that trusts our build role."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.target_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "An account id has 12 digits."
  }
}

variable "same_account_policy_arns" {
  description = "Policies for clusters in this very account, where no role is assumed. None by default: clusters belong in accounts of their own."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "terraform" {
  description = "The Terraform that stages run: version and the sha256 of its linux_amd64 zip."
  type        = object({ version = string, sha256 = string })
  default     = { version = "1.11.4", sha256 = "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc" }
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.terraform.version)) && can(regex("^[0-9a-f]{64}$", var.terraform.sha256))
    error_message = "A version like 1.11.4 and 64 hexadecimal digits."
  }
}

variable "image" {
  description = "The CodeBuild image. It must have bash, Python 3.9 or newer and AWS CLI 2."
  type        = string
  default     = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
  nullable    = false
}
