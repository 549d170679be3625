//! Mornings, weeks and months over the in-memory world: each post once, each rung once, and nothing hidden.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        id::EmailAddress,
        rhythm::{Cause, PostKind, SlotKind, Whole},
        stage::{Dossier, Item, NewBlocker, Position},
        wip::ItemType,
    },
    event::{DailyUnblockReport, Event, ItemEscalated, WeeklyDemoPreparation},
    ports::{AuditTrail, Clock, ItemChange, ItemCommitted},
    testing::{GovernanceFiles, World, id},
};
use jiff::{SignedDuration, Timestamp};

use super::*;

mod failing;
mod pipelines;

const PEOPLE: &str = "groups: [integrator, executive, security]
people:
  ada: {slack_id: U0000ADA, jwt_subject: sub|ada, roles: [admin], pods: [ratio], groups: [executive]}
  bob: {slack_id: U0000BOB, email: bob@example.org, jwt_subject: sub|bob, roles: [approver], pods: [ratio], groups: [integrator]}
  cy: {email: cy@example.org, jwt_subject: sub|cy, roles: [member], pods: [ratio]}
  finn: {slack_id: U000FINN, jwt_subject: sub|finn, roles: [member], pods: [nanda], groups: [security]}
";

pub(super) const SCHEDULES: &str = "time_zone: America/Los_Angeles
working_days: [monday, tuesday, wednesday, thursday, friday]
daily: {channel: unblock, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}
pods:
  nanda: {channel: unblock-nanda, time_zone: Europe/Berlin}
demo: {channel: demos, sign_up: thursday 10:00, at: friday 13:00}
council: {channel: council, first: monday 11:00}
stale_after_days: 3
escalation:
  - {after_hours: 24, group: integrator}
  - {after_hours: 48, group: executive, channel: incidents}
maintenance:
  review-access: {every: month, day: 10, owner: security, task: Compare people.yaml with who works here., evidence: A link.}
";

pub(super) struct Case {
    pub(super) world: World,
    pub(super) rhythm: DailyUnblock<World, World, World, World>,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Case {
    pub(super) fn new() -> Self {
        let world = World::new();
        let files = GovernanceFiles::default().with("people.yaml", PEOPLE).with("schedules.yaml", SCHEDULES);
        let files = files.with("pods.yaml", "pods: {ratio: {lead: ada}, nanda: {lead: finn}}\n");
        let repositories = "repositories:\n  - {id: 42, name: acme/clusters, kind: cluster, default_branch: main, items: {pod: ratio, pipeline: short}}\n";
        let files = files.with("repositories.yaml", repositories);
        let governance = Governance::parse(&files.bytes()).unwrap();
        Self {
            rhythm: DailyUnblock {
                rows: world.clone(),
                gates: world.clone(),
                host: world.clone(),
                clock: world.clone(),
                governance,
            },
            world,
        }
    }

    pub(super) fn go_to(&self, now: &str) {
        let ahead = at(now).duration_since(self.world.now());
        assert!(!ahead.is_negative(), "time runs forward: {now}");
        self.world.pass(ahead);
    }

    pub(super) async fn sweep(&self) -> Result<(), Fault> {
        self.rhythm.schedule("sweep").await
    }

    /// Sweeps every five minutes until a moment; what was told, with its moment.
    pub(super) async fn sweep_until(&self, end: &str) -> Vec<(String, String)> {
        let mut told = Vec::new();
        while self.world.now() < at(end) {
            self.sweep().await.unwrap();
            told.extend(
                self.world.drain().iter().map(|event| (event.meta.occurred_at.to_string(), words(&event.event))),
            );
            self.world.pass(SignedDuration::from_mins(5));
        }
        // What one sweep tells has one moment, and so no order.
        told.sort();
        told
    }

    /// What one sweep tells.
    pub(super) async fn told(&self) -> Vec<Event> {
        self.sweep().await.unwrap();
        self.world.drain().into_iter().map(|event| event.event).collect()
    }

    /// Writes an item as stage-gate would.
    pub(super) async fn put(&self, seen: u64, dossier: Dossier) -> Dossier {
        let entry = Draft {
            subject: format!("item:{}", dossier.item.id),
            at: self.world.now(),
            actor: "stage-gate".into(),
            action: "item.write".into(),
            phase: Phase::Decision,
            correlation_id: id("c"),
            facts: BTreeMap::new(),
            reasons: vec![],
        };
        let change = ItemChange {
            item: dossier.item.id.clone(),
            dossier: Some((seen, dossier.clone())),
            answered: None,
            writes: BTreeMap::new(),
            events: vec![],
            entry,
        };
        assert_eq!(self.world.commit_item(&change, self.world.now()).await.unwrap(), ItemCommitted::Done);
        dossier
    }

    pub(super) async fn item(&self, name: &str, pod: &str, stage: &str) -> Dossier {
        let now = self.world.now();
        let item = Item {
            id: id(name),
            title: format!("The product <{name}>"),
            item_type: ItemType::Project,
            pod: id(pod),
            owner: id("cy"),
            pipeline: id("short"),
            position: Position::Active { stage: id(stage) },
            since: now,
            updated_at: now,
            blocked_since: None,
            head: None,
            link: None,
            suggested: None,
            deployments: BTreeMap::new(),
            archived: None,
            version: 1,
        };
        self.put(0, Dossier::new(item)).await
    }

    pub(super) async fn block(&self, dossier: &Dossier, blocker: &str) -> Dossier {
        let cause = Cause::Outside(id("vendor-api"));
        let new = NewBlocker { id: id(blocker), text: "they do not answer".into(), cause };
        self.put(dossier.item.version, dossier.blocked(&new, self.world.now()).unwrap()).await
    }
}

/// An event in a few words.
fn words(event: &Event) -> String {
    match event {
        Event::DailyUnblockReport(DailyUnblockReport { kind, channel, report, .. }) => {
            let incomplete = if report.incomplete.is_empty() { "" } else { ", incomplete" };
            format!("{channel} {}: {}{incomplete}", kind.as_str(), report.total())
        }
        Event::WeeklyDemoPreparation(WeeklyDemoPreparation { kind, channel, preparation }) => {
            format!("{channel} {}: {} to show", kind.as_str(), preparation.candidates.len())
        }
        Event::ItemEscalated(ItemEscalated { item, blocker, group, people, channel, .. }) => {
            let people: Vec<String> = people.iter().map(|one| one.person.to_string()).collect();
            let beside = channel.as_ref().map_or(String::new(), |channel| format!(" and {channel}"));
            format!("{item} {blocker}: {group} ({}){beside}", people.join(", "))
        }
        other => panic!("{other:?}"),
    }
}

/// Case 14: a blocker of a Friday at ten; the report runs every five minutes; nobody is told twice.
#[tokio::test]
async fn a_blocker_is_told_after_one_and_after_two_working_days_each_once() {
    let case = Case::new();
    case.go_to("2026-01-09T18:00:00Z");
    let item = case.item("p-1", "ratio", "seed").await;
    case.block(&item, "b-1").await;
    let told = case.sweep_until("2026-01-16T00:00:00Z").await;
    let escalated: Vec<_> = told.iter().filter(|(_, words)| words.starts_with("p-1")).collect();
    // Monday and Tuesday at ten: the weekend ages nothing.
    let expected = [
        ("2026-01-12T18:00:00Z", "p-1 b-1: integrator (bob)"),
        ("2026-01-13T18:00:00Z", "p-1 b-1: executive (ada) and incidents"),
    ];
    assert_eq!(escalated.iter().map(|(at, words)| (at.as_str(), words.as_str())).collect::<Vec<_>>(), expected);
    let threads = told.iter().filter(|(_, words)| words.starts_with("unblock thread")).count();
    assert_eq!(threads, 5, "one each working day, of 288 sweeps: {told:?}");
    let (entries, head) = case.world.chain("item:p-1").await.unwrap();
    verify("item:p-1", &entries, &head).unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.draft.action == "item.escalate").count(), 2);
}

#[tokio::test]
async fn who_takes_a_blocker_on_is_left_alone_until_the_end_that_they_named() {
    let case = Case::new();
    case.go_to("2026-01-05T18:00:00Z");
    let item = case.item("p-1", "ratio", "seed").await;
    let blocked = case.block(&item, "b-1").await;
    let quiet = blocked.snoozed(&id("b-1"), &id("bob"), at("2026-01-08T20:00:00Z"), case.world.now()).unwrap();
    let quiet = case.put(blocked.item.version, quiet).await;
    let told = case.sweep_until("2026-01-08T21:00:00Z").await;
    let escalated: Vec<_> =
        told.iter().filter(|(_, words)| words.starts_with("p-1")).map(|(at, _)| at.as_str()).collect();
    assert_eq!(escalated, ["2026-01-08T20:00:00Z"; 2], "then both rungs, since nobody mended it");
    // Resolved and opened again it is another blocker.
    let free = case.put(quiet.item.version, quiet.unblocked(&id("b-1"), case.world.now()).unwrap()).await;
    assert_eq!(case.told().await.len(), 0);
    case.block(&free, "b-2").await;
    let told = case.sweep_until("2026-01-10T00:00:00Z").await;
    assert_eq!(told.iter().filter(|(_, words)| words.starts_with("p-1 b-2")).count(), 1, "{told:?}");
}

/// Two reports on one day: one post. Copies of the wake-up, and one that comes late, post nothing.
#[tokio::test]
async fn there_is_one_post_of_a_kind_for_a_day_however_often_it_wakes() {
    let case = Case::new();
    case.go_to("2026-01-06T18:00:00Z");
    for _ in 0..3 {
        case.sweep().await.unwrap();
    }
    case.world.pass(SignedDuration::from_mins(9));
    case.sweep().await.unwrap();
    let posts: Vec<String> = case.world.drain().iter().map(|event| words(&event.event)).collect();
    assert_eq!(posts, ["unblock thread: 0"]);
    let (entries, _) = case.world.chain("rhythm:unblock").await.unwrap();
    assert_eq!(entries.len(), 1);
    assert!(case.rhythm.schedule("nothing").await.unwrap_err().to_string().contains("no schedule"));
}

/// Ten o'clock stays ten o'clock over both changes of the clocks, in both time zones; no day is missed and none has two.
#[tokio::test]
async fn a_year_has_one_thread_each_working_day_at_ten_local_time() {
    let case = Case::new();
    let mut threads: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    // Around both changes in both zones: 2026-03-08 and 2026-11-01 in Los Angeles, 2026-03-29 and 2026-10-25 in Berlin.
    for (from, until) in
        [("2026-03-02T00:00:00Z", "2026-04-04T00:00:00Z"), ("2026-10-19T00:00:00Z", "2026-11-07T00:00:00Z")]
    {
        case.go_to(from);
        for (moment, words) in case.sweep_until(until).await {
            if let Some(channel) = words.split(" thread").next().filter(|_| words.contains(" thread")) {
                threads.entry(channel.to_owned()).or_default().push(at(&moment));
            }
        }
    }
    for (channel, zone) in [("unblock", "America/Los_Angeles"), ("unblock-nanda", "Europe/Berlin")] {
        let local: Vec<_> = threads[channel].iter().map(|at| at.in_tz(zone).unwrap()).collect();
        assert_eq!(local.len(), 25 + 15, "{channel}");
        assert!(local.iter().all(|at| (at.hour(), at.minute()) == (10, 0)), "{local:?}");
        let mut days: Vec<_> = local.iter().map(|at| at.date()).collect();
        days.dedup();
        assert_eq!(days.len(), local.len());
    }
    let hours: std::collections::BTreeSet<i8> =
        threads["unblock"].iter().map(|at| at.in_tz("UTC").unwrap().hour()).collect();
    assert_eq!(hours, [17, 18].into(), "both offsets were seen");
}

#[tokio::test]
async fn a_morning_has_its_thread_its_reminder_and_its_summary_in_each_room() {
    let case = Case::new();
    case.go_to("2026-01-07T08:55:00Z");
    let of_nanda = case.item("n-1", "nanda", "seed").await;
    case.block(&of_nanda, "b-1").await;
    let told = case.sweep_until("2026-01-07T18:35:00Z").await;
    let told: Vec<String> = told.into_iter().map(|(at, words)| format!("{} {words}", &at[11..16])).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    09:00 unblock-nanda thread: 1
    09:10 unblock-nanda reminder: 1
    09:30 unblock-nanda summary: 1
    18:00 unblock thread: 0
    18:10 unblock reminder: 0
    18:30 unblock summary: 0
    ");
}

#[tokio::test]
async fn a_report_is_of_its_room_and_names_owner_and_next_action() {
    let case = Case::new();
    case.go_to("2026-01-05T18:30:00Z");
    let waits = case.item("p-1", "ratio", "seed").await;
    case.block(&waits, "b-1").await;
    case.item("p-2", "ratio", "seed").await;
    case.item("done", "ratio", "scale").await;
    case.item("n-1", "nanda", "seed").await;
    case.go_to("2026-01-13T18:00:00Z");
    let events = case.told().await;
    let told = events.iter().find_map(|event| match event {
        Event::DailyUnblockReport(told) if told.kind == PostKind::Slot(SlotKind::Thread) => Some(told.clone()),
        _ => None,
    });
    let DailyUnblockReport { report, people, .. } = told.unwrap();
    let reached: Vec<_> =
        people.iter().map(|one| (one.person.as_str(), one.email.as_ref().map(EmailAddress::as_str))).collect();
    assert_eq!(reached, [("cy", Some("cy@example.org")), ("finn", None)], "each owner once, with where they get mail");
    insta::assert_snapshot!(report.text(), @r#"
    Daily unblock 2026-01-13: 3 things, urgency medium

    The product &lt;p-1&gt; (ratio), for *5 working days*: it waits for vendor-api, outside: they do not answer
    → cy: ask vendor-api again, or find another way

    The product &lt;p-2&gt; (ratio), for *5 working days*: nobody has touched it in seed
    → cy: move it, say what keeps it, or park it

    review-access for 2026-01, for *1 working day*: security has not said what shows that it was done
    → finn: Compare people.yaml with who works here. Then say what shows it: "A link."
    "#);
}

#[tokio::test]
async fn the_week_has_its_sign_up_and_its_demo_and_the_month_its_council() {
    let case = Case::new();
    case.go_to("2026-01-29T00:00:00Z");
    for number in 0..9 {
        case.item(&format!("s-{number}"), "ratio", if number < 3 { "ship" } else { "scale" }).await;
    }
    let told = case.sweep_until("2026-02-03T00:00:00Z").await;
    let told: Vec<String> = told
        .into_iter()
        .filter(|(_, words)| !words.starts_with("unblock"))
        .map(|(at, words)| format!("{at} {words}"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    2026-01-29T18:00:00Z demos sign-up: 7 to show
    2026-01-30T21:00:00Z demos demo: 7 to show
    2026-02-02T19:00:00Z council council: 0
    ");
    let bus = case.world.bus();
    let demo =
        bus.iter().find(|row| row.detail_type == "Weekly Demo Preparation" && row.detail.contains("\"demo\"")).unwrap();
    let demo: serde_json::Value = serde_json::from_str(&demo.detail).unwrap();
    assert_eq!(demo["preparation"]["week_ending"], "2026-01-30");
    assert_eq!(demo["preparation"]["later"].as_array().unwrap().len(), 2, "seven demos, the others next week");
    let first: Vec<&str> = demo["preparation"]["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["stage"].as_str().unwrap())
        .collect();
    assert_eq!(first, ["ship", "ship", "ship", "scale", "scale", "scale", "scale"]);
    insta::assert_snapshot!(demo["preparation"]["pods"], @r#"
    [{"active":0,"blocked":0,"finished":0,"moved":0,"pod":"nanda"},{"active":9,"blocked":0,"finished":6,"moved":9,"pod":"ratio"}]
    "#);
}
