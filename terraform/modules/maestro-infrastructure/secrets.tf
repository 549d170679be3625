# The secrets of a regional account.
#
# | name                          | keys                                       | who writes it                                   |
# |---|---|---|
# | <name>-maestro-server-cert    | certificate, privateKey, caCert            | iot-cert-provisioner                            |
# | <name>-maestro-consumers      | consumers                                  | iot-cert-provisioner                            |
# | <name>-maestro-server-config  | config                                     | this module; there is no secret in it           |
# | <name>-maestro-db-credentials | username, password, host, port, database   | this module; its value is write-only            |
# | <name>-maestro-db-password    | password                                   | this module; only Terraform reads it (rds.tf)   |
#
# Agents' secrets are in their management accounts: modules/maestro-agent.

locals {
  secrets = {
    server-cert    = "The servers' certificate and private key at the broker; written by iot-cert-provisioner"
    server-config  = "The servers' configuration of the broker"
    db-credentials = "How the servers reach their database"
    db-password    = "The database's password, from which it is set; the servers read db-credentials"
    consumers      = "The consumers to register, for whoever has no way to Maestro's API; written by iot-cert-provisioner"
  }

  # The paths are those at which the chart mounts the secrets.
  server_config = yamlencode({
    brokerHost     = "${data.aws_iot_endpoint.mqtt.endpoint_address}:8883"
    username       = ""
    password       = ""
    clientCertFile = "/mnt/secrets-store/certificate"
    clientKeyFile  = "/mnt/secrets-store/privateKey"
    caFile         = "/mnt/secrets-store/ca.crt"
    topics = {
      sourceEvents = "${var.topic_prefix}/+/sourceevents"
      # Shared: each status goes to one of the servers, which run with --subscription-type=shared.
      agentEvents = local.shared_agent_events
    }
  })
}

resource "aws_secretsmanager_secret" "this" {
  for_each = local.secrets

  name                    = "${var.name}-maestro-${each.key}"
  description             = each.value
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.secret_recovery_window_days
  tags                    = local.mark
}

# Another version is another resource: made before the one in use goes, so that whoever reads meanwhile finds a value.
resource "aws_secretsmanager_secret_version" "db_password" {
  secret_id                = aws_secretsmanager_secret.this["db-password"].id
  secret_string_wo         = jsonencode({ password = ephemeral.aws_secretsmanager_random_password.db.random_password })
  secret_string_wo_version = var.db_password_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "db_credentials" {
  secret_id = aws_secretsmanager_secret.this["db-credentials"].id
  secret_string_wo = jsonencode({
    username = aws_db_instance.this.username
    password = jsondecode(ephemeral.aws_secretsmanager_secret_version.db_password.secret_string).password
    host     = aws_db_instance.this.address
    port     = tostring(local.db_port)
    database = aws_db_instance.this.db_name
  })
  secret_string_wo_version = var.db_password_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "server_config" {
  secret_id        = aws_secretsmanager_secret.this["server-config"].id
  secret_string_wo = jsonencode({ config = local.server_config })
  # A write-only value is written when its version changes: here, when the text does.
  secret_string_wo_version = parseint(substr(sha256(local.server_config), 0, 12), 16)

  lifecycle {
    create_before_destroy = true
  }
}
