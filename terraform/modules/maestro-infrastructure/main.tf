# What Maestro needs in a regional account: the broker's endpoint and the servers' identity (iot.tf), a database (rds.tf), four secrets
# (secrets.tf), and the role that the servers' pods take (iam.tf).
#
# No private key passes through Terraform: the servers' certificate is made by the function iot-cert-provisioner, which puts certificate
# and key into the secret that stands empty here. README.md says what the state holds.

locals {
  server = "${var.name}-maestro-server"
  prefix = "arn:${var.place.partition}"

  # Whose they are. The function leaves alone what does not say that it is this cluster's.
  mark = { penstock-cluster = "${var.cluster.environment}/${var.cluster.region_alias}/regional" }

  # The charts are made for these: namespace and service account of the pods that may take the role, and how many pods there are.
  namespace       = "maestro-server"
  service_account = "maestro-server"
  replicas        = 2

  cluster_ids = length(var.management_cluster_ids) > 0 ? var.management_cluster_ids : [
    for number in range(1, coalesce(var.management_cluster_count, 0) + 1) : format("mc%02d", number)
  ]

  consumers = { for id in local.cluster_ids : id => {
    thing         = "${id}-maestro-agent"
    policy        = "${id}-maestro-agent-policy"
    client_id     = "${id}-work-agent-client"
    source_events = "${var.topic_prefix}/${id}/sourceevents"
    agent_events  = "${var.topic_prefix}/${id}/agentevents"
    cert_secret   = "${id}-maestro-agent-cert"
    config_secret = "${id}-maestro-agent-config"
  } }
}
