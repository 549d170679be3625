# What every cluster pipeline shares: the artifact bucket, the role of the pipelines, the role of the builds, six CodeBuild projects.
#
# The provisioner makes and removes pipelines; it never makes a role, a bucket or a project. So a mistake in a deploy tree cannot widen
# a permission, and a new cluster costs one CodePipeline call.

locals {
  prefix     = "arn:${var.place.partition}"
  build_name = "${var.name}-cluster-build"
  kinds      = ["regional", "management"]
  timeouts   = { validate = 30, apply = 60, bootstrap = 30 } # minutes

  projects = merge([for kind in local.kinds : {
    for step, minutes in local.timeouts : "${kind}-${step}" => {
      kind    = kind
      step    = step
      minutes = minutes
      spec    = file("${var.buildspec_directory}/pipeline-${kind}-cluster/buildspec-${step}.yml")
    }
  }]...)

  project_arns = [for key in keys(local.projects) :
    "${local.prefix}:codebuild:${var.place.region}:${var.place.account_id}:project/${var.name}-${key}"
  ]
}

# CodePipeline keeps a pipeline's artifacts under the first 20 characters of its name: `rc-…` or `mc-…`. They may go after 90 days.
# `specs/` (accepted files) and `stages/` (the stage program) are read for as long as a commit may run: they never expire.
module "artifacts" {
  source          = "../bucket"
  bucket          = "${var.name}-artifacts-${var.place.account_id}"
  key_arn         = var.key_arn
  expire_prefixes = { "rc-" = 90, "mc-" = 90 }
}

# The program of every stage, under its digest. A build fetches exactly the one that its project names and checks it, so that nothing in a
# pushed commit decides what is checked before that commit is applied.
resource "aws_s3_object" "stage" {
  bucket       = module.artifacts.name
  key          = "stages/${filesha256("${path.module}/stage.py")}.py"
  source       = "${path.module}/stage.py"
  source_hash  = filesha256("${path.module}/stage.py")
  content_type = "text/x-python"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "build" {
  for_each = local.projects

  name              = "/aws/codebuild/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_codebuild_project" "this" {
  for_each = local.projects

  name           = "${var.name}-${each.key}"
  description    = "${each.value.step} of ${each.value.kind} clusters"
  service_role   = aws_iam_role.build.arn
  build_timeout  = each.value.minutes
  encryption_key = var.key_arn

  source {
    type      = "CODEPIPELINE"
    buildspec = each.value.spec
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type                        = "LINUX_CONTAINER"
    compute_type                = "BUILD_GENERAL1_SMALL"
    image                       = var.image
    image_pull_credentials_type = "CODEBUILD"

    # What is the same for every cluster. What differs (whose cluster, which file) comes with the pipeline's action.
    dynamic "environment_variable" {
      for_each = {
        ARTIFACT_BUCKET   = module.artifacts.name
        STAGE_SHA256      = trimsuffix(trimprefix(aws_s3_object.stage.key, "stages/"), ".py")
        STATE_BUCKET      = var.state_bucket
        STATE_REGION      = var.place.region
        TARGET_ROLE_NAME  = var.target_role_name
        TERRAFORM_VERSION = var.terraform.version
        TERRAFORM_SHA256  = var.terraform.sha256
      }

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build[each.key].name
    }
  }
}
