//! Posts, who was told, tasks: each once, with its events and its entry or not at all.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        rhythm::{BlockerRef, Done, PostKey, PostKind, Posted, SlotKind, Source, Told, Whole},
    },
    ports::{AuditTrail, RhythmChange, RhythmRows, RhythmSaid, SaidCommitted},
    testing::id,
};
use jiff::civil::date;

use super::{Case, all, at, event, table, world};

trait Rhythm: RhythmRows + AuditTrail + Clone + Send + Sync + 'static {}
impl<S: RhythmRows + AuditTrail + Clone + Send + Sync + 'static> Rhythm for S {}

suite! {
    there_is_one_post_of_a_kind_in_a_channel_for_a_day,
    a_group_is_told_once_of_a_blocker_and_again_of_one_that_is_opened_anew,
    a_task_is_done_once_for_a_period,
    of_many_who_post_at_once_one_does,
}

fn change(said: RhythmSaid, name: &str) -> RhythmChange {
    let entry = Draft {
        subject: "rhythm:one".into(),
        at: at(10),
        actor: "daily-unblock".into(),
        action: name.into(),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    RhythmChange { said, events: vec![event(name)], entry }
}

/// How many entries the chain has; it holds.
async fn entries(store: &impl AuditTrail) -> usize {
    let (entries, head) = store.chain("rhythm:one").await.unwrap();
    verify("rhythm:one", &entries, &head).unwrap();
    entries.len()
}

fn post(channel: &str, day: i8, kind: PostKind, incomplete: Vec<Source>) -> RhythmSaid {
    let key = PostKey { channel: id(channel), date: date(2026, 3, day), kind };
    RhythmSaid::Post(key, Posted { at: at(10), incomplete })
}

const THREAD: PostKind = PostKind::Slot(SlotKind::Thread);
const WHOLE: PostKind = PostKind::Whole(Whole::Whole);

async fn there_is_one_post_of_a_kind_in_a_channel_for_a_day(Case { store, outbox }: Case<impl Rhythm>) {
    let say = async |said, name: &str| store.commit_rhythm(&change(said, name)).await.unwrap();
    assert_eq!(say(post("unblock", 6, THREAD, vec![Source::Items]), "a").await, SaidCommitted::Done);
    assert_eq!(say(post("unblock", 6, THREAD, vec![]), "b").await, SaidCommitted::Already);
    assert_eq!(say(post("unblock", 6, WHOLE, vec![]), "c").await, SaidCommitted::Done);
    assert_eq!(say(post("unblock", 7, THREAD, vec![]), "d").await, SaidCommitted::Done);
    assert_eq!(say(post("C012AB3CD", 6, THREAD, vec![]), "e").await, SaidCommitted::Done);
    let first = Posted { at: at(10), incomplete: vec![Source::Items] };
    let whole = Posted { at: at(10), incomplete: vec![] };
    let posts = store.posts(&id("unblock"), date(2026, 3, 6)).await.unwrap();
    assert_eq!(posts, BTreeMap::from([(THREAD, first), (WHOLE, whole)]));
    assert_eq!(store.posts(&id("unblock"), date(2026, 3, 8)).await.unwrap(), BTreeMap::new());
    assert_eq!((outbox().len(), entries(&store).await), (4, 4), "what changed nothing tells nobody");
}

fn blocker(opened: i64) -> BlockerRef {
    BlockerRef::of(&id("idea-7.x"), &id("b-1"), at(opened))
}

async fn a_group_is_told_once_of_a_blocker_and_again_of_one_that_is_opened_anew(
    Case { store, outbox }: Case<impl Rhythm>,
) {
    let told = |group: &str, opened| Told { blocker: blocker(opened), group: id(group), at: at(10) };
    let say = async |told: Told, name: &str| store.commit_rhythm(&change(RhythmSaid::Told(told), name)).await.unwrap();
    assert_eq!(say(told("integrator", 1), "a").await, SaidCommitted::Done);
    assert_eq!(say(told("integrator", 1), "again").await, SaidCommitted::Already);
    assert_eq!(say(told("executive", 1), "b").await, SaidCommitted::Done);
    assert_eq!(say(told("integrator", 2), "c").await, SaidCommitted::Done);
    let mut all = store.told().await.unwrap();
    all.sort_by_key(|told| (told.blocker.clone(), told.group.clone()));
    assert_eq!(all, [told("executive", 1), told("integrator", 1), told("integrator", 2)]);
    assert_eq!((outbox().len(), entries(&store).await), (3, 3));
}

async fn a_task_is_done_once_for_a_period(Case { store, .. }: Case<impl Rhythm>) {
    let done = |task: &str, period: &str, evidence: &str| Done {
        task: id(task),
        period: id(period),
        by: id("ada"),
        evidence: evidence.into(),
        at: at(10),
    };
    let say = async |done: Done, name: &str| store.commit_rhythm(&change(RhythmSaid::Done(done), name)).await.unwrap();
    assert_eq!(say(done("rotate", "2026-q1", "v. 3; \u{201e}ok\u{201c}"), "a").await, SaidCommitted::Done);
    assert_eq!(say(done("rotate", "2026-q1", "other"), "b").await, SaidCommitted::Already);
    assert_eq!(say(done("rotate", "2026", "other"), "c").await, SaidCommitted::Done);
    let mut all = store.done().await.unwrap();
    all.sort_by_key(|done| done.period.to_string());
    assert_eq!(all, [done("rotate", "2026", "other"), done("rotate", "2026-q1", "v. 3; \u{201e}ok\u{201c}")]);
}

async fn of_many_who_post_at_once_one_does(Case { store, .. }: Case<impl Rhythm>) {
    let posting = |number: usize| {
        let (store, change) = (store.clone(), change(post("unblock", 6, THREAD, vec![]), &format!("p-{number}")));
        async move {
            loop {
                match store.commit_rhythm(&change).await.unwrap() {
                    SaidCommitted::Conflict => {}
                    committed => return committed,
                }
            }
        }
    };
    let ended = all((0..16).map(posting)).await;
    assert_eq!(ended.iter().filter(|committed| **committed == SaidCommitted::Done).count(), 1);
    assert_eq!(entries(&store).await, 1);
}
