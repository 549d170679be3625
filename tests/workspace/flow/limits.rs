//! Pull requests under a limit, end to end: what happens on the host wakes wip-limit, what it decides goes through the outbox to
//! feedback, and what feedback does on the host wakes wip-limit again.

use std::collections::BTreeMap;

use common::{
    domain::{
        governance::Governance,
        id::{GitHubUserId, HostAccount, ItemId, PersonName},
    },
    event::{Change, Envelope, Event, telling::Telling},
    testing::{GovernanceFiles, World, envelope, id},
};
use feedback::waiting::LABEL;
use jiff::SignedDuration;
use wip_limit::{Limiter, handler::WipLimit};

const REPOSITORIES: &str = "repositories:
  - {id: 42, name: acme/clusters, kind: cluster, default_branch: main, wip: {pod: ratio, stage: scaffold}}
";

struct Flow {
    world: World,
    wip_limit: WipLimit<World, World, World>,
}

impl Flow {
    /// Three places in ratio's scaffold, and the pull requests 1 to 5 of ada, opened in this order.
    async fn new() -> Self {
        let world = World::new();
        let files = GovernanceFiles::default().with("repositories.yaml", REPOSITORIES);
        let governance = Governance::parse(&files.bytes()).unwrap();
        let (rows, clock, limits) = (world.clone(), world.clone(), governance.limits.clone());
        let telling = Telling::of(&governance);
        let limiter = Limiter { rows, clock, limits, telling };
        let flow = Self { wip_limit: WipLimit { limiter, governance, forge: world.clone() }, world };
        flow.world.push("main", &[("a", Some("1"))]);
        for number in 1..=5 {
            let opened = flow.world.open_change(number, "main", None, &[("a", Some("2"))]);
            flow.happens(opened).await;
        }
        flow
    }

    /// Hands an event to whoever wakes on it, and all that follows from it; each twice, as queues do.
    async fn happens(&self, event: Envelope) {
        self.world.pass(SignedDuration::from_secs(1));
        let settings = feedback::Settings { pipelines_url: "https://console.example/pipelines".into() };
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for _ in 0..2 {
                let drafts = self.drafts();
                if matches!(
                    event.event,
                    Event::ChangeOpened(_) | Event::ChangeUpdated(_) | Event::ChangeClosed(_) | Event::ChangeMerged(_)
                ) {
                    self.wip_limit.event(&event).await.unwrap();
                }
                feedback::handle(&self.world, &self.world, &self.world, &settings, &event).await.unwrap();
                // What feedback did on the host comes back as the host's own webhook.
                for number in
                    (1..=5).filter(|number| self.drafts()[*number as usize - 1] != drafts[*number as usize - 1])
                {
                    events.push(self.about(number, "converted_to_draft", Event::ChangeUpdated));
                }
            }
            events.extend(self.world.drain());
        }
    }

    fn about(&self, number: u64, action: &str, event: fn(Change) -> Event) -> Envelope {
        self.world.about_change(number, action, event)
    }

    async fn close(&self, number: u64) {
        self.world.close_change(number);
        self.happens(self.about(number, "closed", Event::ChangeClosed)).await;
    }

    fn drafts(&self) -> Vec<bool> {
        (1..=5).map(|number| self.world.change(number).is_some_and(|change| change.draft)).collect()
    }

    fn labelled(&self) -> Vec<u64> {
        (1..=5).filter(|number| self.world.labels(*number).contains(LABEL)).collect()
    }
}

#[tokio::test]
async fn who_finds_no_room_is_told_and_held_back_and_served_in_order() {
    let flow = Flow::new().await;
    assert_eq!(flow.labelled(), [4, 5]);
    assert_eq!(flow.drafts(), [false, false, false, true, true]);
    let said = flow.world.comment(5, "wip").unwrap();
    assert!(said.contains("| `pod-stage:ratio:scaffold` | 3 | 3 | `pr-42-1` (`ada`, since"), "{said}");
    assert!(said.contains("It is number 2 in the queue"), "{said}");

    flow.close(2).await;
    assert_eq!((flow.labelled(), flow.drafts()), (vec![5], vec![false, false, false, false, true]));
    flow.close(5).await;
    assert!(flow.labelled().is_empty(), "closed while it waited");
    assert!(flow.world.comment(1, "wip").is_none(), "who never waited hears nothing");
}

#[tokio::test]
async fn an_author_whom_nobody_knows_is_told_so_until_they_are_known() {
    let mut flow = Flow::new().await;
    for number in [1, 2, 3] {
        flow.close(number).await;
    }
    let opened = flow.world.open_change(6, "main", None, &[("a", Some("2"))]);
    flow.world.edit_change(6, |change| change.author = Some(HostAccount::github(666)));
    flow.happens(opened).await;
    let said = flow.world.comment(6, "wip").unwrap();
    assert!(said.contains("lists nobody with the GitHub id 666"), "{said}");

    let people = &mut flow.wip_limit.governance.people.listed;
    people.get_mut(&id::<PersonName>("bob")).unwrap().github_id = Some(GitHubUserId(666));
    flow.happens(flow.about(6, "edited", Event::ChangeUpdated)).await;
    let said = flow.world.comment(6, "wip").unwrap();
    assert!(said.contains("has its place"), "{said}");
    let row = flow.world.wip_rows().remove(&id("pod-stage:ratio:scaffold")).unwrap();
    assert_eq!(row.leases[&id::<ItemId>("pr-42-6")].holder, id("bob"));
}

/// Every webhook is lost: the look at everything, each quarter of an hour, comes to the same end.
#[tokio::test]
async fn without_any_event_the_schedule_comes_to_the_same_end() {
    let flow = Flow::new().await;
    flow.world.close_change(1);
    flow.world.close_change(3);
    for name in ["sweep", "reconcile", "sweep"] {
        flow.wip_limit.schedule(name).await.unwrap();
    }
    let now = common::ports::Clock::now(&flow.world);
    let row = flow.world.wip_rows().remove(&id("pod-stage:ratio:scaffold")).unwrap();
    let holders: Vec<String> = row.live_leases(now).map(|(item, _)| item.to_string()).collect();
    assert_eq!(holders, ["pr-42-2", "pr-42-4", "pr-42-5"]);
    let woken = envelope(now, "later", "change:42/2", flow.about(2, "edited", Event::ChangeUpdated).event);
    flow.happens(woken).await;
    assert!(flow.labelled().is_empty());
    assert_eq!(flow.drafts(), [false, false, false, false, false]);
}

/// Whoever may put events on the bus names somebody: no more comes of it than that person could do.
#[tokio::test]
async fn a_request_from_the_bus_can_do_no_more_than_whom_it_names() {
    let flow = Flow::new().await;
    let request = |item: &str, by: &str, pod: &str, owner: &str, expedite: bool| {
        let work = serde_json::json!({
            "item": item, "pod": pod, "stage": "seed", "type": "project", "owner": owner, "expedite": expedite, "requested_by": by,
        });
        let event = Event::WipLockRequested(serde_json::from_value(work).unwrap());
        envelope(common::ports::Clock::now(&flow.world), "bus", &format!("item:{item}"), event)
    };
    // Nothing is left in the queue: the answer is an event, the same one when the request comes twice.
    let refused = async |request: Envelope| {
        flow.world.drain();
        flow.wip_limit.event(&request).await.unwrap();
        flow.wip_limit.event(&request).await.unwrap();
        let told: BTreeMap<_, _> =
            flow.world.drain().into_iter().map(|event| (event.meta.event_id.clone(), event.event)).collect();
        match told.into_values().collect::<Vec<_>>().as_slice() {
            [Event::WipLockRefused(told)] => format!("{} {:?}: {}", told.item, told.cause, told.reasons.join("; ")),
            other => format!("{other:?}"),
        }
    };
    let page = [
        refused(request("p-1", "rae", "ratio", "ada", false)).await,
        refused(request("p-1", "cy", "ratio", "cy", true)).await,
        refused(request("p-1", "finn", "ratio", "finn", false)).await,
        refused(request("p-1", "cy", "ratio", "finn", false)).await,
        refused(request("p-1", "nobody", "ratio", "cy", false)).await,
    ];
    insta::assert_snapshot!(page.join("\n"), @"
    p-1 NotAdmissible: rae has the role reader, and to ask for, renew or release places needs the role member
    p-1 NotAdmissible: cy has the role member, and to take the expedite lane needs the role approver
    p-1 NotAdmissible: finn is not in pod ratio: only its members and admins ask for its places
    p-1 NotAdmissible: finn is not in pod ratio, so cy may not name them as an owner of its items: they themselves and admins may
    p-1 NotAdmissible: requested_by: nobody is not in people.yaml: an administrator adds them there
    ");
    flow.wip_limit.event(&request("p-1", "cy", "ratio", "cy", false)).await.unwrap();
    flow.wip_limit.event(&request("p-2", "bob", "ratio", "cy", true)).await.unwrap();
    let other = refused(request("p-1", "finn", "nanda", "finn", false)).await;
    insta::assert_snapshot!(other, @"p-1 HeldOtherwise: it has its place as something else: give that back first, or ask for it as it was");
}
