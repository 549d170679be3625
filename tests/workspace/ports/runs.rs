//! Holds and answers to runs: each once, with its events and its entry or not at all, and never for another run.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        id::{Digest, PipelineName},
        run::{Answer, Approval, Hold, Lifted, Told, Verdict},
    },
    ports::{AuditTrail, RunChange, RunRecord, RunRows, RunSaid, SaidCommitted},
    testing::id,
};

use super::{Case, all, at, event, table, world};

trait Runs: RunRows + AuditTrail + Clone + Send + Sync + 'static {}
impl<S: RunRows + AuditTrail + Clone + Send + Sync + 'static> Runs for S {}

suite! {
    a_hold_is_placed_once_and_lifted_once,
    an_answer_is_for_one_run_at_one_commit_and_each_person_gives_it_once,
    a_link_takes_one_answer_and_is_not_used_by_one_that_is_given_already,
    what_a_gate_says_is_told_once_and_over_what_was_read,
    of_many_who_lift_a_hold_one_does,
}

const FIRST: &str = "00000000-0000-4000-8000-000000000001";
const SECOND: &str = "00000000-0000-4000-8000-000000000002";

fn pipeline() -> PipelineName {
    id("mc-integration-us-east-1-mc01-0123456789ab")
}

fn hold(name: &str) -> Hold {
    Hold {
        id: id(name),
        scope: "region:production/us-east-1".parse().unwrap(),
        reason: "incident #7; 50 % \u{201e}down\u{201c}".into(),
        by: id("ada"),
        at: at(10),
        until: at(20),
        lifted: None,
    }
}

fn approval(by: &str, answer: Answer, execution: &str) -> Approval {
    let (execution, commit) = (id(execution), id(&"0a".repeat(20)));
    Approval { by: id(by), answer, execution, commit, at: at(10), reason: Some("read".into()), link: None }
}

fn change(said: RunSaid, name: &str) -> RunChange {
    let entry = Draft {
        subject: "gate:one".into(),
        at: at(10),
        actor: "stage-gate".into(),
        action: name.into(),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    RunChange { said, events: vec![event(name)], entry }
}

fn lifted(by: &str) -> Lifted {
    Lifted { by: id(by), at: at(15) }
}

async fn record(store: &impl RunRows, pipeline: &PipelineName, execution: &str) -> RunRecord {
    store.run(pipeline, &id(execution)).await.unwrap()
}

async fn holds(store: &impl RunRows) -> Vec<Hold> {
    store.holds().await.unwrap()
}

/// How many entries the chain has; it holds.
async fn entries(store: &impl AuditTrail) -> usize {
    let (entries, head) = store.chain("gate:one").await.unwrap();
    verify("gate:one", &entries, &head).unwrap();
    entries.len()
}

async fn a_hold_is_placed_once_and_lifted_once(Case { store, outbox }: Case<impl Runs>) {
    assert_eq!(holds(&store).await, []);
    let place = |name: &str| change(RunSaid::Hold(hold(name)), name);
    assert_eq!(store.commit_run(&place("h-1")).await.unwrap(), SaidCommitted::Done);
    assert_eq!(store.commit_run(&place("h-2")).await.unwrap(), SaidCommitted::Done);
    let other = Hold { reason: "another".into(), ..hold("h-1") };
    assert_eq!(store.commit_run(&change(RunSaid::Hold(other), "h-1-again")).await.unwrap(), SaidCommitted::Already);
    assert_eq!(holds(&store).await, [hold("h-1"), hold("h-2")], "it reads as it was written, and the first one stands");
    let lift = change(RunSaid::Lift(hold("h-1"), lifted("bob")), "lift");
    assert_eq!(store.commit_run(&lift).await.unwrap(), SaidCommitted::Done);
    assert_eq!(store.commit_run(&lift).await.unwrap(), SaidCommitted::Already);
    assert_eq!(store.commit_run(&place("h-1")).await.unwrap(), SaidCommitted::Already, "a copy places nothing again");
    let gone = Hold { lifted: Some(lifted("bob")), ..hold("h-1") };
    assert_eq!(holds(&store).await, [gone, hold("h-2")]);
    assert_eq!(outbox().len(), 3, "what changed nothing tells nobody");
    assert_eq!(entries(&store).await, 3);
}

async fn an_answer_is_for_one_run_at_one_commit_and_each_person_gives_it_once(Case { store, outbox }: Case<impl Runs>) {
    let said = async |by: &str, answer, execution: &str, name: &str| {
        let answer = RunSaid::Answer(pipeline(), approval(by, answer, execution));
        store.commit_run(&change(answer, name)).await.unwrap()
    };
    assert_eq!(said("ada", Answer::Approve, FIRST, "a").await, SaidCommitted::Done);
    assert_eq!(said("ada", Answer::Approve, FIRST, "again").await, SaidCommitted::Already);
    assert_eq!(said("ada", Answer::Reject, FIRST, "b").await, SaidCommitted::Done, "a mind may change");
    assert_eq!(said("bob", Answer::Approve, SECOND, "c").await, SaidCommitted::Done);
    let of = async |pipeline: &PipelineName, execution: &str| record(&store, pipeline, execution).await.approvals;
    let both = [Answer::Approve, Answer::Reject].map(|answer| approval("ada", answer, FIRST));
    assert_eq!(of(&pipeline(), FIRST).await, both);
    assert_eq!(of(&pipeline(), SECOND).await, [approval("bob", Answer::Approve, SECOND)]);
    assert_eq!(of(&id("mc-other"), FIRST).await, [], "the same execution id of another pipeline is another run");
    let moved = Approval { commit: id(&"0b".repeat(20)), ..approval("ada", Answer::Approve, FIRST) };
    let moved = change(RunSaid::Answer(pipeline(), moved), "d");
    assert_eq!(store.commit_run(&moved).await.unwrap(), SaidCommitted::Done, "another commit is another answer");
    assert_eq!(of(&pipeline(), FIRST).await.len(), 3);
    assert_eq!(outbox().len(), 4);
    assert_eq!(entries(&store).await, 4);
}

async fn a_link_takes_one_answer_and_is_not_used_by_one_that_is_given_already(Case { store, outbox }: Case<impl Runs>) {
    let said = async |answer, link: &str, name: &str| {
        let link = Some(Digest::of(link.as_bytes()));
        let answer = RunSaid::Answer(pipeline(), Approval { link, ..approval("ada", answer, FIRST) });
        store.commit_run(&change(answer, name)).await.unwrap()
    };
    assert_eq!(said(Answer::Approve, "one", "a").await, SaidCommitted::Done);
    assert_eq!(said(Answer::Approve, "one", "again").await, SaidCommitted::Already);
    assert_eq!(said(Answer::Reject, "one", "other").await, SaidCommitted::Already, "it has taken its answer");
    assert_eq!(said(Answer::Approve, "two", "b").await, SaidCommitted::Already, "ada has given this answer");
    assert_eq!(said(Answer::Reject, "two", "c").await, SaidCommitted::Done, "and that did not use the second link");
    let kept = record(&store, &pipeline(), FIRST).await;
    assert_eq!(kept.links, [Digest::of(b"one"), Digest::of(b"two")].into());
    let given: Vec<Answer> = kept.approvals.iter().map(|given| given.answer).collect();
    assert_eq!(given, [Answer::Approve, Answer::Reject]);
    assert_eq!(record(&store, &pipeline(), SECOND).await.links, [].into(), "another run's links are its own");
    assert_eq!((outbox().len(), entries(&store).await), (2, 2));
}

async fn what_a_gate_says_is_told_once_and_over_what_was_read(Case { store, outbox }: Case<impl Runs>) {
    let told = |execution: &str, verdict, reason: &str| Told {
        execution: id(execution),
        commit: Some(id(&"0a".repeat(20))),
        verdict,
        reasons: vec![reason.to_owned()],
        at: at(10),
    };
    let say = async |before: Option<&Told>, now: &Told, name: &str| {
        let said = RunSaid::Gate { pipeline: pipeline(), before: before.cloned(), now: now.clone() };
        store.commit_run(&change(said, name)).await.unwrap()
    };
    let (first, second) = (told(FIRST, Verdict::Hold, "a \u{201e}b\u{201c}"), told(FIRST, Verdict::Admit, ""));
    assert_eq!(say(None, &first, "a").await, SaidCommitted::Done);
    assert_eq!(say(None, &second, "b").await, SaidCommitted::Already, "somebody was faster");
    assert_eq!(say(Some(&second), &second, "c").await, SaidCommitted::Already, "it was not so");
    assert_eq!(record(&store, &pipeline(), FIRST).await.told, Some(first.clone()));
    assert_eq!(say(Some(&first), &second, "d").await, SaidCommitted::Done);
    assert_eq!(say(None, &told(SECOND, Verdict::Hold, ""), "e").await, SaidCommitted::Done, "another run");
    let expected = RunRecord { told: Some(second), ..RunRecord::default() };
    assert_eq!(record(&store, &pipeline(), FIRST).await, expected);
    assert_eq!((outbox().len(), entries(&store).await), (3, 3));
}

async fn of_many_who_lift_a_hold_one_does(Case { store, .. }: Case<impl Runs>) {
    store.commit_run(&change(RunSaid::Hold(hold("h-1")), "h-1")).await.unwrap();
    let lift = |number: usize| {
        let said = RunSaid::Lift(hold("h-1"), lifted(&format!("p{number}")));
        let (store, change) = (store.clone(), change(said, &format!("lift-{number}")));
        async move {
            loop {
                match store.commit_run(&change).await.unwrap() {
                    SaidCommitted::Conflict => {}
                    committed => return committed,
                }
            }
        }
    };
    let ended = all((0..16).map(lift)).await;
    assert_eq!(ended.iter().filter(|committed| **committed == SaidCommitted::Done).count(), 1);
    assert_eq!(entries(&store).await, 2);
}
