# What the database lets in, what the secrets are called and hold, what the servers may do.
#
# Planned by the real provider, which asks AWS for nothing here: mocks refuse every module that has ephemeral resources. No password is made,
# because its length is known only in an apply.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_iot_endpoint.mqtt
  values = { endpoint_address = "abc123-ats.iot.us-east-1.amazonaws.com" }
}

override_resource {
  target          = aws_secretsmanager_secret.this["server-cert"]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:regional-us-east-1-maestro-server-cert-aaaaaa" }
}

override_resource {
  target          = aws_secretsmanager_secret.this["server-config"]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:regional-us-east-1-maestro-server-config-bbbbbb" }
}

override_resource {
  target          = aws_secretsmanager_secret.this["db-credentials"]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:regional-us-east-1-maestro-db-credentials-cccccc" }
}

override_resource {
  target          = aws_security_group.db
  override_during = plan
  values          = { id = "sg-0db" }
}

override_resource {
  target          = aws_iam_role.server
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/regional-us-east-1-maestro-server" }
}

variables {
  name                   = "regional-us-east-1"
  cluster                = { environment = "integration", region_alias = "us-east-1" }
  place                  = { partition = "aws", region = "us-east-1", account_id = "123456789012" }
  vpc_id                 = "vpc-0a"
  private_subnet_ids     = ["subnet-0a", "subnet-0b"]
  eks_cluster_name       = "regional-us-east-1"
  eks_security_group_ids = { cluster = "sg-0a", additional = "sg-0b" }
  management_cluster_ids = ["mc01", "mc10"]
}

run "database" {
  command = plan

  assert {
    condition     = aws_db_instance.this.engine == "postgres" && aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible
    error_message = "PostgreSQL, encrypted, not public."
  }
  assert {
    condition     = aws_db_instance.this.backup_retention_period == 7 && aws_db_instance.this.performance_insights_enabled
    error_message = "Backups of seven days, and Performance Insights."
  }
  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot
    error_message = "The safe choice is the default."
  }
  assert {
    condition     = aws_db_instance.this.engine_version == "17"
    error_message = "A major version alone: RDS raises the minor one, and no plan may lower it."
  }
  assert {
    condition     = terraform_data.db_password.input.length == 32 && aws_db_instance.this.password_wo_version == 1
    error_message = "32 characters, set as version 1."
  }
}

run "only_the_cluster_reaches_the_database" {
  command = plan

  assert {
    condition     = { for name, rule in aws_vpc_security_group_ingress_rule.db : name => rule.referenced_security_group_id } == { additional = "sg-0b", cluster = "sg-0a" }
    error_message = "The cluster's security groups, and nobody else."
  }
  assert {
    condition = alltrue([for rule in aws_vpc_security_group_ingress_rule.db :
      rule.from_port == 5432 && rule.to_port == 5432 && rule.ip_protocol == "tcp" && rule.cidr_ipv4 == null && rule.cidr_ipv6 == null && rule.security_group_id == "sg-0db"
    ])
    error_message = "Port 5432, from no address."
  }
  assert {
    condition     = aws_db_instance.this.vpc_security_group_ids == toset(["sg-0db"])
    error_message = "The database has this group alone."
  }
}

run "bastion" {
  command = plan

  variables {
    enable_bastion            = true
    bastion_security_group_id = "sg-0c"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.db["bastion"].referenced_security_group_id == "sg-0c" && length(aws_vpc_security_group_ingress_rule.db) == 3
    error_message = "The bastion comes in only when it is asked for."
  }
}

run "for_trying_out" {
  command = plan

  variables {
    db_multi_az                 = false
    db_deletion_protection      = false
    secret_recovery_window_days = 0
  }
  assert {
    condition     = !aws_db_instance.this.multi_az && !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot
    error_message = "What is asked for goes through."
  }
  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days == 0])
    error_message = "Secrets go at once, and their names are free again."
  }
}

run "secrets" {
  command = plan

  assert {
    condition = toset([for secret in aws_secretsmanager_secret.this : secret.name]) == toset([
      "regional-us-east-1-maestro-server-cert", "regional-us-east-1-maestro-server-config", "regional-us-east-1-maestro-db-credentials",
      "regional-us-east-1-maestro-db-password", "regional-us-east-1-maestro-consumers",
    ])
    error_message = "The names that charts and the function know."
  }
  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.tags == tomap({ penstock-cluster = "integration/us-east-1/regional" })])
    error_message = "Each says whose it is, or the function would leave it alone."
  }
  assert {
    condition = yamldecode(local.server_config) == {
      brokerHost     = "abc123-ats.iot.us-east-1.amazonaws.com:8883", username = "", password = ""
      clientCertFile = "/mnt/secrets-store/certificate", clientKeyFile = "/mnt/secrets-store/privateKey", caFile = "/mnt/secrets-store/ca.crt"
      topics = {
        sourceEvents = "sources/maestro/consumers/+/sourceevents"
        agentEvents  = "$share/statussubscribers/sources/maestro/consumers/+/agentevents"
      }
    }
    error_message = "The servers' configuration, with the paths that the chart mounts."
  }
  assert {
    condition     = length([for version in [aws_secretsmanager_secret_version.db_password, aws_secretsmanager_secret_version.db_credentials, aws_secretsmanager_secret_version.server_config] : version if version.secret_string == null && version.secret_binary == null]) == 3
    error_message = "No value but a write-only one."
  }
  assert {
    condition     = length(regexall("resource \"aws_secretsmanager_secret_version\" \"[a-z_]*(cert|consumers)", file("${path.module}/secrets.tf"))) == 0
    error_message = "Certificate and consumers are the function's to write."
  }
}

run "broker" {
  command = plan

  assert {
    condition     = jsonencode(jsondecode(aws_iot_policy.server.policy)) == jsonencode(jsondecode(file("${path.module}/tests/server-policy.json")))
    error_message = "The document that the function makes: otherwise each would undo the other's."
  }
  assert {
    condition     = aws_iot_policy.server.name == "regional-us-east-1-maestro-server-policy" && aws_iot_thing.server.name == "regional-us-east-1-maestro-server" && aws_iot_thing.server.attributes == tomap({ penstock-cluster = "integration/us-east-1/regional" })
    error_message = "The names and the mark that the function knows."
  }
  assert {
    condition     = alltrue([for statement in output.policies.broker.Statement : alltrue([for resource in statement.Resource : !endswith(resource, "*")])])
    error_message = "No resource ends in a wildcard."
  }
  assert {
    condition     = alltrue([for statement in output.policies.broker.Statement : alltrue([for resource in statement.Resource : !endswith(resource, "agentevents")]) if contains(statement.Action, "iot:Publish")])
    error_message = "Servers never speak for an agent."
  }
}

run "role" {
  command = plan

  assert {
    condition = output.policies.trust.Statement == [{
      Sid = "TheServersPods", Effect = "Allow", Principal = { Service = "pods.eks.amazonaws.com" }, Action = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = {
        "aws:RequestTag/eks-cluster-name"           = "regional-us-east-1"
        "aws:RequestTag/kubernetes-namespace"       = "maestro-server"
        "aws:RequestTag/kubernetes-service-account" = "maestro-server"
      } }
    }]
    error_message = "Pod Identity, for these pods of this cluster."
  }
  assert {
    condition = output.policies.role.Statement == [{
      Sid = "ReadItsSecrets", Effect = "Allow", Action = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      Resource = [
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:regional-us-east-1-maestro-server-cert-aaaaaa",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:regional-us-east-1-maestro-server-config-bbbbbb",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:regional-us-east-1-maestro-db-credentials-cccccc",
      ]
    }]
    error_message = "Two verbs on three secrets."
  }
  assert {
    condition     = aws_eks_pod_identity_association.server.namespace == "maestro-server" && aws_eks_pod_identity_association.server.service_account == "maestro-server" && aws_eks_pod_identity_association.server.role_arn == aws_iam_role.server.arn
    error_message = "The namespace and service account of the chart."
  }
}

run "own_key" {
  command = plan

  variables {
    key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }
  assert {
    condition     = aws_db_instance.this.kms_key_id == var.key_arn && alltrue([for secret in aws_secretsmanager_secret.this : secret.kms_key_id == var.key_arn])
    error_message = "Database and secrets use the key."
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement if statement.Sid == "DecryptThem"]) == {
      Sid       = "DecryptThem", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.us-east-1.amazonaws.com" } }
    }
    error_message = "The pods decrypt with it, and through Secrets Manager only."
  }
}

run "consumers" {
  command = plan

  assert {
    condition     = output.consumers.mc01.source_events == "sources/maestro/consumers/mc01/sourceevents" && output.consumers.mc10.client_id == "mc10-work-agent-client" && length(output.consumers) == 2
    error_message = "A consumer for each cluster."
  }
  assert {
    condition     = output.helm_summary == { global = { region = "us-east-1" }, maestroServer = { alias = "regional-us-east-1", replicas = 2, broker = { allowOlderTopics = false, sourceId = "maestro", topicPrefix = "sources/maestro/consumers" } } }
    error_message = "The source is the topics' second level: Maestro checks that."
  }
}

run "counted_consumers" {
  command = plan

  variables {
    management_cluster_ids   = []
    management_cluster_count = 2
  }
  assert {
    condition     = keys(output.consumers) == ["mc01", "mc02"]
    error_message = "Names follow from the number."
  }
}

run "another_source" {
  command = plan

  variables {
    topic_prefix = "sources/regional-us-east-1/consumers"
  }
  assert {
    condition     = output.helm_summary.maestroServer.broker.sourceId == "regional-us-east-1" && strcontains(aws_iot_policy.server.policy, "topic/sources/regional-us-east-1/consumers/*/sourceevents") && strcontains(local.server_config, "$share/statussubscribers/sources/regional-us-east-1/consumers/+/agentevents")
    error_message = "One value feeds policy, configuration and charts."
  }
}

run "older_topics" {
  command = plan

  variables {
    topic_prefix       = "maestro/consumers"
    allow_older_topics = true
  }
  assert {
    condition     = output.helm_summary.maestroServer.broker == { allowOlderTopics = true, sourceId = "maestro", topicPrefix = "maestro/consumers" }
    error_message = "The older prefix, when it is asked for."
  }
}

run "older_topics_by_accident" {
  command = plan

  variables {
    topic_prefix = "maestro/consumers"
  }
  expect_failures = [var.topic_prefix]
}

run "wrong_number" {
  command = plan

  variables {
    management_cluster_count = 3
  }
  expect_failures = [var.management_cluster_count]
}

run "bad_cluster_id" {
  command = plan

  variables {
    management_cluster_ids = ["MC_01"]
  }
  expect_failures = [var.management_cluster_ids]
}

run "one_subnet" {
  command = plan

  variables {
    private_subnet_ids = ["subnet-0a", "subnet-0a"]
  }
  expect_failures = [var.private_subnet_ids]
}

run "bastion_without_group" {
  command = plan

  variables {
    enable_bastion = true
  }
  expect_failures = [var.bastion_security_group_id]
}
