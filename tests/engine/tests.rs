//! What AWS documents of runs, held to: modes, tokens, jobs, stopping, events.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

const NAME: &str = "mc-one";

fn action(name: &str, order: u32, (category, owner, provider): (&str, &str, &str), configuration: Value) -> Value {
    json!({
        "name": name, "runOrder": order, "configuration": configuration,
        "actionTypeId": {"category": category, "owner": owner, "provider": provider, "version": "1"},
    })
}

const SOURCE: (&str, &str, &str) = ("Source", "AWS", "CodeStarSourceConnection");
const BUILD: (&str, &str, &str) = ("Build", "AWS", "CodeBuild");
const INVOKE: (&str, &str, &str) = ("Invoke", "AWS", "Lambda");
const APPROVAL: (&str, &str, &str) = ("Approval", "AWS", "Manual");

fn pipeline(mode: &str) -> Value {
    let source = action("Source", 1, SOURCE, json!({"FullRepositoryId": "acme/clusters", "BranchName": "main"}));
    let deploy = [
        action("Gate", 1, APPROVAL, json!({})),
        action(
            "Mint",
            2,
            INVOKE,
            json!({"FunctionName": "mint", "UserParameters": "{\"destroy\":\"#{variables.IS_DESTROY}\"}"}),
        ),
        action("Apply", 3, BUILD, json!({"ProjectName": "apply"})),
    ];
    json!({
        "name": NAME, "version": 3, "executionMode": mode,
        "variables": [{"name": "IS_DESTROY", "defaultValue": "false"}],
        "stages": [
            {"name": "Source", "actions": [source]},
            {"name": "Validate", "actions": [action("Plan", 1, BUILD, json!({"ProjectName": "plan"}))]},
            {"name": "Deploy", "actions": deploy},
        ],
    })
}

struct Bench(Machine);

impl Bench {
    fn new(mode: &str) -> Self {
        let mut machine = Machine::new("123456789012", "us-east-1", "2026-05-04T10:00:00Z".parse().unwrap());
        machine.define(&pipeline(mode)).unwrap();
        machine.set_head("acme/clusters", "main", &"a".repeat(40));
        Self(machine)
    }

    fn call(&mut self, operation: &str, body: Value) -> Result<Value, &'static str> {
        let later = self.0.now + SignedDuration::from_secs(1);
        self.0.pass_to(later);
        self.0.call(operation, &body, "penstock-stage-gate").unwrap().map_err(|error| error.kind)
    }

    fn start(&mut self) -> String {
        let started = self.call("StartPipelineExecution", json!({"name": NAME})).unwrap();
        started["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    /// Ends every build that waits; the invocations, which end by themselves.
    fn build(&mut self, ends: bool) -> Vec<Work> {
        let (builds, jobs): (Vec<_>, Vec<_>) =
            self.0.take_work().into_iter().partition(|work| matches!(work, Work::Build { .. }));
        for build in builds {
            let Work::Build { action, .. } = build else { continue };
            let outcome = if ends {
                Outcome::Succeeded { summary: None, by: None }
            } else {
                Outcome::Failed { message: "exit 1".into(), by: None }
            };
            assert!(self.0.done(&action, outcome));
        }
        jobs
    }

    fn gate(&mut self) -> Value {
        let state = self.call("GetPipelineState", json!({"name": NAME})).unwrap();
        state["stageStates"][2].clone()
    }

    fn answer(&mut self, token: &str, status: &str) -> Result<Value, &'static str> {
        let result = json!({"summary": "read and found good", "status": status});
        self.call("PutApprovalResult", json!({"pipelineName": NAME, "stageName": "Deploy", "actionName": "Gate", "result": result, "token": token}))
    }

    /// The token of the request that is open, and whose run it is.
    fn open(&mut self) -> (String, String) {
        let gate = self.gate();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&gate["actionStates"][0]["latestExecution"]["token"]),
            text(&gate["latestExecution"]["pipelineExecutionId"]),
        )
    }

    fn statuses(&mut self) -> Vec<String> {
        let found = self.call("ListPipelineExecutions", json!({"pipelineName": NAME})).unwrap();
        let summaries = found["pipelineExecutionSummaries"].as_array().unwrap();
        summaries.iter().rev().map(|one| one["status"].as_str().unwrap().to_owned()).collect()
    }
}

fn job(work: &[Work]) -> String {
    match work {
        [Work::Invoke { job, .. }] => job.clone(),
        other => panic!("one job was expected: {other:?}"),
    }
}

#[test]
fn a_run_goes_to_its_end_and_says_so_at_each_change_of_state() {
    let mut bench = Bench::new("QUEUED");
    let id = bench.start();
    assert_eq!(bench.build(true), []);
    let (token, run) = bench.open();
    assert_eq!(run, id);
    bench.answer(&token, "Approved").unwrap();
    let jobs = bench.build(true);
    let Work::Invoke { function, event, .. } = &jobs[0] else { panic!("{jobs:?}") };
    assert_eq!(function, "mint");
    let configuration = &event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"];
    assert_eq!(configuration["UserParameters"], "{\"destroy\":\"false\"}");
    bench.call("PutJobSuccessResult", json!({"jobId": job(&jobs)})).unwrap();
    bench.build(true);
    assert_eq!(bench.statuses(), ["Succeeded"]);
    let page: String = bench
        .0
        .take_events()
        .iter()
        .map(|event| {
            let text = |key: &str| event["detail"][key].as_str().unwrap_or_default();
            let kind = event["detail-type"]
                .as_str()
                .unwrap()
                .replace("CodePipeline ", "")
                .replace(" Execution State Change", "");
            let words = [&kind, text("stage"), text("action"), text("state")];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect();
    insta::assert_snapshot!(page, @r"
    Pipeline STARTED
    Stage Source STARTED
    Action Source Source STARTED
    Action Source Source SUCCEEDED
    Stage Source SUCCEEDED
    Stage Validate STARTED
    Action Validate Plan STARTED
    Action Validate Plan SUCCEEDED
    Stage Validate SUCCEEDED
    Stage Deploy STARTED
    Action Deploy Gate STARTED
    Action Deploy Gate SUCCEEDED
    Action Deploy Mint STARTED
    Action Deploy Mint SUCCEEDED
    Action Deploy Apply STARTED
    Action Deploy Apply SUCCEEDED
    Stage Deploy SUCCEEDED
    Pipeline SUCCEEDED
    ");
}

#[test]
fn queued_runs_wait_for_one_another_and_an_answer_is_for_one_of_them() {
    let mut bench = Bench::new("QUEUED");
    let (first, second) = (bench.start(), bench.start());
    bench.build(true);
    bench.build(true);
    let (token, run) = bench.open();
    assert_eq!(run, first, "the older one is at the gate");
    assert_eq!(bench.gate()["inboundExecutions"], json!([{"pipelineExecutionId": second, "status": "InProgress"}]));
    bench.answer(&token, "Rejected").unwrap();
    assert_eq!(bench.statuses(), ["Failed", "InProgress"]);
    let (next, run) = bench.open();
    assert_eq!(run, second, "the next one comes to the gate, with a request of its own");
    assert_eq!(bench.answer(&token, "Approved"), Err("ApprovalAlreadyCompletedException"));
    bench.answer(&next, "Approved").unwrap();
    let state = bench.gate();
    let approved = &state["actionStates"][0]["latestExecution"];
    assert_eq!((&approved["status"], &approved["lastUpdatedBy"]), (&json!("Succeeded"), &json!("penstock-stage-gate")));
    assert_eq!((&approved["token"], &approved["summary"]), (&json!(next), &json!("read and found good")));
}

#[test]
fn the_newest_that_waits_takes_the_place_of_the_others() {
    let mut bench = Bench::new("SUPERSEDED");
    let ids: Vec<String> = (0..3).map(|_| bench.start()).collect();
    for _ in 0..3 {
        bench.build(true);
    }
    assert_eq!(bench.statuses(), ["InProgress", "Superseded", "InProgress"]);
    let (token, run) = bench.open();
    assert_eq!(run, ids[0], "what is at work is not taken away");
    bench.answer(&token, "Rejected").unwrap();
    assert_eq!(bench.open().1, ids[2]);
}

#[test]
fn side_by_side_each_run_has_its_own_request_and_the_state_shows_no_token() {
    let mut bench = Bench::new("PARALLEL");
    let ids = [bench.start(), bench.start()];
    bench.build(true);
    assert_eq!(bench.open().0, "", "in this mode GetPipelineState has no token");
    let of = |bench: &mut Bench, id: &str| {
        let filter = json!({"pipelineName": NAME, "filter": {"pipelineExecutionId": id}});
        let found = bench.call("ListActionExecutions", filter).unwrap();
        let gate = found["actionExecutionDetails"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["actionName"] == "Gate")
            .unwrap()
            .clone();
        (gate["output"]["executionResult"]["externalExecutionId"].as_str().unwrap().to_owned(), gate["status"].clone())
    };
    let (token, _) = of(&mut bench, &ids[1]);
    bench.answer(&token, "Approved").unwrap();
    assert_eq!(of(&mut bench, &ids[0]).1, "InProgress", "the other one waits on");
    assert_eq!(of(&mut bench, &ids[1]).1, "Succeeded");
}

#[test]
fn an_approval_that_is_not_there_is_refused_by_name() {
    let mut bench = Bench::new("QUEUED");
    bench.start();
    bench.build(true);
    let (token, _) = bench.open();
    let mut put = |pipeline: &str, stage: &str, action: &str, token: &str, status: &str| {
        let result = json!({"summary": "", "status": status});
        let body = json!({"pipelineName": pipeline, "stageName": stage, "actionName": action, "result": result, "token": token});
        bench.call("PutApprovalResult", body).unwrap_err()
    };
    assert_eq!(put("mc-two", "Deploy", "Gate", &token, "Approved"), "PipelineNotFoundException");
    assert_eq!(put(NAME, "Deplay", "Gate", &token, "Approved"), "StageNotFoundException");
    assert_eq!(put(NAME, "Deploy", "Apply", &token, "Approved"), "ActionNotFoundException");
    assert_eq!(
        put(NAME, "Deploy", "Gate", "00000000-0000-4000-8000-ffffffffffff", "Approved"),
        "InvalidApprovalTokenException"
    );
    assert_eq!(put(NAME, "Deploy", "Gate", &token, "Maybe"), "ValidationException");
}

#[test]
fn a_job_is_answered_once_and_goes_on_with_a_token() {
    let mut bench = Bench::new("QUEUED");
    let id = bench.start();
    bench.build(true);
    let (token, _) = bench.open();
    bench.answer(&token, "Approved").unwrap();
    let job = job(&bench.build(true));
    let details = bench.call("GetJobDetails", json!({"jobId": job})).unwrap()["jobDetails"].clone();
    let context = &details["data"]["pipelineContext"];
    assert_eq!(context["pipelineArn"], "arn:aws:codepipeline:us-east-1:123456789012:mc-one");
    assert_eq!(
        (&context["pipelineExecutionId"], &context["stage"]["name"], &context["action"]["name"]),
        (&json!(id), &json!("Deploy"), &json!("Mint"))
    );
    bench.call("PutJobSuccessResult", json!({"jobId": job, "continuationToken": "half"})).unwrap();
    assert_eq!(bench.call("PutJobSuccessResult", json!({"jobId": job})), Err("InvalidJobStateException"));
    assert_eq!(bench.0.take_work(), [], "not at once");
    bench.0.pass_to(bench.0.now + SignedDuration::from_secs(5));
    let again = bench.0.take_work();
    let [Work::Invoke { job: next, event, .. }] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!(event["CodePipeline.job"]["data"]["continuationToken"], "half");
    assert_ne!(*next, job, "each invocation has a job of its own, and only the last is answered");
    assert_eq!(bench.call("PutJobSuccessResult", json!({"jobId": job})), Err("InvalidJobStateException"));
    let failure = json!({"jobId": next, "failureDetails": {"type": "JobFailed", "message": "no key"}});
    bench.call("PutJobFailureResult", failure.clone()).unwrap();
    assert_eq!(bench.statuses(), ["Failed"]);
    for (operation, body) in [
        ("PutJobFailureResult", failure),
        ("PutJobSuccessResult", json!({"jobId": job})),
        ("PutJobSuccessResult", json!({"jobId": job, "continuationToken": "late"})),
    ] {
        assert_eq!(bench.call(operation, body), Err("InvalidJobStateException"));
    }
    assert_eq!(bench.call("PutJobSuccessResult", json!({"jobId": id})), Err("JobNotFoundException"));
    assert_eq!(bench.call("GetJobDetails", json!({"jobId": "x"})), Err("JobNotFoundException"));
}

#[test]
fn a_job_of_a_run_that_was_stopped_takes_no_answer_and_what_is_too_long_is_refused() {
    let mut bench = Bench::new("QUEUED");
    let id = bench.start();
    bench.build(true);
    let (token, _) = bench.open();
    bench.answer(&token, "Approved").unwrap();
    let job = job(&bench.build(true));
    let long = json!({"jobId": job, "executionDetails": {"summary": "x".repeat(2_049)}});
    assert_eq!(bench.call("PutJobSuccessResult", long), Err("ValidationException"));
    let long = json!({"jobId": job, "failureDetails": {"type": "JobFailed", "message": "x".repeat(5_001)}});
    assert_eq!(bench.call("PutJobFailureResult", long), Err("ValidationException"));
    bench.call("PutJobSuccessResult", json!({"jobId": job, "continuationToken": "half"})).unwrap();
    bench
        .call("StopPipelineExecution", json!({"pipelineName": NAME, "pipelineExecutionId": id, "abandon": true}))
        .unwrap();
    bench.0.pass_to(bench.0.now + SignedDuration::from_secs(5));
    assert_eq!(bench.0.take_work(), [], "nobody is invoked for it any more");
    assert_eq!(bench.call("PutJobSuccessResult", json!({"jobId": job})), Err("InvalidJobStateException"));
}

#[test]
fn what_a_source_found_out_goes_into_the_configuration_of_later_actions() {
    let mut changed = pipeline("QUEUED");
    changed["stages"][0]["actions"][0]["namespace"] = json!("SourceVariables");
    let parameters = "{\"branch\":\"#{SourceVariables.BranchName}\",\"commit\":\"#{SourceVariables.CommitId}\"}";
    let mint = action("Mint", 1, INVOKE, json!({"FunctionName": "mint", "UserParameters": parameters}));
    changed["stages"][1]["actions"] = json!([mint]);
    let mut bench = Bench::new("QUEUED");
    bench.0.define(&changed).unwrap();
    bench.start();
    let job = job(&bench.0.take_work());
    let details = bench.call("GetJobDetails", json!({"jobId": job})).unwrap();
    let told = &details["jobDetails"]["data"]["actionConfiguration"]["configuration"]["UserParameters"];
    assert_eq!(*told, format!("{{\"branch\":\"main\",\"commit\":\"{}\"}}", "a".repeat(40)));
}

#[test]
fn a_build_that_fails_ends_its_run_and_lets_the_next_one_in() {
    let mut bench = Bench::new("QUEUED");
    bench.start();
    let second = bench.start();
    bench.build(false);
    assert_eq!(bench.statuses(), ["Failed", "InProgress"]);
    bench.build(true);
    assert_eq!(bench.open().1, second);
}

#[test]
fn stopping_waits_for_what_is_in_progress_or_abandons_it() {
    let stop = |bench: &mut Bench, id: &str, abandon: bool| {
        let body =
            json!({"pipelineName": NAME, "pipelineExecutionId": id, "abandon": abandon, "reason": "wrong branch"});
        bench.call("StopPipelineExecution", body)
    };
    let mut bench = Bench::new("QUEUED");
    let id = bench.start();
    stop(&mut bench, &id, false).unwrap();
    assert_eq!(bench.statuses(), ["Stopping"]);
    assert_eq!(stop(&mut bench, &id, true), Err("PipelineExecutionNotStoppableException"));
    bench.build(true);
    assert_eq!(bench.statuses(), ["Stopped"]);
    let id = bench.start();
    stop(&mut bench, &id, true).unwrap();
    assert_eq!(bench.statuses(), ["Stopped", "Stopped"]);
    let late = bench.0.take_work();
    let [Work::Build { action, .. }] = late.as_slice() else { panic!("{late:?}") };
    assert!(!bench.0.done(action, Outcome::Succeeded { summary: None, by: None }), "what was abandoned ends no more");
}

#[test]
fn starting_twice_with_one_token_starts_once_and_what_is_not_there_is_refused() {
    let mut bench = Bench::new("QUEUED");
    let start =
        json!({"name": NAME, "clientRequestToken": "t", "variables": [{"name": "IS_DESTROY", "value": "true"}]});
    let first = bench.call("StartPipelineExecution", start.clone()).unwrap();
    assert_eq!(bench.call("StartPipelineExecution", start).unwrap(), first);
    let id = first["pipelineExecutionId"].as_str().unwrap();
    let execution =
        bench.call("GetPipelineExecution", json!({"pipelineName": NAME, "pipelineExecutionId": id})).unwrap();
    let execution = &execution["pipelineExecution"];
    assert_eq!(execution["variables"], json!([{"name": "IS_DESTROY", "resolvedValue": "true"}]));
    assert_eq!(execution["artifactRevisions"][0]["revisionId"], "a".repeat(40));
    let unknown = json!({"name": NAME, "variables": [{"name": "OTHER", "value": "1"}]});
    assert_eq!(bench.call("StartPipelineExecution", unknown), Err("ValidationException"));
    assert_eq!(bench.call("StartPipelineExecution", json!({"name": "mc-two"})), Err("PipelineNotFoundException"));
    assert_eq!(bench.0.trigger("mc-two", "Webhook"), None);
    assert!(bench.0.call("GetPipeline", &json!({"name": NAME}), "").is_none(), "definitions are somebody else's");
}

#[test]
fn what_the_engine_cannot_run_is_refused_when_it_is_defined() {
    let mut machine = Bench::new("QUEUED").0;
    let mut with = |change: fn(&mut Value)| {
        let mut changed = pipeline("QUEUED");
        change(&mut changed);
        machine.define(&changed).unwrap_err()
    };
    let conditions = with(|pipeline| pipeline["stages"][1]["beforeEntry"] = json!({"conditions": []}));
    assert!(conditions.contains("beforeEntry"), "{conditions}");
    let deploys = with(|pipeline| pipeline["stages"][1]["actions"][0]["actionTypeId"]["provider"] = json!("Jenkins"));
    assert!(deploys.contains("cannot run the action Plan"), "{deploys}");
    assert!(with(|pipeline| pipeline["stages"] = json!([])).contains("two stages"));
}

#[test]
fn a_branch_that_is_not_there_fails_the_source() {
    let mut machine = Machine::new("123456789012", "us-east-1", "2026-05-04T10:00:00Z".parse().unwrap());
    machine.define(&pipeline("QUEUED")).unwrap();
    machine.trigger(NAME, "CreatePipeline").unwrap();
    let mut bench = Bench(machine);
    assert_eq!(bench.statuses(), ["Failed"]);
    bench.0.forget(NAME);
    assert_eq!(bench.call("GetPipelineState", json!({"name": NAME})), Err("PipelineNotFoundException"));
}
