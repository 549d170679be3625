"""The parts of the demo, in the order in which they are played. The first line of each is what a person reads while it runs."""

import json
import re

import certificates
import day
import drift
import expect
import gates
import ideas
import issues
import items
import limits
import outage
import pipelines
import tree
import waiting
from expect import equal
from processes import wait_until
from say import table, tell

STAGES = ["Source", "Validate", "Deploy", "Bootstrap"]


def propose(scene):
    """a pull request adds 7 clusters and a file with mistakes: only a dry run"""
    scene.push({"README.md": "# The fleet\n"}, "readme: say what this is", "main")
    head = scene.push(tree.files(), "fleet: add two environments", "add-fleet")
    number = scene.forge.open_pull_request("Add the fleet", "add-fleet", "main")
    plan = scene.check_run(head, "penstock/clusters plan")
    tell(f"pull request #{number}, check run \"{plan['name']}\": {plan['output']['title']}")
    tell(shortened(plan["output"]["summary"]), indent=18)
    finished = scene.finished(head, "dry_run")
    equal("the dry run would create 7 pipelines", finished["counts"]["created"], tree.clusters())
    equal("and refuse one file", finished["counts"]["invalid"], 1)
    equal("it wrote nothing: no call changed anything in CodePipeline", scene.writes(), [])
    expect.expect("the check run fails, because of the file with mistakes", plan["conclusion"] == "failure", plan["conclusion"])


def create(scene):
    """the tree is pushed to main: each valid file gets its pipeline"""
    scene.clone.push("main")
    head = scene.clone.git("rev-parse", "HEAD")
    delivery = scene.delivered(head)
    tell(f"git push → webhook {delivery['guid']} → {delivery['status_code']} {json.loads(delivery['response'])['reason']}")
    finished = scene.finished(head)
    found = scene.pipelines()
    tell("pipelines, their stages, and what starts them:")
    for name, pipeline in found.items():
        tell(name)
        tell(" → ".join(f"{stage['name']} ({', '.join(action['name'] for action in stage['actions'])})" for stage in pipeline["stages"]), 18)
        paths = ", ".join(pipelines.trigger_paths(pipeline))
        tell(f"push to {', '.join(pipelines.branches(pipeline))} that touches {paths}", 18)
    equal("7 pipelines were created", (finished["counts"]["created"], len(found)), (tree.clusters(), tree.clusters()))
    expect.expect("each has the stages " + ", ".join(STAGES), all([s["name"] for s in p["stages"]] == STAGES for p in found.values()))
    gates = [pipeline["stages"][2]["actions"][0]["actionTypeId"]["category"] for pipeline in found.values()]
    equal("each Deploy starts with the gate: an approval, or in integration an action that invokes stage-gate", sorted(gates), ["Approval"] * 2 + ["Invoke"] * 5)
    expect.expect("the V2 type, QUEUED", all((p["pipelineType"], p["executionMode"]) == ("V2", "QUEUED") for p in found.values()))
    tags = pipelines.tags(scene.aws, next(iter(found)))
    equal("each carries our tag", tags.get("managed-by"), "penstock")


def refuse(scene):
    """the file with mistakes is refused, and why is said where the author looks"""
    head = scene.clone.git("rev-parse", "HEAD")
    status = scene.status(head, "failure")
    tell(f"commit status {status['context']}: {status['state']}: {status['description']}")
    check = scene.check_run(head, "penstock/clusters")
    annotations = findings(scene, check)
    refused = [entry for entry in annotations if entry["path"] == tree.INVALID]
    expect.expect("the status says failure, and the annotations name file, line, what was found and expected", len(refused) >= 2, annotations)
    equal("nothing else was annotated as a failure", {a["path"] for a in annotations if a["annotation_level"] == "failure"}, {tree.INVALID})
    expect.expect("the refused file has no pipeline", not any("-eu-west-1-mc02-" in name for name in scene.versions()))


def change(scene):
    """one file changes: exactly one pipeline changes"""
    before, writes = scene.versions(), len(scene.writes())
    head = scene.push({tree.CHANGED: tree.changed()}, "mc01: charge another cost center", "main")
    finished = scene.finished(head)
    after = scene.versions()
    changed = {name: f"{before[name]} → {after[name]}" for name in after if after[name] != before.get(name)}
    for result in finished["results"]:
        for field in result.get("changes", []):
            tell(f"{result['cluster']}: {field['field']}: {field.get('from')} → {field.get('to')}")
    table([("version of", name, versions) for name, versions in changed.items()])
    equal("exactly one pipeline has a new version", len(changed), 1)
    expect.expect("it is the one of the changed file", all(name.startswith(tree.CHANGED_PIPELINE) for name in changed), changed)
    counts = finished["counts"]
    equal("the run says 1 updated, 6 unchanged", (counts["updated"], counts["unchanged"]), (1, tree.clusters() - 1))
    equal("one pipeline was written", [call[0] for call in scene.writes()[writes:]].count("UpdatePipeline"), 1)
    started = pipelines.started_by(scene.pipelines(), "main", tree.CHANGED)
    equal("and that push starts that pipeline only", started, list(changed))


def repeat(scene):
    """pushes that change no cluster: nothing is written"""
    before, writes = scene.versions(), len(scene.writes())
    head = scene.push({tree.UNCHANGING: "replicas: 3\n"}, "argocd: run three replicas", "main")
    counts = scene.finished(head)["counts"]
    tell(f"a push below deploy/ ran the provisioner: {counts['unchanged']} unchanged")
    equal("all pipelines are unchanged", counts["unchanged"], tree.clusters())
    delivery = scene.delivered(head)
    scene.forge.redeliver(delivery["id"])
    again = _redelivered(scene, delivery["guid"])
    tell(f"the same webhook once more → {again['status_code']} {json.loads(again['response'])['reason']}")
    equal("a copy of a webhook is answered 200 and has no effect", again["status_code"], 200)
    equal("not one call changed anything in CodePipeline", scene.writes()[writes:], [])
    equal("every pipeline has the version it had", scene.versions(), before)


def orphan(scene):
    """a file goes away: its pipeline is reported, never deleted"""
    before, writes = scene.versions(), len(scene.writes())
    head = scene.push({tree.CHANGED: None}, "mc01: remove by mistake", "main")
    finished = scene.finished(head)
    for result in finished["results"]:
        if result["outcome"] == "orphaned":
            tell(f"{result['cluster']}: {' '.join(result.get('reasons', []))}")
    equal("one cluster is orphaned", finished["counts"]["orphaned"], 1)
    equal("its pipeline is still there, untouched", (scene.versions(), scene.writes()[writes:]), (before, []))


def remember(scene):
    """the audit chain of the changed cluster"""
    import audit

    code, text = audit.verify(f"cluster:{tree.CHANGED_CLUSTER}")
    tell("\n".join(line for line in text.splitlines() if not line.startswith("        ")))
    equal("the chain verifies", code, 0)
    expect.expect("it has an intent before and an outcome after each call", "intent" in text and "outcome" in text)


def findings(scene, check):
    """The annotations of a check run, told."""
    annotations = scene.forge.annotations(check)
    for entry in annotations:
        tell(f"{entry['annotation_level']}: {entry['path']}:{entry['start_line']}: {entry['message']}")
    return annotations


def shortened(markdown):
    """A check run's text for the terminal: without Markdown's escapes, and with the details of the first created pipeline only."""
    lines, details = [], 0
    for line in re.sub(r"\\([\W_])", r"\1", markdown).replace("\u200b", "").replace("`", "").splitlines():
        if line.startswith(("- ", "#")):
            details = 0 if line.startswith("#") else details + 1
        if line and not (line.startswith("  ") and details > 1):
            lines.append(line.replace("### ", ""))
    return "\n".join(lines)


def _redelivered(scene, guid):
    def ask():
        again = [entry for entry in scene.forge.deliveries() if entry["guid"] == guid and entry["redelivery"] and entry["status_code"]]
        return again[-1] if again else None

    return wait_until(f"the redelivery of {guid} was not answered", ask, 30)


STORY = [propose, create, refuse, change, repeat, orphan, remember, gates.gates, drift.drift, certificates.play, limits.limits, waiting.waits, items.items, issues.issues, ideas.ideas, day.morning, day.fortnight, outage.outage]
