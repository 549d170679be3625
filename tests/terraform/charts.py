"""The charts and the Argo CD applications, against what they have to fit: Terraform's names, the broker's policy, each other.

Each chart is rendered as Argo CD would render it, with labels and a value file in the place of a cluster's, both ways of mounting secrets: by
`gotemplate.py`, and by helm as well where it is present; then both must say the same. `check.py` runs this with a Python that has PyYAML, and
reads the answer, one JSON object a line.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

import gotemplate
from toolbox import REPOSITORY

TERRAFORM = REPOSITORY / "terraform"
CHARTS = TERRAFORM / "charts"
EXAMPLE = TERRAFORM / "argocd/example"
MOUNT = "/mnt/secrets-store/"

APPLICATIONS = {"maestro-server": "regional-cluster/maestro-server.yaml", "maestro-agent": "management-cluster/maestro-agent.yaml"}
TOP = {"maestro-server": "maestroServer", "maestro-agent": "maestroAgent"}
MODULES = {"maestro-server": "maestro-infrastructure", "maestro-agent": "maestro-agent"}

# A cluster's secret in Argo CD, as argocd/README.md describes it.
CLUSTER = {
    "labels": {"environment": "integration", "region_alias": "us-east-1", "region": "us-east-1", "alias": "regional-us-east-1", "cluster_id": "mc01"},
    "annotations": {"git_repo": "https://example.org/clusters.git", "git_revision": "main"},
}

# What stands in each secret, and which file writes it there.
CERTIFICATE = {"certificate", "privateKey", "caCert"}
SECRETS = {
    "regional-us-east-1-maestro-server-cert": CERTIFICATE,
    "regional-us-east-1-maestro-server-config": {"config"},
    "regional-us-east-1-maestro-db-credentials": {"username", "password", "host", "port", "database"},
    "mc01-maestro-agent-cert": CERTIFICATE,
    "mc01-maestro-agent-config": {"config", "consumerName"},
}


def load(path):
    return list(yaml.safe_load_all(path.read_text()))


def merged(below, above):
    out = dict(below)
    for key, value in above.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def application(chart):
    return load(TERRAFORM / "argocd" / APPLICATIONS[chart])[0]


def filled(text):
    """An application's field for our cluster."""
    def one(match):
        kind, name = match.groups()
        return CLUSTER[kind][name]
    return re.sub(r"\{\{ \.metadata\.(labels|annotations)\.(\w+) \}\}", one, text)


def place(chart, value_file):
    """Where a value file is, from the repository's root: an application names it as seen from the chart."""
    source = application(chart)["spec"]["template"]["spec"]["source"]["path"]
    return os.path.normpath(f"{source}/{value_file}")


def values(chart, **own):
    """What Argo CD renders with: the chart's values, the value file, the application's own; and here what a check varies."""
    helm = application(chart)["spec"]["template"]["spec"]["source"]["helm"]
    found = load(CHARTS / chart / "values.yaml")[0]
    for file in helm["valueFiles"]:
        found = merged(found, load(EXAMPLE / place(chart, filled(file)))[0])
    return merged(merged(found, json.loads(filled(json.dumps(helm["valuesObject"])))), {TOP[chart]: own})


def render(chart, **own):
    """All documents, by kind and name."""
    folder = CHARTS / chart
    files = {path.name: path.read_text() for path in sorted((folder / "templates").iterdir())}
    facts = load(folder / "Chart.yaml")[0]
    release = {"Name": chart, "Namespace": chart, "Service": "Helm"}
    templates = gotemplate.Chart(files, values(chart, **own), release, {"Name": facts["name"], "Version": facts["version"]})
    return by_name(document for name in files if name.endswith(".yaml") for document in yaml.safe_load_all(templates.render(name)))


def by_name(documents):
    found = {}
    for document in filter(None, documents):
        key = (document["kind"], document["metadata"]["name"])
        if key in found:
            raise gotemplate.TemplateError(f"{key} is there twice")
        found[key] = document
    return found


def helm_renders(chart, **own):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values(chart, **own), file)
        file.flush()
        done = subprocess.run(["helm", "template", chart, str(CHARTS / chart), "--namespace", chart, "--values", file.name],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise gotemplate.TemplateError(done.stderr.strip())
    return by_name(yaml.safe_load_all(done.stdout))


def variants():
    for chart in APPLICATIONS:
        for provider in ("csi", "external-secrets"):
            yield chart, provider


def every_file_is_yaml():
    for folder in ("argocd", "charts"):
        for path in sorted((TERRAFORM / folder).rglob("*.yaml")):
            if path.parent.name == "templates":
                continue
            try:
                load(path)
            except yaml.YAMLError as error:
                yield f"{path.relative_to(REPOSITORY)}: {error}"


def charts_render():
    for chart, provider in variants():
        for key, document in render(chart, secrets={"provider": provider}).items():
            if not document.get("apiVersion") or len(key[1]) > 63:
                yield f"{chart} ({provider}): {key} has no apiVersion, or too long a name"
            if document["kind"] == "Secret" or "secretObjects" in str(document):
                yield f"{chart} ({provider}): {key} puts a secret into Kubernetes"


def charts_refuse_what_cannot_work():
    wrong = [
        ("maestro-server", {"broker": {"sourceId": "another"}}, "second level"),
        ("maestro-server", {"broker": {"topicPrefix": "maestro/consumers"}}, "three levels"),
        ("maestro-server", {"broker": {"topicPrefix": "sources/maestro/consumers", "allowOlderTopics": True}}, "maestro/consumers"),
        ("maestro-server", {"image": {"digest": ""}}, "image.digest"),
        ("maestro-server", {"alias": "a" * 38}, "37"),
        ("maestro-server", {"secrets": {"provider": "none"}}, "external-secrets"),
        ("maestro-agent", {"consumerName": "mc01/#"}, "cluster_id"),
        ("maestro-agent", {"consumerName": "+"}, "cluster_id"),
        ("maestro-agent", {"consumerName": ""}, "cluster_id"),
        ("maestro-agent", {"image": {"digest": ""}}, "image.digest"),
    ]
    for chart, own, says in wrong:
        try:
            render(chart, **own)
            yield f"{chart} renders with {own}"
        except gotemplate.TemplateError as error:
            if says not in str(error):
                yield f"{chart} with {own} says {error}"


def mounted(documents):
    """The secret, its field and the file, of whichever way the chart mounts."""
    for (kind, _), document in documents.items():
        if kind == "SecretProviderClass":
            for one in yaml.safe_load(document["spec"]["parameters"]["objects"]):
                yield from ((one["objectName"], field["path"], field["objectAlias"]) for field in one["jmesPath"])
        if kind == "ExternalSecret":
            yield from ((one["remoteRef"]["key"], one["remoteRef"]["property"], one["secretKey"]) for one in document["spec"]["data"])


def secrets_have_what_is_mounted():
    for chart, provider in variants():
        documents = render(chart, secrets={"provider": provider}, **({"database": {"rootCertConfigMap": "ca"}} if chart == "maestro-server" else {}))
        found = list(mounted(documents))
        for secret, field, _ in found:
            if field not in SECRETS.get(secret, ()):
                yield f"{chart} ({provider}): the secret {secret} has no field {field}"
        files = {file for _, _, file in found}
        for container in containers(documents):
            for argument in container["command"]:
                if MOUNT in argument and argument.split(MOUNT)[1] not in files:
                    yield f"{chart} ({provider}): {argument} is not among the mounted files {sorted(files)}"
        module = TERRAFORM / "modules" / MODULES[chart]
        for file in re.findall(rf'= "{MOUNT}([^"]+)"', "".join(path.read_text() for path in module.glob("*.tf"))):
            if file not in files:
                yield f"{module.name}: the configuration names {MOUNT}{file}, which {chart} ({provider}) does not mount"
    for (kind, name), document in [*render("maestro-server").items(), *render("maestro-agent").items()]:
        if kind == "SecretProviderClass" and document["spec"]["parameters"]["usePodIdentity"] != "true":
            yield f"{name}: it does not use Pod Identity"
    written = (TERRAFORM / "modules/maestro-infrastructure/secrets.tf").read_text()
    block = written[written.index('"db_credentials"'):]
    keys = set(re.findall(r"^    (\w+) += ", block[:block.index("})")], re.M))
    if keys != SECRETS["regional-us-east-1-maestro-db-credentials"]:
        yield f"maestro-infrastructure writes {sorted(keys)} into db-credentials"
    agent = (TERRAFORM / "modules/maestro-agent/main.tf").read_text()
    for text, names in ((written, ('    server-cert ', '    server-config ', '    db-credentials ')), (agent, ('${local.agent}-cert-??????', '"${local.agent}-config"'))):
        for name in names:
            if name not in text:
                yield f"no module has a secret {name.strip()}"


def containers(documents):
    for kind in ("StatefulSet", "Deployment"):
        for (found, _), document in documents.items():
            if found == kind:
                spec = document["spec"]["template"]["spec"]
                yield from [*spec.get("initContainers", []), *spec["containers"]]


def flag(container, name):
    given = [argument.split("=", 1)[1] for argument in container["command"] if argument.startswith(f"--{name}=")]
    return given[0] if len(given) == 1 else given


def the_broker_knows_them():
    documents = render("maestro-server")
    ((_, name), workload), = [item for item in documents.items() if item[0][0] == "StatefulSet"]
    server = list(containers(documents))[-1]
    given = values("maestro-server")["maestroServer"]
    if flag(server, "source-id") != given["broker"]["topicPrefix"].split("/")[1]:
        yield "maestro-server: --source-id is not the topics' second level"
    if flag(server, "client-id") != "$(POD_NAME)" or not any(one["name"] == "POD_NAME" for one in server["env"]):
        yield "maestro-server: a server's client name is not its pod's"
    if flag(server, "subscription-type") != "shared":
        yield "maestro-server: two servers must share what agents say, as the configuration's topics do"
    policy = json.loads((TERRAFORM / "modules/maestro-infrastructure/tests/server-policy.json").read_text())
    clients = [resource.split(":client/")[1] for resource in policy["Statement"][0]["Resource"]]
    pods = [f"{name}-{pod}" for pod in range(workload["spec"]["replicas"])]
    if pods != clients:
        yield f"maestro-server: the pods are {pods}, and the broker's policy admits {clients}"
    agent = list(containers(render("maestro-agent")))[-1]
    client = f"{flag(agent, 'cloudevents-client-id')}-client"
    if flag(agent, "consumer-name") != CLUSTER["labels"]["cluster_id"] or client != "mc01-work-agent-client":
        yield f"maestro-agent: consumer {flag(agent, 'consumer-name')} with the client {client}"
    if 'client_id     = "${id}-work-agent-client"' not in (TERRAFORM / "modules/maestro-infrastructure/main.tf").read_text():
        yield "maestro-infrastructure: the output consumers has another client_id than the agent's"
    variable = (TERRAFORM / "modules/maestro-infrastructure/variables.tf").read_text().split('variable "topic_prefix"')[1]
    if re.search(r'default     = "(.*)"', variable).group(1) != given["broker"]["topicPrefix"]:
        yield "the default of topic_prefix differs between Terraform and charts/maestro-server"


def terraform_knows_the_pods():
    for chart, module in MODULES.items():
        text = (TERRAFORM / "modules" / module / "main.tf").read_text()
        names = dict(re.findall(r'(namespace|service_account) += "([^"]+)"', text))
        documents = render(chart)
        workload, = [document for (kind, _), document in documents.items() if kind in ("StatefulSet", "Deployment")]
        account = workload["spec"]["template"]["spec"]["serviceAccountName"]
        if names != {"namespace": workload["metadata"]["namespace"], "service_account": account} or ("ServiceAccount", account) not in documents:
            yield f"{chart}: Pod Identity is for {names}, and the pods are {account} in {workload['metadata']['namespace']}"
    if render("maestro-agent")[("Deployment", "maestro-agent")]["spec"]["replicas"] != 1:
        yield "maestro-agent: there is one agent a cluster"


def services_lead_somewhere():
    documents = render("maestro-server")
    server = list(containers(documents))[-1]
    ports = {one["name"]: one["containerPort"] for one in server["ports"]}
    flags = {"http": "http-server-bindport", "grpc": "grpc-server-bindport", "health": "health-check-server-bindport", "metrics": "metrics-server-bindport"}
    for name, bind in flags.items():
        if str(ports[name]) != flag(server, bind):
            yield f"maestro-server: the port {name} is {ports[name]}, and --{bind} {flag(server, bind)}"
    wanted = {"maestro-http": 8080, "maestro-grpc": 8090, "maestro-health": 8083, "maestro-metrics": 9090}
    for name, port in wanted.items():
        one, = documents[("Service", name)]["spec"]["ports"]
        if one["port"] != port or ports[one["targetPort"]] != port:
            yield f"{name} leads to {one}"
    labels = documents[("StatefulSet", "regional-us-east-1-maestro-server")]["spec"]["template"]["metadata"]["labels"]
    for (kind, name), document in documents.items():
        if kind == "Service" and not document["spec"]["selector"].items() <= labels.items():
            yield f"the service {name} selects nothing"


def the_agent_may_work():
    documents = render("maestro-agent")
    kinds = {kind for kind, _ in documents}
    for kind in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"):
        if kind not in kinds:
            yield f"maestro-agent has no {kind}"
    for (kind, name), document in documents.items():
        if kind.endswith("RoleBinding"):
            role = (document["roleRef"]["kind"], document["roleRef"]["name"])
            if role not in documents and role != ("ClusterRole", "cluster-admin"):
                yield f"{kind} {name} binds {role}, which is not there"
    crd, = load(CHARTS / "maestro-agent/crds/appliedmanifestworks.yaml")
    if crd["spec"]["names"]["kind"] != "AppliedManifestWork" or crd["metadata"]["name"] != f"{crd['spec']['names']['plural']}.{crd['spec']['group']}":
        yield "maestro-agent: the CRD is not AppliedManifestWork's"


def applications_find_their_files():
    readme = (TERRAFORM / "argocd/README.md").read_text()
    deployed = [path.relative_to(REPOSITORY).parts[1:3] for path in REPOSITORY.glob("deploy/*/*/") if path.is_dir()]
    for chart, file in APPLICATIONS.items():
        spec = application(chart)["spec"]["template"]["spec"]
        source, policy = spec["source"], spec["syncPolicy"]
        if not (REPOSITORY / source["path"] / "Chart.yaml").is_file():
            yield f"{file}: {source['path']} is no chart"
        for value_file in source["helm"]["valueFiles"]:
            found = place(chart, filled(value_file))
            if not found.startswith("deploy/") or not (EXAMPLE / found).is_file():
                yield f"{file}: {found} is not in the example"
            if "labels.region_alias" not in value_file or re.search(r"labels\.region \}", value_file):
                yield f"{file}: value files are found by region alias, not by AWS region"
            for environment, alias in deployed:
                path = value_file.replace("{{ .metadata.labels.environment }}", environment).replace("{{ .metadata.labels.region_alias }}", alias)
                if not (REPOSITORY / place(chart, path)).is_file():
                    yield f"{file}: {place(chart, path)} is not there"
        if policy["automated"] != {"prune": True, "selfHeal": True} or policy["retry"]["limit"] != -1:
            yield f"{file}: it does not sync by itself, prune, heal and try again"
        if spec["destination"]["namespace"] != chart:
            yield f"{file}: the namespace is not the one that Pod Identity knows"
        for label in set(re.findall(r"\.metadata\.(?:labels|annotations)\.(\w+)", json.dumps(application(chart)))):
            if f"`{label}`" not in readme:
                yield f"{file}: argocd/README.md does not say what {label} is"


def helm_says_the_same():
    for chart, provider in variants():
        own = {"secrets": {"provider": provider}, "extraArgs": ['--a="b"']}
        if helm_renders(chart, **own) != render(chart, **own):
            yield f"{chart} ({provider}): helm renders something else than tests/terraform/gotemplate.py"


ALL = [
    ("charts and applications are YAML", every_file_is_yaml),
    ("charts render, and put no secret into Kubernetes", charts_render),
    ("charts refuse what cannot work", charts_refuse_what_cannot_work),
    ("secrets have what charts mount", secrets_have_what_is_mounted),
    ("the broker knows servers and agents", the_broker_knows_them),
    ("Pod Identity knows the pods", terraform_knows_the_pods),
    ("services lead somewhere", services_lead_somewhere),
    ("the agent may work", the_agent_may_work),
    ("applications find their files", applications_find_their_files),
]


def main():
    for name, check in ALL + ([("helm says the same", helm_says_the_same)] if shutil.which("helm") else []):
        try:
            failures = list(check())
        # A chart may be broken in any way, and the other checks still have something to say.
        except Exception as error:
            failures = [f"{type(error).__name__}: {error}"]
        print(json.dumps({"name": name, "failures": failures}))
    if not shutil.which("helm"):
        print(json.dumps({"name": "helm says the same", "skipped": "no helm on this machine: the charts were rendered by tests/terraform/gotemplate.py alone"}))


if __name__ == "__main__":
    sys.exit(main())
