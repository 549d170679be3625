//! Pushes and plans over the in-memory host: statuses and check runs, copies, older events.

use common::{
    domain::{
        cluster::{FieldChange, Finding, RunMode, Severity},
        id::Generation,
    },
    event::{ClusterResult, Counts, Event, Outcome, ProvisioningFinished, ProvisioningStarted, Run},
    ports::{CheckConclusion, StatusState},
    testing::{World, envelope, id, main_branch, repository},
};
use jiff::SignedDuration;

use super::*;

fn run(generation: u64, mode: RunMode) -> Run {
    let head = id(&"1a2b3c4d".repeat(5));
    Run { repository: repository(), branch: main_branch(), head, generation: Generation(generation), mode }
}

fn result(cluster: &str, outcome: Outcome, reasons: &[&str]) -> ClusterResult {
    let pipeline = id(&format!("rc-{}", cluster.replace('/', "-")));
    let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    ClusterResult { cluster: id(cluster), pipeline, outcome, reasons, changes: Vec::new(), weakened: Vec::new() }
}

fn finished(run: Run, counts: Counts, results: Vec<ClusterResult>, findings: Vec<Finding>) -> ProvisioningFinished {
    ProvisioningFinished {
        run,
        complete: true,
        stopped: None,
        counts,
        results,
        results_omitted: 0,
        findings,
        findings_omitted: 0,
        notes: Vec::new(),
        notes_omitted: 0,
        removals: None,
        untouched: false,
    }
}

fn finding(rule: &str, severity: Severity) -> Finding {
    Finding {
        path: "deploy/integration/us-east-1/terraform/regional.yaml".into(),
        line: 3,
        column: 13,
        severity,
        rule: rule.into(),
        key: Some("account_id".into()),
        found: "\"12345\"".into(),
        expected: "12 digits, in quotes".into(),
        nearest: None,
    }
}

async fn tell(world: &World, event: Event) {
    world.pass(SignedDuration::from_secs(1));
    let settings = Settings { pipelines_url: "https://console.example/pipelines".into() };
    let event = envelope(world.now(), "push-1", "repository:42", event);
    handle(world, world, world, &settings, &event).await.unwrap();
}

async fn started(world: &World, generation: u64) {
    tell(world, Event::ProvisioningStarted(ProvisioningStarted { run: run(generation, RunMode::Reconcile) })).await;
}

#[tokio::test]
async fn a_push_is_pending_then_final_and_a_sweep_says_nothing_again() {
    let world = World::new();
    started(&world, 1).await;
    let created = Counts { created: 1, unchanged: 2, ..Counts::default() };
    let results = vec![result("integration/us-east-1/regional", Outcome::Created, &["It is new."])];
    let first = finished(run(1, RunMode::Reconcile), created, results, Vec::new());
    tell(&world, Event::ProvisioningFinished(first.clone())).await;
    let (statuses, checks) = (world.statuses(), world.checks());
    assert_eq!(
        statuses.iter().map(|status| status.state).collect::<Vec<_>>(),
        [StatusState::Pending, StatusState::Success]
    );
    insta::assert_snapshot!(statuses[0].description, @"Reading the deploy tree at 1a2b3c4 of main");
    insta::assert_snapshot!(statuses[1].description, @"Clusters: 1 created, 2 unchanged");
    assert_eq!(statuses[1].target_url.as_deref(), Some("https://console.example/pipelines"));
    assert_eq!((checks.len(), checks[0].conclusion), (1, CheckConclusion::Success));

    // The copy of both, and the sweep a quarter of an hour later.
    started(&world, 1).await;
    tell(&world, Event::ProvisioningFinished(first)).await;
    started(&world, 2).await;
    let unchanged = Counts { unchanged: 3, ..Counts::default() };
    let results = vec![result("integration/us-east-1/regional", Outcome::Unchanged, &[])];
    tell(&world, Event::ProvisioningFinished(finished(run(2, RunMode::Reconcile), unchanged, results, Vec::new())))
        .await;
    assert_eq!((world.statuses(), world.checks()), (statuses, checks));
}

/// What a future over the world comes to: it never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// The end of a run comes while its start is being said, at each call of that: sooner or later the commit shows the end.
#[tokio::test]
async fn a_word_that_another_one_overtakes_is_mended_by_the_next() {
    let end = |generation| {
        let unchanged = Counts { unchanged: 1, ..Counts::default() };
        let end = finished(run(generation, RunMode::Reconcile), unchanged, Vec::new(), Vec::new());
        Event::ProvisioningFinished(end)
    };
    let shown = |world: &World| world.statuses().last().map(|status| status.state);
    let mut wrong = 0;
    for call in 0..5 {
        let world = World::new();
        world.before_call(call, move |world| at_once(tell(world, end(1))));
        started(&world, 1).await;
        world.heal();
        wrong += usize::from(shown(&world) == Some(StatusState::Pending));
        tell(&world, end(2)).await;
        assert_eq!(shown(&world), Some(StatusState::Success), "call {call}");
        let said = world.statuses();
        tell(&world, end(3)).await;
        assert_eq!(world.statuses(), said, "call {call}: nothing is in doubt any more");
    }
    assert_eq!(wrong, 2, "the start is published behind the end, or nobody brought the end");
}

#[tokio::test]
async fn an_older_generation_changes_nothing() {
    let world = World::new();
    let failed = Counts { failed: 1, ..Counts::default() };
    let result = result("integration/us-east-1/regional", Outcome::Failed, &["CreatePipeline failed."]);
    let newer =
        finished(run(5, RunMode::Reconcile), Counts { unchanged: 1, ..Counts::default() }, Vec::new(), Vec::new());
    tell(&world, Event::ProvisioningFinished(newer)).await;
    tell(&world, Event::ProvisioningFinished(finished(run(4, RunMode::Reconcile), failed, vec![result], Vec::new())))
        .await;
    assert_eq!(world.statuses().len(), 1);
    assert_eq!(world.statuses()[0].state, StatusState::Success);
}

#[tokio::test]
async fn each_finding_is_an_annotation_at_its_place() {
    let world = World::new();
    let counts = Counts { invalid: 1, ..Counts::default() };
    let results = vec![result("integration/us-east-1/regional", Outcome::Invalid, &[])];
    let findings = vec![finding("account-id", Severity::Error), finding("no-regional", Severity::Warning)];
    tell(&world, Event::ProvisioningFinished(finished(run(1, RunMode::Reconcile), counts, results, findings))).await;
    assert_eq!(world.statuses()[0].state, StatusState::Failure);
    let check = &world.checks()[0];
    assert_eq!(check.conclusion, CheckConclusion::Failure);
    let place = |at: usize| (check.annotations[at].line, check.annotations[at].column, check.annotations[at].failure);
    assert_eq!((place(0), place(1)), ((3, 13, true), (3, 13, false)));
    insta::assert_snapshot!(check.annotations[0].message, @r#"account_id: found "12345", expected 12 digits, in quotes"#);
}

#[tokio::test]
async fn a_plan_says_in_words_what_merging_would_do() {
    let world = World::new();
    let mode = RunMode::DryRun { number: 7 };
    tell(&world, Event::ProvisioningStarted(ProvisioningStarted { run: run(0, mode) })).await;
    let mut update = result("integration/us-east-1/management/mc01", Outcome::Updated, &[]);
    update.changes = vec![
        FieldChange {
            field: "terraform_vars.cost_center".into(),
            from: Some("000".into()),
            to: Some("`x|@all".into()),
        },
        FieldChange { field: "enable_bastion".into(), from: None, to: Some("true".into()) },
    ];
    let refused =
        result("integration/us-east-1/regional", Outcome::Refused, &["<!channel> @org/all https://evil.example"]);
    let counts = Counts { updated: 1, refused: 1, unchanged: 4, ..Counts::default() };
    let mut plan = finished(run(0, mode), counts, vec![update, refused], Vec::new());
    plan.results_omitted = 2;
    tell(&world, Event::ProvisioningFinished(plan.clone())).await;
    tell(&world, Event::ProvisioningFinished(plan.clone())).await;
    assert!(world.statuses().is_empty(), "a plan sets no status");
    assert_eq!(world.checks().len(), 1, "the copy says nothing");
    let check = &world.checks()[0];
    assert_eq!(check.name, "penstock/clusters plan");
    insta::assert_snapshot!(check.title, @"1 to refuse, 1 to update, 4 unchanged");
    insta::assert_snapshot!(check.summary.replace('\u{200b}', ""), @r"
    What merging `1a2b3c4` into `main` would do to the cluster pipelines. Nothing was changed.

    ### Would update

    - `integration/us-east-1/management/mc01` (pipeline `rc-integration-us-east-1-management-mc01`)
      - `terraform_vars.cost_center`: `000` → `'x¦@all`
      - `enable_bastion`: new, `true`

    ### Would refuse: a rule forbids it

    - `integration/us-east-1/regional` (pipeline `rc-integration-us-east-1-regional`)
      - &lt;\!channel&gt; \@org/all https://evil.example

    4 unchanged.

    2 more clusters are left out here; the audit trail has them all.
    ");

    // The base branch moved: the same head, another plan.
    plan.counts.updated = 0;
    plan.results.remove(0);
    tell(&world, Event::ProvisioningFinished(plan)).await;
    assert_eq!(world.checks().len(), 2);
}

#[tokio::test]
async fn what_no_cluster_answers_for_is_counted_in_the_title_and_told_in_words() {
    let world = World::new();
    let error = finding("account-id", Severity::Error);
    let reasons = [error.to_string()];
    let invalid = result("integration/us-east-1/regional", Outcome::Invalid, &[reasons[0].as_str()]);
    let mut alone = finding("no-regional-cluster", Severity::Warning);
    alone.path = "deploy/integration/us-west-2/terraform/management/mc01.yaml".into();
    let mut path = finding("path", Severity::Error);
    path.path = "deploy/Integration".into();
    let counts = Counts { invalid: 1, created: 1, ..Counts::default() };
    let mut end = finished(run(1, RunMode::Reconcile), counts, vec![invalid], vec![error, path, alone]);
    end.notes = vec!["pipeline rc-x is a copy by hand? It is not touched".into()];
    end.notes_omitted = 1;
    tell(&world, Event::ProvisioningFinished(end.clone())).await;
    insta::assert_snapshot!(world.statuses()[0].description, @"Clusters: 1 with errors in the file, 1 created; also 1 error, 1 warning, 1 note");
    insta::assert_snapshot!(world.checks()[0].summary.replace('\u{200b}', ""), @r#"
    Commit `1a2b3c4` of branch `main` was compared with the pipelines that exist (generation 1).

    ### Invalid: left as it is until the file is mended

    - `integration/us-east-1/regional` (pipeline `rc-integration-us-east-1-regional`)
      - deploy/integration/us\-east\-1/terraform/regional.yaml:3:13: error: account\_id: found "12345", expected 12 digits, in quotes

    ### Also found in the files

    - deploy/Integration:3:13: error: account\_id: found "12345", expected 12 digits, in quotes
    - deploy/integration/us\-west\-2/terraform/management/mc01.yaml:3:13: warning: account\_id: found "12345", expected 12 digits, in quotes

    ### Noted beside the clusters

    - pipeline rc\-x is a copy by hand? It is not touched

    Findings in the files: 2 errors, 1 warning; each is an annotation at its line.

    Notes left out here: 1; the provisioner's log has them all.
    "#);

    end.notes.clear();
    tell(&world, Event::ProvisioningFinished(ProvisioningFinished { run: run(2, RunMode::Reconcile), ..end.clone() }))
        .await;
    assert_eq!(world.checks().len(), 2, "a note that goes is news");

    let dry = run(0, RunMode::DryRun { number: 7 });
    let (counts, findings) = (Counts::default(), vec![end.findings[1].clone()]);
    tell(&world, Event::ProvisioningFinished(finished(dry, counts, Vec::new(), findings))).await;
    insta::assert_snapshot!(world.checks()[2].title, @"no clusters; also 1 error");
    assert_eq!(world.checks()[2].conclusion, CheckConclusion::Failure);
    assert_eq!(world.checks().iter().map(|check| check.change).collect::<Vec<_>>(), [None, None, Some(7)]);
    // The same words on the same commit, for another pull request.
    let dry = run(0, RunMode::DryRun { number: 8 });
    let findings = vec![end.findings[1].clone()];
    tell(&world, Event::ProvisioningFinished(finished(dry, counts, Vec::new(), findings))).await;
    assert_eq!(world.checks().last().and_then(|check| check.change), Some(8));
}

#[tokio::test]
async fn a_host_that_does_not_answer_leaves_the_mark_for_the_copy() {
    let world = World::new();
    let settings = Settings { pipelines_url: String::new() };
    let event = Event::ProvisioningStarted(ProvisioningStarted { run: run(1, RunMode::Reconcile) });
    let event = envelope(world.now(), "push-1", "repository:42", event);
    world.fail("Marks.set_status", "", "502", true, 1);
    assert!(handle(&world, &world, &world, &settings, &event).await.unwrap_err().is_retry());
    handle(&world, &world, &world, &settings, &event).await.unwrap();
    assert_eq!(world.statuses().len(), 1);
}

#[tokio::test]
async fn a_stopped_run_and_a_huge_one_stay_within_what_the_host_takes() {
    let world = World::new();
    let results: Vec<_> = (0..2000)
        .map(|number| {
            result(&format!("integration/us-east-1/management/mc{number}"), Outcome::Failed, &["A call failed."])
        })
        .collect();
    let mut huge =
        finished(run(1, RunMode::Reconcile), Counts { failed: 2000, ..Counts::default() }, results, Vec::new());
    huge.complete = false;
    huge.stopped = Some("superseded by generation 2 ".repeat(20));
    tell(&world, Event::ProvisioningFinished(huge)).await;
    let (status, check) = (&world.statuses()[0], &world.checks()[0]);
    assert_eq!((status.state, check.conclusion), (StatusState::Error, CheckConclusion::Neutral));
    assert!(status.description.chars().count() <= 140 && check.summary.chars().count() < 65_535);
    assert!(check.summary.contains("more clusters are left out here"));
}
