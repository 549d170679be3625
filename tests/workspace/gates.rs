//! The gates' adapter against the engine, over HTTP and with the real SDK: which runs wait, and that an answer reaches the run it is for.

use common::{
    aws::{Aws, codepipeline::CodePipeline},
    domain::{
        id::{JobId, PipelineName},
        run::RunState,
    },
    ports::{Answered, GateAnswer, GateRequest, JobEnd, PipelineJobs, RunGates, WaitingRun},
    runtime::AwsSettings,
};
use serde_json::{Value, json};
use tests::engine::{Engine, Machine, Outcome, Work};

const GATE: &str = "penstock-stage-gate";
const NAME: &str = "mc-integration-us-east-1-mc01-0123456789ab";

fn action(name: &str, kind: (&str, &str), order: u32) -> Value {
    json!({
        "name": name, "runOrder": order, "configuration": {"FullRepositoryId": "acme/clusters", "BranchName": "main", "ProjectName": name, "FunctionName": GATE},
        "actionTypeId": {"category": kind.0, "owner": "AWS", "provider": kind.1, "version": "1"},
    })
}

struct Bench {
    engine: Engine,
    gates: CodePipeline,
}

impl Bench {
    /// A pipeline whose gate is an approval.
    async fn new(mode: &str) -> Self {
        Self::with(mode, ("Approval", "Manual")).await
    }

    async fn with(mode: &str, gate: (&str, &str)) -> Self {
        let mut machine = Machine::new("123456789012", "us-east-1", "2026-05-04T10:00:00.5Z".parse().unwrap());
        let deploy = [action("Gate", gate, 1), action("ApplyInfrastructure", ("Build", "CodeBuild"), 3)];
        let pipeline = json!({
            "name": NAME, "version": 1, "executionMode": mode,
            "stages": [
                {"name": "Source", "actions": [action("Source", ("Source", "CodeStarSourceConnection"), 1)]},
                {"name": "Deploy", "actions": deploy},
            ],
        });
        machine.define(&pipeline).unwrap();
        let engine = Engine::start(machine, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let gates = CodePipeline::new(&Aws::with(AwsSettings::emulator(&engine.url)));
        Self { engine, gates }
    }

    /// Begins a run of this commit.
    fn start(&self, digit: char) -> String {
        let mut machine = self.engine.machine();
        machine.set_head("acme/clusters", "main", &digit.to_string().repeat(40));
        machine.trigger(NAME, "Webhook").unwrap()
    }

    /// Ends every build that waits, well.
    fn build(&self) {
        let mut machine = self.engine.machine();
        for work in machine.take_work() {
            let Work::Build { action, .. } = work else { panic!("{work:?}") };
            assert!(machine.done(&action, Outcome::Succeeded { summary: None, by: None }));
        }
    }

    async fn waiting(&self) -> Vec<WaitingRun> {
        self.gates.at_gate(&name()).await.unwrap().waiting
    }

    async fn answer(&self, run: &WaitingRun, answer: GateAnswer) -> Answered {
        self.say(run, answer, "read and found good").await
    }

    async fn say(&self, run: &WaitingRun, answer: GateAnswer, summary: &str) -> Answered {
        let GateRequest::Approval(token) = &run.request else { panic!("an approval was expected: {run:?}") };
        self.gates.answer(&name(), token, answer, summary).await.unwrap()
    }

    /// The jobs that functions were invoked with since this was asked last; time passes.
    fn jobs(&self) -> Vec<JobId> {
        let mut machine = self.engine.machine();
        let later = machine.now() + jiff::SignedDuration::from_secs(5);
        machine.pass_to(later);
        let work = machine.take_work().into_iter();
        work.map(|work| match work {
            Work::Invoke { job, function, .. } if function == GATE => job.parse().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
    }

    fn status(&self, id: &str) -> String {
        let body = json!({"pipelineName": NAME, "pipelineExecutionId": id});
        let found = self.engine.machine().call("GetPipelineExecution", &body, "").unwrap().unwrap();
        found["pipelineExecution"]["status"].as_str().unwrap().to_owned()
    }
}

fn name() -> PipelineName {
    NAME.parse().unwrap()
}

fn ids(waiting: &[WaitingRun]) -> Vec<String> {
    let mut ids: Vec<String> = waiting.iter().map(|run| run.execution.to_string()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_run_that_waits_is_found_with_its_commit_and_its_answer_is_for_it_alone() {
    let bench = Bench::new("QUEUED").await;
    assert_eq!(bench.waiting().await, [], "nothing ran yet");
    let (first, second) = (bench.start('a'), bench.start('b'));
    let waiting = bench.waiting().await;
    let [run] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!(
        (run.execution.as_str(), run.commit.as_ref().unwrap().as_str()),
        (first.as_str(), "a".repeat(40).as_str())
    );
    assert_eq!(run.since, "2026-05-04T10:00:00.5Z".parse().unwrap());
    assert_eq!(format!("{:?}", run.request), "Approval(ApprovalToken(…))", "no log shows what an answer needs");
    assert_eq!(bench.answer(run, GateAnswer::Approve).await, Answered::Taken);
    assert_eq!(bench.waiting().await, [], "the first one deploys, the second waits for it to leave the stage");
    bench.build();
    assert_eq!(bench.status(&first), "Succeeded");
    let next = bench.waiting().await;
    assert_eq!(ids(&next), [second.as_str()]);
    assert_eq!(bench.answer(run, GateAnswer::Approve).await, Answered::Over, "the first one's request opens no other");
    assert_eq!(bench.status(&second), "InProgress");
    assert_eq!(bench.answer(&next[0], GateAnswer::Reject).await, Answered::Taken);
    assert_eq!(bench.status(&second), "Failed");
    assert_eq!(bench.waiting().await, []);
}

#[tokio::test]
async fn side_by_side_the_one_that_is_approved_goes_on_and_the_others_wait() {
    let bench = Bench::new("PARALLEL").await;
    let mut started = [bench.start('a'), bench.start('b'), bench.start('c')];
    started.sort();
    let waiting = bench.waiting().await;
    assert_eq!(ids(&waiting), started);
    let approved =
        waiting.iter().find(|run| run.commit.as_ref().is_some_and(|commit| commit.as_str().starts_with('b'))).unwrap();
    assert_eq!(bench.answer(approved, GateAnswer::Approve).await, Answered::Taken);
    assert_eq!(bench.answer(approved, GateAnswer::Reject).await, Answered::Over);
    let left = bench.waiting().await;
    assert_eq!(left.len(), 2);
    assert!(!ids(&left).contains(&approved.execution.to_string()));
    // The latest visitor of the gate has been answered: those before it are found all the same.
    let newest =
        left.iter().find(|run| run.commit.as_ref().is_some_and(|commit| commit.as_str().starts_with('c'))).unwrap();
    bench.answer(newest, GateAnswer::Reject).await;
    assert_eq!(bench.waiting().await.len(), 1);
}

#[tokio::test]
async fn nobody_answers_for_what_was_stopped_or_is_gone() {
    let bench = Bench::new("QUEUED").await;
    let id = bench.start('a');
    let waiting = bench.waiting().await;
    let stop = json!({"pipelineName": NAME, "pipelineExecutionId": id, "abandon": true});
    bench.engine.machine().call("StopPipelineExecution", &stop, "").unwrap().unwrap();
    assert_eq!(bench.waiting().await, []);
    assert_eq!(bench.answer(&waiting[0], GateAnswer::Approve).await, Answered::Over);
    assert_eq!(bench.status(&id), "Stopped");
    bench.engine.machine().forget(NAME);
    assert_eq!(bench.waiting().await, []);
    assert_eq!(bench.answer(&waiting[0], GateAnswer::Approve).await, Answered::Over);
}

#[tokio::test]
async fn words_that_are_too_long_are_cut_and_the_service_takes_them() {
    let bench = Bench::new("QUEUED").await;
    bench.start('a');
    let waiting = bench.waiting().await;
    let long = "ä".repeat(600);
    assert_eq!(bench.say(&waiting[0], GateAnswer::Approve, &long).await, Answered::Taken);
    let state = bench.engine.machine().call("GetPipelineState", &json!({"name": NAME}), "").unwrap().unwrap();
    let summary = &state["stageStates"][1]["actionStates"][0]["latestExecution"]["summary"];
    assert_eq!(summary.as_str().unwrap().chars().count(), 512);
}

#[tokio::test]
async fn how_the_last_run_left_is_seen_until_another_waits() {
    let bench = Bench::new("QUEUED").await;
    let left = async || bench.gates.at_gate(&name()).await.unwrap().left;
    assert_eq!(left().await, None);
    let first = bench.start('a');
    assert_eq!(left().await, None, "it waits");
    let waiting = bench.waiting().await;
    bench.answer(&waiting[0], GateAnswer::Approve).await;
    let found = left().await.unwrap();
    assert_eq!((found.execution.as_str(), found.went_on, found.by.as_deref()), (first.as_str(), true, Some("test")));
    bench.build();
    let second = bench.start('b');
    assert_eq!(left().await, None, "another waits");
    let stop = json!({"pipelineName": NAME, "pipelineExecutionId": second, "abandon": true});
    bench.engine.machine().call("StopPipelineExecution", &stop, "").unwrap().unwrap();
    let found = left().await.unwrap();
    assert_eq!((found.execution.as_str(), found.went_on), (second.as_str(), false));
}

#[tokio::test]
async fn a_history_says_what_each_run_deployed_and_how_it_ended_newest_first() {
    let bench = Bench::new("QUEUED").await;
    assert_eq!(bench.gates.history(&name()).await.unwrap(), []);
    bench.start('a');
    let waiting = bench.waiting().await;
    bench.answer(&waiting[0], GateAnswer::Approve).await;
    bench.build();
    bench.start('b');
    let waiting = bench.waiting().await;
    bench.answer(&waiting[0], GateAnswer::Reject).await;
    bench.start('c');
    let history = bench.gates.history(&name()).await.unwrap();
    let told: Vec<_> = history.iter().map(|run| (run.commit.as_ref().unwrap().short().to_owned(), run.state)).collect();
    let expected = [("ccccccc", RunState::Running), ("bbbbbbb", RunState::Ended), ("aaaaaaa", RunState::Succeeded)];
    assert_eq!(told, expected.map(|(commit, state)| (commit.to_owned(), state)));
    assert_eq!(history[2].began, "2026-05-04T10:00:00.5Z".parse().unwrap());
    assert_eq!(bench.gates.history(&"mc-gone".parse().unwrap()).await.unwrap(), [], "a pipeline that is gone");
}

const INVOKES: (&str, &str) = ("Invoke", "Lambda");

#[tokio::test]
async fn a_gate_that_invokes_is_seen_and_goes_on_with_the_last_of_its_jobs() {
    let bench = Bench::with("QUEUED", INVOKES).await;
    let run = bench.start('a');
    let waiting = bench.waiting().await;
    assert_eq!((ids(&waiting), &waiting[0].request), (vec![run.clone()], &GateRequest::NextJob));
    let [first] = bench.jobs().try_into().unwrap();
    let job = bench.gates.job(&first).await.unwrap().unwrap();
    assert_eq!(
        (job.pipeline.as_str(), job.execution.as_str(), job.stage.as_str(), job.action.as_str(), job.continued),
        (NAME, run.as_str(), "Deploy", "Gate", false)
    );
    let wait = JobEnd::InProgress("kept: ".repeat(1_000));
    assert_eq!(bench.gates.end_job(&first, &wait).await.unwrap(), Answered::Taken, "its words are cut");
    let go_on = JobEnd::Succeeded("nothing is missing".into());
    assert_eq!(bench.gates.end_job(&first, &go_on).await.unwrap(), Answered::Over, "it has had its answer");
    assert_eq!((ids(&bench.waiting().await), bench.status(&run)), (vec![run.clone()], "InProgress".into()));
    let [second] = bench.jobs().try_into().unwrap();
    assert!(bench.gates.job(&second).await.unwrap().unwrap().continued);
    assert_eq!(bench.gates.end_job(&second, &go_on).await.unwrap(), Answered::Taken);
    bench.build();
    assert_eq!(bench.status(&run), "Succeeded");
    let left = bench.gates.at_gate(&name()).await.unwrap().left.unwrap();
    assert_eq!((left.execution.as_str(), left.went_on), (run.as_str(), true));
}

#[tokio::test]
async fn jobs_of_runs_side_by_side_are_each_of_one_execution() {
    let bench = Bench::with("PARALLEL", INVOKES).await;
    let mut started = [bench.start('a'), bench.start('b')];
    started.sort();
    let waiting = bench.waiting().await;
    assert_eq!(ids(&waiting), started);
    assert!(waiting.iter().all(|run| run.request == GateRequest::NextJob), "{waiting:?}");
    let [one, other] = bench.jobs().try_into().unwrap();
    let of = async |job| bench.gates.job(&job).await.unwrap().unwrap().execution.to_string();
    let (first, second) = (of(one.clone()).await, of(other).await);
    assert_eq!(bench.gates.end_job(&one, &JobEnd::Failed("rejected ".repeat(1_000))).await.unwrap(), Answered::Taken);
    assert_eq!((bench.status(&first), bench.status(&second)), ("Failed".into(), "InProgress".into()));
}

#[tokio::test]
async fn nobody_waits_for_the_job_of_a_run_that_was_stopped_or_is_unknown() {
    let bench = Bench::with("QUEUED", INVOKES).await;
    let id = bench.start('a');
    let [job] = bench.jobs().try_into().unwrap();
    let stop = json!({"pipelineName": NAME, "pipelineExecutionId": id, "abandon": true});
    bench.engine.machine().call("StopPipelineExecution", &stop, "").unwrap().unwrap();
    let unknown: JobId = "00000000-0000-4000-8000-ffffffffffff".parse().unwrap();
    assert_eq!(bench.gates.job(&unknown).await.unwrap(), None);
    for job in [job, unknown] {
        for end in [JobEnd::Succeeded("go on".into()), JobEnd::InProgress("wait".into()), JobEnd::Failed("no".into())] {
            assert_eq!(bench.gates.end_job(&job, &end).await.unwrap(), Answered::Over, "{job} {end:?}");
        }
    }
}
