"""The certificates' part of the demo: runs make them, agents speak with the broker by them, and they are rotated and revoked."""

import json
import shutil
import subprocess

import accounts
import audit
import bus
import mqtt
import settings
import tree
from expect import equal, expect
from processes import wait_until
from say import table, tell
from scene import PATIENCE

FUNCTION = f"{settings.NAME}-iot-cert-provisioner"
PLACE = ("integration", "us-east-1")
REGION, REGIONAL, MANAGEMENT = tree.PLACES[PLACE]
PREFIX = "sources/maestro/consumers"
MARKERS = ("PRIVATE KEY", "privateKey")


def play(scene):
    """runs give two clusters certificates: their agents speak with the broker, through a rotation, and one is revoked"""
    first, second = sorted(MANAGEMENT)
    for cluster in (first, second):
        ask = lambda: bus.of_kind(scene.aws, "Certificate Issued", cluster=_key(cluster))
        issued = wait_until(f"no run made a certificate for {_key(cluster)}", ask, PATIENCE)
        equal(f"a run of {_key(cluster)} made its certificate, once", len(issued), 1)
    before = asked(scene, "status", first)
    again = asked(scene, "ensure", first)
    equal("asked once more, it is the same certificate", (again["outcome"], again["certificate"]["id"]), ("unchanged", before["certificate"]["id"]))
    table([("certificate", before["certificate"]["id"][:16] + "…", before["certificate"]["not_after"]), ("secret in", before["secret"]["account"], before["secret"]["arn"].rsplit(":", 1)[1])])
    held = _held(scene, first)
    expect("the secret's key is the certificate's", _same_key(held), held["certificateId"])
    server = asked(scene, "ensure", "regional")
    equal("the regional cluster's servers get theirs by a direct call", server["outcome"], "issued")
    name, other = f"{first}-us-east-1", f"{second}-us-east-1"
    agent = mqtt.Agent(scene, held, f"{name}-work-agent-client")
    expect("the agent connects, by mutual TLS, under its own name", agent.connect())
    expect("it hears what is for it", agent.subscribes(f"{PREFIX}/{name}/sourceevents"))
    servers = mqtt.Agent(scene, mqtt.credentials(scene, REGIONAL, REGION, "regional-us-east-1-maestro-server-cert"), server["clients"][0])
    expect("a server connects and hears every agent", servers.connect() and servers.subscribes(f"{PREFIX}/+/agentevents"))
    expect("the server speaks to the agent", servers.publishes(f"{PREFIX}/{name}/sourceevents", "apply this"))
    equal("and the agent hears it", agent.hears(), (f"{PREFIX}/{name}/sourceevents", "apply this"))
    expect("the agent answers", agent.publishes(f"{PREFIX}/{name}/agentevents", "applied"))
    equal("and the server hears that", servers.hears(), (f"{PREFIX}/{name}/agentevents", "applied"))
    _refused(scene, held, name, other)
    agent = mqtt.Agent(scene, held, f"{name}-work-agent-client")
    expect("it connects again", agent.connect())
    rotated = asked(scene, "rotate", first)
    equal("it is rotated while its agent is connected", (rotated["outcome"], len(rotated["retiring"])), ("rotated", 1))
    expect("the connection stands, and the agent still may speak", agent.is_connected() and agent.publishes(f"{PREFIX}/{name}/agentevents", "still here"))
    fresh = _held(scene, first)
    later = mqtt.Agent(scene, fresh, f"{name}-work-agent-client")
    expect("with the new credentials it connects, too", fresh["certificateId"] != held["certificateId"] and later.connect())
    later.close()
    asked(scene, "acknowledge", first, certificate=fresh["certificateId"])
    old = mqtt.Agent(scene, held, f"{name}-work-agent-client")
    expect("once that is acknowledged, the old certificate works no more", not old.connect())
    lost = _held(scene, second)
    equal(f"the certificate of {second} is revoked", asked(scene, "revoke", second)["outcome"], "revoked")
    expect("its agent is not let in again", not mqtt.Agent(scene, lost, f"{other}-work-agent-client").connect())
    scene.aws.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps({"action": "sweep"}).encode())
    equal("after a sweep each cluster has what it should: one active, one revoked", _statuses(scene), ["ACTIVE", "ACTIVE", "REVOKED"])
    servers.close()
    code, text = audit.verify(f"certificate:{_key(first)}")
    expect("every step is in the audit chain, which verifies", code == 0 and "certificate.rotate" in text, text)
    equal("no key is in a log, an event, a queue or the table", _leaks(scene, held), [])


def asked(scene, action, cluster, **more):
    """A direct call."""
    call = {"action": action, "environment": PLACE[0], "region_alias": PLACE[1], "cluster": cluster, **more}
    answer = scene.aws.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(call).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        expect(f"{action} of {cluster} is answered", False, said)
    return said


def _refused(scene, held, name, other):
    """What it may not: the topics of its neighbour, all topics, another's name."""
    for what, act in (
        ("speak for its neighbour", lambda agent: agent.publishes(f"{PREFIX}/{other}/agentevents", "not me")),
        ("speak as a server", lambda agent: agent.publishes(f"{PREFIX}/{name}/sourceevents", "not me")),
        ("hear its neighbour", lambda agent: agent.subscribes(f"{PREFIX}/{other}/sourceevents")),
        ("hear everybody", lambda agent: agent.subscribes(f"{PREFIX}/+/sourceevents")),
    ):
        agent = mqtt.Agent(scene, held, f"{name}-work-agent-client")
        expect(f"it may not {what}", agent.connect() and not act(agent))
        agent.close()
    expect("nor connect under its neighbour's name", not mqtt.Agent(scene, held, f"{other}-work-agent-client").connect())


def _key(cluster):
    return f"{PLACE[0]}/{PLACE[1]}/management/{cluster}"


def _held(scene, cluster):
    return mqtt.credentials(scene, MANAGEMENT[cluster], REGION, f"{cluster}-us-east-1-maestro-agent-cert")


def _same_key(held):
    """Whether the secret's key is its certificate's: asked of openssl where it is, and of the library beneath it where it is not."""
    if shutil.which("openssl"):
        return _openssl("pkey", "-pubout", given=held["privateKey"]) == _openssl("x509", "-pubkey", "-noout", given=held["certificate"])
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization as pem

    key = pem.load_pem_private_key(held["privateKey"].encode(), None).public_key()
    public = x509.load_pem_x509_certificate(held["certificate"].encode()).public_key()
    return key.public_numbers() == public.public_numbers()


def _openssl(*command, given):
    # By a pipe: a key is in no file and in no argument.
    return subprocess.run(["openssl", *command], input=given, capture_output=True, text=True, check=True).stdout


def _statuses(scene):
    client = accounts.client(scene.aws, "iot", REGIONAL, REGION)
    return sorted(one["status"] for one in client.list_certificates()["certificates"])


def _leaks(scene, held):
    """Where anything of a key stands that should not: logs, events, queues, the table."""
    body = held["privateKey"].splitlines()[1]
    seen = {f"the log {group}": text for group, text in _logs(scene)}
    seen["the table"] = json.dumps(scene.aws.client("dynamodb").scan(TableName=settings.TABLE)["Items"], default=str)
    seen["the bus"] = json.dumps(bus.events(scene.aws), default=str)
    for url in scene.aws.client("sqs").list_queues().get("QueueUrls", []):
        if url.endswith("-dead"):
            found = scene.aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            seen[url] = json.dumps(found.get("Messages", []))
    return [where for where, text in seen.items() if body in text or any(marker in text for marker in MARKERS)]


def _logs(scene):
    logs = scene.aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"]).get("events", [])
        yield group["logGroupName"], "\n".join(event["message"] for event in events)
