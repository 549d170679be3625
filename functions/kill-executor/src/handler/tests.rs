//! What remains of an item is kept once, where it lived, and nothing of an event is believed.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase},
        governance::Governance,
        id::CommitSha,
        stage::{
            Destination, Link,
            kill::{Ended, KillReview},
        },
        wip::ItemType,
    },
    event::ItemKilled,
    ports::AuditTrail,
    testing::{GovernanceFiles, World, envelope, id, repository},
};

use super::*;

const REPOSITORIES: &str = "repositories:
  - {id: 42, name: acme/clusters, kind: application, default_branch: main, items: {pod: ratio, pipeline: short}}
";

struct Rig {
    world: World,
    executor: KillExecutor<World, World, World>,
}

impl Rig {
    fn new() -> Self {
        let world = World::new();
        let files = GovernanceFiles::default().with("repositories.yaml", REPOSITORIES);
        let repositories = Governance::parse(&files.bytes()).unwrap().repositories;
        let executor = KillExecutor { rows: world.clone(), host: world.clone(), clock: world.clone(), repositories };
        world.push("main", &[("README.md", Some("a product"))]);
        Self { world, executor }
    }

    /// An item, ended unless it shall not be.
    async fn item(&self, link: Option<Link>, ended: bool) {
        let now = self.world.now();
        let item = Item {
            id: id("p-1"),
            title: "A *better* search for @everyone".to_owned(),
            item_type: ItemType::Project,
            pod: id("ratio"),
            owner: id("cy"),
            pipeline: id("short"),
            position: Position::Active { stage: id("seed") },
            since: now,
            updated_at: now,
            blocked_since: None,
            link,
            head: None,
            suggested: None,
            deployments: BTreeMap::new(),
            archived: None,
            version: 1,
        };
        let item = if ended { Item { version: 1, ..item.moved(&Destination::Killed, now) } } else { item };
        let ended = ended.then(|| Ended {
            rule: Some(id("no-update")),
            by: None,
            reason: "the rule no-update held to the end of its grace".to_owned(),
        });
        let entry = Draft {
            subject: "item:p-1".to_owned(),
            at: now,
            actor: "test".to_owned(),
            action: "item.kill".to_owned(),
            phase: Phase::Decision,
            correlation_id: id("c-1"),
            facts: BTreeMap::new(),
            reasons: Vec::new(),
        };
        let change = ItemChange {
            item: id("p-1"),
            dossier: Some((0, Dossier { kill: KillReview { ended, ..KillReview::default() }, ..Dossier::new(item) })),
            answered: None,
            writes: BTreeMap::new(),
            events: Vec::new(),
            entry,
        };
        assert_eq!(self.world.commit_item(&change, now).await.unwrap(), ItemCommitted::Done);
    }

    async fn killed(&self) -> Result<(), Fault> {
        let killed = ItemKilled {
            item: id("p-1"),
            title: None,
            pod: id("ratio"),
            owner: id("cy"),
            pipeline: id("short"),
            stage: id("seed"),
            rule: None,
            by: Some(id("mallory")),
            reason: "whoever may put events on the bus says what they like".to_owned(),
            people: vec![],
        };
        self.executor.event(&envelope(self.world.now(), "c-1", "item:p-1", Event::ItemKilled(killed))).await
    }

    fn archived(&self) -> Option<Archived> {
        self.world.dossiers()[&id("p-1")].item.archived.clone()
    }

    fn main(&self) -> CommitSha {
        self.world.head("main").unwrap()
    }
}

fn link(change: Option<u64>) -> Option<Link> {
    Some(Link { repository: repository().id, issue: None, change, aside: false })
}

#[tokio::test]
async fn branch_tag_and_issue_are_made_once_and_stand_in_the_item() {
    let rig = Rig::new();
    rig.item(link(None), true).await;
    rig.killed().await.unwrap();
    rig.killed().await.unwrap();
    let kept = rig.world.kept();
    let expected = [("heads/archive/p-1-2026-01-05", rig.main()), ("tags/killed/p-1", rig.main())];
    assert_eq!(kept, BTreeMap::from(expected.map(|(name, commit)| (name.to_owned(), commit))));
    let opened = rig.world.opened();
    assert_eq!(
        (opened.len(), opened[0].title.as_str(), opened[0].label.as_str()),
        (1, "Postmortem: p-1", "postmortem")
    );
    insta::assert_snapshot!(opened[0].body.replace('\u{200b}', "<gap>"), @r"
    A \*better\* search for \@<gap>everyone has ended.

    | | |
    |---|---|
    | Item | `p-1` of pod ratio, cy |
    | Ended | 2026-01-05T09:00:00Z, in seed of short |
    | By | the rule `no-update` |
    | Why | the rule no\-update held to the end of its grace |
    | Kept | branch `archive/p-1-2026-01-05`, tag `killed/p-1` |
    | Evidence at its end | none |

    Within a week cy writes:

    - [ ] **What was tried**
    - [ ] **Why it ended**
    - [ ] **What was learnt**
    - [ ] **What can be used again**
    - [ ] **Resources**: what was spent, and what is still running and has to be taken down
    - [ ] **Recommendations**
    ");
    let (entries, _) = rig.world.chain("item:p-1").await.unwrap();
    let last = &entries.last().unwrap().draft;
    assert_eq!((entries.len(), last.action.as_str(), last.facts["postmortem"].as_str()), (2, "item.archive", "1"));
}

#[test]
fn every_item_has_a_name_that_a_reference_may_have() {
    for (item, name) in [("p-1", "p-1"), ("a..b", "a,,b"), ("p.lock", "p,lock"), ("p.", "p,")] {
        assert_eq!(reference_name(&id(item)), name);
    }
}

#[tokio::test]
async fn the_head_of_its_pull_request_is_kept_open_or_not() {
    let rig = Rig::new();
    rig.world.open_change(7, "main", None, &[("a", Some("1"))]);
    rig.world.close_change(7);
    rig.item(link(Some(7)), true).await;
    rig.killed().await.unwrap();
    assert_eq!(rig.world.kept()["tags/killed/p-1"], rig.world.change(7).unwrap().head);
}

#[tokio::test]
async fn an_item_that_is_alive_is_left_alone_and_one_that_lives_nowhere_has_nothing_to_keep() {
    let alive = Rig::new();
    alive.item(link(None), false).await;
    alive.killed().await.unwrap();
    assert_eq!((alive.archived(), alive.world.kept().len()), (None, 0), "an event ends nothing");

    let nowhere = Rig::new();
    nowhere.item(None, true).await;
    nowhere.killed().await.unwrap();
    assert_eq!((nowhere.archived(), nowhere.world.kept().len()), (Some(Archived::default()), 0));
}

#[tokio::test]
async fn a_stop_at_any_call_ends_in_one_branch_one_tag_and_one_issue() {
    let calls = {
        let rig = Rig::new();
        rig.item(link(None), true).await;
        rig.world.heal();
        rig.killed().await.unwrap();
        rig.world.calls().len()
    };
    assert!(calls >= 5, "{calls}");
    for when in [common::testing::When::Before, common::testing::When::After] {
        for call in 0..calls {
            let rig = Rig::new();
            rig.item(link(None), true).await;
            rig.world.fail_call(call, when);
            let _ = rig.killed().await;
            rig.world.heal();
            rig.killed().await.unwrap();
            assert_eq!((rig.world.kept().len(), rig.world.opened().len()), (2, 1), "{when:?} call {call}");
            assert!(rig.archived().is_some());
        }
    }
}
