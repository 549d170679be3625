#!/usr/bin/env python3
"""One stage of a cluster pipeline: `stage.py <regional|management> <validate|apply|bootstrap>`, in the folder of the checkout.

    preflight ─ file ─ accepted? ─ target account ─ init ─┬─ validate:  terraform validate, plan
                                                          ├─ apply:     terraform apply (or destroy)
                                                          └─ bootstrap: run the cluster's bootstrap task

Nothing here decides anything about a cluster: the file was parsed and judged by the provisioner, and what it accepted lies in S3 under
the sha256 of the file's bytes. A stage recomputes that digest from its own checkout; when the object is not there, this
commit's file was not accepted and nothing runs. Values travel as JSON and as environment variables, never through a shell.

Two identities, never mixed: the AWS profile `central` is the build's own role (accepted files, states, account ids), `target` is the
role in the cluster's account. Terraform runs as `target`; its backend is told to use `central`. Both profiles live in a
private file that is removed with the build, and neither holds a key: `central` asks the build's role, `target` assumes from it.

SIMPLIFIED, on purpose: apply makes a fresh plan. The plan that Validate printed was made from the same commit, but the world may have
moved since; Terraform's lock and the pipeline's queue keep two runs of one cluster apart.

Needs Python 3.9 and AWS CLI 2. Terraform is fetched and checked when the image has another version.
"""
import hashlib, json, os, re, shutil, stat, subprocess, sys, tempfile

NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
ACCOUNT = r"[0-9]{12}"
ACCOUNT_REFERENCE = rf"({ACCOUNT}|ssm:///[A-Za-z0-9._/-]+)"

# What must be there, and how it must look. Checked before the first call.
FOR_EVERY_CLUSTER = {
    "ARTIFACT_BUCKET": r"[a-z0-9.-]{3,63}",
    "CLUSTER_KIND": r"regional|management",
    "CONFIG_PATH": r"deploy/[a-z0-9-]+/[a-z0-9-]+/terraform/(regional|management/[a-z0-9-]+)\.yaml",
    "ENVIRONMENT": r"[a-z0-9][a-z0-9-]{0,31}",
    "IS_DESTROY": r"true|false",
    "PIPELINE_NAME": r"(rc|mc)-[A-Za-z0-9.@_-]{1,97}",
    "REGION_ALIAS": r"[a-z0-9][a-z0-9-]{0,31}",
    "STATE_BUCKET": r"[a-z0-9.-]{3,63}",
    "STATE_REGION": r"[a-z]{2}(-[a-z]+)+-[0-9]",
    "TARGET_ACCOUNT_ID": ACCOUNT_REFERENCE,
    "TARGET_ALIAS": NAME,
    "TARGET_REGION": r"[a-z]{2}(-[a-z]+)+-[0-9]",
    "TARGET_ROLE_NAME": r"[A-Za-z0-9+=,.@_/-]{1,64}",
    "TERRAFORM_SHA256": r"[0-9a-f]{64}",
    "TERRAFORM_VERSION": r"[0-9]+\.[0-9]+\.[0-9]+",
}
FOR_MANAGEMENT_CLUSTERS = {"CLUSTER_ID": NAME, "REGIONAL_AWS_ACCOUNT_ID": ACCOUNT_REFERENCE}

# What of it the accepted file says too: where a stage works, and as whom.
OF_EVERY_CLUSTER = ("TARGET_ACCOUNT_ID", "TARGET_ALIAS", "TARGET_REGION")
PLACE = {"regional": OF_EVERY_CLUSTER, "management": (*OF_EVERY_CLUSTER, *FOR_MANAGEMENT_CLUSTERS)}

CONFIG_LIMIT = 64 * 1024  # bytes: the provisioner refuses larger files


class Stop(Exception):
    """The one sentence that ends a stage."""


def main(arguments):
    steps = {"validate": validate, "apply": apply, "bootstrap": bootstrap}
    if len(arguments) != 2 or arguments[0] not in PLACE or arguments[1] not in steps:
        raise Stop("usage: stage.py <regional|management> <validate|apply|bootstrap>")
    kind, step = arguments
    cluster = preflight(kind, os.environ)
    say(f"{step} of {cluster.name}" + (" (destroy run)" if cluster.destroy else ""))
    spec = accepted_spec(cluster)
    root = root_to_apply(kind)
    if step == "bootstrap" and cluster.destroy:
        say("a destroy run has nothing to bootstrap")
        return
    with tempfile.TemporaryDirectory(prefix="penstock-") as private:
        aws = enter(cluster, private)
        terraform = Terraform(cluster, spec, root, private, aws)
        steps[step](cluster, terraform, aws, private)
    say(f"{step} of {cluster.name}: done")


class Cluster:
    """Whose stage this is, from checked variables."""

    def __init__(self, kind, env):
        self.kind, self.env = kind, env
        self.environment, self.region_alias = env["ENVIRONMENT"], env["REGION_ALIAS"]
        self.config_path, self.pipeline = env["CONFIG_PATH"], env["PIPELINE_NAME"]
        self.destroy = env["IS_DESTROY"] == "true"
        self.region = env["TARGET_REGION"]
        stem = os.path.basename(self.config_path)[: -len(".yaml")]
        place = "regional" if kind == "regional" else f"management/{stem}"
        self.name = f"{self.environment}/{self.region_alias}/{place}"
        # The one place that says where a cluster's state is. Environment, alias and cluster are all in it.
        self.state_key = f"clusters/{self.name}.tfstate"
        self.account = None  # known after enter()


def preflight(kind, env):
    """Every variable there and well-formed, and all of them about one and the same cluster."""
    wanted = dict(FOR_EVERY_CLUSTER, **(FOR_MANAGEMENT_CLUSTERS if kind == "management" else {}))
    missing = sorted(name for name in wanted if not env.get(name))
    if missing:
        raise Stop(f"missing in the environment of this action: {', '.join(missing)}")
    for name, pattern in sorted(wanted.items()):
        if not re.fullmatch(pattern, env[name]):
            raise Stop(f"{name} is {env[name][:120]!r}, which is not of the form {pattern}")
    if env["CLUSTER_KIND"] != kind:
        raise Stop(f"this project is for {kind} clusters, and the action says {env['CLUSTER_KIND']}")
    if kind == "regional" and env.get("CLUSTER_ID"):
        raise Stop("a regional cluster's action must not name a CLUSTER_ID: exactly one cluster a stage")
    start = f"deploy/{env['ENVIRONMENT']}/{env['REGION_ALIAS']}/terraform/"
    rest = env["CONFIG_PATH"][len(start):] if env["CONFIG_PATH"].startswith(start) else ""
    if not re.fullmatch(r"regional\.yaml" if kind == "regional" else rf"management/{NAME}\.yaml", rest):
        raise Stop(f"CONFIG_PATH {env['CONFIG_PATH']} is not the file of a {kind} cluster below {start}")
    return Cluster(kind, env)


def accepted_spec(cluster):
    """The compiled form of this commit's own file, or a stop."""
    path = cluster.config_path
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        raise Stop(f"config missing: {path} is not in this commit, so there is nothing to run for {cluster.name}") from None
    if not stat.S_ISREG(status.st_mode) or os.path.realpath(path) != os.path.join(os.path.realpath("."), path):
        raise Stop(f"{path} is a symbolic link or below one: a cluster's file must be a file")
    if status.st_size > CONFIG_LIMIT:
        raise Stop(f"{path} has {status.st_size} bytes; at most {CONFIG_LIMIT} are accepted")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    bucket, key = cluster.env["ARTIFACT_BUCKET"], f"specs/{cluster.pipeline}/{digest}.json"
    # The push that started this run also woke the provisioner: it may need a moment. The waiter asks for 100 seconds.
    waited = run(["aws", "s3api", "wait", "object-exists", "--bucket", bucket, "--key", key], check=False)
    if waited != 0:
        raise Stop(
            f"Penstock has not accepted this version of {path} (sha256 {digest}): see the commit status penstock/clusters. "
            "When that is green, start this run again."
        )
    text = output(["aws", "s3", "cp", "--only-show-errors", f"s3://{bucket}/{key}", "-"])
    try:
        spec = json.loads(text)
        variables, place = spec["variables"], spec["place"]
        right = spec["config_sha256"] == digest and isinstance(spec["delete"], bool) and isinstance(variables, dict)
        right = right and isinstance(place, dict) and place.keys() == set(PLACE[cluster.kind])
    except (ValueError, KeyError, TypeError):
        right = False
    if not right:
        raise Stop(f"s3://{bucket}/{key} is not the accepted form of this file")
    for name, value in variables.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or not isinstance(value, str) or "\0" in value:
            raise Stop(f"s3://{bucket}/{key}: {name[:80]!r} is not a Terraform variable with a text value")
    # A push starts a run and wakes the provisioner at once: the run may have the pipeline of before with the file of now.
    for name, accepted in sorted(place.items()):
        if accepted != cluster.env[name]:
            raise Stop(
                f"{path} was accepted with {name} {accepted!r}, and the pipeline that this run began with has {cluster.env[name]!r}: "
                "nothing was touched. When the commit status penstock/clusters is green, start a new run."
            )
    if spec["delete"] and not cluster.destroy:
        raise Stop(f"{path} asks for removal (delete or delete_pipeline). Only a destroy run may use it, and this is not one: nothing was touched.")
    if cluster.destroy and not spec["delete"]:
        raise Stop(f"this is a destroy run, and {path} does not ask for removal (delete: true): nothing was touched.")
    return spec


def root_to_apply(kind):
    """The folder of the Terraform root of this kind of cluster."""
    root = f"terraform/config/{kind}-cluster"
    if not os.path.isdir(root) or not any(name.endswith(".tf") for name in os.listdir(root)):
        raise Stop(f"the root {root} is not in this commit: there is nothing that could be planned or applied")
    # Terraform reads these by itself and prefers them to TF_VAR_…: they would replace what was accepted, and whose cluster it is.
    loaded = [name for name in sorted(os.listdir(root)) if re.fullmatch(r"terraform\.tfvars(\.json)?|.*\.auto\.tfvars(\.json)?", name)]
    if loaded:
        raise Stop(f"{root} holds {', '.join(loaded)[:200]}, which would override the accepted values: set them in the cluster's own file")
    return root


class Aws:
    """The AWS CLI under one of the two profiles."""

    def __init__(self, cluster, config_file):
        self.cluster, self.config_file = cluster, config_file
        self.env = {k: v for k, v in os.environ.items() if k not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")}
        self.env["AWS_CONFIG_FILE"] = config_file

    def text(self, profile, *arguments):
        command = ["aws", "--profile", profile, "--region", self.cluster.region, *arguments]
        return output(command, env=self.env).strip()

    def json(self, profile, *arguments):
        return json.loads(self.text(profile, *arguments, "--output", "json"))

    def account(self, profile):
        return self.text(profile, "sts", "get-caller-identity", "--query", "Account", "--output", "text")

    def resolve(self, name, reference):
        """An account id, or the one that an `ssm:///…` reference names: read as central, in the cluster's region."""
        if reference.startswith("ssm://"):
            parameter = reference[len("ssm://"):]
            found = self.text("central", "ssm", "get-parameter", "--name", parameter, "--with-decryption",
                              "--query", "Parameter.Value", "--output", "text")
            if not re.fullmatch(ACCOUNT, found):
                raise Stop(f"{name}: the parameter {parameter} in {self.cluster.region} does not hold an account id of 12 digits")
            return found
        return reference


def enter(cluster, private):
    """Writes the two profiles and proves that each is the account it should be."""
    config_file = os.path.join(private, "aws-config")
    # The build's role, asked for afresh whenever a program needs it: without a profile the AWS CLI finds it by itself.
    build_role = "credential_process = env -u AWS_PROFILE -u AWS_CONFIG_FILE aws configure export-credentials --format process\n"
    central = f"[profile central]\n{build_role}"
    write(config_file, central)
    aws = Aws(cluster, config_file)
    here = aws.account("central")
    cluster.account = aws.resolve("TARGET_ACCOUNT_ID", cluster.env["TARGET_ACCOUNT_ID"])
    if cluster.kind == "management":
        cluster.regional_account = aws.resolve("REGIONAL_AWS_ACCOUNT_ID", cluster.env["REGIONAL_AWS_ACCOUNT_ID"])
    if cluster.account == here:
        target = f"[profile target]\n{build_role}"
    else:
        role = f"arn:{partition(cluster.region)}:iam::{cluster.account}:role/{cluster.env['TARGET_ROLE_NAME']}"
        session = re.sub(r"[^A-Za-z0-9=,.@-]", "-", cluster.pipeline)[:64]
        target = f"[profile target]\nrole_arn = {role}\nsource_profile = central\nrole_session_name = {session}\n"
        say(f"assuming {role}")
    write(config_file, central + target)
    there = aws.account("target")
    if there != cluster.account:
        raise Stop(f"the target role leads into account {there}, and this cluster belongs to {cluster.account}")
    return aws


def partition(region):
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


class Terraform:
    """Terraform in the root, as the target account, with the state in the central one."""

    def __init__(self, cluster, spec, root, private, aws):
        self.binary = find_terraform(cluster, private)
        self.root = root
        self.env = dict(aws.env, AWS_PROFILE="target", AWS_REGION=cluster.region, AWS_DEFAULT_REGION=cluster.region,
                        TF_IN_AUTOMATION="1", TF_INPUT="0", TF_DATA_DIR=os.path.join(private, "terraform"))
        self.env.update(variables(cluster, spec))
        settings = {
            "bucket": cluster.env["STATE_BUCKET"],
            "key": cluster.state_key,
            "region": cluster.env["STATE_REGION"],
            "profile": "central",
            "encrypt": "true",
            "use_lockfile": "true",
        }
        locked = ["-lockfile=readonly"] if os.path.exists(f"{root}/.terraform.lock.hcl") else []
        self("init", "-no-color", *locked, *(f"-backend-config={name}={value}" for name, value in settings.items()))

    def __call__(self, *arguments):
        run([self.binary, f"-chdir={self.root}", *arguments], env=self.env)

    def outputs(self):
        text = output([self.binary, f"-chdir={self.root}", "output", "-no-color", "-json"], env=self.env)
        return {name: value["value"] for name, value in json.loads(text).items()}


def variables(cluster, spec):
    """The file's own variables and what the pipeline knows. One may not contradict the other."""
    known = {
        "account_id": cluster.account,
        "alias": cluster.env["TARGET_ALIAS"],
        "environment": cluster.environment,
        "region": cluster.region,
        "region_alias": cluster.region_alias,
    }
    if cluster.kind == "management":
        known["cluster_id"] = cluster.env["CLUSTER_ID"]
        known["regional_aws_account_id"] = cluster.regional_account
    unresolved = {"regional_aws_account_id": cluster.env.get("REGIONAL_AWS_ACCOUNT_ID")}
    for name, value in spec["variables"].items():
        if name in known and value not in (known[name], unresolved.get(name)):
            raise Stop(f"terraform_vars.{name} in {cluster.config_path} is {value[:120]!r}, and this pipeline is for {known[name]!r}")
    return {f"TF_VAR_{name}": value for name, value in {**spec["variables"], **known}.items()}


def find_terraform(cluster, private):
    """The pinned version: the image's own, or a download whose digest must match."""
    version, digest = cluster.env["TERRAFORM_VERSION"], cluster.env["TERRAFORM_SHA256"]
    present = shutil.which("terraform")
    if present:
        found = subprocess.run([present, "version", "-json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            if found.returncode == 0 and json.loads(found.stdout)["terraform_version"] == version:
                return present
        except (ValueError, KeyError, TypeError):
            pass  # an image with something else called terraform: fetch ours
    import io, urllib.request, zipfile  # only here: they are slow to load

    url = f"https://releases.hashicorp.com/terraform/{version}/terraform_{version}_linux_amd64.zip"
    say(f"fetching Terraform {version}")
    with urllib.request.urlopen(url, timeout=60) as answer:
        archive = answer.read()
    if hashlib.sha256(archive).hexdigest() != digest:
        raise Stop(f"{url} does not have the sha256 {digest} that this project pins")
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        binary = files.extract("terraform", private)
    os.chmod(binary, 0o700)
    return binary


def validate(cluster, terraform, _aws, _private):
    """What would be done, for the person at the gate."""
    terraform("validate", "-no-color")
    terraform("plan", "-no-color", "-input=false", "-lock-timeout=5m", *(["-destroy"] if cluster.destroy else []))


def apply(cluster, terraform, _aws, _private):
    """Does it."""
    terraform("destroy" if cluster.destroy else "apply", "-no-color", "-input=false", "-auto-approve", "-lock-timeout=10m")


def bootstrap(cluster, terraform, aws, private):
    """Runs the task that installs ArgoCD, inside the cluster's private network, and waits for its exit code.

    The root must have the output `bootstrap` = {cluster, task_definition, subnets, security_groups, container, environment}.
    """
    wanted = ("cluster", "task_definition", "subnets", "security_groups", "container", "environment")
    task = terraform.outputs().get("bootstrap")
    if not isinstance(task, dict) or any(name not in task for name in wanted):
        raise Stop(f"{terraform.root} has no output `bootstrap` with {', '.join(wanted)}: the cluster cannot be bootstrapped")
    environment = dict(
        task["environment"],
        CLUSTER_TYPE=f"{cluster.kind}-cluster",
        ENVIRONMENT=cluster.environment,
        REGION=cluster.region,
        REGION_ALIAS=cluster.region_alias,
        REPOSITORY_PATH=f"deploy/{cluster.environment}/{cluster.region_alias}/argocd/{cluster.kind}-cluster-manifests",
    )
    request = {
        "cluster": task["cluster"],
        "taskDefinition": task["task_definition"],
        "launchType": "FARGATE",
        "count": 1,
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": task["subnets"], "securityGroups": task["security_groups"], "assignPublicIp": "DISABLED"}},
        "overrides": {"containerOverrides": [{
            "name": task["container"],
            "environment": [{"name": name, "value": str(value)} for name, value in sorted(environment.items())]}]},
    }
    file = os.path.join(private, "run-task.json")
    write(file, json.dumps(request))
    answer = aws.json("target", "ecs", "run-task", "--cli-input-json", f"file://{file}")
    if not answer.get("tasks"):
        raise Stop(f"ECS started no task: {json.dumps(answer.get('failures', []))[:500]}")
    arn = answer["tasks"][0]["taskArn"]
    say(f"waiting for {arn}")
    for _ in range(2):  # the waiter gives up after ten minutes; the project's own timeout is thirty
        waiter = ["aws", "--profile", "target", "--region", cluster.region, "ecs", "wait", "tasks-stopped", "--cluster", task["cluster"], "--tasks", arn]
        if run(waiter, env=aws.env, check=False) == 0:
            break
    else:
        raise Stop(f"the bootstrap task {arn} has not stopped after twenty minutes; it is still running")
    stopped = aws.json("target", "ecs", "describe-tasks", "--cluster", task["cluster"], "--tasks", arn)["tasks"][0]
    codes = {c["name"]: c.get("exitCode") for c in stopped.get("containers", [])}
    if codes.get(task["container"]) != 0:
        raise Stop(f"the bootstrap task ended with {codes}: {str(stopped.get('stoppedReason', 'no reason given'))[:300]}")


def say(text):
    print(f"penstock: {text}", flush=True)


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def run(command, env=None, check=True):
    """Runs a program with its output going to the build's log. An argument list, never a shell."""
    sys.stdout.flush()
    code = subprocess.run(command, env=env).returncode
    if check and code != 0:
        raise Stop(f"{' '.join(command[:6])} … failed with exit code {code}")
    return code


def output(command, env=None):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise Stop(f"{' '.join(command[:8])} … failed with exit code {done.returncode}")
    return done.stdout.decode()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Stop as reason:
        print(f"penstock: {reason}", file=sys.stderr)
        sys.exit(1)
