//! What is said of a run, on the commit that it deploys.

use common::{
    event::{Event, RunAnswerRefused, RunAtGate, RunObstacle},
    ports::{CheckConclusion, StatusState},
    testing::{World, envelope, id, main_branch, repository},
};

use crate::handler::{Settings, handle};

fn run() -> RunAtGate {
    RunAtGate {
        repository: repository(),
        branch: main_branch(),
        cluster: id("production/us-east-1/management/mc01"),
        pipeline: id("mc-production-us-east-1-mc01-a5fe2847ab80"),
        execution: id("00000000-0000-4000-8000-000000000001"),
        commit: Some(id(&"a".repeat(40))),
        since: "2026-01-05T08:00:00Z".parse().unwrap(),
        reasons: vec![RunObstacle {
            missing: "0 of 1 approvals of approvers".into(),
            who: "bob".into(),
            how: "approve this run".into(),
            until: None,
        }],
        earliest: Some("2026-01-05T09:00:00Z".parse().unwrap()),
        approved_by: Vec::new(),
        asks: Vec::new(),
    }
}

async fn tell(world: &World, event: Event) {
    let settings = Settings { pipelines_url: "https://console.example/pipelines".into() };
    world.pass(jiff::SignedDuration::from_secs(1));
    let event = envelope(common::ports::Clock::now(world), "c", "cluster:x", event);
    handle(world, world, world, &settings, &event).await.unwrap();
}

#[tokio::test]
async fn a_run_that_waits_says_what_changes_since_when_until_when_and_how_to_answer() {
    let world = World::new();
    tell(&world, Event::RunGateWaiting(run())).await;
    let status = &world.statuses()[0];
    assert_eq!(
        (status.state, status.context.as_str()),
        (StatusState::Pending, "penstock/gate production/us-east-1/management/mc01")
    );
    insta::assert_snapshot!(status.description, @"Waits at the gate: 0 of 1 approvals of approvers");
    insta::assert_snapshot!(world.checks()[0].summary.replace('\u{200b}', ""), @r"
    A run of the pipeline `mc-production-us-east-1-mc01-a5fe2847ab80` deploys commit `aaaaaaa` of branch `main` to `production/us-east-1/management/mc01`. It came to its gate at 2026-01-05T08:00:00Z.

    | what is missing | who can clear it | how |
    |---|---|---|
    | 0 of 1 approvals of approvers | bob | approve this run |

    It goes on at 2026-01-05T09:00:00Z at the earliest, if everybody who is asked says yes.

    Answer with `penstock approve production/us-east-1/mc01 00000000-0000-4000-8000-000000000001` or `penstock reject production/us-east-1/mc01 00000000-0000-4000-8000-000000000001`, by the API with `POST /v1/clusters/production/us-east-1/mc01/runs/00000000-0000-4000-8000-000000000001/approvals`, or in a comment on a pull request with `/penstock approve 00000000-0000-4000-8000-000000000001`. The answer is for this run alone. A run that nobody answers ends after 60 days.
    ");
    tell(&world, Event::RunGateWaiting(run())).await;
    assert_eq!(world.statuses().len(), 1, "the same is said once");
}

#[tokio::test]
async fn what_is_said_next_takes_the_place_of_what_was_said_before() {
    let world = World::new();
    tell(&world, Event::RunGateWaiting(run())).await;
    let approved = RunAtGate { reasons: vec![], approved_by: vec![id("bob")], ..run() };
    tell(&world, Event::RunGateApproved(approved)).await;
    let (statuses, checks) = (world.statuses(), world.checks());
    assert_eq!((statuses.len(), checks.len()), (2, 1));
    assert_eq!((statuses[1].state, checks[0].conclusion), (StatusState::Success, CheckConclusion::Success));
    assert_eq!(statuses[1].description, "Goes on: approved by bob");
    let hostile = RunObstacle { missing: "cy rejected it: \"@all | <b>\"".into(), ..run().reasons[0].clone() };
    tell(&world, Event::RunGateRejected(RunAtGate { reasons: vec![hostile], ..run() })).await;
    let check = &world.checks()[0];
    assert_eq!(check.conclusion, CheckConclusion::Failure);
    assert!(!check.summary.contains("@all") && !check.summary.contains("<b>"), "{}", check.summary);
}

#[tokio::test]
async fn a_gate_that_was_passed_without_us_is_a_failure_on_the_commit() {
    let world = World::new();
    tell(&world, Event::RunGateBypassed(run())).await;
    assert_eq!(world.statuses()[0].state, StatusState::Failure);
    insta::assert_snapshot!(world.statuses()[0].description, @"Passed its gate without Penstock: 0 of 1 approvals of approvers");
}

#[tokio::test]
async fn a_run_of_an_unknown_commit_has_no_place_to_say_anything() {
    let world = World::new();
    tell(&world, Event::RunGateWaiting(RunAtGate { commit: None, ..run() })).await;
    assert!(world.statuses().is_empty() && world.checks().is_empty());
}

#[tokio::test]
async fn a_command_that_is_not_taken_is_answered_in_one_comment() {
    let world = World::new();
    let refused = |comment, reason: &str| {
        Event::RunAnswerRefused(RunAnswerRefused {
            repository: repository(),
            number: 7,
            comment: common::domain::id::CommentId::GitHub(comment),
            reason: reason.into(),
        })
    };
    tell(&world, refused(11, "cy is in no group that production asks: approvers (bob) @all")).await;
    let said = world.comment(7, "gate").unwrap();
    assert!(!said.contains("@all"), "{said}");
    insta::assert_snapshot!(said.replace('\u{200b}', ""), @r"
    The command in [this comment](#issuecomment-11) was not taken: cy is in no group that production asks: approvers \(bob\) \@all.

    Nothing has changed. The gate takes `/penstock approve <run>` and `/penstock reject <run> <reason>` as the first line of a new comment, from whoever is asked.
    ");
    tell(&world, refused(12, "the comment was edited: write another one")).await;
    let said = world.comment(7, "gate").unwrap();
    assert!(said.contains("#issuecomment-12") && !said.contains("cy is in"), "{said}");
}
