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

variable "function" {
  description = "The function's short name, as in events/contract.json: `outbox-relay`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,31}$", var.function))
    error_message = "A function's name has 2 to 32 characters of a-z, 0-9 and hyphen, and begins with a letter."
  }
}

variable "facts" {
  description = "The function's entry of events/contract.json. Only what the wiring needs is read; an attribute of another type is an error."
  type = object({
    purpose   = string
    memory_mb = number
    timeout_s = number
    queue     = bool
    stream    = optional(object({ prefix = string, batch_size = number, attempts = number, max_age_s = number }))
    patterns  = any # patterns have different shapes, so no element type fits
    # The same on the account's default bus, where AWS's own services tell what happens.
    aws_patterns = optional(any, [])
    schedules    = list(object({ name = string, rate = string, input = string }))
    # How often a message is received before it is parked: the function tells the last time by it.
    max_receives = optional(number, 5)
    # Each apply that changes the code or what it runs by calls it, and fails when it does.
    deploy = optional(bool, false)
    # Set: local_times wake it, with this message.
    timetable = optional(object({ input = string }))
    alarms = optional(list(object({
      name      = string, metric = string, says = string, runbook = string,
      statistic = string, threshold = number, period_s = number, periods = number, missing = optional(string, "notBreaching")
    })), [])
  })
  nullable = false

  validation {
    condition     = var.facts.timeout_s >= 1 && var.facts.timeout_s <= 900
    error_message = "timeout_s must be 1 to 900: Lambda's limits."
  }

  validation {
    condition     = var.facts.max_receives >= 1 && var.facts.max_receives <= 1000
    error_message = "max_receives must be 1 to 1000: SQS's limits."
  }

  validation {
    condition     = var.facts.queue == (length(var.facts.patterns) + length(var.facts.aws_patterns) + length(var.facts.schedules) > 0 || var.facts.timetable != null)
    error_message = "A function has a queue exactly if it consumes events or schedules."
  }
}

variable "prepare" {
  description = "Whether an apply calls the function when its facts say `deploy`."
  type        = bool
  default     = true
  nullable    = false
}

variable "local_times" {
  description = "When a function with a timetable wakes, by name: a Scheduler expression and the time zone that it is read in."
  type        = map(object({ expression = string, time_zone = string }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for time in values(var.local_times) : can(regex("^cron\\(.+\\)$", time.expression)) && can(regex("^[A-Za-z][A-Za-z0-9_+/-]*$", time.time_zone))])
    error_message = "A local time is cron(…) in a time zone of the IANA database, such as Europe/Berlin."
  }
}

variable "package_file" {
  description = "The zip with the arm64 `bootstrap`."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "The function's environment variables. No secret belongs here: functions get the secret's id."
  type        = map(string)
  nullable    = false
}

variable "policies" {
  description = "The rendered policy of each grant, by the grant's name."
  type        = map(string)
  nullable    = false
}

variable "bus_name" {
  description = "The bus whose events wake it."
  type        = string
  nullable    = false
}

variable "stream_arn" {
  description = "The table's stream."
  type        = string
  nullable    = false
}

variable "maximum_concurrency" {
  description = "How many messages of its queue are worked on at once. A limit on the poller, not a reservation: other functions keep the account's pool."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000
    error_message = "maximum_concurrency must be 2 to 1000: AWS's limits."
  }
}
