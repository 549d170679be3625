output "certificate_data" {
  description = "The certificate as it stands, and where its key is: never the key. `null` where there is none."
  sensitive   = true
  value = {
    certificate_pem = try(local.certificate.pem, null)
    certificate_id  = try(local.certificate.id, null)
    certificate_arn = try(local.certificate.arn, null)
    not_after       = try(local.certificate.not_after, null)
    status          = try(local.certificate.status, null)
    thing           = try(local.status.thing, null)
    policy          = try(local.status.policy, null)
    secret_arn      = try(local.secret.arn, null)
    secret_version  = try(local.secret.version, null)
    secret_account  = try(local.secret.account, null)
    private_key     = try("the field privateKey of the secret ${local.secret.arn}, in the account ${local.secret.account}, and nowhere else", null)
  }
}

output "broker" {
  description = "The broker, as modules/maestro-agent takes it."
  value       = { endpoint = try(local.status.endpoint, null), topic_prefix = try(local.status.topic_prefix, null) }
}

output "outcome" {
  description = "What the function did when this was made: `issued`, `unchanged` or `rotated`."
  value       = local.made.outcome
}
