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

variable "directory" {
  description = "The folder with the YAML files that the control plane runs by."
  type        = string
  nullable    = false
}
