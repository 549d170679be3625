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

variable "alarm_topic_arns" {
  description = "SNS topics that hear of alarms. None: the alarms show in CloudWatch alone."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "routes" {
  description = "Each route by a key that does not change, with the function behind it."
  type = map(object({
    method           = string
    path             = string
    public           = bool
    function         = string
    alias_name       = string
    alias_invoke_arn = string
  }))
  nullable = false
}

variable "jwt" {
  description = "Who issues the tokens for routes that are not public. Null: then every route must be public."
  type        = object({ issuer = string, audience = list(string) })
  default     = null
}

variable "throttle" {
  description = "What one client may not take from another: requests a second over all routes, and the burst above it."
  type        = object({ rate = number, burst = number })
  default     = { rate = 100, burst = 200 }
  nullable    = false

  validation {
    condition     = var.throttle.rate > 0 && var.throttle.burst > 0
    error_message = "A rate or burst of 0 would close the API."
  }
}
