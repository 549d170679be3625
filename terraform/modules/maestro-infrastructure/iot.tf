# The broker is AWS IoT Core itself: it has an endpoint in every account and region. What is made here is who the servers are.
#
# The thing says whose it is and the policy says what it may do; both are exactly as the function iot-cert-provisioner would make them
# (tests/server-policy.json is that document), so that it finds its foundation and adds what must not be here: key and certificate.

data "aws_iot_endpoint" "mqtt" {
  endpoint_type = "iot:Data-ATS"
}

locals {
  iot = "${local.prefix}:iot:${var.place.region}:${var.place.account_id}"

  # In a policy `*` also crosses `/`, and `+` is a plain character: what may be subscribed is one filter, and its shared form.
  # <https://docs.aws.amazon.com/iot/latest/developerguide/pub-sub-policy.html>
  all_agent_events    = "${var.topic_prefix}/+/agentevents"
  shared_agent_events = "$share/statussubscribers/${local.all_agent_events}"

  server_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = ["iot:Connect"]
        Resource  = [for pod in range(local.replicas) : "${local.iot}:client/${local.server}-${pod}"]
        Condition = { Bool = { "iot:Connection.Thing.IsAttached" = ["true"] } }
      },
      {
        Effect   = "Allow"
        Action   = ["iot:Subscribe"]
        Resource = ["${local.iot}:topicfilter/${local.all_agent_events}", "${local.iot}:topicfilter/${local.shared_agent_events}"]
      },
      {
        Effect   = "Allow"
        Action   = ["iot:Receive"]
        Resource = ["${local.iot}:topic/${var.topic_prefix}/*/agentevents"]
      },
      {
        Effect   = "Allow"
        Action   = ["iot:Publish"]
        Resource = ["${local.iot}:topic/${var.topic_prefix}/*/sourceevents"]
      },
    ]
  }
}

resource "aws_iot_thing" "server" {
  name       = local.server
  attributes = local.mark
}

resource "aws_iot_policy" "server" {
  name   = "${local.server}-policy"
  policy = jsonencode(local.server_policy)

  lifecycle {
    # AWS IoT counts without blanks, and so does this.
    precondition {
      condition     = length(jsonencode(local.server_policy)) <= 2048
      error_message = "AWS IoT takes policies of up to 2048 characters: choose a shorter name or topic_prefix."
    }
  }
}
