# The database of the servers: consumers, resources and their status.
#
# Its password is made while an apply runs, goes into a secret of its own first, and from there to the database and into what the servers
# read. So an apply that stops half-way leaves no database with a password that nobody has: the next one reads the same again. All of it
# is ephemeral or write-only: state and plans hold its version's number, never the password.

locals {
  db_port = 5432

  # Who may reach it. Nothing else does: there is no rule by address.
  db_clients = merge(var.eks_security_group_ids, var.enable_bastion ? { bastion = var.bastion_security_group_id } : {})
}

resource "aws_db_subnet_group" "this" {
  name        = "${var.name}-maestro"
  description = "Where the database of Maestro in ${var.name} may stand"
  subnet_ids  = var.private_subnet_ids
}

resource "aws_security_group" "db" {
  name        = "${var.name}-maestro-db"
  description = "PostgreSQL of Maestro: in from the cluster, out to nowhere"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "db" {
  for_each = local.db_clients

  security_group_id            = aws_security_group.db.id
  description                  = "PostgreSQL from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.db_port
  to_port                      = local.db_port
}

# Ties the password to its version: the length is known only once this is made or changed, and no password is made before that.
resource "terraform_data" "db_password" {
  input = { version = var.db_password_version, length = 32 }
}

ephemeral "aws_secretsmanager_random_password" "db" {
  password_length = terraform_data.db_password.output.length
  # RDS refuses `/`, `@`, `"` and blanks; a connection string has trouble with quotes, backslashes and percent signs.
  exclude_characters = "/@\"'\\% "
}

ephemeral "aws_secretsmanager_secret_version" "db_password" {
  secret_id  = aws_secretsmanager_secret.this["db-password"].arn
  version_id = aws_secretsmanager_secret_version.db_password.version_id
}

resource "aws_db_instance" "this" {
  identifier = "${var.name}-maestro"

  engine                     = "postgres"
  engine_version             = var.db_engine_version
  auto_minor_version_upgrade = true
  instance_class             = var.db_instance_class

  storage_type          = "gp3"
  allocated_storage     = var.db_allocated_storage_gib
  max_allocated_storage = 5 * var.db_allocated_storage_gib
  storage_encrypted     = true
  kms_key_id            = var.key_arn

  db_name             = "maestro"
  username            = "maestro"
  password_wo         = jsondecode(ephemeral.aws_secretsmanager_secret_version.db_password.secret_string).password
  password_wo_version = var.db_password_version
  port                = local.db_port

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.db.id]
  publicly_accessible    = false
  multi_az               = var.db_multi_az

  backup_retention_period   = 7
  backup_window             = "03:00-04:00" # UTC
  maintenance_window        = "mon:04:30-mon:05:30"
  copy_tags_to_snapshot     = true
  deletion_protection       = var.db_deletion_protection
  skip_final_snapshot       = !var.db_deletion_protection
  final_snapshot_identifier = var.db_deletion_protection ? "${var.name}-maestro-final" : null

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_retention_period = 7
  performance_insights_kms_key_id       = var.key_arn
}
