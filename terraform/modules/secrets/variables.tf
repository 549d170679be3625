variable "name" {
  description = "The prefix of every name: project and environment."
  type        = string
  nullable    = false
}

variable "key_arn" {
  description = "The KMS key that encrypts it."
  type        = string
  nullable    = false
}

variable "secrets" {
  description = "The secrets by short name, each with what it holds."
  type        = map(string)
  nullable    = false
}
