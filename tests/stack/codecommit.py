"""`make demo ON=codecommit`: journey 1 with the repository on CodeCommit. No webhooks, no statuses, no triggers; the same story."""

import datetime
import json

import bus
import pipelines
import settings
import tree
from expect import equal, expect
from processes import wait_until
from say import table, tell
from scene import PATIENCE

SWEEPER = f"{settings.NAME}-delivery-sweeper"
EVENTS = f"{settings.NAME}-codecommit-events"


def propose(scene):
    """a pull request adds 7 clusters and a file with mistakes: only a dry run, told in a comment"""
    scene.push({"README.md": "# The fleet\n"}, "readme: say what this is", "main")
    head = scene.push(tree.files(), "fleet: add two environments", "add-fleet")
    target = {"repositoryName": settings.CODECOMMIT_NAME, "sourceReference": "add-fleet", "destinationReference": "main"}
    made = host(scene).create_pull_request(title="Add the fleet", targets=[target])["pullRequest"]
    finished = scene.finished(head, "dry_run")
    equal("the dry run would create 7 pipelines", finished["counts"]["created"], tree.clusters())
    equal("and refuse one file", finished["counts"]["invalid"], 1)
    equal("it wrote nothing: no call changed anything in CodePipeline", scene.writes(), [])
    said = comment_on_change(scene, made["pullRequestId"], "check:penstock/clusters plan")
    tell(f"pull request {made['pullRequestId']}, a comment in the place of a check run:")
    tell(first_lines(said), indent=18)
    expect("it names the file with mistakes", tree.INVALID in said, said)


def create(scene):
    """the tree is pushed to main: each valid file gets its pipeline, without triggers and without polling"""
    scene.clone.push("main")
    head = scene.clone.git("rev-parse", "HEAD")
    event = [event for event in scene.forge.told() if event["detail-type"].startswith("CodeCommit Repository")][-1]
    tell(f"git push → {event['detail-type']}: {event['detail']['event']} of {event['resources'][0]}")
    finished = scene.finished(head)
    found = scene.pipelines()
    equal("7 pipelines were created", (finished["counts"]["created"], len(found)), (tree.clusters(), tree.clusters()))
    sources = [pipeline["stages"][0]["actions"][0] for pipeline in found.values()]
    equal("their source is CodeCommit", {source["actionTypeId"]["provider"] for source in sources}, {"CodeCommit"})
    equal("which does not poll", {source["configuration"]["PollForSourceChanges"] for source in sources}, {"false"})
    equal("no pipeline has a trigger", [pipelines.trigger_paths(pipeline) for pipeline in found.values()], [[]] * tree.clusters())
    equal("each has its first run and no other", {len(runs(scene, name)) for name in found}, {1})
    said = comment(scene, head, "status:penstock/clusters")
    tell(first_lines(said), indent=18)
    expect("a comment on the commit says that something is wrong, in the place of a status", "something is to be mended" in said, said)
    found = comment(scene, head, "check:penstock/clusters")
    expect("and another what, and where, in the place of a check run's annotations", f"`{tree.INVALID}:1:1" in found or f"`{tree.INVALID}:" in found, found)


def change(scene):
    """one file changes: exactly one pipeline changes, and exactly that one is started, at that commit"""
    before, started = scene.versions(), all_runs(scene)
    head = scene.push({tree.CHANGED: tree.changed()}, "mc01: charge another cost center", "main")
    counts = scene.finished(head)["counts"]
    equal("the run says 1 updated, 6 unchanged", (counts["updated"], counts["unchanged"]), (1, tree.clusters() - 1))
    after = scene.versions()
    changed = [name for name in after if after[name] != before[name]]
    equal("exactly one pipeline has a new version", len(changed), 1)
    begun = {name: run for (name, identifier), run in all_runs(scene).items() if (name, identifier) not in started}
    table([("started", name, run["trigger"]["triggerType"]) for name, run in begun.items()])
    equal("and exactly that one was started", list(begun), changed)
    revisions = [revision["revisionId"] for run in begun.values() for revision in run.get("sourceRevisions", [])]
    equal("at the commit that was pushed", revisions, [head])


def repeat(scene):
    """pushes that concern no cluster, copies, and a stranger's event: nothing starts, nothing is written"""
    started, writes = all_runs(scene), len(scene.writes())
    head = scene.push({tree.UNCHANGING: "replicas: 3\n"}, "argocd: run three replicas", "main")
    equal("all pipelines are unchanged", scene.finished(head)["counts"]["unchanged"], tree.clusters())
    event = next(event for event in reversed(scene.forge.told()) if event["detail"].get("commitId") == head)
    pushed = bus.of_kind(scene.aws, "Branch Pushed", after=head)
    invoke(scene, EVENTS, event)
    invoke(scene, EVENTS, event)
    forged = {**event, "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "account": "666666666666",
              "resources": [settings.CODECOMMIT_ARN.replace(settings.CODECOMMIT_ARN.split(":")[4], "666666666666")]}
    invoke(scene, EVENTS, forged)
    equal("copies of an event, and one of another account, are no event of ours", bus.of_kind(scene.aws, "Branch Pushed", after=head), pushed)
    equal("it was told once", len(pushed), 1)
    equal("no run was started, and nothing was written", (all_runs(scene), scene.writes()[writes:]), (started, []))


def unheard(scene):
    """three pushes of which nobody tells: the sweeper compares the heads, and all three are effective, once"""
    before, started = scene.versions(), all_runs(scene)
    scene.forge.tell_bus(None)
    places = list(tree.PLACES)
    for (environment, alias), (region, account, _) in tree.PLACES.items():
        path = f"deploy/{environment}/{alias}/terraform/regional.yaml"
        scene.push({path: tree.regional(environment, alias, region, account, cost_center="077")}, f"{alias}: charge another", "main")
    scene.forge.tell_bus(scene.aws.endpoint)
    invoke(scene, SWEEPER, {"schedule": "sweep"})
    equal("at its first look the sweeper leaves events their time to come", changed(before, scene), {})
    four_minutes_go(scene)
    invoke(scene, SWEEPER, {"schedule": "sweep"})
    wait_until("the sweeper did not make up for them", lambda: len(changed(before, scene)) == len(places), PATIENCE)
    table([("version of", name, versions) for name, versions in changed(before, scene).items()])
    equal("exactly their three pipelines changed", sorted(name.split("-")[0] for name in changed(before, scene)), ["rc"] * len(places))
    begun = lambda: sorted({name for name, identifier in all_runs(scene) if (name, identifier) not in started})
    wait_until("not all three have a run", lambda: begun() == sorted(changed(before, scene)), PATIENCE)
    equal("and exactly they were started, once each", len(all_runs(scene)) - len(started), len(places))


def orphan(scene):
    """a file goes away: its pipeline is reported, never deleted and not started"""
    before, started = scene.versions(), all_runs(scene)
    head = scene.push({tree.CHANGED: None}, "mc01: remove by mistake", "main")
    equal("one cluster is orphaned", scene.finished(head)["counts"]["orphaned"], 1)
    equal("its pipeline is still there, untouched", (scene.versions(), all_runs(scene)), (before, started))


def four_minutes_go(scene):
    """The demo does not wait: what the sweeper remembers of the branch is made older by hand."""
    rows, key = scene.aws.client("dynamodb"), {"pk": {"S": f"SEEN#{settings.CODECOMMIT_ID}"}, "sk": {"S": settings.BRANCH}}
    item = rows.get_item(TableName=settings.TABLE, Key=key)["Item"]
    name = next(name for name, value in item.items() if "differs_since" in value.get("S", ""))
    seen = json.loads(item[name]["S"])
    since = datetime.datetime.fromisoformat(seen["differs_since"][:19]) - datetime.timedelta(minutes=4)
    # To the letter as the sweeper writes it: it compares what is stored with what it read.
    item[name] = {"S": json.dumps({**seen, "differs_since": f"{since.isoformat()}Z"}, separators=(",", ":"))}
    rows.put_item(TableName=settings.TABLE, Item=item)


def host(scene):
    """The person's client of CodeCommit."""
    return scene.aws.client("codecommit")


def comment(scene, commit, name):
    """Waits for our comment of that name on a commit, and gives back its text."""
    before = scene.clone.git("rev-parse", f"{commit}^")
    between = {"repositoryName": settings.CODECOMMIT_NAME, "beforeCommitId": before, "afterCommitId": commit}
    ask = lambda: ours(host(scene).get_comments_for_compared_commit(**between)["commentsForComparedCommitData"], name)
    return wait_until(f"no comment {name} on commit {commit[:8]}", ask, PATIENCE)


def comment_on_change(scene, number, name):
    """The same on a pull request."""
    ask = lambda: ours(host(scene).get_comments_for_pull_request(pullRequestId=number)["commentsForPullRequestData"], name)
    return wait_until(f"no comment {name} on pull request {number}", ask, PATIENCE)


def ours(threads, name):
    """The text of the comment of that name, by its first line."""
    texts = [entry["content"] for thread in threads for entry in thread["comments"]]
    return next((text for text in texts if text.startswith(f"<!-- penstock:{name} -->")), None)


def first_lines(text):
    """A comment for the terminal."""
    return "\n".join([line for line in text.splitlines() if line][:6])


def runs(scene, name):
    """The runs of a pipeline, the newest first."""
    return scene.aws.client("codepipeline").list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]


def all_runs(scene):
    """Every run of every pipeline, by pipeline and id, without what changes while it goes."""
    kept = ("trigger", "sourceRevisions")
    return {
        (name, run["pipelineExecutionId"]): {key: run.get(key) for key in kept if run.get(key)}
        for name in scene.pipelines() for run in runs(scene, name)
    }


def changed(before, scene):
    """The pipelines whose version is another."""
    after = scene.versions()
    return {name: f"{before.get(name)} → {after[name]}" for name in after if after[name] != before.get(name)}


def invoke(scene, function, payload):
    """Invokes a function as a person does; true when it met no failure."""
    answer = scene.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        expect(f"{function} meets no failure", False, said)
    return not answer.get("FunctionError")


STORY = [propose, create, change, repeat, unheard, orphan]
