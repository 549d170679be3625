variable "name" {
  description = "The prefix of every name: project and environment."
  type        = string
  nullable    = false
}

variable "archive_days" {
  description = "How long every event is kept for a replay."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.archive_days >= 1 && floor(var.archive_days) == var.archive_days
    error_message = "archive_days is a whole number of 1 or more: 0 would keep events for ever."
  }
}
