//! Redrives over the in-memory world: a dry run changes nothing, what can be helped is sent once and removed, the rest stays with its reason.

use common::{
    domain::{governance::Governance, ledger::State},
    ports::Ledger as _,
    testing::{GovernanceFiles, When, World, id},
};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::call::Answer;

struct Case {
    world: World,
    sweeper: DeliverySweeper<World, World, World, World>,
}

impl Case {
    fn new() -> Self {
        let world = World::new();
        let governance = Governance::parse(&GovernanceFiles::default().bytes()).unwrap();
        let (rows, host, queues, clock) = (world.clone(), world.clone(), world.clone(), world.clone());
        Self { sweeper: DeliverySweeper { rows, host, queues, clock, governance }, world }
    }

    /// Parks an event that was sent now.
    fn park_event(&self, name: &str) -> DeadLetter {
        self.world.park("feedback", &event(name).to_string())
    }

    async fn note(&self, name: &str, what: Happening, why: &str) {
        let note = Note::new(what, self.world.now()).because(why);
        self.world.note(&About::Event(id(name), id("feedback")), &note).await.unwrap();
    }

    async fn redrive(&self, dry_run: bool, most: usize) -> RedriveAnswer {
        let call = json!({"redrive": {"function": "feedback", "dry_run": dry_run, "most": most}});
        let Ok(Answer::Redrive(answer)) = self.sweeper.call(call).await else { panic!("a redrive is answered") };
        answer
    }

    fn parked(&self) -> Vec<String> {
        self.world.parked("feedback").into_iter().map(|letter| letter.id.to_string()).collect()
    }
}

fn event(id: &str) -> Value {
    json!({"version": "0", "id": "bus-id", "source": "penstock.scm", "detail-type": "Branch Deleted", "detail": {
        "schema_version": 1, "event_id": id, "occurred_at": "2026-01-01T00:00:00Z", "correlation_id": "c", "subject": "repository:1",
        "repository": {"host": "github", "id": 1, "name": "o/r"}, "branch": "b", "before": "0a".repeat(20),
        "sender": {"id": 1, "login": "l"}
    }})
}

/// One of each fate.
async fn mixed() -> Case {
    let case = Case::new();
    case.park_event("helpless");
    case.note("helpless", Happening::Parked, "calling GitHub: try again later: 503").await;
    case.park_event("done");
    case.world.park("feedback", "{not json");
    case.world.park("feedback", &json!({"source": "elsewhere", "detail-type": "x", "detail": {}}).to_string());
    case.world.park("feedback", r#"{"schedule":"sweep"}"#);
    case.world.pass(SignedDuration::from_hours(13 * 24));
    case.note("done", Happening::Processed, "").await;
    case
}

#[tokio::test]
async fn each_message_is_told_with_what_it_is_and_why_it_is_there_and_what_is_done() {
    let case = mixed().await;
    let said = case.redrive(true, 100).await;
    let lines = said.messages.iter().map(|one| {
        let (what, age, why) = (&one.what, one.age_s.unwrap(), one.why.as_deref().unwrap_or("-"));
        format!("{what} | {age} | {why} | {}", one.fate)
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    Branch Deleted | 1123200 | calling GitHub: try again later: 503 | sent again
    Branch Deleted | 1123200 | - | removed: processed at 2026-01-18T09:00:00Z, after it was sent
    nothing that can be read | 1123200 | - | left: it is not JSON: key must be a string at line 1 column 2
    nothing that can be read | 1123200 | - | left: a message in the queue is no event that this function knows: no event "x" of source "elsewhere" is in the contract
    the schedule "sweep" | 1123200 | - | sent again
    "#);
    assert_eq!((said.counts.sent, said.counts.removed, said.counts.left), (2, 1, 2));
    assert!(said.dry_run && !said.more && said.stopped.is_none());
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_a_redrive_then_does() {
    let case = mixed().await;
    let (before, noted) = (case.parked(), case.world.noted());
    case.world.heal();
    let said = case.redrive(true, 100).await;
    assert!(case.world.calls().iter().all(|call| !call.write), "{:?}", case.world.calls());
    assert_eq!((case.parked(), case.world.noted()), (before, noted));
    assert_eq!(case.redrive(true, 100).await, said, "all of it is in sight again");
    let done = case.redrive(false, 100).await;
    assert_eq!((done.counts, done.messages), (said.counts, said.messages));
    assert_eq!(case.world.take_sent("feedback"), [event("helpless").to_string(), r#"{"schedule":"sweep"}"#.to_owned()]);
    assert_eq!(case.parked(), ["message-2", "message-3"], "what nobody can read stays");
    let notes = &case.world.noted()[&About::Event(id("helpless"), id("feedback"))];
    assert_eq!((notes.state(), notes.get(Happening::Redriven).map(|noted| noted.count)), (State::Waiting, Some(1)));
    let again = case.redrive(false, 100).await;
    assert_eq!((again.counts.sent, again.counts.removed, again.counts.left), (0, 0, 2));
    assert_eq!(case.world.take_sent("feedback"), [""; 0]);
}

#[tokio::test]
async fn the_parked_are_asked_for_as_a_dry_run() {
    let case = mixed().await;
    let call = json!({"ledger": {"parked": {"function": "feedback"}}});
    assert_eq!(case.sweeper.call(call).await.unwrap(), Answer::Redrive(case.redrive(true, 100).await));
}

#[tokio::test]
async fn it_goes_through_as_many_as_were_asked_for_and_the_rest_is_in_sight_again() {
    let case = Case::new();
    for number in 0..25 {
        case.park_event(&format!("e{number}"));
    }
    let first = case.redrive(false, 12).await;
    assert_eq!((first.counts.sent, first.more, case.parked().len()), (12, true, 13));
    let second = case.redrive(false, 13).await;
    assert_eq!((second.counts.sent, second.more, case.parked().len()), (13, false, 0));
    let sent = case.world.take_sent("feedback");
    assert_eq!(sent, (0..25).map(|number| event(&format!("e{number}")).to_string()).collect::<Vec<_>>(), "each once");
}

/// What is no event is known by the id of the message that it was: at that its function notes that it was done.
#[tokio::test]
async fn what_was_sent_and_not_removed_is_removed_when_it_was_done_whatever_it_is() {
    for done in [true, false] {
        let case = Case::new();
        let parked = case.world.park("feedback", r#"{"schedule":"sweep"}"#);
        case.world.fail("DeadLetters.remove", "", "timeout", true, 1);
        assert!(case.redrive(false, 10).await.stopped.is_some());
        assert_eq!(case.world.take_sent("feedback").len(), 1);
        case.world.pass(SignedDuration::from_mins(5));
        if done {
            let note = Note::new(Happening::Processed, case.world.now());
            case.world.note(&About::Message(parked.id, id("feedback")), &note).await.unwrap();
        }
        let counts = case.redrive(false, 10).await.counts;
        assert_eq!((counts.sent, counts.removed), if done { (0, 1) } else { (1, 0) });
        assert_eq!(case.parked(), [""; 0]);
    }
}

#[tokio::test]
async fn a_redrive_is_noted_at_a_moment_before_its_function_can_have_ended() {
    let case = Case::new();
    case.park_event("e");
    case.world.slow("DeadLetters.send", SignedDuration::from_secs(3));
    let sent = case.world.now();
    case.redrive(false, 10).await;
    let noted = case.world.noted()[&About::Event(id("e"), id("feedback"))].get(Happening::Redriven).cloned();
    assert_eq!(noted.map(|noted| noted.at), Some(sent));
}

#[tokio::test]
async fn a_try_that_never_ended_is_why_a_message_is_there() {
    let case = Case::new();
    case.park_event("e");
    case.note("e", Happening::Failed, "503").await;
    case.world.pass(SignedDuration::from_secs(1));
    case.note("e", Happening::LastTry, "").await;
    let said = case.redrive(true, 10).await;
    let why = "the last try did not come to its end: its time or memory ran out";
    assert_eq!(said.messages[0].why.as_deref(), Some(why));
    case.note("e", Happening::Parked, "row 7").await;
    assert_eq!(case.redrive(true, 10).await.messages[0].why.as_deref(), Some("row 7"));
}

#[tokio::test]
async fn a_replay_that_was_parked_is_sent_although_its_event_was_processed_long_ago() {
    let case = Case::new();
    case.note("e", Happening::Processed, "").await;
    case.world.pass(SignedDuration::from_hours(24));
    case.park_event("e");
    assert_eq!(case.redrive(false, 10).await.counts.sent, 1);
}

#[tokio::test]
async fn whatever_call_fails_a_second_redrive_comes_to_the_same_end() {
    let calls = {
        let case = mixed().await;
        case.world.heal();
        case.redrive(false, 100).await;
        case.world.calls().len()
    };
    assert!(calls >= 15, "{calls}");
    for call in 0..calls {
        for when in [When::Before, When::After] {
            let case = mixed().await;
            case.world.fail_call(call, when);
            let asked = Redrive { function: id("feedback"), dry_run: false, most: 100 };
            let first = case.sweeper.redrive(asked.clone()).await;
            let told = first.as_ref().map_or(true, |answer| answer.stopped.is_some());
            case.world.heal();
            // What is still out of sight comes back by itself.
            case.world.pass(SignedDuration::from_mins(5));
            let second = case.sweeper.redrive(asked).await.unwrap();
            assert_eq!(second.stopped, None, "call {call} {when:?}");
            let sent = case.world.take_sent("feedback");
            let helpless = sent.iter().filter(|body| body.contains("helpless")).count();
            assert!((1..=2).contains(&helpless), "call {call} {when:?}: {sent:?}");
            assert!(told || helpless == 1, "call {call} {when:?}: what was sent twice was told");
            assert!(sent.iter().all(|body| !body.contains("done")), "call {call} {when:?}");
            assert_eq!(case.parked(), ["message-2", "message-3"], "call {call} {when:?}");
        }
    }
}

#[tokio::test]
async fn calls_that_make_no_sense_are_refused_with_what_was_expected() {
    let case = Case::new();
    let mut page = String::new();
    for call in [
        json!({"redrive": {"function": "feedback"}}),
        json!({"redrive": {"function": "../x"}}),
        json!({"redrive": {"function": "feedback", "dryrun": false}}),
        json!({"redrive": {"function": "feedback", "most": 0}}),
        json!({"ledger": {}}),
        json!({"ledger": {"delivery": "a", "event": "b"}}),
        json!({"ledger": {"since": "2026-01-05T09:00:00Z", "until": "2026-01-05T09:00:00Z"}}),
        json!({"ledger": {"delivery": "never-seen"}}),
        json!({"sweep": {}}),
        json!(7),
    ] {
        let fault = case.sweeper.call(call).await.unwrap_err();
        assert!(matches!(fault, Fault::Reject { .. }), "{fault}");
        page.push_str(&format!("{fault}\n"));
    }
    insta::assert_snapshot!(page, @r#"
    feedback is no function with a queue
    this call cannot be read: "\"../x\" is not a valid function: expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit"; expected {"ledger": …} or {"redrive": …}
    this call cannot be read: "unknown field `dryrun`, expected one of `function`, `dry_run`, `most`"; expected {"ledger": …} or {"redrive": …}
    most is 0: expected 1 to 1000
    the ledger is asked for one of: delivery; event; parked; since and until, the earlier first, with after and most
    the ledger is asked for one of: delivery; event; parked; since and until, the earlier first, with after and most
    the ledger is asked for one of: delivery; event; parked; since and until, the earlier first, with after and most
    the ledger knows no delivery never-seen: it became no event, it never came, its body had come before under another id, or it came more than seven days ago
    this call cannot be read: "unknown variant `sweep`, expected `ledger` or `redrive`"; expected {"ledger": …} or {"redrive": …}
    this call cannot be read: "invalid type: integer `7`, expected string or map"; expected {"ledger": …} or {"redrive": …}
    "#);
}
