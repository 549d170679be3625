# Who may take the agent's role, which two secrets it reads, and what its configuration says.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-config-aaaaaa" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::222222222222:role/mc01-maestro-agent" }
  }
}

variables {
  cluster_id       = "mc01"
  place            = { partition = "aws", region = "us-east-1", account_id = "222222222222" }
  eks_cluster_name = "mc01"
  broker           = { endpoint = "abc123-ats.iot.us-east-1.amazonaws.com", topic_prefix = "sources/maestro/consumers" }
}

run "role" {
  command = plan

  assert {
    condition     = aws_iam_role.this.name == "mc01-maestro-agent"
    error_message = "The role is called after the cluster."
  }
  assert {
    condition = output.policies.trust.Statement == [{
      Sid = "TheAgentsPod", Effect = "Allow", Principal = { Service = "pods.eks.amazonaws.com" }, Action = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = {
        "aws:RequestTag/eks-cluster-name"           = "mc01"
        "aws:RequestTag/kubernetes-namespace"       = "maestro-agent"
        "aws:RequestTag/kubernetes-service-account" = "maestro-agent"
      } }
    }]
    error_message = "Pod Identity, for this pod of this cluster."
  }
  assert {
    condition = output.policies.role.Statement == [{
      Sid = "ReadItsSecrets", Effect = "Allow", Action = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      Resource = [
        "arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-cert-??????",
        "arn:aws:secretsmanager:us-east-1:222222222222:secret:mc01-maestro-agent-config-aaaaaa",
      ]
    }]
    error_message = "Two verbs on two secrets, and nothing of IoT: the broker knows the agent by its certificate."
  }
  assert {
    condition     = aws_eks_pod_identity_association.this.namespace == "maestro-agent" && aws_eks_pod_identity_association.this.service_account == "maestro-agent" && aws_eks_pod_identity_association.this.cluster_name == "mc01"
    error_message = "The namespace and service account of the chart."
  }
}

run "configuration" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.config.name == "mc01-maestro-agent-config" && jsondecode(local.config_value).consumerName == "mc01" && keys(jsondecode(local.config_value)) == ["config", "consumerName"]
    error_message = "The secret's name and keys."
  }
  assert {
    condition = yamldecode(local.config) == {
      brokerHost     = "abc123-ats.iot.us-east-1.amazonaws.com:8883", username = "", password = ""
      clientCertFile = "/mnt/secrets-store/certificate", clientKeyFile = "/mnt/secrets-store/privateKey", caFile = "/mnt/secrets-store/ca.crt"
      topics         = { sourceEvents = "sources/maestro/consumers/mc01/sourceevents", agentEvents = "sources/maestro/consumers/mc01/agentevents" }
    }
    error_message = "The agent's own topics, and the paths that the chart mounts."
  }
  assert {
    condition     = aws_secretsmanager_secret_version.config.secret_string == null
    error_message = "Written, not kept."
  }
}

run "own_key" {
  command = plan

  variables {
    key_arn = "arn:aws:kms:us-east-1:222222222222:key/00000000-0000-0000-0000-000000000000"
  }
  assert {
    condition = one([for statement in output.policies.role.Statement : statement if statement.Sid == "DecryptThem"]) == {
      Sid       = "DecryptThem", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.us-east-1.amazonaws.com" } }
    }
    error_message = "It decrypts through Secrets Manager only."
  }
}

run "bad_cluster_id" {
  command = plan

  variables {
    cluster_id = "mc01/../mc02"
  }
  expect_failures = [var.cluster_id]
}

run "another_endpoint" {
  command = plan

  variables {
    broker = { endpoint = "broker.example.org", topic_prefix = "sources/maestro/consumers" }
  }
  expect_failures = [var.broker]
}

run "wild_prefix" {
  command = plan

  variables {
    broker = { endpoint = "abc123-ats.iot.us-east-1.amazonaws.com", topic_prefix = "sources/+/consumers" }
  }
  expect_failures = [var.broker]
}
