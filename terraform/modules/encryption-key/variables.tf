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

