# Secrets exist; their values do not pass through Terraform.

mock_provider "aws" {}

variables {
  name    = "penstock-test"
  key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  secrets = { github-app-key = "a key" }
}

run "empty" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.this["github-app-key"].name == "penstock-test/github-app-key" && aws_secretsmanager_secret.this["github-app-key"].kms_key_id == var.key_arn
    error_message = "Named after the control plane, encrypted with its key."
  }
  assert {
    condition     = !strcontains(join("", [for name in fileset(path.module, "*.tf") : replace(file("${path.module}/${name}"), "/(?m)#.*/", "")]), "secret_version")
    error_message = "No resource of this module may hold a value (threat 65)."
  }
}
