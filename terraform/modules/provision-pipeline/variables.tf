variable "name" {
  description = "The pipeline's name; the provisioner answers it because this name is on its list."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,48}[a-z0-9]$", var.name)) && !can(regex("^(rc|mc)-", var.name))
    error_message = "name must have 3 to 50 characters of a-z, 0-9 and hyphen (a bucket and a role are called after it), and not begin as a cluster's pipeline: rc- or mc-."
  }
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

variable "connection_arn" {
  description = "The connection to the source host."
  type        = string
  nullable    = false
}

variable "function" {
  description = "The provisioner's function, by name."
  type        = string
  nullable    = false
}

variable "repository" {
  description = "The repository with the deploy tree: owner/name, as repositories.yaml has it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$", var.repository))
    error_message = "A repository is written as owner/name."
  }
}

variable "branch" {
  description = "A branch that an environment follows."
  type        = string
  nullable    = false
}
