# The two roles. Neither can make or change a role, a pipeline or a project.

locals {
  pipeline_trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ClusterPipelinesOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "codepipeline.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.place.account_id }
        ArnLike = { "aws:SourceArn" = [
          "${local.prefix}:codepipeline:${var.place.region}:${var.place.account_id}:rc-*",
          "${local.prefix}:codepipeline:${var.place.region}:${var.place.account_id}:mc-*",
        ] }
      }
    }]
  }

  pipeline_policy = {
    Version = "2012-10-17"
    Statement = concat(length(var.codecommit_repository_arns) == 0 ? [] : [
      {
        # What a CodeCommit source action calls, and no more ("Permissions required: CodeCommit", CodePipeline user guide).
        Sid      = "FetchTheSourceFromCodeCommit"
        Effect   = "Allow"
        Action   = ["codecommit:CancelUploadArchive", "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:GetUploadArchiveStatus", "codecommit:UploadArchive"]
        Resource = var.codecommit_repository_arns
      }], var.connection_arn == null ? [] : [
      {
        Sid    = "FetchTheSource"
        Effect = "Allow"
        # A connection's ARN has the old or the new prefix, and the action must match it.
        Action   = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
        Resource = [var.connection_arn]
      }], [
      {
        Sid      = "RunTheSixProjects"
        Effect   = "Allow"
        Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
        Resource = local.project_arns
      },
      {
        Sid      = "AskAtTheGateAndForCertificates"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = var.function_arns
      },
      {
        Sid      = "KeepArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = ["${module.artifacts.arn}/rc-*", "${module.artifacts.arn}/mc-*"]
      },
      {
        Sid      = "LookAtTheBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:GetBucketVersioning"]
        Resource = [module.artifacts.arn]
      },
      {
        Sid      = "UseTheArtifactKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = [var.key_arn]
      },
    ])
  }

  build_trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheSixProjectsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "codebuild.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.place.account_id }
        ArnEquals    = { "aws:SourceArn" = local.project_arns }
      }
    }]
  }

  target_roles = [for id in length(var.target_account_ids) == 0 ? ["*"] : var.target_account_ids :
    "${local.prefix}:iam::${id}:role/${var.target_role_name}"
  ]

  build_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteItsOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [for key in keys(local.projects) : "${local.prefix}:logs:${var.place.region}:${var.place.account_id}:log-group:/aws/codebuild/${var.name}-${key}:*"]
      },
      {
        Sid      = "ReadTheSource"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = ["${module.artifacts.arn}/rc-*", "${module.artifacts.arn}/mc-*"]
      },
      {
        Sid      = "ReadAcceptedFilesAndTheStageProgram"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${module.artifacts.arn}/specs/*", "${module.artifacts.arn}/stages/*"]
      },
      {
        # Without it S3 answers 403 instead of 404 for an object that is not there, and "not accepted" would look like "not allowed".
        Sid       = "SeeThatAFileWasNotAccepted"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [module.artifacts.arn]
        Condition = { StringLike = { "s3:prefix" = ["specs/*"] } }
      },
      {
        Sid      = "KeepTheClustersStates"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"] # Delete: of the lock file
        Resource = ["${local.prefix}:s3:::${var.state_bucket}/clusters/*"]
      },
      {
        # Terraform's S3 backend lists its workspaces (`env:/`) on every init, although we use none.
        Sid       = "FindTheClustersStates"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = ["${local.prefix}:s3:::${var.state_bucket}"]
        Condition = { StringLike = { "s3:prefix" = ["clusters/*", "env:/*"] } }
      },
      {
        Sid      = "LookUpAccountIds"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = ["${local.prefix}:ssm:*:${var.place.account_id}:parameter/infra/*"] # in the region of the cluster
      },
      {
        Sid      = "EnterTheClustersAccount"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = local.target_roles
      },
      {
        Sid      = "UseTheKeys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = compact([var.key_arn, var.state_key_arn])
      },
    ]
  }
}

resource "aws_iam_role" "pipeline" {
  name               = "${var.name}-cluster-pipeline"
  description        = "What the cluster pipelines run as"
  assume_role_policy = jsonencode(local.pipeline_trust)
}

resource "aws_iam_role_policy" "pipeline" {
  name   = "run"
  role   = aws_iam_role.pipeline.name
  policy = jsonencode(local.pipeline_policy)
}

resource "aws_iam_role" "build" {
  name               = local.build_name
  description        = "What the stages of cluster pipelines run as"
  assume_role_policy = jsonencode(local.build_trust)
}

resource "aws_iam_role_policy" "build" {
  name   = "run"
  role   = aws_iam_role.build.name
  policy = jsonencode(local.build_policy)
}

resource "aws_iam_role_policy_attachment" "same_account" {
  for_each = toset(var.same_account_policy_arns)

  role       = aws_iam_role.build.name
  policy_arn = each.value
}
