variable "account_id" {
  description = "The control plane's account, which has the function. In any other one, nothing is planned."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "region" {
  description = "The control plane's region."
  type        = string
  nullable    = false
}

variable "function_name" {
  description = "The function, by name: `<name of the control plane>-iot-cert-provisioner`."
  type        = string
  default     = "penstock-iot-cert-provisioner"
  nullable    = false
}

variable "environment" {
  description = "The cluster's environment: the first folder below deploy/."
  type        = string
  nullable    = false
}

variable "region_alias" {
  description = "Its region alias: the second folder."
  type        = string
  nullable    = false
}

variable "cluster" {
  description = "The management cluster, by the name of its file without .yaml; or `regional`."
  type        = string
  nullable    = false
}
