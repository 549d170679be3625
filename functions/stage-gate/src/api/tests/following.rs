//! Items that issues describe: each row of the table in `domain::stage::follow`, by event and by the sweep, without a second item.

use std::collections::BTreeSet;

use common::{
    event::{Actor, Event, Issue},
    ports::IssueNow,
    testing::repository,
};

use super::*;

const ITEM: &str = "issue-42-7";

fn issue() -> IssueNow {
    IssueNow {
        number: 7,
        change: false,
        merged: false,
        open: true,
        title: "A better\u{202e} search".to_owned(),
        labels: BTreeSet::from(["work".to_owned()]),
        author: None,
        assignees: BTreeSet::from([1003]),
    }
}

impl Rig {
    /// The issue as it is now, and the event of it.
    async fn issue(&self, issue: Option<IssueNow>) {
        self.world.set_issue(7, issue);
        let sender = Actor { id: common::domain::id::HostAccount::github(9), login: "x".to_owned() };
        let told = Issue { repository: repository(), number: 7, author: None, sender, action: "edited".to_owned() };
        let event =
            telling::envelope(&id(ITEM), Event::IssueUpdated(told), &["e"], &"c-1".parse().unwrap(), self.world.now());
        self.gates.event(&event).await.unwrap();
    }

    async fn sweep(&self) {
        self.gates.schedule("follow").await.unwrap();
    }
}

fn changed(change: impl FnOnce(&mut IssueNow)) -> Option<IssueNow> {
    let mut issue = issue();
    change(&mut issue);
    Some(issue)
}

#[tokio::test]
async fn an_issue_with_the_label_becomes_one_item_of_whom_it_is_assigned_to() {
    let rig = Rig::new();
    rig.issue(changed(|issue| issue.labels.clear())).await;
    assert_eq!(rig.world.dossiers().len(), 0, "without the label it is no item");
    rig.issue(changed(|issue| issue.assignees = BTreeSet::from([31337]))).await;
    assert_eq!(rig.world.dossiers().len(), 0, "nobody answers for it");
    rig.issue(changed(|issue| issue.assignees = BTreeSet::from([1006]))).await;
    assert_eq!(rig.world.dossiers().len(), 0, "finn is of another pod");
    for _ in 0..2 {
        rig.issue(Some(issue())).await;
        rig.sweep().await;
    }
    assert_eq!(rig.world.dossiers().len(), 1);
    let item = rig.world.dossiers()[&id(ITEM)].item.clone();
    assert_eq!((item.owner.as_str(), item.title.as_str()), ("cy", "A better  search"));
    assert_eq!(rig.stands_in(ITEM), ["portfolio", "pod:ratio", "pod-stage:ratio:spark"]);
    let (_, seen) = rig.get(&format!("/v1/items/{ITEM}")).await;
    assert_eq!(seen["link"], json!({"repository": 42, "issue": 7}));
}

#[tokio::test]
async fn an_item_follows_its_issue_and_only_what_the_issue_put_aside_comes_back_with_it() {
    let rig = Rig::new();
    rig.issue(Some(issue())).await;
    let asides = [changed(|issue| issue.open = false), changed(|issue| issue.labels.clear()), None];
    for aside in asides {
        rig.issue(aside.clone()).await;
        assert_eq!((rig.position(ITEM), rig.stands_in(ITEM).len()), ("parked from spark".to_owned(), 0), "{aside:?}");
        rig.sweep().await;
        assert_eq!(rig.position(ITEM), "parked from spark");
        rig.issue(Some(issue())).await;
        assert_eq!((rig.position(ITEM), rig.stands_in(ITEM).len()), ("spark".to_owned(), 3), "{aside:?}");
    }
    rig.issue(changed(|issue| issue.title = "A faster search".to_owned())).await;
    assert_eq!(rig.world.dossiers()[&id(ITEM)].item.title, "A faster search");

    let parks =
        json!({"request_id": "r-1", "from": "spark", "to": "PARKED", "reason": "until the team is back in May"});
    let (_, parked) = rig.post(OWNER, &format!("/v1/items/{ITEM}/transitions"), parks).await;
    assert_eq!(parked["verdict"], "admit");
    rig.issue(changed(|issue| issue.open = false)).await;
    rig.issue(changed(|issue| issue.title = "A faster search".to_owned())).await;
    rig.sweep().await;
    assert_eq!(rig.position(ITEM), "parked from spark", "a person put it aside");
    let reasons: Vec<String> = rig
        .chain(ITEM)
        .await
        .into_iter()
        .filter(|entry| entry.draft.action == "item.park")
        .flat_map(|entry| entry.draft.reasons)
        .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    its issue was closed (number 7)
    its issue has lost the label of items (number 7)
    its issue is no longer in its repository: link the item anew, or end it (number 7)
    until the team is back in May
    ");
}

#[tokio::test]
async fn without_any_event_the_sweep_makes_what_waits_and_an_item_that_is_linked_makes_no_second() {
    let rig = Rig::new();
    rig.make("p-1").await;
    assert_eq!(rig.ask(OWNER, "PUT", "/v1/items/p-1/link", &json!({"repository": 42, "issue": 7})).await.0, 200);
    rig.make("p-2").await;
    rig.world.set_issue(7, Some(issue()));
    rig.world.set_issue(8, changed(|issue| issue.number = 8));
    rig.sweep().await;
    let items: Vec<String> = rig.world.dossiers().into_keys().map(|item| item.to_string()).collect();
    assert_eq!(items, ["p-1", "p-2"], "spark is full: the item of issue 8 waits in line");
    assert_eq!(rig.world.dossiers()[&id("p-1")].item.title, "A better  search");
    let ends = json!({"request_id": "r-1", "from": "spark", "to": "KILLED", "reason": "nobody wants to buy it"});
    assert_eq!(rig.post(OWNER, "/v1/items/p-2/transitions", ends).await.1["verdict"], "admit");
    rig.sweep().await;
    assert!(rig.world.dossiers().contains_key(&id("issue-42-8")));
}

#[tokio::test]
async fn a_host_that_does_not_answer_for_one_issue_keeps_no_other_from_being_followed() {
    let rig = Rig::new();
    rig.issue(Some(issue())).await;
    rig.world.set_issue(7, changed(|issue| issue.open = false));
    rig.world.set_issue(8, changed(|issue| issue.number = 8));
    rig.world.fail("Sources.issue", "7", "down", true, 1);
    assert!(rig.gates.schedule("follow").await.unwrap_err().is_retry());
    assert!(rig.world.dossiers().contains_key(&id("issue-42-8")));
    rig.world.fail("Sources.issues_labelled", "acme", "down", true, 1);
    assert!(rig.gates.schedule("follow").await.unwrap_err().is_retry());
}
