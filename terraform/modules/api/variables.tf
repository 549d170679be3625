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
  description = "Who issues the tokens for routes that are not public: any OIDC issuer, and the audiences that it makes them for. Null: those routes are not made."
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
  description = "What one client may not take from another: requests a second over all routes, and the burst above it."
  type        = object({ rate = number, burst = number })
  default     = { rate = 100, burst = 200 }
  nullable    = false

  validation {
    condition     = var.throttle.rate > 0 && var.throttle.burst > 0
    error_message = "A rate or burst of 0 would close the API."
  }
}
