variable "name" {
  description = "The prefix of every name. One control plane an account and region: cluster pipelines are called rc-… and mc-… without it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 24 characters of a-z, 0-9 and hyphen: it begins names of at most 64."
  }
}

variable "account_id" {
  description = "The account of the control plane. An apply with other credentials stops."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "region" {
  description = "The region of the control plane, its pipelines and builds. A cluster's own region is data."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as us-east-1."
  }
}

variable "connection_arn" {
  description = "The connection to GitHub, made and authorised by hand once (README.md); null where every repository is on CodeCommit."
  type        = string
  default     = null

  validation {
    condition     = var.connection_arn == null || can(regex("^arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]{36}$", var.connection_arn))
    error_message = "connection_arn must be the ARN of a connection: arn:aws:codeconnections:<region>:<account>:connection/<id>."
  }
}

variable "github_app_id" {
  description = "The number of the GitHub App that reads deploy trees and writes marks; null where every repository is on CodeCommit."
  type        = string
  default     = null

  validation {
    condition     = var.github_app_id == null || can(regex("^[0-9]+$", var.github_app_id))
    error_message = "A GitHub App's id is a number (not its client id, which begins with Iv)."
  }
}

variable "github_api_url" {
  description = "The API of a GitHub Enterprise Server, or null for github.com."
  type        = string
  default     = null

  validation {
    condition     = var.github_api_url == null || can(regex("^https://[^/?#]+(/api/v3)?$", var.github_api_url))
    error_message = "github_api_url is https://<host>/api/v3 without a slash at its end, or null for github.com."
  }
}

variable "slack" {
  description = "Whether the day is told in Slack. Put the bot's token into the secret first: with this on and no token, feedback does not start."
  type        = bool
  default     = false
  nullable    = false
}

variable "email_from" {
  description = "The address that the day's report and escalations are mailed from, to those whom they name and who have an `email` in people.yaml. Verify it, or its domain, in SES first. Null: nothing is mailed."
  type        = string
  default     = null

  validation {
    condition     = var.email_from == null || can(regex("^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]+\\.)+[A-Za-z0-9-]+$", var.email_from))
    error_message = "email_from is one address, such as penstock@example.org, without a name."
  }
}

variable "approval_links_url" {
  description = "The API's address as people reach it (`terraform output api_url`, or your own domain): with it, whoever is asked at a gate gets a personal link in Slack. Put a key into the secret first: with this set and no key, stage-gate and feedback do not start. If a link gets into wrong hands: docs/runbooks.md#links-in-wrong-hands. Null: no links."
  type        = string
  default     = null

  validation {
    condition     = var.approval_links_url == null || can(regex("^https://[^?#]+[^/?#]$", var.approval_links_url))
    error_message = "approval_links_url is https://<address> without a slash at its end, or null for no links."
  }
}

variable "prepare" {
  description = "Whether an apply calls the functions that prepare the table (db-init). Off only where no function can run, as on an emulator with empty packages."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_level" {
  description = "What functions log: error, warn, info, debug or trace."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["error", "warn", "info", "debug", "trace"], var.log_level)
    error_message = "log_level must be error, warn, info, debug or trace."
  }
}

variable "archive_days" {
  description = "How long the bus keeps every event for a replay: docs/runbooks.md#replay."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.archive_days >= 1 && floor(var.archive_days) == var.archive_days
    error_message = "archive_days is a whole number of 1 or more: 0 would keep events for ever."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or 1096 days, or 5 to 10 years (1827, 2192, 2557, 2922, 3288, 3653)."
  }
}

variable "package_file" {
  description = "Where the built zips are; <function> stands for the function's name. The default is where `make release` writes them."
  type        = string
  default     = "../../../target/lambda/<function>/bootstrap.zip"
  nullable    = false
}

variable "contract_file" {
  description = "The generated contract. Another one only in tests."
  type        = string
  default     = "../../../events/contract.json"
  nullable    = false
}

variable "governance_directory" {
  description = "The YAML that the control plane runs by."
  type        = string
  default     = "../../governance"
  nullable    = false
}

variable "provision_pipelines" {
  description = "Pipelines that show a push being provisioned: a short name to the repository (as in repositories.yaml) and a branch that an environment follows. None is needed: the provisioner hears of pushes by itself."
  type        = map(object({ repository = string, branch = string }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.provision_pipelines) : can(regex("^[a-z0-9][a-z0-9-]{0,14}$", key))])
    error_message = "A short name has 1 to 15 characters of a-z, 0-9 and hyphen."
  }

  validation {
    condition     = length(var.provision_pipelines) == 0 || var.connection_arn != null
    error_message = "These pipelines take their source through the connection: set connection_arn. On CodeCommit the provisioner hears of pushes by itself."
  }
}

variable "certificates" {
  description = "How the certificates of clusters are made: the role in each account and the external id that it wants to hear (modules/certificate-target-role requires one; without it here no account lets the function in), what topics start with (three levels, or `older` for maestro/consumers), how long the certificate before still works, how old one becomes, and the authority that clients trust when it is not Amazon Root CA 1."
  type = object({
    role_name     = optional(string, "penstock-certificates")
    external_id   = optional(string)
    topic_prefix  = optional(string, "sources/maestro/consumers")
    overlap_hours = optional(number, 24)
    lifetime_days = optional(number, 90)
    broker_ca     = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.certificates.role_name))
    error_message = "certificates.role_name is a role's name: up to 64 letters, digits and +=,.@_-."
  }

  validation {
    condition     = var.certificates.external_id == null || can(regex("^[A-Za-z0-9_+=,.@:/-]{16,128}$", var.certificates.external_id))
    error_message = "certificates.external_id must have 16 to 128 letters, digits and _+=,.@:/-."
  }

  validation {
    condition     = var.certificates.topic_prefix == "older" || (can(regex("^[a-z]+/[a-z0-9-]+/[a-z]+$", var.certificates.topic_prefix)) && length(var.certificates.topic_prefix) <= 100)
    error_message = "certificates.topic_prefix has three levels and up to 100 characters, such as sources/maestro/consumers, or is the word older."
  }

  validation {
    condition = alltrue([for number in [var.certificates.overlap_hours, var.certificates.lifetime_days] : floor(number) == number && number <= 10000]) && (
      var.certificates.overlap_hours >= 24 && var.certificates.lifetime_days * 24 > var.certificates.overlap_hours
    )
    error_message = "certificates.overlap_hours and lifetime_days are whole numbers up to 10000: 24 hours or more, and a lifetime that is longer than that."
  }
}

variable "state_bucket" {
  description = "The bucket of the clusters' states. Usually the one that holds this root's own state."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket is a bucket's name, not its ARN: 3 to 63 of a-z, 0-9, dot and hyphen."
  }
}

variable "state_key_arn" {
  description = "The KMS key of that bucket, or null for SSE-S3."
  type        = string
  default     = null

  validation {
    condition     = var.state_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.state_key_arn))
    error_message = "state_key_arn must be the ARN of a key (an alias has no policy), or null."
  }
}

variable "target_role_name" {
  description = "The role that builds assume in clusters' accounts."
  type        = string
  default     = "OrganizationAccountAccessRole"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.target_role_name))
    error_message = "target_role_name is a role's name without path or ARN."
  }
}

variable "target_account_ids" {
  description = "The accounts where they may. Empty: any that trusts the build role."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.target_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "An account id has 12 digits."
  }
}

variable "jwt" {
  description = "Who issues people's tokens for the HTTP API: any OIDC issuer (Auth0, Cognito, IAM Identity Center, …) and the audiences that it makes them for. Null: the routes that need a token are not made."
  type        = object({ issuer = string, audience = list(string) })
  default     = null

  validation {
    condition     = var.jwt == null || can(regex("^https://[^/?#@]+(/[^?#]*)?$", var.jwt.issuer))
    error_message = "jwt.issuer is the https URL that tokens name in iss, to the letter (Auth0's ends with a slash, Cognito's does not)."
  }

  validation {
    condition     = var.jwt == null || try(length(var.jwt.audience) > 0 && alltrue([for audience in var.jwt.audience : length(audience) > 0]), false)
    error_message = "jwt.audience names at least one audience: without one, every token of the issuer would pass, whomever it was made for."
  }
}

variable "throttle" {
  description = "Requests a second that the HTTP API takes, and the burst above it."
  type        = object({ rate = number, burst = number })
  default     = { rate = 100, burst = 200 }
  nullable    = false

  validation {
    condition     = var.throttle.rate > 0 && var.throttle.burst > 0
    error_message = "throttle.rate and throttle.burst must be above zero: at zero the API refuses every webhook."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that hear of alarms."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "alarm_topic_arns are ARNs of standard SNS topics: alarms cannot send to others."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the table."
  type        = bool
  default     = true
  nullable    = false
}
