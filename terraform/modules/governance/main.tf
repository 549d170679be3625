# The files that the control plane runs by, as one object under its own digest: `governance/<sha256>.json` = {file name: text}.
#
# A function reads exactly the bundle that its environment names and checks the digest, so that a change of the files takes effect
# with an apply, in all functions alike, and is visible in the plan. The new bundle exists before a function names it, and the old one goes
# after the last function has left it (create_before_destroy); versioning keeps it for people. How a repository comes into them:
# docs/runbooks.md#onboarding.

locals {
  # Two patterns: fileset() knows no alternatives with a slash in them.
  names  = setunion(fileset(var.directory, "*.yaml"), fileset(var.directory, "stages/*.yaml"))
  files  = { for file in local.names : file => file("${var.directory}/${file}") }
  bundle = jsonencode(local.files)
  digest = sha256(local.bundle)

  # What no function starts without (common/src/domain/governance/parse.rs).
  required = ["accounts.yaml", "environments.yaml", "limits.yaml", "people.yaml", "pods.yaml", "repositories.yaml", "schedules.yaml"]
}

module "bucket" {
  source  = "../bucket"
  bucket  = "${var.name}-governance-${var.place.account_id}"
  key_arn = var.key_arn
}

resource "aws_s3_object" "bundle" {
  bucket       = module.bucket.name
  key          = "governance/${local.digest}.json"
  content      = local.bundle
  content_type = "application/json"

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(setsubtract(local.required, keys(local.files))) == 0
      error_message = "The governance folder must hold ${join(", ", local.required)}; it has: ${join(", ", keys(local.files))}."
    }

    precondition {
      condition     = anytrue([for file in keys(local.files) : startswith(file, "stages/")])
      error_message = "The governance folder must hold at least one stage pipeline, stages/<name>.yaml: work in a stage that none has is refused."
    }

    precondition {
      condition     = alltrue([for text in values(local.files) : can(yamldecode(text))])
      error_message = "Not YAML: ${join(", ", [for file, text in local.files : file if !can(yamldecode(text))])}."
    }
  }
}
