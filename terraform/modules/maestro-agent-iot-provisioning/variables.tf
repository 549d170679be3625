variable "environment" {
  description = "The cluster's environment: the first folder below deploy/."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.environment))
    error_message = "An environment has 1 to 32 characters of a-z, 0-9 and hyphen."
  }
}

variable "region_alias" {
  description = "Its region alias: the second folder."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.region_alias))
    error_message = "A region alias has 1 to 32 characters of a-z, 0-9 and hyphen."
  }
}

variable "cluster" {
  description = "The management cluster, by the name of its file without .yaml; or `regional`, for the servers of the regional cluster."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", var.cluster))
    error_message = "A cluster's name has 1 to 40 characters of a-z, 0-9 and hyphen."
  }
}

variable "function_name" {
  description = "The function, by name: `<name of the control plane>-iot-cert-provisioner`."
  type        = string
  default     = "penstock-iot-cert-provisioner"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name is a name of this account and region, without version: penstock-iot-cert-provisioner."
  }
}

variable "qualifier" {
  description = "The alias that is invoked."
  type        = string
  default     = "live"
  nullable    = false
}
