# A cluster's certificate, by hand: for clusters that no pipeline of Penstock's makes, and to look at what stands. The control plane's account
# is all that this root needs; the function goes into the regional and the management account itself.

module "certificate" {
  source = "../../modules/maestro-agent-iot-provisioning"

  environment   = var.environment
  region_alias  = var.region_alias
  cluster       = var.cluster
  function_name = var.function_name
}
