# The contract and what its names mean here.

locals {
  contract  = jsondecode(file(var.contract_file))
  functions = local.contract.functions

  place = {
    partition  = data.aws_partition.current.partition
    region     = var.region
    account_id = var.account_id
  }

  # What a gate that invokes calls. Its name, and not the function itself: what it may be asked by is made before it.
  gate_function = "${var.name}-stage-gate"

  # What runs of management clusters call for their certificates.
  certificate_function = "${var.name}-iot-cert-provisioner"

  # The pipelines that invoke the provisioner, by name: it answers no other.
  provision_pipelines = { for key in keys(var.provision_pipelines) : key => "${var.name}-provision-${key}" }

  # Repositories on CodeCommit, by the ARNs that repositories.yaml lists them with: what pipelines and functions may read.
  repositories            = yamldecode(file("${var.governance_directory}/repositories.yaml")).repositories
  codecommit_repositories = [for repository in local.repositories : repository.arn if can(repository.arn)]

  # Those of them that clusters are configured in: pipelines are made for no other.
  cluster_repositories = [for repository in local.repositories : repository.arn if can(repository.arn) && try(repository.kind, null) == "cluster"]

  # What nothing here could reach, or could mean more than one repository.
  repository_elsewhere = [for arn in local.codecommit_repositories : arn
    if !can(regex("^arn:${local.place.partition}:codecommit:${var.region}:${var.account_id}:[A-Za-z0-9._-]{1,100}$", arn))
  ]
  github_repositories = [for repository in local.repositories : try(repository.name, "one without a name") if !can(repository.arn)]

  # Functions with a queue, and the ARNs of these queues. Made of names: delivery-sweeper is one of the functions, and may send to all.
  queued     = [for function, facts in local.functions : function if facts.queue]
  queue_arns = [for function in local.queued : "arn:${local.place.partition}:sqs:${var.region}:${var.account_id}:${var.name}-${function}"]

  # Every environment variable that a function may ask for. One that is not here may only be asked for as optional. QUEUE_PREFIX and
  # QUEUE_FUNCTIONS are what delivery-sweeper finds dead letters by: docs/runbooks.md#what-became-of-a-delivery.
  environment = merge({
    API_URL              = module.api.url
    TABLE_NAME           = module.table.name
    BUS_NAME             = module.bus.name
    WEBHOOK_SECRET_ID    = module.secrets.arns["github-webhook-secret"]
    GOVERNANCE_BUCKET    = module.governance.bucket_name
    GOVERNANCE_DIGEST    = module.governance.digest
    PIPELINE_ROLE_ARN    = module.cluster_pipeline_runtime.pipeline_role_arn
    ARTIFACT_BUCKET      = module.cluster_pipeline_runtime.artifact_bucket_name
    ARTIFACT_KEY_ARN     = module.key.arn
    QUEUE_PREFIX         = var.name
    QUEUE_FUNCTIONS      = join(",", local.queued)
    PROJECT_PREFIX       = module.cluster_pipeline_runtime.project_prefix
    GATE_FUNCTION        = local.gate_function
    CERTIFICATE_FUNCTION = local.certificate_function
    TARGET_ROLE_NAME     = var.certificates.role_name
    TOPIC_PREFIX         = var.certificates.topic_prefix
    OVERLAP_HOURS        = tostring(var.certificates.overlap_hours)
    LIFETIME_DAYS        = tostring(var.certificates.lifetime_days)
    PIPELINES_URL        = "https://${var.region}.console.aws.amazon.com/codesuite/codepipeline/pipelines?region=${var.region}"
    LOG_LEVEL            = var.log_level
    }, var.github_api_url == null ? {} : { GITHUB_API_URL = var.github_api_url },
    var.github_app_id == null ? {} : {
      GITHUB_APP_ID            = var.github_app_id
      GITHUB_APP_KEY_SECRET_ID = module.secrets.arns["github-app-key"]
    },
    var.connection_arn == null ? {} : { CONNECTION_ARN = var.connection_arn },
    length(local.provision_pipelines) == 0 ? {} : { PROVISION_PIPELINES = join(",", values(local.provision_pipelines)) },
    var.certificates.external_id == null ? {} : { TARGET_EXTERNAL_ID = var.certificates.external_id },
    var.certificates.broker_ca == null ? {} : { BROKER_CA = var.certificates.broker_ca },
    var.slack ? { SLACK_TOKEN_SECRET_ID = module.secrets.arns["slack-token"] } : {},
    var.jwt == null ? {} : { API_ISSUER = var.jwt.issuer },
    var.approval_links_url == null ? {} : {
      APPROVAL_LINK_KEY_SECRET_ID = module.secrets.arns["approval-link-key"]
      APPROVAL_LINKS_URL          = var.approval_links_url
    },
  var.email_from == null ? {} : { EMAIL_FROM = var.email_from })

  # A right that nobody uses is not given.
  unused_grants = concat(
    var.email_from == null ? ["email-send"] : [],
    var.approval_links_url == null ? ["approval-link-key-read"] : [],
    var.github_app_id == null ? ["github-app-key-read"] : [],
    length(local.codecommit_repositories) == 0 ? ["codecommit-archive", "codecommit-marks", "codecommit-read"] : [],
  )

  unknown_variables = flatten([for function, facts in local.functions : [
    for variable in facts.env : "${function}: ${variable.name}" if variable.required && !contains(keys(local.environment), variable.name)
  ]])

  # The local times of schedules.yaml, each once a day in its zone. Which days count (holidays, the first Monday) the function knows: a
  # wake-up more finds nothing due.
  schedule = yamldecode(file("${var.governance_directory}/schedules.yaml"))
  zones    = toset(concat([local.schedule.time_zone], [for pod in values(try(local.schedule.pods, {})) : try(pod.time_zone, local.schedule.time_zone)]))
  daily    = [for pair in setproduct(local.zones, [local.schedule.daily.thread, local.schedule.daily.reminder, local.schedule.daily.summary]) : { zone = pair[0], time = pair[1] }]
  weekly = [for text in compact([try(local.schedule.demo.sign_up, ""), try(local.schedule.demo.at, ""), try(local.schedule.council.first, "")]) :
    { zone = local.schedule.time_zone, time = split(" ", text)[1] }
  ]
  local_times = { for at in distinct(concat(local.daily, local.weekly)) :
    "at-${replace(at.time, ":", "")}-${replace(lower(at.zone), "/[^a-z0-9]+/", "-")}" => {
      expression = format("cron(%d %d * * ? *)", tonumber(split(":", at.time)[1]), tonumber(split(":", at.time)[0]))
      time_zone  = at.zone
    }
  }

  # What grants are written with: terraform/grants/README.md.
  grant_values = {
    table_arn                    = module.table.arn
    bus_arn                      = module.bus.arn
    governance_bucket_arn        = module.governance.bucket_arn
    artifact_bucket_arn          = module.cluster_pipeline_runtime.artifact_bucket_arn
    webhook_secret_arn           = module.secrets.arns["github-webhook-secret"]
    github_app_key_secret_arn    = module.secrets.arns["github-app-key"]
    slack_token_secret_arn       = module.secrets.arns["slack-token"]
    approval_link_key_secret_arn = module.secrets.arns["approval-link-key"]
    email_from                   = var.email_from
    email_domain                 = try(split("@", var.email_from)[1], null)
    pipeline_role_arn            = module.cluster_pipeline_runtime.pipeline_role_arn
    # Without a connection nothing may be passed: no connection is called so.
    connection_arn             = coalesce(var.connection_arn, "arn:${local.place.partition}:codeconnections:${var.region}:${var.account_id}:connection/none")
    codecommit_repository_arns = join("\", \"", local.codecommit_repositories)
    queue_arns                 = join("\", \"", local.queue_arns)
    dead_queue_arns            = join("\", \"", [for arn in local.queue_arns : "${arn}-dead"])
    certificate_role_name      = var.certificates.role_name
    partition                  = local.place.partition
    region                     = local.place.region
    account_id                 = local.place.account_id
    name                       = var.name
  }

  routes = merge([for function, facts in local.functions : {
    for index, route in facts.routes : "${function}-${index}" => {
      method           = route.method
      path             = route.path
      public           = route.public
      function         = module.function[function].name
      alias_name       = module.function[function].alias_name
      alias_invoke_arn = module.function[function].alias_invoke_arn
    }
  }]...)
}
