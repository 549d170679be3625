# The control plane: one table, one bus, the functions of events/contract.json with all that wakes them, the HTTP API, and what
# cluster pipelines share. The contract says what; modules say how; this file only joins them.

module "key" {
  source = "../../modules/encryption-key"
  name   = var.name
  place  = local.place
}

module "table" {
  source              = "../../modules/table"
  name                = var.name
  key_arn             = module.key.arn
  deletion_protection = var.deletion_protection
}

module "bus" {
  source       = "../../modules/bus"
  name         = var.name
  archive_days = var.archive_days
}

module "secrets" {
  source  = "../../modules/secrets"
  name    = var.name
  key_arn = module.key.arn

  secrets = {
    github-webhook-secret = "JSON {\"current\", \"previous\"?, \"previous_expires_at\"?}: what GitHub signs webhooks with"
    github-app-key        = "The GitHub App's private key, as PEM text"
    approval-link-key     = "Random text of 32 bytes or more that signs personal links, when `approval_links_url` is set"
    slack-token           = "The Slack bot's token (xoxb-…), when `slack` is on"
  }
}

module "governance" {
  source    = "../../modules/governance"
  name      = var.name
  place     = local.place
  key_arn   = module.key.arn
  directory = var.governance_directory
}

module "cluster_pipeline_runtime" {
  source              = "../../modules/cluster-pipeline-runtime"
  name                = var.name
  place               = local.place
  key_arn             = module.key.arn
  connection_arn      = var.connection_arn
  buildspec_directory = "${path.module}/.."

  codecommit_repository_arns = local.cluster_repositories
  function_arns = [for function in [local.gate_function, local.certificate_function] :
    "arn:${local.place.partition}:lambda:${local.place.region}:${local.place.account_id}:function:${function}"
  ]
  state_bucket       = var.state_bucket
  state_key_arn      = var.state_key_arn
  target_role_name   = var.target_role_name
  target_account_ids = var.target_account_ids
  log_retention_days = var.log_retention_days
}

module "provision_pipeline" {
  source   = "../../modules/provision-pipeline"
  for_each = var.provision_pipelines

  name           = local.provision_pipelines[each.key]
  place          = local.place
  key_arn        = module.key.arn
  connection_arn = var.connection_arn
  function       = "${var.name}-pipeline-provisioner"
  repository     = each.value.repository
  branch         = each.value.branch
}

module "function" {
  source   = "../../modules/function"
  for_each = local.functions

  name               = var.name
  function           = each.key
  facts              = each.value
  place              = local.place
  key_arn            = module.key.arn
  bus_name           = module.bus.name
  stream_arn         = module.table.stream_arn
  package_file       = replace(var.package_file, "<function>", each.key)
  log_retention_days = var.log_retention_days
  alarm_topic_arns   = var.alarm_topic_arns
  local_times        = local.local_times
  prepare            = var.prepare

  environment = { for variable in each.value.env : variable.name => local.environment[variable.name]
    if contains(keys(local.environment), variable.name)
  }

  policies = { for grant in each.value.grants : grant =>
    templatefile("${path.module}/../../grants/${grant}.json", local.grant_values) if !contains(local.unused_grants, grant)
  }
}

module "api" {
  source             = "../../modules/api"
  name               = var.name
  place              = local.place
  key_arn            = module.key.arn
  routes             = local.routes
  jwt                = var.jwt
  throttle           = var.throttle
  log_retention_days = var.log_retention_days
  alarm_topic_arns   = var.alarm_topic_arns
}

# A contract that asks for a variable which this root cannot give must fail here, not in a function's INIT.
resource "terraform_data" "contract" {
  input = local.contract.schema_version

  lifecycle {
    precondition {
      condition     = local.contract.schema_version == 1
      error_message = "This root reads contracts of schema_version 1."
    }

    precondition {
      condition     = length(local.unknown_variables) == 0
      error_message = "Required variables that locals.tf does not know: ${join(", ", local.unknown_variables)}."
    }

    precondition {
      condition     = (var.github_app_id == null) == (var.connection_arn == null)
      error_message = "github_app_id and connection_arn belong together: the App reads and marks, and the connection brings pipelines their source. Set both, or none where every repository is on CodeCommit."
    }

    precondition {
      condition     = length(local.repository_elsewhere) == 0
      error_message = "Each ARN in repositories.yaml begins with arn:${local.place.partition}:codecommit:${var.region}:${var.account_id}: and the repository's name follows, without a wildcard: the functions read CodeCommit in their own account and region, and nowhere else. These do not: ${join(", ", local.repository_elsewhere)}."
    }

    precondition {
      condition     = var.github_app_id != null || length(local.github_repositories) == 0
      error_message = "Nothing reads a repository on GitHub without github_app_id. repositories.yaml lists there: ${join(", ", local.github_repositories)}."
    }
  }
}

# A new connection is PENDING until a person has authorised it; every pipeline's Source would fail. A warning: it must not
# stop the apply that comes before the click.
data "aws_codestarconnections_connection" "source" {
  count = var.connection_arn == null ? 0 : 1
  arn   = var.connection_arn
}

check "connection" {
  assert {
    condition     = alltrue([for connection in data.aws_codestarconnections_connection.source : connection.connection_status == "AVAILABLE"])
    error_message = "The connection ${coalesce(var.connection_arn, "-")} is ${join("", data.aws_codestarconnections_connection.source[*].connection_status)}: open Developer Tools → Settings → Connections and authorise it. Until then every pipeline fails at Source."
  }
}
