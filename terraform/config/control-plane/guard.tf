# Who may pass a gate around Penstock: nobody. The gate is worth what its account allows, so this is a service control policy for the
# organisation that holds the account (output `gate_guard`; it is attached there, not here). A role's own policy cannot take it back.

locals {
  # `*` matches `/` as well: a pipeline, its stages, and its gate.
  guarded_pipelines = [for kind in ["rc", "mc"] : "arn:${local.place.partition}:codepipeline:*:${local.place.account_id}:${kind}-*"]

  gate_guard = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyStageGateAnswersAtGates"
        Effect    = "Deny"
        Action    = ["codepipeline:PutApprovalResult"]
        Resource  = local.guarded_pipelines
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = [for name, function in module.function : function.role_arn if name == "stage-gate"] } }
      },
      {
        Sid       = "OnlyTheProvisionerChangesPipelines"
        Effect    = "Deny"
        Action    = ["codepipeline:UpdatePipeline"]
        Resource  = local.guarded_pipelines
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = [for name, function in module.function : function.role_arn if name == "pipeline-provisioner"] } }
      },
      {
        Sid      = "NobodyOverridesConditions"
        Effect   = "Deny"
        Action   = ["codepipeline:OverrideStageCondition"]
        Resource = local.guarded_pipelines
      },
    ]
  }
}
