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

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the table. Off only where the data may be lost."
  type        = bool
  default     = true
  nullable    = false
}
