//! Sweeps over the in-memory world: what failed arrives, what moved is told, what waits is touched; each once, whatever fails between.

use std::collections::BTreeMap;

use common::{
    domain::{governance::Governance, id::RepositoryId, sweep::PROBES},
    event::{BranchPushed, Event},
    ports::ClusterLedger as _,
    testing::{GovernanceFiles, When, World, id, main_branch, repository},
};
use jiff::SignedDuration;

use super::*;

struct Case {
    world: World,
    sweeper: DeliverySweeper<World, World, World, World>,
}

const TWO: &str = "repositories:
  - {id: 42, name: acme/clusters, kind: cluster, default_branch: main}
  - {id: 43, name: acme/app, kind: application, default_branch: trunk}
";

impl Case {
    fn new() -> Self {
        let world = World::new();
        Self::with(world, TWO)
    }

    /// With these repositories.
    fn with(world: World, repositories: &str) -> Self {
        let files = GovernanceFiles::default().with("repositories.yaml", repositories);
        let governance = Governance::parse(&files.bytes()).unwrap();
        let (rows, host, queues, clock) = (world.clone(), world.clone(), world.clone(), world.clone());
        Self { sweeper: DeliverySweeper { rows, host, queues, clock, governance }, world }
    }

    /// Five minutes later, as the schedule says.
    async fn sweep(&self) -> Result<(), Fault> {
        self.world.pass(SignedDuration::from_mins(5));
        self.sweeper.schedule("sweep").await
    }

    /// The branches that were looked at since the count was started.
    fn looked(&self) -> Vec<String> {
        let looked = self.world.calls().into_iter().filter(|call| call.name == "Forge.branch_head");
        looked.map(|call| call.about).collect()
    }

    /// The gaps that were told and wait in the outbox.
    fn told(&self) -> Vec<BranchPushed> {
        let gaps = self.world.outbox().into_iter().filter(|row| row.detail_type == "Branch Pushed").map(|row| {
            let detail = serde_json::from_str(&row.detail).unwrap();
            common::event::Envelope::parse(&row.source, &row.detail_type, detail).unwrap()
        });
        gaps.map(|event| if let Event::BranchPushed(pushed) = event.event { pushed } else { unreachable!() }).collect()
    }

    /// How often each delivery was attempted, and how often it arrived.
    fn attempts(&self) -> BTreeMap<String, (usize, usize)> {
        let mut all = BTreeMap::<String, (usize, usize)>::new();
        for attempt in self.world.attempts_made() {
            let (made, arrived) = all.entry(attempt.guid.to_string()).or_default();
            *made += 1;
            *arrived += usize::from(attempt.succeeded());
        }
        all
    }

    /// The provisioner takes the branch up at its head.
    async fn reconciled(&self, branch: &str) {
        let (head, now) = (self.world.head(branch).unwrap(), self.world.now());
        self.world.take_generation(repository().id, &id(branch), &head, now).await.unwrap();
    }
}

#[tokio::test]
async fn what_failed_while_the_receiver_was_down_arrives_once_when_it_is_back() {
    let case = Case::new();
    case.world.receiver(Some(202));
    case.world.sends("before");
    case.world.receiver(None);
    for guid in ["one", "two", "three"] {
        case.world.sends(guid);
    }
    case.sweep().await.unwrap();
    case.world.receiver(Some(202));
    for _ in 0..4 {
        case.sweep().await.unwrap();
    }
    let attempts = case.attempts();
    assert_eq!(attempts["before"], (1, 1), "what arrived is not asked for");
    for guid in ["one", "two", "three"] {
        assert_eq!(attempts[guid], (3, 1), "{guid}: down, probed while down, and then once");
    }
}

#[tokio::test]
async fn a_receiver_that_stays_down_is_probed_and_not_flooded() {
    let case = Case::new();
    for number in 0..20 {
        case.world.sends(&format!("g{number}"));
    }
    for _ in 0..12 {
        case.world.heal();
        case.sweep().await.unwrap();
        let asked = case.world.calls().iter().filter(|call| call.name == "Deliveries.redeliver").count();
        assert_eq!(asked, PROBES);
    }
    case.world.receiver(Some(202));
    case.sweep().await.unwrap();
    case.world.pass(SignedDuration::from_mins(5));
    case.sweep().await.unwrap();
    assert!(
        case.attempts().values().all(|(_, arrived)| *arrived == 1),
        "all within a quarter of an hour: {:?}",
        case.attempts()
    );
}

#[tokio::test]
async fn what_is_settled_is_not_listed_again() {
    let case = Case::new();
    case.world.receiver(Some(202));
    for hour in 0..30 {
        case.world.sends(&format!("g{hour}"));
        case.world.pass(SignedDuration::from_mins(55));
        case.sweep().await.unwrap();
    }
    case.world.heal();
    case.sweep().await.unwrap();
    let pages = case.world.calls().iter().filter(|call| call.name == "Deliveries.attempts").count();
    assert_eq!(pages, 1, "a page has three, and only two are younger than what is settled");
}

#[tokio::test]
async fn a_host_that_refuses_one_is_asked_for_the_others_and_one_that_stops_answering_for_none() {
    let case = Case::new();
    let (first, _) = (case.world.sends("one"), case.world.sends("two"));
    case.world.receiver(Some(202));
    case.world.fail("Deliveries.redeliver", &first.to_string(), "rate limit", true, 1);
    assert!(case.sweep().await.unwrap_err().is_retry(), "the message comes again");
    assert_eq!(case.attempts()["two"], (1, 0), "nothing more was asked");
    case.sweep().await.unwrap();
    assert_eq!(case.attempts().into_values().collect::<Vec<_>>(), [(2, 1), (2, 1)]);
}

#[tokio::test]
async fn a_branch_that_moved_unheard_is_told_by_the_second_sweep_and_once() {
    let case = Case::new();
    case.world.push("main", &[("deploy/a", Some("1"))]);
    case.sweep().await.unwrap();
    assert_eq!(case.told(), [], "a webhook may be on its way");
    case.sweep().await.unwrap();
    let told = case.told();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0].branch, &told[0].after, &told[0].before),
        (&main_branch(), &case.world.head("main").unwrap(), &None)
    );
    assert_eq!(
        (&told[0].repository, told[0].touched_roots.join(" ")),
        (&repository(), "*".to_owned()),
        "filters let it pass"
    );
    let first = case.world.head("main");
    for _ in 0..3 {
        case.sweep().await.unwrap();
    }
    assert_eq!(case.told().len(), 1);
    case.world.push("main", &[("deploy/a", Some("2"))]);
    case.sweep().await.unwrap();
    case.sweep().await.unwrap();
    assert_eq!(case.told().len(), 2);
    assert!(case.told().iter().any(|told| told.before == first), "the head before is what was seen last");
    // A head that comes back is news again, and another event.
    case.world.set_branch("main", first.clone());
    case.sweep().await.unwrap();
    case.sweep().await.unwrap();
    assert_eq!(case.told().iter().filter(|told| Some(&told.after) == first.as_ref()).count(), 2);
}

#[tokio::test]
async fn what_the_provisioner_took_up_is_no_gap() {
    let case = Case::new();
    for number in 0..4 {
        case.world.push("main", &[("deploy/a", Some(&number.to_string()))]);
        case.reconciled("main").await;
        case.sweep().await.unwrap();
        case.sweep().await.unwrap();
    }
    assert_eq!(case.told(), []);
    assert_eq!(case.world.seen(repository().id, &main_branch()).unwrap().head, case.world.head("main"));
}

#[tokio::test]
async fn branches_that_environments_follow_are_looked_at_and_of_an_application_the_default_branch() {
    let case = Case::new();
    for branch in ["main", "staging", "topic"] {
        case.world.push(branch, &[("a", Some("1"))]);
    }
    case.sweep().await.unwrap();
    let seen = |repository, branch| case.world.seen(RepositoryId::GitHub(repository), &id(branch)).is_some();
    assert_eq!([seen(42, "main"), seen(42, "staging"), seen(42, "topic")], [true, true, false]);
    let mut looked = case.looked();
    looked.sort();
    assert_eq!(looked, ["main", "staging", "trunk"], "a branch that is not there is no gap");
    assert!(!seen(43, "trunk"));
}

#[tokio::test]
async fn events_that_wait_longer_than_a_minute_are_touched_and_published_by_nobody_else() {
    let case = Case::new();
    let waiting = case.world.put_outbox(&case.world.push("main", &[("a", Some("1"))]));
    case.sweeper.schedule("sweep").await.unwrap();
    assert_eq!(case.world.touched(), [], "the relay has just been woken");
    case.sweep().await.unwrap();
    assert_eq!(case.world.touched(), std::slice::from_ref(&waiting.event_id));
    assert_eq!(case.world.bus(), [], "the relay is the only publisher");
    case.world.drain();
    case.sweep().await.unwrap();
    assert_eq!(case.world.touched(), [waiting.event_id]);
}

#[tokio::test]
async fn each_part_is_tried_whatever_the_others_did() {
    for part in ["SweepRows.stuck", "Deliveries.attempts", "Forge.branch_head"] {
        let case = Case::new();
        case.world.push("main", &[("a", Some("1"))]);
        case.world.push("staging", &[("a", Some("1"))]);
        case.world.sends("one");
        case.world.fail(part, "", "down", true, 1);
        assert!(case.sweep().await.unwrap_err().is_retry(), "{part}");
        let calls = case.world.calls();
        for other in ["SweepRows.stuck", "Deliveries.attempts", "Forge.branch_head"] {
            assert!(calls.iter().any(|call| call.name == other), "{part}: {other}");
        }
        assert!(case.world.seen(repository().id, &id("staging")).is_some(), "{part}: the other branches too");
    }
    let fault = Case::new().sweeper.schedule("swep").await.unwrap_err();
    assert_eq!(fault.to_string(), "delivery-sweeper has no schedule \"swep\"");
}

#[tokio::test]
async fn a_branch_that_cannot_be_read_fails_no_message_and_is_counted() {
    let case = Case::new();
    case.world.push("main", &[("a", Some("1"))]);
    case.world.fail("Forge.branch_head", "staging", "no such repository", false, 2);
    case.world.fail("Forge.branch_head", "trunk", "refused", false, 1);
    case.sweep().await.unwrap();
    assert!(case.world.seen(repository().id, &main_branch()).is_some(), "the others are looked at");
    let end = case.world.now() + SignedDuration::from_hours(1);
    let looked = case.sweeper.look_at_branches(end).await;
    assert_eq!((looked.unread, looked.left, looked.retry.is_none()), (1, 0, true));
    case.world.fail("Forge.branch_head", "staging", "refused", false, 1);
    case.world.fail("Forge.branch_head", "trunk", "502", true, 1);
    let looked = case.sweeper.look_at_branches(end).await;
    assert_eq!((looked.unread, looked.left), (1, 0), "what may pass is not counted");
    assert!(looked.retry.is_some_and(|fault| fault.to_string().contains("502")), "it is the answer");
    let looked = case.sweeper.look_at_branches(end).await;
    assert_eq!((looked.unread, looked.left, looked.retry.is_none()), (0, 0, true));
}

/// What a sweep calls when there is something for each part to do.
const CALLS: [&str; 10] = [
    "SweepRows.stuck",
    "SweepRows.touch",
    "SweepRows.settled_before",
    "Deliveries.attempts",
    "Deliveries.redeliver",
    "Ledger.note",
    "SweepRows.settle_before",
    "Forge.branch_head",
    "SweepRows.branch_rows",
    "SweepRows.commit_seen",
];

/// Each part has much to do: rows that wait, a long list with many failures, branches of both hosts.
fn busy() -> Case {
    let entries = (0..40).map(|number| {
        format!("  - {{id: 9{number:02}, name: acme/app-{number}, kind: application, default_branch: b{number}}}\n")
    });
    let arn = "arn:aws:codecommit:us-east-1:111122223333:fleet";
    let fleet = format!(
        "  - {{id: 0c0dec00-3117-4111-8222-333344445555, arn: \"{arn}\", kind: application, default_branch: fleet}}\n"
    );
    let case = Case::with(World::new(), &(TWO.to_owned() + &entries.collect::<String>() + &fleet));
    case.world.receiver(Some(202));
    for number in 0..30 {
        case.world.put_outbox(&case.world.push("main", &[("a", Some(&number.to_string()))]));
        let attempt = case.world.sends(&format!("g{number}"));
        case.world.answered(attempt, if number < 29 { Some(503) } else { Some(202) });
    }
    case.world.pass(SignedDuration::from_mins(2));
    case
}

#[tokio::test]
async fn whatever_is_slow_each_part_has_its_time_and_the_sweep_ends_before_the_function_s() {
    for slow in CALLS.map(|name| vec![name]).into_iter().chain([CALLS.to_vec()]) {
        let case = busy();
        case.world.heal();
        // As long as a request to a source host may take.
        slow.iter().for_each(|name| case.world.slow(name, SignedDuration::from_secs(20)));
        let began = case.world.now();
        case.sweeper.schedule("sweep").await.unwrap();
        let took = case.world.now().duration_since(began).as_secs();
        assert!(took <= 300, "{slow:?}: {took} s");
        let calls = case.world.calls();
        for name in ["SweepRows.touch", "Deliveries.redeliver"] {
            assert!(calls.iter().any(|call| call.name == name), "{slow:?}: {name}");
        }
        let looked = case.looked();
        assert!(looked.contains(&"fleet".to_owned()), "{slow:?}: the other host's too, {looked:?}");
        assert!(looked.len() > 1, "{slow:?}: {looked:?}");
    }
}

#[tokio::test]
async fn what_a_slow_host_left_is_done_by_the_next_sweeps() {
    let case = busy();
    case.world.heal();
    for name in ["Deliveries.attempts", "Deliveries.redeliver", "Forge.branch_head"] {
        case.world.slow(name, SignedDuration::from_secs(11));
    }
    case.sweep().await.unwrap();
    let (first, settled) =
        (case.looked(), case.world.calls().iter().any(|call| call.name == "SweepRows.settle_before"));
    assert!(!settled, "a list that was not read to its end is not settled");
    assert!(first.len() < 40, "{}", first.len());
    let mut looked: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..12 {
        case.sweep().await.unwrap();
        case.looked().into_iter().for_each(|branch| *looked.entry(branch).or_default() += 1);
    }
    assert_eq!(looked.len(), 44, "each branch has its turn within the hour: {looked:?}");
    case.world.heal();
    for _ in 0..3 {
        case.sweep().await.unwrap();
    }
    assert!(case.attempts().values().all(|(_, arrived)| *arrived == 1), "{:?}", case.attempts());
}

/// An outage in which three webhooks and a push are lost and an event stays; then sweeps until all is well.
async fn outage(fault: Option<(usize, When)>) -> (Case, usize) {
    let case = Case::new();
    case.world.put_outbox(&case.world.push("staging", &[("a", Some("1"))]));
    case.reconciled("staging").await;
    for guid in ["one", "two", "three"] {
        case.world.sends(guid);
    }
    case.world.push("main", &[("deploy/a", Some("1"))]);
    case.sweep().await.unwrap();
    case.world.receiver(Some(202));
    case.world.heal();
    if let Some((call, when)) = fault {
        case.world.fail_call(call, when);
    }
    let failed = case.sweep().await;
    let calls = case.world.calls().len();
    assert_eq!(failed.is_err(), fault.is_some_and(|(call, _)| call < calls), "a fault is told");
    case.world.heal();
    for _ in 0..3 {
        case.sweep().await.unwrap();
    }
    (case, calls)
}

#[tokio::test]
async fn a_fault_at_any_call_changes_nothing_of_the_end() {
    let (perfect, calls) = outage(None).await;
    let arrived = |case: &Case| {
        case.attempts().into_iter().map(|(guid, (_, arrived))| (guid, arrived)).collect::<BTreeMap<_, _>>()
    };
    let heads = |case: &Case| case.told().into_iter().map(|told| (told.branch, told.after)).collect::<Vec<_>>();
    assert_eq!(arrived(&perfect).into_values().collect::<Vec<_>>(), [1, 1, 1]);
    let staging = heads(&perfect).iter().filter(|(branch, _)| *branch == id("staging")).count();
    assert_eq!((heads(&perfect).len(), staging), (2, 1), "the gap of main, and the event that waited");
    assert!(calls >= 12, "{calls}");
    for call in 0..calls {
        for when in [When::Before, When::After] {
            let (case, _) = outage(Some((call, when))).await;
            assert_eq!(arrived(&case), arrived(&perfect), "call {call} {when:?}");
            assert_eq!(heads(&case), heads(&perfect), "call {call} {when:?}");
            assert!(!case.world.touched().is_empty(), "call {call} {when:?}");
        }
    }
}
