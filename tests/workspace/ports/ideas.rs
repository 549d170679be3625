//! The idea ledger: an idea is written over what was read and nothing else, with its audit entry.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        idea::{Grade, Grades, Idea, IdeaState},
    },
    ports::{AuditTrail, IdeaChange, IdeaRows, SaidCommitted},
    testing::id,
};

use super::{Case, all, at, table, world};

trait Ideas: IdeaRows + AuditTrail + Clone + Send + Sync + 'static {}
impl<S: IdeaRows + AuditTrail + Clone + Send + Sync + 'static> Ideas for S {}

suite! {
    an_idea_is_written_over_what_was_read_and_nothing_else,
    of_many_who_add_one_idea_one_does,
}

fn idea(name: &str, version: u64) -> Idea {
    let grade = Grade::try_from(3).unwrap();
    Idea {
        id: id(name),
        title: "a \u{201e}search\u{201c}; #%".to_owned(),
        problem: "nobody finds it".to_owned(),
        hypothesis: "an index helps".to_owned(),
        grades: Grades { impact: grade, strategic_fit: grade, feasibility: grade, effort: grade },
        by: id("ada"),
        at: at(1_000),
        state: IdeaState::Open,
        version,
    }
}

fn change(before: Option<Idea>, after: Idea) -> IdeaChange {
    let entry = Draft {
        subject: format!("idea:{}", after.id),
        at: at(1_000),
        actor: "stage-gate".into(),
        action: format!("written.{}", after.version),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    IdeaChange { before, after, entry }
}

async fn an_idea_is_written_over_what_was_read_and_nothing_else<S: Ideas>(Case { store, .. }: Case<S>) {
    let first = idea("search", 1);
    assert_eq!(store.idea(&id("search")).await.unwrap(), None);
    let commit = async |before: Option<Idea>, after: Idea| store.commit_idea(&change(before, after)).await.unwrap();
    assert_eq!(commit(None, first.clone()).await, SaidCommitted::Done);
    assert_eq!(commit(None, idea("search", 9)).await, SaidCommitted::Already);
    let archived = IdeaState::Archived { by: id("ada"), at: at(2_000), reason: "nobody wants it".to_owned() };
    let second = Idea { state: archived, version: 2, ..first.clone() };
    assert_eq!(commit(Some(first.clone()), second.clone()).await, SaidCommitted::Done);
    assert_eq!(commit(Some(first), idea("search", 3)).await, SaidCommitted::Already, "it is another by now");
    assert_eq!(commit(None, idea("another", 1)).await, SaidCommitted::Done);
    assert_eq!(store.idea(&id("search")).await.unwrap(), Some(second.clone()));
    assert_eq!(store.ideas().await.unwrap(), [idea("another", 1), second]);
    let (entries, head) = store.chain("idea:search").await.unwrap();
    verify("idea:search", &entries, &head).unwrap();
    let actions: Vec<String> = entries.into_iter().map(|entry| entry.draft.action).collect();
    assert_eq!(actions, ["written.1", "written.2"]);
}

async fn of_many_who_add_one_idea_one_does<S: Ideas>(Case { store, .. }: Case<S>) {
    let answers = all((1..=8).map(|version| {
        let (store, change) = (store.clone(), change(None, idea("search", version)));
        async move { store.commit_idea(&change).await.unwrap() }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == SaidCommitted::Done).count(), 1, "{answers:?}");
}
