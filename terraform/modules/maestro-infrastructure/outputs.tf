output "broker" {
  description = "The broker: endpoint, port, and what its topics start with. modules/maestro-agent takes it as it is."
  value = {
    endpoint     = data.aws_iot_endpoint.mqtt.endpoint_address
    port         = 8883
    topic_prefix = var.topic_prefix
    account_id   = var.place.account_id
    region       = var.place.region
  }
}

output "server" {
  description = "The servers' identity at the broker. Their certificate is made by the function iot-cert-provisioner."
  value = {
    thing      = aws_iot_thing.server.name
    policy     = aws_iot_policy.server.name
    client_ids = [for pod in range(local.replicas) : "${local.server}-${pod}"]
  }
}

output "server_role_arn" {
  description = "The role of the servers' pods."
  value       = aws_iam_role.server.arn
}

output "secret_names" {
  description = "The secrets by short name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.name }
}

output "secret_arns" {
  description = "Their ARNs."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "database" {
  description = "Where the database is. The password is in the secret db-credentials, and in no output."
  value = {
    identifier        = aws_db_instance.this.identifier
    host              = aws_db_instance.this.address
    port              = local.db_port
    name              = aws_db_instance.this.db_name
    security_group_id = aws_security_group.db.id
  }
}

output "consumers" {
  description = "What each management cluster is to Maestro: its topics, and the names that its own account and the function use."
  value       = local.consumers
}

output "helm_summary" {
  description = "The values of charts/maestro-server: `terraform output -json helm_summary` is a values file. Nothing in it is secret."
  value = {
    global = { region = var.place.region }
    maestroServer = {
      alias    = var.name
      replicas = local.replicas
      broker = {
        topicPrefix      = var.topic_prefix
        sourceId         = var.allow_older_topics ? "maestro" : split("/", var.topic_prefix)[1]
        allowOlderTopics = var.allow_older_topics
      }
    }
  }
}

output "policies" {
  description = "The role's trust and rights, and the servers' policy at the broker, as objects: asserted by tests."
  value       = { trust = local.server_trust, role = local.server_rights, broker = local.server_policy }
}
