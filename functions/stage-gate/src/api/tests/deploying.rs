//! Where an item's pull request is deployed is shown beside it, by event and by the sweep; and an item that a pull request is.

use std::collections::BTreeSet;

use common::{
    event::{DeploymentReported, Event},
    ports::{DeploymentNow, IssueNow},
    testing::repository,
};

use super::*;

const ITEM: &str = "change-42-9";

fn change() -> IssueNow {
    IssueNow {
        number: 9,
        change: true,
        merged: false,
        open: true,
        title: "Search".to_owned(),
        labels: BTreeSet::from(["work".to_owned()]),
        author: Some(1003),
        assignees: BTreeSet::new(),
    }
}

impl Rig {
    /// A pull request that is an item.
    async fn with_change() -> (Self, common::domain::id::CommitSha) {
        let rig = Self::new();
        rig.world.push("main", &[("a", Some("1"))]);
        let opened = rig.world.open_change(9, "main", None, &[("a", Some("2"))]);
        let Event::ChangeOpened(opened) = opened.event else { panic!("{opened:?}") };
        rig.world.set_issue(9, Some(change()));
        rig.gates.schedule("follow").await.unwrap();
        (rig, opened.head)
    }

    async fn deployed(&self, told: &DeploymentNow, in_truth: &DeploymentNow) {
        self.world.set_deployment(in_truth.clone());
        let DeploymentNow { id: deployment, commit: head, state, .. } = told.clone();
        let told = Event::DeploymentReported(DeploymentReported { repository: repository(), deployment, head, state });
        let event = telling::envelope(&id(ITEM), told, &["d"], &"c-1".parse().unwrap(), self.world.now());
        self.gates.event(&event).await.unwrap();
    }
}

#[tokio::test]
async fn a_pull_request_with_the_label_is_an_item_that_stays_when_it_is_merged_and_goes_aside_when_it_is_closed() {
    let (rig, _) = Rig::with_change().await;
    let item = rig.world.dossiers()[&id(ITEM)].item.clone();
    assert_eq!((item.owner.as_str(), item.item_type.as_str()), ("cy", "pull_request"));
    let (_, seen) = rig.get(&format!("/v1/items/{ITEM}")).await;
    assert_eq!((&seen["link"], &seen["suggested"]), (&json!({"repository": 42, "change": 9}), &Value::Null));

    rig.world.name_branch(9, "seed/search");
    rig.gates.schedule("follow").await.unwrap();
    let (_, seen) = rig.get(&format!("/v1/items/{ITEM}")).await;
    assert_eq!(seen["suggested"], json!({"stage": "seed", "because": "branch"}));
    assert_eq!(rig.position(ITEM), "spark", "a suggestion moves nothing");

    rig.world.set_issue(9, Some(IssueNow { open: false, merged: true, ..change() }));
    rig.gates.schedule("follow").await.unwrap();
    assert_eq!(rig.position(ITEM), "spark", "its gates come after the merge");
    rig.world.set_issue(9, Some(IssueNow { open: false, ..change() }));
    rig.gates.schedule("follow").await.unwrap();
    assert_eq!(rig.position(ITEM), "parked from spark");
    rig.world.set_issue(9, Some(change()));
    rig.gates.schedule("follow").await.unwrap();
    assert_eq!(rig.position(ITEM), "spark");
}

#[tokio::test]
async fn a_deployment_is_shown_as_its_host_has_it_whatever_the_event_says() {
    let (rig, head) = Rig::with_change().await;
    let now = rig.world.now();
    let truth = DeploymentNow {
        id: 5,
        commit: head.clone(),
        environment: "staging".to_owned(),
        state: "failure".to_owned(),
        at: now,
    };
    rig.deployed(&DeploymentNow { state: "success".to_owned(), ..truth.clone() }, &truth).await;
    let shown = |seen: &Value| seen["deployments"].clone();
    let (_, seen) = rig.get(&format!("/v1/items/{ITEM}")).await;
    let failed = json!({"staging": {"id": 5, "commit": head, "state": "failure", "at": now.to_string()}});
    assert_eq!(shown(&seen), failed);
    let version = seen["version"].clone();
    rig.deployed(&truth, &truth).await;
    assert_eq!(rig.get(&format!("/v1/items/{ITEM}")).await.1["version"], version, "told twice");

    let other = DeploymentNow { id: 6, commit: "0b".repeat(20).parse().unwrap(), ..truth.clone() };
    rig.deployed(&other, &other).await;
    assert_eq!(shown(&rig.get(&format!("/v1/items/{ITEM}")).await.1), failed, "a commit of no pull request of an item");

    rig.world.set_deployment(DeploymentNow { id: 7, state: "success".to_owned(), ..truth });
    rig.gates.schedule("follow").await.unwrap();
    let (_, seen) = rig.get(&format!("/v1/items/{ITEM}")).await;
    assert_eq!(
        (seen["deployments"]["staging"]["id"].clone(), &seen["deployments"]["staging"]["state"]),
        (json!(7), &json!("success"))
    );
}
