# A pipeline that provisions: Source, then an action that invokes pipeline-provisioner, which reports in it how the run ended. It is for people
# who want to see a push being provisioned as a pipeline; the provisioner wakes on pushes without it as well.

locals {
  prefix   = "arn:${var.place.partition}"
  pipeline = "${local.prefix}:codepipeline:${var.place.region}:${var.place.account_id}:${var.name}"

  trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ThisPipeline"
      Effect    = "Allow"
      Principal = { Service = "codepipeline.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.place.account_id }
        ArnEquals    = { "aws:SourceArn" = local.pipeline }
      }
    }]
  }

  policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "FetchTheSource"
        Effect = "Allow"
        # A connection's ARN has the old or the new prefix, and the action must match it.
        Action   = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
        Resource = [var.connection_arn]
      },
      {
        Sid      = "InvokeTheProvisioner"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = ["${local.prefix}:lambda:${var.place.region}:${var.place.account_id}:function:${var.function}"]
      },
      {
        Sid      = "KeepArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = ["${module.artifacts.arn}/*"]
      },
      {
        Sid      = "LookAtTheBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:GetBucketVersioning"]
        Resource = [module.artifacts.arn]
      },
      {
        Sid      = "UseTheKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = [var.key_arn]
      },
    ]
  }
}

# Its own: what it keeps is a copy of the source, and nobody's pipeline of a cluster may read or write there.
module "artifacts" {
  source          = "../bucket"
  bucket          = "${var.name}-${var.place.account_id}"
  key_arn         = var.key_arn
  expire_prefixes = { (substr(var.name, 0, 20)) = 30 } # the first 20 characters of its name: where CodePipeline keeps its artifacts
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-pipeline"
  description        = "What the pipeline ${var.name} runs as"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "this" {
  name   = "run"
  role   = aws_iam_role.this.name
  policy = jsonencode(local.policy)
}

resource "aws_codepipeline" "this" {
  name           = var.name
  role_arn       = aws_iam_role.this.arn
  pipeline_type  = "V2"
  execution_mode = "QUEUED"

  artifact_store {
    type     = "S3"
    location = module.artifacts.name

    encryption_key {
      type = "KMS"
      id   = var.key_arn
    }
  }

  trigger {
    provider_type = "CodeStarSourceConnection"

    git_configuration {
      source_action_name = "Source"

      push {
        branches {
          includes = [var.branch]
        }
        file_paths {
          includes = ["deploy/**"]
        }
      }
    }
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      namespace        = "SourceVariables"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source_output"]

      configuration = {
        ConnectionArn    = var.connection_arn
        FullRepositoryId = var.repository
        BranchName       = var.branch
        DetectChanges    = "false" # the trigger decides
      }
    }
  }

  stage {
    name = "Provision"

    action {
      name     = "Provision"
      category = "Invoke"
      owner    = "AWS"
      provider = "Lambda"
      version  = "1"

      configuration = {
        FunctionName   = var.function
        UserParameters = jsonencode({ repository = var.repository, branch = var.branch, commit = "#{SourceVariables.CommitId}" })
      }
    }
  }

  depends_on = [aws_iam_role_policy.this]
}
