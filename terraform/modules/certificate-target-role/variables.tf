variable "role_name" {
  description = "The role's name: the same in every account, and what the function is told in TARGET_ROLE_NAME."
  type        = string
  default     = "penstock-certificates"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.role_name))
    error_message = "A role's name: up to 64 letters, digits and +=,.@_-, without path or wildcard."
  }
}

variable "place" {
  description = "Where we are: the caller reads it once. The account that the function comes into."
  type        = object({ partition = string, region = string, account_id = string })
  nullable    = false
}

variable "function_role_arn" {
  description = "The role of the function iot-cert-provisioner in the control plane's account, exactly. Nobody else may take this one."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", var.function_role_arn))
    error_message = "function_role_arn must be the ARN of one role, without wildcard: arn:aws:iam::123456789012:role/penstock-production-iot-cert-provisioner."
  }
}

variable "external_id" {
  description = "What the function says when it takes the role; the same in every account of one control plane. No secret, but not to be guessed: `openssl rand -hex 16`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]{16,128}$", var.external_id))
    error_message = "external_id must have 16 to 128 letters, digits and _+=,.@:/-."
  }
}

variable "sides" {
  description = "What the account is: `regional` (it has the broker, and the servers' secrets), `management` (it has agents' secrets), or both. An account that is both needs one role that serves both."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.sides) > 0 && length(setsubtract(var.sides, ["regional", "management"])) == 0
    error_message = "sides has regional, management, or both."
  }
}

variable "regions" {
  description = "The regions that clusters of this account are in. Empty: the one of `place`."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for region in var.regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "A region is written as us-east-1."
  }
}

variable "cluster_ids" {
  description = "The cluster_ids whose agents it is about. `*` is any: a new management cluster then needs no apply here."
  type        = set(string)
  default     = ["*"]
  nullable    = false

  validation {
    condition     = length(var.cluster_ids) > 0 && alltrue([for id in var.cluster_ids : id == "*" || can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", id))])
    error_message = "cluster_ids are whole ids (a-z, 0-9 and hyphen), or * alone."
  }
}

variable "aliases" {
  description = "The aliases of the regional clusters whose servers it is about, or `*`."
  type        = set(string)
  default     = ["*"]
  nullable    = false

  validation {
    condition     = length(var.aliases) > 0 && alltrue([for alias in var.aliases : alias == "*" || can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", alias))])
    error_message = "aliases are whole aliases (a-z, 0-9 and hyphen), or * alone."
  }
}

variable "key_arns" {
  description = "KMS keys of your own that encrypt these secrets, such as key_arn of modules/maestro-infrastructure. Empty: the key that AWS manages, which needs no right."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.key_arns : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", arn))])
    error_message = "Keys are named by their ARN, without wildcard."
  }
}
