//! Pull requests over the in-memory host and rows: what one of them holds follows from what it is, whatever came before.

use common::{
    domain::{
        id::GitHubUserId,
        wip::{Scope, ScopeState},
    },
    event::{ChangeRef, Envelope, Event, WipLockRefused, telling::Telling},
    ports::Clock,
    testing::{GovernanceFiles, World, id, repository as acme},
};

use super::*;

const REPOSITORIES: &str = "repositories:
  - {id: 42, name: acme/clusters, kind: cluster, default_branch: main, wip: {pod: ratio, stage: scaffold}}
  - {id: 43, name: acme/free, kind: application, default_branch: main}
";

/// Three places in ratio's scaffold, leases and tickets of an hour.
const LIMITS: &str = "default_ttl_seconds: 3600
max_ttl_seconds: 7200
ticket_ttl_seconds: 3600
warn_at_percent: 80
limits:
  portfolio: {limit: 10}
  \"pod-stage:*:*\": {limit: 3}
  \"involved:*\": {limit: 9}
";

struct Case {
    world: World,
    governance: Governance,
    limiter: Limiter<World, World>,
}

impl Case {
    /// Pull requests 1 to 5 are open, by ada.
    fn new() -> Self {
        Self::under(LIMITS)
    }

    fn under(limits: &str) -> Self {
        let world = World::new();
        world.push("main", &[("a", Some("1"))]);
        for number in 1..=5 {
            world.open_change(number, "main", None, &[("a", Some("2"))]);
        }
        let files = GovernanceFiles::default().with("repositories.yaml", REPOSITORIES).with("limits.yaml", limits);
        let governance = Governance::parse(&files.bytes()).unwrap();
        let (rows, clock, limits) = (world.clone(), world.clone(), governance.limits.clone());
        let telling = Telling::of(&governance);
        Self { limiter: Limiter { rows, clock, limits, telling }, governance, world }
    }

    async fn look(&self, number: u64) -> Outcome {
        let (repository, cause) = (repository(&self.governance, acme().id).unwrap(), id("c"));
        let looked = self.limiter.look_at_change(&self.world, &self.governance, &repository, number, &cause);
        looked.await.unwrap()
    }

    async fn sweep(&self) {
        let cause = id("sweep");
        let swept = self.limiter.sweep(&cause).await.unwrap();
        let look = self.limiter.look_at_due_changes(&self.world, &self.governance, &swept.rows, &cause);
        look.await.unwrap();
    }

    fn pass(&self, minutes: i64) {
        self.world.pass(SignedDuration::from_mins(minutes));
    }

    fn scaffold(&self) -> ScopeState {
        self.world.wip_rows().remove(&id::<Scope>("pod-stage:ratio:scaffold")).unwrap()
    }

    /// The numbers of the pull requests that hold a place, and of those that wait.
    fn stand(&self) -> (Vec<u64>, Vec<u64>) {
        let (row, now) = (self.scaffold(), self.world.now());
        let number = |item: &ItemId| item.pull_request().unwrap().1;
        let mut waiting: Vec<_> = row.live_tickets(now).map(|(item, ticket)| (ticket.number, number(item))).collect();
        waiting.sort();
        (
            row.live_leases(now).map(|(item, _)| number(item)).collect(),
            waiting.into_iter().map(|(_, number)| number).collect(),
        )
    }
}

#[tokio::test]
async fn what_is_open_holds_a_place_or_waits_and_what_is_closed_makes_room() {
    let case = Case::new();
    for number in [1, 2, 3, 4, 5] {
        case.look(number).await;
        case.look(number).await;
    }
    assert_eq!(case.stand(), (vec![1, 2, 3], vec![4, 5]));
    let row = case.scaffold();
    assert_eq!(row.leases[&id::<ItemId>("pr-42-1")].holder, id("ada"));

    case.world.close_change(4);
    assert_eq!(case.look(4).await, Outcome::Released);
    assert_eq!(case.stand(), (vec![1, 2, 3], vec![5]), "closed while it waited");
    case.world.close_change(2);
    for _ in 0..2 {
        assert_eq!(case.look(2).await, Outcome::Released);
    }
    assert_eq!(case.stand(), (vec![1, 3, 5], vec![]));
    assert_eq!(case.look(77).await, Outcome::Released, "there is none");
}

#[tokio::test]
async fn a_draft_asks_for_nothing_but_keeps_what_it_has() {
    let case = Case::new();
    case.world.edit_change(1, |change| change.draft = true);
    assert_eq!(case.look(1).await, Outcome::Draft);
    assert!(case.world.wip_rows().values().all(|row| row.leases.is_empty() && row.tickets.is_empty()));

    for number in [2, 3, 4, 5] {
        case.look(number).await;
    }
    // What feedback does to one that waits, and a person to one that works.
    for number in [5, 2] {
        case.world.edit_change(number, |change| change.draft = true);
        assert!(matches!(case.look(number).await, Outcome::Asked(_)));
    }
    assert_eq!(case.stand(), (vec![2, 3, 4], vec![5]));
    case.world.edit_change(1, |change| change.draft = false);
    case.look(1).await;
    assert_eq!(case.stand(), (vec![2, 3, 4], vec![5, 1]));
}

#[tokio::test]
async fn an_author_whom_nobody_knows_gets_no_place() {
    let case = Case::new();
    case.world.edit_change(1, |change| change.author = Some(HostAccount::github(666)));
    let Outcome::Refused(why) = case.look(1).await else { panic!("admitted") };
    insta::assert_snapshot!(why.sentence(&acme(), 1), @"pull request 1 of acme/clusters is by somebody with GitHub id 666, whom people.yaml does not list: list them with their github_id, or take wip out of this repository in repositories.yaml");
    assert!(case.world.wip_rows().is_empty());
}

/// What is told of each pull request that nobody known opened, or that counts where there is no rule.
#[tokio::test]
async fn one_that_gets_no_place_is_told_why_at_each_look_under_one_id() {
    use common::event::RefusedCause::{NoRule, UnknownAuthor};
    let unknown = |author: Option<u64>| Some((UnknownAuthor, author.map(HostAccount::github), Vec::new()));
    let scaffold = vec![id::<Scope>("pod-stage:ratio:scaffold")];
    let table = [
        ("unknown", Some(666), true, false, true, unknown(Some(666))),
        ("its account is gone", None, true, false, true, unknown(None)),
        ("a draft asks for nothing", Some(666), true, true, true, None),
        ("nor what is closed", Some(666), false, false, true, None),
        ("known, where a rule is missing", Some(1001), true, false, false, Some((NoRule, None, scaffold))),
    ];
    for (what, author, open, draft, rule, wanted) in table {
        let case = if rule { Case::new() } else { Case::under(&LIMITS.replace("pod-stage:*:*", "pod-stage:*:seed")) };
        case.world.edit_change(1, |change| (change.author, change.draft) = (author.map(HostAccount::github), draft));
        if !open {
            case.world.close_change(1);
        }
        case.look(1).await;
        let first = case.world.drain();
        case.pass(1);
        case.look(1).await;
        let second = case.world.drain();
        let ids = |told: &[Envelope]| told.iter().map(|event| event.meta.event_id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&first), ids(&second), "{what}");
        let told: Vec<_> = first.into_iter().map(|event| event.event).collect();
        let expected = wanted.map(|(cause, author, scopes)| {
            let change = Some(ChangeRef { repository: acme(), number: 1 });
            let (item, reasons) = (id("pr-42-1"), Vec::new());
            Event::WipLockRefused(WipLockRefused { item, cause, author, scopes, reasons, change })
        });
        assert_eq!(told, Vec::from_iter(expected), "{what}");
        assert!(case.world.wip_rows().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn who_becomes_known_gets_a_place() {
    let mut case = Case::new();
    case.world.edit_change(1, |change| change.author = Some(HostAccount::github(666)));
    assert!(matches!(
        case.look(1).await,
        Outcome::Refused(Refusal::UnknownAuthor(Some(HostAccount::GitHub(GitHubUserId(666)))))
    ));
    let ada = case.governance.people.listed.get_mut(&id::<PersonName>("ada")).unwrap();
    ada.github_id = Some(GitHubUserId(666));
    assert!(matches!(case.look(1).await, Outcome::Asked(_)));
    assert_eq!(case.stand().0, [1]);
}

#[tokio::test]
async fn reviewers_take_part_and_strangers_and_the_owner_do_not() {
    let case = Case::new();
    // Who they are is said by people.yaml: 1001 is ada, 1002 bob, 1003 cy.
    case.world.edit_change(1, |change| change.reviewers = [1001, 1003, 1002, 666].map(HostAccount::github).into());
    case.look(1).await;
    let scopes = case.scaffold().leases[&id::<ItemId>("pr-42-1")].scopes.clone();
    let words: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["portfolio", "pod-stage:ratio:scaffold", "involved:bob", "involved:cy"]);
}

/// Its ticket stands with the reviewer alone, where the pull request would not count any more.
#[tokio::test]
async fn a_draft_that_waits_for_a_reviewer_who_is_taken_off_is_asked_for_again() {
    let case = Case::under(&LIMITS.replace("{limit: 9}", "{limit: 1}"));
    for number in [1, 2] {
        case.world.edit_change(number, |change| change.reviewers = [HostAccount::github(1003)].into());
        case.look(number).await;
    }
    case.world.edit_change(2, |change| (change.draft, change.reviewers) = (true, [].into()));
    assert!(matches!(case.look(2).await, Outcome::Asked(Answer::Admitted { .. })));
}

#[tokio::test]
async fn a_repository_without_wip_is_not_limited() {
    let case = Case::new();
    assert_eq!(repository(&case.governance, RepositoryId::GitHub(43)), None);
    assert_eq!(repository(&case.governance, RepositoryId::GitHub(44)), None);
    let free = Repository { id: RepositoryId::GitHub(43), ..acme() };
    assert_eq!(wanted(&case.governance, &free, 1, case.world.change(1).as_ref()), Wanted::Unlimited);
}

/// For a day the sweep alone looks: leases and tickets of what is open last, and what is closed without an event makes room.
#[tokio::test]
async fn an_open_pull_request_keeps_its_place_and_its_ticket_without_any_event() {
    let case = Case::new();
    for number in [1, 2, 3, 4, 5] {
        case.look(number).await;
    }
    let before = case.scaffold();
    for _ in 0..144 {
        case.pass(10);
        case.sweep().await;
        assert_eq!(case.stand(), (vec![1, 2, 3], vec![4, 5]));
    }
    let after = case.scaffold();
    let fences = |row: &ScopeState| row.leases.values().map(|lease| lease.fence).collect::<Vec<_>>();
    assert_eq!(fences(&before), fences(&after), "the same leases");
    case.world.close_change(3);
    for _ in 0..7 {
        case.pass(10);
        case.sweep().await;
    }
    assert_eq!(case.stand(), (vec![1, 2, 4], vec![5]));
}

#[tokio::test]
async fn what_no_event_told_of_is_asked_for_in_the_order_in_which_it_was_opened() {
    let case = Case::new();
    case.world.edit_change(2, |change| change.draft = true);
    let cause = id("reconcile");
    let all = || case.limiter.look_at_all_changes(&case.world, &case.governance, &cause);
    all().await.unwrap();
    assert_eq!(case.stand(), (vec![1, 3, 4], vec![5]));
    let rows = case.world.wip_rows();
    case.world.heal();
    all().await.unwrap();
    let writes = case.world.calls().into_iter().filter(|call| call.name == "WipRows.commit").count();
    assert!(writes > 0, "each was asked for again");
    assert_eq!(case.world.wip_rows().len(), rows.len());
    assert_eq!(case.stand(), (vec![1, 3, 4], vec![5]));
}
