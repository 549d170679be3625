"""The part of the demo about the gates of pipelines: who may let a run go on, and what keeps it."""

import datetime
import hashlib
import hmac
import os
import subprocess
import urllib.error
import urllib.request

import audit
import bus
import environment
import settings
import tokens
import tree
from expect import equal, expect
from limits import call
from processes import OPENER, wait_until
from say import table, tell
from scene import PATIENCE

ALIAS = "ap-southeast-2"
CLUSTER = f"production/{ALIAS}/management/mc01"
PIPELINE = f"mc-production-{ALIAS}-mc01-"
PATH = f"/v1/clusters/production/{ALIAS}/mc01"
AUTHOR, APPROVER, MEMBER = "ada", "bob", "cy"
HOLD = "incident-7"


def gates(scene):
    """a run waits at its gate: it says who may free it, a hold keeps it, and letting it go on lets no other go"""
    invoked(scene)
    first = at_gate(scene)
    head = scene.push({tree.GATED: tree.gated()}, "production mc01: charge another cost center", "main")
    scene.finished(head)
    run = first["execution"]
    tell(f"run {run} of {CLUSTER} waits since {first['since'][:19]}:")
    show(first)
    expect("explain says whose approval it lacks, and that its author's does not count", "bob" in str(first["missing"]) and "ada wrote" in str(first["missing"]), first)
    check = scene.check_run(first["commit"], f"penstock/gate {CLUSTER}")
    tell(f"check run \"{check['name']}\": {check['output']['title']}")
    expect("its approvers read on the commit how to answer", f"penstock approve production/{ALIAS}/mc01 {run}" in check["output"]["summary"], check)
    code, refused = answer(scene, AUTHOR, run)
    equal(f"{AUTHOR}, who pushed it, approves: refused", code, 403)
    tell(refused["detail"])
    code, refused = answer(scene, MEMBER, run)
    equal(f"{MEMBER}, whom nobody asks, approves: refused", code, 403)

    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    hold = {"id": HOLD, "scope": "environment:production", "reason": "incident 7: the network is being moved", "until": until}
    equal(f"{MEMBER} places a hold on production", call(scene, "POST", "/v1/holds", MEMBER, hold)[0], 201)
    link = personal_link(APPROVER, run, first["commit"])
    code, page = visit(scene, link)
    expect(f"{APPROVER}'s own link shows the run, and looking at it decides nothing", code == 200 and run in page and "approvals" in str(at_gate(scene)["missing"]), page)
    equal("a link that somebody changed is none", visit(scene, link[:-1] + ("0" if link[-1] != "0" else "1"), "answer=approve")[0], 404)
    code, page = visit(scene, link, "answer=approve")
    expect(f"{APPROVER} approves, and the hold keeps it", code == 200 and "the run still waits" in page, (code, page))
    show(at_gate(scene))
    equal("the link has taken its answer", visit(scene, link, "answer=reject&reason=on+second+thought+no")[0], 409)
    equal("the same request places it no second time", call(scene, "POST", "/v1/holds", MEMBER, hold)[0], 200)
    equal("nothing of it has passed", status(scene, run), "InProgress")

    equal("the hold is lifted", call(scene, "DELETE", f"/v1/holds/{HOLD}", MEMBER)[0], 200)
    wait_until("the run did not go on by itself", lambda: status(scene, run) == "Succeeded", PATIENCE)
    expect("the run goes on by itself, to its end", True)
    second = at_gate(scene, besides=run)
    equal("the run behind it comes to the gate with the next commit, and nobody has approved that", (second["commit"], second["approved_by"]), (head, []))
    equal(f"{APPROVER} approves the first once more: nobody waits for that", answer(scene, APPROVER, run)[0], 409)
    equal("the second still waits", status(scene, second["execution"]), "InProgress")
    code, said = command(scene, APPROVER, second["execution"], head)
    tell(said)
    equal(f"{APPROVER} approves the second, by the command", (code, "the run goes on" in said), (0, True))
    wait_until("the second run did not end", lambda: status(scene, second["execution"]) == "Succeeded", PATIENCE)
    states = {stage["stageName"]: stage["latestExecution"]["status"] for stage in state(scene)["stageStates"]}
    table([("stage", name, found) for name, found in states.items()])
    equal("it ran through every stage", set(states.values()), {"Succeeded"})

    other = [name for name in scene.pipelines() if name.startswith("rc-production-")]
    waits = [run["status"] for name in other for run in runs(scene, name)]
    expect("no other cluster's run went on with them", waits and set(waits) == {"InProgress"}, waits)
    bypass(scene, other[0])
    code, text = audit.verify(f"cluster:{CLUSTER}")
    counts = [text.count(action) for action in ("run.answer", "run.approve")]
    equal("each answer and decision is in the cluster's audit chain, and the chain verifies", (code, counts), (0, [2, 2]))
    told = lambda kind, **fields: len(bus.of_kind(scene.aws, kind, **fields))
    wanted = lambda: (told("Run Gate Approved", cluster=CLUSTER), told("Hold Placed"), told("Hold Lifted")) == (2, 1, 1)
    expect("and on the bus, once each", wait_until("the gate's events did not reach the bus", wanted, 60))


def invoked(scene):
    """Integration's gate is an action that invokes stage-gate, which answers its job: nobody is asked there, so its runs go on."""
    pipeline = next(found for found in scene.pipelines() if found.startswith("rc-integration-"))
    client = scene.aws.client("codepipeline")

    def ask():
        deploy = next(stage for stage in client.get_pipeline_state(name=pipeline)["stageStates"] if stage["stageName"] == "Deploy")
        gate = deploy["actionStates"][0].get("latestExecution", {})
        return gate if gate.get("status") == "Succeeded" else None

    gate = wait_until("no run of integration passed its gate", ask, PATIENCE)
    tell(f"{pipeline}: {gate['summary']}")
    equal("integration's gate invoked stage-gate, which answered the job", gate["summary"], "Penstock lets it go on: nothing is missing")


def bypass(scene, pipeline):
    """Somebody with all rights answers in the console, past Penstock: it comes to light."""
    client = scene.aws.client("codepipeline")
    deploy = next(stage for stage in client.get_pipeline_state(name=pipeline)["stageStates"] if stage["stageName"] == "Deploy")
    gate = next(action for action in deploy["actionStates"] if action["actionName"] == "Gate")
    client.put_approval_result(
        pipelineName=pipeline, stageName="Deploy", actionName="Gate", token=gate["latestExecution"]["token"],
        result={"summary": "it is urgent", "status": "Approved"},
    )
    ask = lambda: bus.of_kind(scene.aws, "Run Gate Bypassed", pipeline=pipeline)
    seen = wait_until("nobody noticed that a gate was passed in the console", ask, PATIENCE)
    tell(seen[0]["reasons"][0]["missing"])
    equal("somebody answers in the console, past Penstock: it is told, once", len(seen), 1)


def at_gate(scene, besides=None):
    """Waits until a run is at the gate, and gives back what is said of it."""
    def ask():
        code, explained = call(scene, "GET", f"{PATH}/explain", MEMBER)
        waiting = [run for run in explained.get("runs", []) if run["execution"] != besides]
        return waiting[0] if code == 200 and waiting else None

    return wait_until(f"no run of {CLUSTER} came to its gate", ask, PATIENCE)


def answer(scene, person, run):
    """Somebody approves a run."""
    return call(scene, "POST", f"{PATH}/runs/{run}/approvals", person, {"answer": "approve"})


def personal_link(person, run, commit):
    """The token that feedback would send them, made with the local stack's key as common/src/domain/run/link.rs says."""
    until = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) + 3600
    text = f"{person}\n{CLUSTER}\n{run}\n{commit}\n{until}".encode()
    signature = hmac.new(settings.LINK_KEY.encode(), b"penstock approval link 1\n" + text, hashlib.sha256)
    return signature.hexdigest() + text.hex()


def visit(scene, link, form=None):
    """A browser opens a link, or sends its form; without any other token."""
    request = urllib.request.Request(f"{scene.stack.endpoints['api_url']}/v1/approvals/{link}", data=form and form.encode())
    try:
        with OPENER.open(request, timeout=60) as answered:
            return answered.status, answered.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def command(scene, person, run, commit):
    """Somebody approves a run with `penstock approve`; its exit code and what it prints."""
    issuer = scene.stack.endpoints["issuer_url"]
    variables = {"PENSTOCK_API": scene.stack.endpoints["api_url"], "PENSTOCK_TOKEN": tokens.signed(tokens.claims(issuer, person))}
    program = environment.target_directory() / "debug" / "penstock"
    line = [program, "approve", f"production/{ALIAS}/mc01", run, "--commit", commit]
    tell(f"penstock {' '.join(line[1:])}")
    done = subprocess.run(line, env={**os.environ, **variables}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, (done.stdout + done.stderr).strip()


def show(run):
    """Everything that keeps a run, as it is told."""
    for reason in run["missing"]:
        tell(f"{reason['missing']} ({reason['who']})", indent=18)


def name(scene):
    """The cluster's pipeline."""
    return next(name for name in scene.pipelines() if name.startswith(PIPELINE))


def state(scene):
    """What CodePipeline says of it."""
    return scene.aws.client("codepipeline").get_pipeline_state(name=name(scene))


def runs(scene, pipeline):
    """A pipeline's runs."""
    return scene.aws.client("codepipeline").list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]


def status(scene, run):
    """What became of a run."""
    asked = scene.aws.client("codepipeline").get_pipeline_execution(pipelineName=name(scene), pipelineExecutionId=run)
    return asked["pipelineExecution"]["status"]
