variable "bucket" {
  description = "The bucket's whole name. Names are global: it should carry the account id."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name has 3 to 63 characters of a-z, 0-9 and hyphen, and begins and ends with a letter or digit."
  }
}

variable "key_arn" {
  description = "The KMS key that encrypts it."
  type        = string
  nullable    = false
}

variable "expire_prefixes" {
  description = "Object key prefixes that are deleted after a number of days. Everything else stays for ever."
  type        = map(number)
  default     = {}
  nullable    = false
}
