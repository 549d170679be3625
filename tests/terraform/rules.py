"""Our own rules about terraform/: what neither Terraform nor a provider can know. Each yields one sentence for each breach."""

import json
import re
import string

from toolbox import REPOSITORY

TERRAFORM = REPOSITORY / "terraform"
GRANTS = TERRAFORM / "grants"

PLACEHOLDERS = {
    "table_arn", "bus_arn", "governance_bucket_arn", "artifact_bucket_arn", "webhook_secret_arn", "github_app_key_secret_arn",
    "slack_token_secret_arn", "approval_link_key_secret_arn", "email_from", "email_domain",
    "pipeline_role_arn", "connection_arn", "partition", "region", "account_id", "name", "certificate_role_name",
    "codecommit_repository_arns", "queue_arns", "dead_queue_arns",
}

# What nothing of ours may ever do with a pipeline: skip a check, or take a job that it was not invoked with.
FORBIDDEN = {
    "codepipeline:OverrideStageCondition", "codepipeline:PollForJobs", "codepipeline:AcknowledgeJob",
    "codepipeline:DisableStageTransition", "codepipeline:EnableStageTransition", "iot:CreateKeysAndCertificate",
}

# The jobs that pipelines invoke functions with. AWS knows no resource for any of the three: who has them can end every job of the account and
# reads the credentials that come with it. So they are one grant, that of the functions which answer jobs; what those may end, they
# ask their own records (threat 52).
JOBS = {"codepipeline:GetJobDetails", "codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"}

# What one grant alone may do, and on which resources: answering at a gate is what the gate is for, and at no other approval of a pipeline.
ALONE = {
    "codepipeline:PutApprovalResult": ("cluster-gates", r".*:(rc|mc)-\*/Deploy/Gate"),
    **{action: ("pipeline-jobs", r"\*") for action in JOBS},
}

# Which functions may have such a grant.
HOLDERS = {"cluster-gates": {"stage-gate"}, "dead-letters": {"delivery-sweeper"}, "ledger-rows": {"delivery-sweeper"}, "pipeline-jobs": {"iot-cert-provisioner", "pipeline-provisioner", "stage-gate"}}

# What has no resource in AWS, and what shows composite alarms only to who may see all (CloudWatch API reference): only there may a grant say `*`.
WITHOUT_RESOURCE = JOBS | {"codepipeline:ListPipelines", "cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"}

# Actions of DynamoDB that need no key, so that a condition on keys would admit everything.
KEYLESS = {"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete"}


def contract():
    return json.loads((REPOSITORY / "events/contract.json").read_text())


def grants():
    """Each grant's name, text and statements, with every placeholder filled by itself."""
    for path in sorted(GRANTS.glob("*.json")):
        filled = string.Template(path.read_text()).substitute({name: f"<{name}>" for name in PLACEHOLDERS})
        yield path.stem, path.read_text(), json.loads(filled)["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def grants_are_least_privilege():
    for name, text, statements in grants():
        if "$" in re.sub(r"\$\{[a-z_]+\}", "", text) or "%{" in text:
            yield f"grants/{name}.json: only ${{name}} may stand in a grant; Terraform and Python read anything else differently"
        for statement in statements:
            where = f"grants/{name}.json, {statement.get('Sid', 'a statement without Sid')}"
            if set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"} or statement["Effect"] != "Allow":
                yield f"{where}: a grant allows actions on resources; it has {sorted(statement)} with {statement['Effect']}"
            actions = listed(statement["Action"])
            for action in actions:
                if "*" in action:
                    yield f"{where}: the action {action} has a wildcard"
                if action in FORBIDDEN or action in KEYLESS:
                    yield f"{where}: {action} is never granted (tests/terraform/rules.py says why)"
                grant, resource = ALONE.get(action, (name, ".*"))
                if name != grant or not all(re.fullmatch(resource, one) for one in listed(statement["Resource"])):
                    yield f"{where}: {action} is only for {grant}, on {resource}"
            if "*" in listed(statement["Resource"]) and not set(actions) <= WITHOUT_RESOURCE:
                yield f"{where}: the resource * is only for {', '.join(sorted(WITHOUT_RESOURCE))}"
            condition = statement.get("Condition", {})
            if any(action.startswith("dynamodb:") for action in actions):
                keys = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
                if not keys or any(not re.fullmatch(r"[A-Z]+#([a-z]+:)?\*", key) for key in keys):
                    yield f"{where}: a DynamoDB grant names the partition keys it may touch, as PREFIX#* or, narrower, PREFIX#kind:*"
            if "iam:PassRole" in actions and condition.get("StringEquals", {}).get("iam:PassedToService") != "codepipeline.amazonaws.com":
                yield f"{where}: iam:PassRole needs iam:PassedToService (threat 32)"


def audit_is_append_only():
    for name, _, statements in grants():
        for statement in statements:
            keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
            gone = {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} & set(listed(statement["Action"]))
            if gone and any(key.startswith("AUDIT#") for key in keys):
                yield f"grants/{name}.json, {statement['Sid']}: {', '.join(gone)} on audit rows"


def grants_and_contract_agree():
    files = {name: {action for statement in statements for action in listed(statement["Action"])} for name, _, statements in grants()}
    used = set()
    for function, facts in contract()["functions"].items():
        missing = [grant for grant in facts["grants"] if grant not in files]
        if missing:
            yield f"{function}: terraform/grants has no {', '.join(missing)}"
            continue
        used |= set(facts["grants"])
        granted = set().union(*(files[grant] for grant in facts["grants"])) if facts["grants"] else set()
        called = {action for call in facts["calls"] for action in listed(call)}
        for action in sorted(granted - called):
            yield f"{function} is granted {action}, and its code does not call it"
        for action in sorted(called - granted):
            yield f"{function} calls {action}, and none of its grants allows it"
        for grant in sorted(set(facts["grants"]) & set(HOLDERS)):
            if function not in HOLDERS[grant]:
                yield f"{function} asks for the grant {grant}, which is only for {', '.join(sorted(HOLDERS[grant]))}"
    for grant in sorted(set(files) - used):
        yield f"terraform/grants/{grant}.json: no function asks for it"


def runbook_sections():
    text = (REPOSITORY / "docs/runbooks.md").read_text()
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).strip().replace(" ", "-"): body
            for title, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S)}


def alarms_lead_into_the_runbook():
    sections = runbook_sections()
    named = set()
    for path in sorted(TERRAFORM.rglob("*.tf")):
        text = path.read_text()
        for anchor, rest in re.findall(r"docs/runbooks\.md#([a-z0-9-]+)([^\n]*)", text):
            named.add(anchor)
            if anchor not in sections:
                yield f"{path.relative_to(REPOSITORY)}: docs/runbooks.md has no section {anchor}"
            elif "; first: " in rest:
                verb = " ".join(rest.split("; first: ")[1].split()[:3])
                if verb not in sections[anchor]:
                    yield f"{path.relative_to(REPOSITORY)}: the alarm's first command is `{verb} …`, and section {anchor} of the runbook does not show it"
    for function, facts in contract()["functions"].items():
        for alarm in facts["alarms"]:
            named.add(alarm["runbook"])
            if "aws logs tail" not in sections.get(alarm["runbook"], ""):
                yield f"{function}: its alarm {alarm['name']} names section {alarm['runbook']}, which docs/runbooks.md does not have, or not with `aws logs tail`"
    for anchor in sorted(set(sections) - named - {"before-you-begin"}):
        yield f"docs/runbooks.md: no alarm or text of terraform/ leads to section {anchor}"


# Roots that are the user's to bring: they may be spoken of, and are not here.
BROUGHT = {"config/regional-cluster", "config/management-cluster"}

# What a document calls a thing, policy, role or secret of Maestro's, less the cluster's part of the name.
MAESTRO = {
    "maestro-server", "maestro-server-policy", "maestro-server-cert", "maestro-server-config", "maestro-db-credentials", "maestro-db-password",
    "maestro-consumers", "maestro-agent", "maestro-agent-policy", "maestro-agent-cert", "maestro-agent-config",
}


def anchor_of(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def documents_lead_somewhere():
    folders = ("docs", "terraform", "events")
    for path in sorted([*REPOSITORY.glob("*.md"), *(found for folder in folders for found in (REPOSITORY / folder).rglob("*.md"))]):
        name, text = path.relative_to(REPOSITORY), path.read_text()
        plain = re.sub(r"(?ms)^```.*?^```", "", text)
        for link in re.findall(r"\]\(([^)\s]+)\)", plain):
            target, _, anchor = link.partition("#")
            found = path.parent / target if target else path
            if re.match(r"[a-z]+:", link):
                continue
            if not found.exists():
                yield f"{name}: the link {link} leads nowhere"
            elif anchor and found.suffix == ".md" and anchor not in map(anchor_of, re.findall(r"(?m)^#+ (.+)$", found.read_text())):
                yield f"{name}: {link}: there is no such section"
        for written in re.findall(r"`((?:terraform|docs|tests|functions|events|common|cli|modules|config|charts|argocd)/[\w./-]+)`", plain):
            if written not in BROUGHT and not any((base / written).exists() for base in (REPOSITORY, TERRAFORM, path.parent, REPOSITORY / "common")):
                yield f"{name}: {written} is not there"
        for written in re.findall(r"(?:<alias>|<cluster_id>|<name>|mc01)-(maestro-[a-z-]*[a-z])", text):
            if written not in MAESTRO:
                yield f"{name}: nothing of ours is called …-{written}"


def buildspecs_run_the_one_program():
    for kind in ("regional", "management"):
        for step in ("validate", "apply", "bootstrap"):
            path = TERRAFORM / f"config/pipeline-{kind}-cluster/buildspec-{step}.yml"
            text = path.read_text() if path.is_file() else ""
            for wanted in ("shell: bash", "set -euo pipefail", "sha256sum --check", f'"$program" {kind} {step}\n'):
                if wanted not in text:
                    yield f"{path.relative_to(REPOSITORY)}: {wanted.strip()!r} is not in it"


# Each would put a value or a key into state. (A certificate without a signing request has its key made by AWS, and kept there.)
VALUES = {
    r"\baws_iot_certificate\b": "the function iot-cert-provisioner makes certificates",
    r"\btls_private_key\b": "the function iot-cert-provisioner makes keys",
    r"\baws_iam_access_key\b": "roles are assumed",
    r'resource "random_password"': "an ephemeral resource makes passwords",
    r'data "aws_secretsmanager_(secret_version|random_password)"': "an ephemeral resource reads values",
    r"\bsecret_(string|binary)\s*=": "secret_string_wo is not kept",
    r'(?s)resource "aws_(db_instance|rds_cluster)" [^\n]*\n(?:(?!\n\}).)*\n\s+(master_)?password\s*=': "password_wo is not kept",
}


def no_secret_passes_through_terraform():
    for path in sorted(TERRAFORM.rglob("*.tf")):
        code = re.sub(r"(?m)#.*$", "", path.read_text())
        for pattern, instead in VALUES.items():
            if re.search(pattern, code):
                yield f"{path.relative_to(REPOSITORY)}: {pattern} would put a value into state (threat 65): {instead}"


def every_folder_is_alike():
    module_files = ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md")
    for folder in sorted((TERRAFORM / "modules").iterdir()):
        for name in module_files:
            if folder.is_dir() and not (folder / name).is_file():
                yield f"{folder.relative_to(REPOSITORY)} has no {name}"
        for path in folder.glob("*.tf"):
            if re.search(r'^provider "', path.read_text(), re.M):
                yield f"{path.relative_to(REPOSITORY)}: only roots configure providers"
    for path in sorted(TERRAFORM.rglob("*.tf")):
        text = path.read_text()
        if "required_version" in text and ('">= 1.11.0, < 2.0.0"' not in text or '">= 5.100.0, < 7.0.0"' not in text):
            yield f"{path.relative_to(REPOSITORY)}: every folder takes Terraform >= 1.11.0, < 2.0.0 and provider >= 5.100.0, < 7.0.0"
        for name, body in re.findall(r'^(?:variable|output) "([a-z_]+)" \{\n(.*?)^\}', text, re.M | re.S):
            if "description" not in body:
                yield f"{path.relative_to(REPOSITORY)}: {name} has no description"


def what_is_not_public_wants_a_token():
    """The public routes are named here: one more of them is a decision, not a slip."""
    # What stands in the path of an approval is the credential: a signed link.
    public = {"POST /webhooks/github", "GET /health", "GET /v1/approvals/{token}", "POST /v1/approvals/{token}"}
    for function, facts in contract()["functions"].items():
        for route in facts["routes"]:
            name = f"{route['method']} {route['path']}"
            if route["public"] and name not in public:
                yield f"{function}: {name} needs no token; only {', '.join(sorted(public))} may do without"
    text = re.sub(r"(?m)#.*$", "", (TERRAFORM / "modules/api/main.tf").read_text())
    made = [body for kind, body in re.findall(r'^resource "(aws_apigatewayv2_route)" "[a-z]+" \{\n(.*?)^\}', text, re.M | re.S)]
    if len(made) != 1:
        yield f"modules/api/main.tf makes routes in {len(made)} places: one is enough, so that no other way is open"
    for body in made:
        for wanted in ('each.value.public ? "NONE" : "JWT"', "each.value.public ? null : one(aws_apigatewayv2_authorizer.jwt[*].id)"):
            if wanted not in body:
                yield f"modules/api/main.tf: the route does not say {wanted!r}"
    if re.search(r'"\$default"', text.replace('name        = "$default"', "")):
        yield "modules/api/main.tf: a $default route would catch what no function answers for"


def no_reserved_concurrency():
    for path in sorted(TERRAFORM.rglob("*.tf")):
        if "reserved_concurrent_executions" in re.sub(r"(?m)#.*$", "", path.read_text()):
            yield f"{path.relative_to(REPOSITORY)}: consumers are limited by maximum_concurrency, never by a reservation"


ALL = [
    ("grants are least privilege", grants_are_least_privilege),
    ("audit rows are never deleted", audit_is_append_only),
    ("grants allow exactly what the contract says is called", grants_and_contract_agree),
    ("alarms lead into the runbook", alarms_lead_into_the_runbook),
    ("documents lead somewhere", documents_lead_somewhere),
    ("buildspecs run the one program", buildspecs_run_the_one_program),
    ("no secret passes through Terraform", no_secret_passes_through_terraform),
    ("every folder is alike", every_folder_is_alike),
    ("what is not public wants a token", what_is_not_public_wants_a_token),
    ("no reserved concurrency", no_reserved_concurrency),
]
