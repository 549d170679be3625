# A cluster's certificate, for whoever has no pipeline of Penstock's for it: asks the function iot-cert-provisioner, and keeps what may be
# kept. The private key is made in the function and goes into the cluster's secret; it is in no answer, and so in no plan or state.
#
# Which accounts and names belong to the cluster is the function's to know, from its record of the cluster's file. Nothing here says it.

locals {
  request = { environment = var.environment, region_alias = var.region_alias, cluster = var.cluster }
  name    = join("/", values(local.request)) # in the order of the keys: only to tell one from another
}

# Made: ensure. Destroyed: delete; Terraform adds that to the request, as {"tf": {"action": "delete", …}}. There is no update: a request of which
# anything differs is about another cluster, and an update that failed would be forgotten.
resource "aws_lambda_invocation" "certificate" {
  function_name   = var.function_name
  qualifier       = var.qualifier
  lifecycle_scope = "CRUD"
  input           = jsonencode(merge(local.request, { action = "ensure" }))
  triggers        = { cluster = local.name }
}

# What stands now: rotation is the function's own business, and what was answered at first is soon another certificate.
data "aws_lambda_invocation" "status" {
  function_name = var.function_name
  qualifier     = var.qualifier
  input         = jsonencode(merge(local.request, { action = "status" }))

  depends_on = [aws_lambda_invocation.certificate]
}

locals {
  made        = jsondecode(aws_lambda_invocation.certificate.result)
  status      = jsondecode(data.aws_lambda_invocation.status.result)
  certificate = try(local.status.certificate, null)
  secret      = try(local.status.secret, null)
}

# A warning, and not a failure: a cluster whose certificate was revoked must still be there to be destroyed.
check "certificate" {
  assert {
    condition     = try(local.certificate.status, "") == "ACTIVE"
    error_message = "The cluster has no certificate that works (${try(local.certificate.status, "none")}). ${join(" ", try(local.status.reasons, []))} Ask the function to ensure it: docs/certificate-rotation.md."
  }
}
