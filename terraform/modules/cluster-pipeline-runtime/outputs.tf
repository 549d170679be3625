output "pipeline_role_arn" {
  description = "The role that pipelines are made with."
  value       = aws_iam_role.pipeline.arn
}

output "build_role_arn" {
  description = "The role that target accounts must trust."
  value       = aws_iam_role.build.arn
}

output "artifact_bucket_name" {
  description = "The bucket of artifacts and accepted specifications."
  value       = module.artifacts.name
}

output "artifact_bucket_arn" {
  description = "Its ARN."
  value       = module.artifacts.arn
}

output "project_prefix" {
  description = "The projects are `<prefix>-<regional|management>-<validate|apply|bootstrap>`."
  value       = var.name
}

output "policies" {
  description = "Trust and rights of both roles, as objects: asserted by tests."
  value = {
    pipeline_trust = local.pipeline_trust
    pipeline       = local.pipeline_policy
    build_trust    = local.build_trust
    build          = local.build_policy
  }
}
