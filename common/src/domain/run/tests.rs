//! The gate of a run in both directions: nothing passes that may not, and nothing waits without a reason.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::domain::id::{CommitSha, ExecutionId, GroupName, PersonName};

mod freezes;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn person(name: &str) -> PersonName {
    name.parse().unwrap()
}

fn people(names: &[&str]) -> BTreeSet<PersonName> {
    names.iter().map(|name| person(name)).collect()
}

fn execution(number: u8) -> ExecutionId {
    format!("00000000-0000-4000-8000-0000000000{number:02x}").parse().unwrap()
}

fn commit(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().unwrap()
}

fn freeze(name: &str, from: &str, to: &str, zone: &str) -> Freeze {
    let edge = |text| Edge::parse(text).unwrap();
    let time_zone = TimeZone::get(zone).unwrap();
    Freeze { name: name.parse().unwrap(), from: edge(from), to: edge(to), time_zone, reason: None }
}

fn approval(by: &str, answer: Answer, number: u8) -> Approval {
    let (execution, commit) = (execution(number), commit('a'));
    Approval { by: person(by), answer, execution, commit, at: at("2026-05-04T09:00:00Z"), reason: None, link: None }
}

fn hold(scope: &str, until: &str) -> Hold {
    Hold {
        id: "h-1".parse().unwrap(),
        scope: scope.parse().unwrap(),
        reason: "incident 7".into(),
        by: person("ada"),
        at: at("2026-05-04T08:00:00Z"),
        until: at(until),
        lifted: None,
    }
}

/// By way of staging, with two hours of soak that these alarms watch.
fn after_staging(alarms: &[&str]) -> Promotion {
    let alarms = alarms.iter().map(|name| name.parse().unwrap()).collect();
    Promotion { after: "staging".parse().unwrap(), soak: SignedDuration::from_hours(2), alarms }
}

/// A Monday morning.
const NOW: &str = "2026-05-04T10:00:00Z";

/// What a decision rests on, owned.
struct Case {
    run: Run,
    rules: Rules,
    approvals: Vec<Approval>,
    groups: BTreeMap<GroupName, BTreeSet<PersonName>>,
    holds: Vec<Hold>,
    precedent: Option<Precedent>,
    certificate: Certificate,
}

impl Case {
    /// A run of ada's commit at a gate that asks for nothing.
    fn new() -> Self {
        let run = Run {
            cluster: "production/us-east-1/management/mc01".parse().unwrap(),
            execution: execution(1),
            commit: commit('a'),
            authors: Authors { known: people(&["ada"]), unknown: 0 },
            since: at("2026-05-04T09:00:00Z"),
            superseded: false,
        };
        let groups = [("release", &["ada", "bob", "cy"][..]), ("security", &["dee"][..])];
        let groups = groups.map(|(name, members)| (name.parse().unwrap(), people(members))).into();
        Self {
            run,
            rules: Rules { approvals: Some(BTreeMap::new()), ..Rules::default() },
            approvals: Vec::new(),
            groups,
            holds: Vec::new(),
            precedent: None,
            certificate: Certificate::NotNeeded,
        }
    }

    fn asking(least: u32) -> Self {
        let mut case = Self::new();
        case.rules.approvals = Some(BTreeMap::from([("release".parse().unwrap(), least)]));
        case
    }

    fn decide(&self) -> Decision {
        let Self { run, rules, approvals, groups, holds, precedent, certificate } = self;
        let (precedent, certificate) = (precedent.as_ref(), *certificate);
        decide(Facts { run, rules, approvals, groups, holds, precedent, certificate }, at(NOW))
    }

    fn page(&self) -> String {
        let decision = self.decide();
        let mut page = format!("{:?}", decision.verdict);
        for unmet in &decision.unmet {
            let Clearing { who, how } = unmet.clearing();
            page.push_str(&format!("\n- {}\n  {who}: {how}", unmet.sentence()));
        }
        match decision.earliest {
            Some(earliest) => page + &format!("\nat {earliest} at the earliest"),
            None => page + "\nno time alone leads there",
        }
    }
}

#[test]
fn a_gate_that_asks_for_nothing_is_open() {
    let decision = Case::new().decide();
    assert_eq!((decision.verdict, decision.unmet.len(), decision.earliest), (Verdict::Admit, 0, Some(at(NOW))));
}

#[test]
fn where_nothing_is_said_one_approver_says_yes() {
    let mut case = Case { rules: Rules::default(), ..Case::new() };
    case.groups.insert(GroupName::approvers(), people(&["ada", "eve"]));
    insta::assert_snapshot!(case.page(), @r"
    Hold
    - 0 of 1 approvals of approvers; ada wrote what it deploys, and does not count
      eve: approve this run
    at 2026-05-04T10:00:00Z at the earliest
    ");
    case.approvals = vec![approval("bob", Answer::Approve, 1), approval("eve", Answer::Approve, 1)];
    assert_eq!(case.decide().verdict, Verdict::Admit);
    case.groups.clear();
    assert_eq!(case.decide().verdict, Verdict::Hold, "where nobody may approve, nothing passes");
}

#[test]
fn everything_that_is_missing_is_said_at_once_with_who_can_clear_it() {
    let mut case = Case::asking(2);
    case.rules.approvals.as_mut().unwrap().insert("security".parse().unwrap(), 2);
    case.rules.pause = Some("migration of the network".into());
    case.rules.promotion = Some(after_staging(&[]));
    case.rules.freezes.push(freeze("mornings", "08:00", "12:00", "UTC"));
    case.holds.push(hold("region:production/us-east-1", "2026-05-04T15:00:00Z"));
    case.certificate = Certificate::Missing;
    case.approvals = vec![approval("ada", Answer::Approve, 1), approval("bob", Answer::Approve, 1)];
    insta::assert_snapshot!(case.page(), @r#"
    Hold
    - 1 of 2 approvals of release; ada wrote what it deploys, and does not count
      cy: approve this run
    - 0 of 2 approvals of security
      dee: approve this run
    - ada holds region:production/us-east-1 until 2026-05-04T15:00:00Z: "incident 7"
      ada or an administrator: lifts the hold h-1
    - the environment is paused: "migration of the network"
      an administrator: takes pause out of environments.yaml
    - the freeze mornings lasts until 2026-05-04T12:00:00Z
      time: the window ends by itself
    - aaaaaaa has not succeeded in staging
      its author: brings the commit to staging first
    - the cluster has no active certificate
      iot-cert-provisioner: issues another each hour that it can; its last failure says why it could not (docs/runbooks.md, Certificates)
    no time alone leads there
    "#);
}

#[test]
fn the_commit_soaks_and_another_one_stops_it() {
    let mut case = Case::new();
    case.rules.promotion = Some(after_staging(&[]));
    let precedent = Precedent {
        began_at: Some(at("2026-05-04T08:30:00Z")),
        succeeded_at: Some(at("2026-05-04T09:00:00Z")),
        ..Precedent::default()
    };
    case.precedent = Some(precedent.clone());
    insta::assert_snapshot!(case.page(), @r"
    Hold
    - it soaks in staging until 2026-05-04T11:00:00Z
      time: the soak ends by itself
    at 2026-05-04T11:00:00Z at the earliest
    ");
    case.precedent = Some(Precedent { replaced_at: Some(at("2026-05-04T09:01:00Z")), ..precedent.clone() });
    insta::assert_snapshot!(case.page(), @r"
    Hold
    - another commit took its place in staging at 2026-05-04T09:01:00Z, before it had soaked
      its author: mends it and brings another commit to staging
    no time alone leads there
    ");
    let replaced_at = Some(at("2026-05-04T09:59:00Z"));
    case.precedent = Some(Precedent { succeeded_at: Some(at("2026-05-04T07:00:00Z")), replaced_at, ..precedent });
    assert_eq!(case.decide().verdict, Verdict::Admit, "it had soaked by then");
}

/// A commit that has soaked an hour too long, and what its alarms said.
fn soaked(alarms: &[(&str, Watched)]) -> Case {
    let names: Vec<&str> = alarms.iter().map(|(name, _)| *name).collect();
    let mut case = Case::new();
    case.rules.promotion = Some(after_staging(&names));
    case.precedent = Some(Precedent {
        began_at: Some(at("2026-05-04T06:30:00Z")),
        succeeded_at: Some(at("2026-05-04T07:00:00Z")),
        alarms: alarms.iter().map(|(name, said)| (name.parse().unwrap(), *said)).collect(),
        watched_at: Some(at(NOW)),
        ..Precedent::default()
    });
    case
}

#[test]
fn an_alarm_during_the_soak_stops_the_commit_and_so_does_one_that_nobody_knows() {
    let since = at("2026-05-04T08:40:00Z");
    assert_eq!(soaked(&[("p95", Watched::Ok)]).decide().verdict, Verdict::Admit);
    let case = soaked(&[
        ("errors", Watched::WasInAlarm { at: since, until: at("2026-05-04T08:50:00Z") }),
        ("lost \u{202e}", Watched::Unknown(Unwatched::Missing)),
        ("new", Watched::Unknown(Unwatched::NoData)),
        ("old", Watched::Unknown(Unwatched::Forgotten)),
        ("p95", Watched::InAlarm { since }),
        ("quiet", Watched::Ok),
        ("shut", Watched::Unknown(Unwatched::Unread)),
    ]);
    insta::assert_snapshot!(case.page(), @r#"
    Hold
    - the alarm "errors" was on in staging from 2026-05-04T08:40:00Z to 2026-05-04T08:50:00Z, while it had the commit
      its author: mends it and brings another commit to staging, or runs this one there again once the alarm is over: it soaks anew from then
    - there is no alarm "lost \u{202e}" in the control plane's account and region, so nobody says how staging is
      an administrator: makes the alarm, or takes its name out of soak_alarms in environments.yaml
    - the alarm "new" has not enough data to say how staging is
      whoever keeps the alarm: sees to its metric: what it says next counts
    - what the alarm "old" said while the commit soaked in staging is kept no longer
      its author: runs the commit in staging again: it soaks anew from then
    - the alarm "p95" has been on in staging since 2026-05-04T08:40:00Z, while it has the commit
      its author: mends it and brings another commit to staging, or runs this one there again once the alarm is over: it soaks anew from then
    - the alarm "shut", which watches staging, could not be read
      time: the gate looks again each minute; while this lasts the log of stage-gate says why
    no time alone leads there
    "#);
    let mut unread = soaked(&[("p95", Watched::Ok)]);
    unread.precedent.as_mut().unwrap().alarms.clear();
    assert_eq!(unread.decide().verdict, Verdict::Hold, "one that nobody read is not fine");
}

#[test]
fn a_soak_has_not_ended_before_its_alarms_were_looked_at_behind_its_end() {
    let mut case = soaked(&[("p95", Watched::Ok)]);
    let until = at("2026-05-04T09:00:00Z");
    for (seen, verdict) in [(until - SignedDuration::from_secs(1), Verdict::Hold), (until, Verdict::Admit)] {
        case.precedent.as_mut().unwrap().watched_at = Some(seen);
        assert_eq!(case.decide().verdict, verdict, "{seen}");
    }
}

#[test]
fn a_rejection_ends_the_run_and_one_by_somebody_else_does_nothing() {
    let mut case = Case::asking(1);
    case.approvals = vec![approval("bob", Answer::Approve, 1), approval("dee", Answer::Reject, 1)];
    assert_eq!(case.decide().verdict, Verdict::Admit, "dee is in no group that is asked");
    let reason = Some("not \u{202e}today".to_owned());
    case.approvals.push(Approval { reason, ..approval("cy", Answer::Reject, 1) });
    insta::assert_snapshot!(case.page(), @r#"
    Reject
    - cy rejected it at 2026-05-04T09:00:00Z: "not \u{202e}today"
      its author: ask cy, mend it, and push another commit or run it again
    no time alone leads there
    "#);
    case.run.superseded = true;
    case.approvals.clear();
    assert_eq!(case.decide().verdict, Verdict::Reject);
}

#[test]
fn an_author_whom_nobody_knows_costs_one_more_approval() {
    let mut case = Case::asking(1);
    case.run.authors = Authors { known: BTreeSet::new(), unknown: 1 };
    case.approvals = vec![approval("bob", Answer::Approve, 1)];
    insta::assert_snapshot!(case.page(), @r"
    Hold
    - 1 of 2 approvals of release; 1 of its authors are not in people.yaml, and each costs one more
      ada, cy: approve this run
    at 2026-05-04T10:00:00Z at the earliest
    ");
    case.approvals.push(approval("cy", Answer::Approve, 1));
    assert_eq!(case.decide().verdict, Verdict::Admit, "whoever of the two wrote it, the other did not");
}

#[test]
fn a_group_in_which_nobody_else_is_says_who_adds_somebody() {
    let mut case = Case::asking(3);
    case.approvals = vec![approval("bob", Answer::Approve, 1), approval("cy", Answer::Approve, 1)];
    insta::assert_snapshot!(case.page(), @r"
    Hold
    - 2 of 3 approvals of release; ada wrote what it deploys, and does not count
      an administrator: adds somebody to release in people.yaml
    no time alone leads there
    ");
}

#[test]
fn a_hold_stops_what_it_names_until_it_ends() {
    let table = [
        ("all", "2026-05-04T10:00:01Z", Verdict::Hold),
        ("all", NOW, Verdict::Admit),
        ("environment:production", "2026-05-05T00:00:00Z", Verdict::Hold),
        ("environment:staging", "2026-05-05T00:00:00Z", Verdict::Admit),
        ("region:production/us-east-1", "2026-05-05T00:00:00Z", Verdict::Hold),
        ("region:production/eu-west-1", "2026-05-05T00:00:00Z", Verdict::Admit),
        ("cluster:production/us-east-1/management/mc01", "2026-05-05T00:00:00Z", Verdict::Hold),
        ("cluster:production/us-east-1/regional", "2026-05-05T00:00:00Z", Verdict::Admit),
    ];
    for (scope, until, verdict) in table {
        let mut case = Case::new();
        case.holds.push(hold(scope, until));
        assert_eq!(case.decide().verdict, verdict, "{scope} until {until}");
        assert_eq!(scope.parse::<HoldScope>().unwrap().to_string(), scope);
    }
    let mut case = Case::new();
    case.holds
        .push(Hold { lifted: Some(Lifted { by: person("bob"), at: at(NOW) }), ..hold("all", "2026-05-05T00:00:00Z") });
    assert_eq!(case.decide().verdict, Verdict::Admit, "it was lifted");
    for wrong in ["", "ALL", "environment", "environment:", "region:production", "cluster:mc01", "pod:ratio", "all:"] {
        assert!(wrong.parse::<HoldScope>().is_err(), "{wrong}");
    }
}

#[test]
fn a_certificate_must_be_there_and_live() {
    for (certificate, verdict) in [
        (Certificate::NotNeeded, Verdict::Admit),
        (Certificate::Until(at("2026-06-03T10:00:01Z")), Verdict::Admit),
        (Certificate::Until(at("2026-06-03T10:00:00Z")), Verdict::Hold),
        (Certificate::Until(at(NOW)), Verdict::Hold),
        (Certificate::Missing, Verdict::Hold),
    ] {
        let case = Case { certificate, ..Case::new() };
        assert_eq!(case.decide().verdict, verdict, "{certificate:?}");
    }
}

#[test]
fn the_earliest_time_is_behind_every_window_and_there_is_none_where_they_do_not_end() {
    let mut case = Case::new();
    case.rules.freezes = vec![
        freeze("mornings", "08:00", "12:00", "UTC"),
        freeze("noons", "12:00", "14:30", "UTC"),
        freeze("tuesdays", "monday 18:00", "wednesday 00:00", "UTC"),
    ];
    assert_eq!(case.decide().earliest, Some(at("2026-05-04T14:30:00Z")));
    case.holds.push(hold("all", "2026-05-04T19:00:00Z"));
    assert_eq!(case.decide().earliest, Some(at("2026-05-06T00:00:00Z")), "the hold ends in another window");
    case.rules.freezes.push(freeze("the-rest", "14:00", "09:00", "UTC"));
    let decision = case.decide();
    assert_eq!((decision.verdict, decision.earliest), (Verdict::Hold, None));
}

fn watched() -> impl Strategy<Value = Watched> {
    let (at, until) = (at("2026-05-04T07:30:00Z"), at("2026-05-04T07:40:00Z"));
    let unknown =
        [Unwatched::Missing, Unwatched::NoData, Unwatched::Forgotten, Unwatched::Unread].map(Watched::Unknown);
    let bad = [Watched::InAlarm { since: at }, Watched::WasInAlarm { at, until }].into_iter().chain(unknown);
    prop_oneof![2 => Just(Watched::Ok), 1 => prop::sample::select(bad.collect::<Vec<_>>())]
}

fn answers() -> impl Strategy<Value = Vec<Approval>> {
    let by = prop::sample::select(vec!["ada", "bob", "cy", "dee", "eve"]);
    let answer = prop_oneof![4 => Just(Answer::Approve), 1 => Just(Answer::Reject)];
    let one = (by, answer, 1..4_u8, prop::sample::select(vec!['a', 'b']))
        .prop_map(|(by, answer, number, digit)| Approval { commit: commit(digit), ..approval(by, answer, number) });
    prop::collection::vec(one, 0..8)
}

proptest! {
    /// Both directions: of the alarms that watch, every one must have been fine, and nothing else of them is asked.
    #[test]
    fn a_soak_passes_when_every_alarm_was_fine(said in prop::collection::vec(watched(), 1..6)) {
        let names = ["a", "b", "c", "d", "e"];
        let alarms: Vec<_> = names.into_iter().zip(said).collect();
        let decision = soaked(&alarms).decide();
        let bad = alarms.iter().filter(|(_, said)| *said != Watched::Ok).count();
        prop_assert_eq!(decision.unmet.len(), bad);
        prop_assert_eq!(decision.verdict, if bad == 0 { Verdict::Admit } else { Verdict::Hold });
        prop_assert_eq!(decision.earliest.is_some(), bad == 0, "no time alone leads there");
    }

    /// Approving one execution never releases another (threats 53, 54), nor the same one at another commit.
    #[test]
    fn what_was_said_of_another_run_changes_nothing(least in 1..3_u32, unknown in 0..2_u32, approvals in answers()) {
        let mut case = Case::asking(least);
        case.run.authors.unknown = unknown;
        case.approvals = approvals.clone();
        let all = case.decide();
        case.approvals.retain(|one| one.execution == case.run.execution && one.commit == case.run.commit);
        prop_assert_eq!(&case.decide(), &all);
        // Both directions, said anew: enough members who wrote none of it approved, and nobody who is asked said no.
        let of = |wanted| case.approvals.iter().filter(move |one| one.answer == wanted).map(|one| one.by.as_str());
        let members = ["ada", "bob", "cy"];
        let no = of(Answer::Reject).any(|by| members.contains(&by));
        let yes: BTreeSet<_> = of(Answer::Approve).filter(|by| ["bob", "cy"].contains(by)).collect();
        let verdict = match (no, yes.len() >= (least + unknown) as usize) {
            (true, _) => Verdict::Reject,
            (false, true) => Verdict::Admit,
            (false, false) => Verdict::Hold,
        };
        prop_assert_eq!(all.verdict, verdict);
        prop_assert_eq!(all.unmet.is_empty(), verdict == Verdict::Admit);
    }
}
