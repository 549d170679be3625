//! The gate: what it lets pass, what it does not, and that it names everything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    id::{CommitSha, CriterionKey, GroupName, PersonName, StageName},
    stage::kill::KillReview,
    wip::ItemType,
};

fn now() -> Timestamp {
    Timestamp::from_second(1_767_603_600).unwrap()
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn head() -> CommitSha {
    id(&"0a".repeat(20))
}

fn criterion(key: &str, requirement: Requirement, source: Source) -> Criterion {
    let attested_by = if source == Source::Attestation { [id("technical-lead")].into() } else { BTreeSet::new() };
    let sources = [source].into();
    Criterion { key: id(key), requirement, sources, attested_by, fresh_for: None, measure: None, when: vec![] }
}

/// Three stages; from the second to the third it takes all kinds of evidence and two reviews.
fn pipeline() -> StagePipeline {
    let stage = |name: &str| Stage {
        name: id(name),
        entry: vec![],
        exit: vec![],
        reviews: vec![],
        within: None,
        kill_rules: vec![],
        suggested_by: vec![],
    };
    let more_than = |bound: &str| Requirement::Number(Comparison::MoreThan, id(bound));
    let review = |group: &str, at_least, when| Review { group: id(group), at_least, when, if_any: false };
    StagePipeline {
        name: id("candlefish"),
        parked_review: SignedDuration::from_hours(720),
        stages: vec![
            stage("seed"),
            Stage {
                exit: vec![
                    criterion("coverage_percent", more_than("60"), Source::CheckRun),
                    criterion("all_tests_pass", Requirement::Is(true), Source::CheckRun),
                    criterion("demo_approved", Requirement::Is(true), Source::Attestation),
                    criterion("effort_weeks", more_than("0"), Source::Attestation),
                ],
                reviews: vec![
                    review("integrator", Some(1), None),
                    review("executive", None, Some((id("effort_weeks"), more_than("2")))),
                ],
                ..stage("scaffold")
            },
            Stage {
                entry: vec![criterion("maturity", Requirement::OneOf(["L2".to_owned()].into()), Source::Artifact)],
                ..stage("ship")
            },
            stage("scale"),
        ],
    }
}

/// Everything that the move from scaffold to ship needs.
struct Case {
    item: Item,
    pipeline: StagePipeline,
    evidence: BTreeMap<CriterionKey, Evidence>,
    approvals: Vec<Approval>,
    kill: KillReview,
    groups: BTreeMap<GroupName, BTreeSet<PersonName>>,
    request: MoveRequest,
}

fn evidence(value: Value, provenance: Provenance) -> Evidence {
    Evidence { value, provenance, head: Some(head()), at: now() }
}

fn check(value: Value) -> Evidence {
    evidence(value, Provenance::CheckRun { name: "ci".to_owned() })
}

fn number(text: &str) -> Value {
    Value::Number(id(text))
}

fn approval(by: &str) -> Approval {
    Approval { by: id(by), from: id("scaffold"), to: id("ship"), head: Some(head()), at: now() }
}

impl Case {
    fn good() -> Self {
        let word = evidence(Value::Bool(true), Provenance::Attestation { by: id("tess") });
        let file =
            evidence(Value::Text("L2".to_owned()), Provenance::Artifact { digest: crate::domain::id::Digest::of(b"") });
        Self {
            item: Item {
                id: id("p-1"),
                title: "a product".to_owned(),
                item_type: ItemType::Project,
                pod: id("ratio"),
                owner: id("ada"),
                pipeline: id("candlefish"),
                position: Position::Active { stage: id("scaffold") },
                since: now() - SignedDuration::from_hours(24),
                updated_at: now() - SignedDuration::from_hours(24),
                blocked_since: None,
                link: None,
                head: Some(head()),
                suggested: None,
                deployments: BTreeMap::new(),
                archived: None,
                version: 3,
            },
            pipeline: pipeline(),
            evidence: BTreeMap::from([
                (id("coverage_percent"), check(number("60.5"))),
                (id("all_tests_pass"), check(Value::Bool(true))),
                (id("demo_approved"), word.clone()),
                (id("maturity"), file),
                (id("effort_weeks"), Evidence { value: number("3"), ..word }),
            ]),
            approvals: vec![approval("ivy"), approval("eve"), approval("ed")],
            kill: KillReview::default(),
            groups: BTreeMap::from([
                (id("technical-lead"), [id("tess")].into()),
                (id("integrator"), [id("ivy"), id("ian")].into()),
                (id("executive"), [id("eve"), id("ed")].into()),
            ]),
            request: MoveRequest {
                request_id: id("r-1"),
                from: id("scaffold"),
                to: Destination::Stage(id("ship")),
                requested_by: id("ada"),
                unproven: false,
                reason: None,
                version: None,
            },
        }
    }

    fn decide(&self) -> Decision {
        super::decide(self.facts(), &self.request, now())
    }

    fn facts(&self) -> Facts<'_> {
        let Self { item, pipeline, evidence, approvals, kill, groups, .. } = self;
        Facts { item, pipeline, evidence, approvals, kill, groups }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Vec<String> {
        let mut case = Self::good();
        change(&mut case);
        case.decide().unmet.iter().map(Unmet::sentence).collect()
    }

    fn set(&mut self, key: &str, change: impl FnOnce(&mut Evidence)) {
        change(self.evidence.get_mut(&id::<CriterionKey>(key)).unwrap());
    }
}

mod blocking;
mod kill;
mod obstacles;
mod reviews;
mod sourcing;
mod suggestion;

#[test]
fn what_has_all_it_needs_moves() {
    assert_eq!(Case::good().decide(), Decision { step: Some(Step::Forward), unmet: vec![] });
    assert!(Case::good().decide().admits());
}

#[test]
fn each_thing_that_is_wrong_is_named() {
    let one = |change: &dyn Fn(&mut Case)| {
        let mut unmet = Case::with(change);
        let first = unmet.pop();
        assert_eq!(unmet, Vec::<String>::new());
        first.unwrap()
    };
    let to = |stage: &str| Destination::Stage(id(stage));
    assert_eq!(one(&|case| case.request.to = to("scale")), "a move goes one stage forward: ship lies before it");
    assert_eq!(
        one(&|case| case.request.to = to("shipp")),
        "there is no stage shipp: there are seed, scaffold, ship, scale"
    );
    assert_eq!(one(&|case| case.request.to = to("scaffold")), "the item is there already");
    assert_eq!(one(&|case| case.request.from = id("seed")), "the item is in scaffold, not in seed: look at it again");
    assert_eq!(
        one(&|case| case.set("coverage_percent", |evidence| evidence.value = Value::Text("61".to_owned()))),
        r#"coverage_percent is "61" (a text), and must be a number"#
    );
    assert_eq!(
        one(&|case| case.set("coverage_percent", |evidence| evidence.value = number("60"))),
        "coverage_percent is 60 (a number), and must be more than 60"
    );
    assert_eq!(
        one(&|case| case.set("all_tests_pass", |evidence| evidence.value = Value::Text("false".to_owned()))),
        r#"all_tests_pass is "false" (a text), and must be true or false"#
    );
    assert_eq!(
        one(&|case| case.set("maturity", |evidence| evidence.value = Value::Text("L1".to_owned()))),
        r#"maturity is "L1" (a text), and must be "L2""#
    );
    assert_eq!(
        one(&|case| drop(case.evidence.remove(&id::<CriterionKey>("demo_approved")))),
        "demo_approved is missing: it must be true, from somebody's word"
    );
    let theirs = |case: &mut Case| {
        case.set("demo_approved", |evidence| evidence.provenance = Provenance::Attestation { by: id("ada") });
    };
    assert_eq!(one(&theirs), "demo_approved is the word of ada: it takes that of somebody in technical-lead");
    let said = |case: &mut Case| {
        case.set("all_tests_pass", |evidence| evidence.provenance = Provenance::Attestation { by: id("tess") });
    };
    assert_eq!(one(&said), "all_tests_pass comes from somebody's word, and must come from a check run");
    assert_eq!(
        one(&|case| case.set("all_tests_pass", |evidence| evidence.head = Some(id(&"0b".repeat(20))))),
        "all_tests_pass is for 0b0b0b0, and the item is at 0a0a0a0: bring it for this commit"
    );
    assert_eq!(
        one(&|case| case.set("all_tests_pass", |evidence| evidence.head = None)),
        "all_tests_pass is for no commit, and the item is at 0a0a0a0: bring it for this commit"
    );
    assert_eq!(
        one(&|case| case.set("all_tests_pass", |evidence| evidence.at = now() + SignedDuration::from_secs(6))),
        "all_tests_pass is from 2026-01-05T09:00:06Z, which is not yet: a clock is wrong"
    );
}

#[test]
fn the_first_gate_asks_for_the_entry_of_the_first_stage_too() {
    let unmet = Case::with(|case| {
        case.pipeline.stages[0].entry = vec![criterion("problem_statement", Requirement::Is(true), Source::Artifact)];
        case.item.position = Position::Active { stage: id("seed") };
        (case.request.from, case.request.to) = (id("seed"), Destination::Stage(id("scaffold")));
    });
    assert_eq!(unmet, ["problem_statement is missing: it must be true, from a file"]);
}

#[test]
fn evidence_about_a_commit_proves_nothing_of_an_item_without_one() {
    let unmet = Case::with(|case| {
        case.item.head = None;
        case.approvals.iter_mut().for_each(|approval| approval.head = None);
    });
    assert_eq!(unmet.len(), case_keys(), "{unmet:?}");
    assert!(unmet.iter().all(|one| one.contains("is for 0a0a0a0, and the item is at no commit")), "{unmet:?}");
}

/// How much evidence a good case has.
fn case_keys() -> usize {
    Case::good().evidence.len()
}

#[test]
fn after_a_move_back_the_gates_ahead_want_their_evidence_again() {
    let Case { item, evidence, approvals, pipeline, .. } = Case::good();
    let dossier = Dossier { evidence, approvals, ..Dossier::new(item) };
    let keys = |to: Destination| dossier.moved(&to, &pipeline, now()).evidence.len();
    assert_eq!(keys(Destination::Stage(id("seed"))), 0);
    assert_eq!(keys(Destination::Stage(id("ship"))), case_keys(), "a move forward takes nothing");
    assert_eq!(keys(Destination::Parked), case_keys());
    let ahead = Dossier {
        item: Item { position: Position::Active { stage: id("scale") }, ..dossier.item.clone() },
        ..dossier.clone()
    };
    assert_eq!(
        ahead.moved(&Destination::Stage(id("ship")), &pipeline, now()).evidence.len(),
        case_keys(),
        "its gate lies behind"
    );
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let unmet = Case::with(|case| {
        case.evidence.clear();
        case.approvals.clear();
        case.request.from = id("seed");
    });
    assert_eq!(unmet.len(), 1 + 5 + 2, "{unmet:#?}");
}

#[test]
fn moves_go_back_aside_and_to_the_end_without_a_gate() {
    let moved = |position: Position, to: Destination, reason: Option<&str>| {
        let mut case = Case::good();
        case.evidence.clear();
        case.approvals.clear();
        case.request.from = position.stage().clone();
        case.item.position = position;
        case.request.to = to;
        case.request.reason = reason.map(str::to_owned);
        let decision = case.decide();
        (decision.step, decision.unmet.iter().map(Unmet::sentence).collect::<Vec<_>>())
    };
    let active = |stage: &str| Position::Active { stage: id(stage) };
    let parked = || Position::Parked { from: id("scaffold") };
    let killed = || Position::Killed { from: id("scaffold") };
    let stage = |name: &str| Destination::Stage(id(name));
    let why = Some("the market went another way");
    assert_eq!(moved(active("scale"), stage("seed"), None), (Some(Step::Back), vec![]));
    assert_eq!(moved(active("scaffold"), Destination::Parked, why), (Some(Step::Park), vec![]));
    assert_eq!(moved(active("scaffold"), Destination::Killed, why), (Some(Step::Kill), vec![]));
    assert_eq!(moved(parked(), Destination::Killed, why), (Some(Step::Kill), vec![]));
    assert_eq!(moved(parked(), stage("scaffold"), None), (Some(Step::Resume), vec![]));
    for (position, to, reason, sentence) in [
        (parked(), stage("seed"), None, "a parked item goes back to where it left: scaffold"),
        (parked(), stage("ship"), None, "a parked item goes back to where it left: scaffold"),
        (parked(), Destination::Parked, why, "the item is there already"),
        (killed(), stage("scaffold"), None, "the item has been killed, and goes nowhere: begin a new one"),
        (killed(), Destination::Killed, why, "the item has been killed, and goes nowhere: begin a new one"),
        (killed(), Destination::Parked, why, "the item has been killed, and goes nowhere: begin a new one"),
    ] {
        assert_eq!(moved(position, to, reason), (None, vec![sentence.to_owned()]));
    }
    for reason in [None, Some("  too short    ")] {
        let (_, unmet) = moved(active("scaffold"), Destination::Killed, reason);
        assert_eq!(unmet, ["give a reason of at least 15 characters"]);
    }
    let (step, unmet) = moved(active("gone"), stage("ship"), None);
    assert_eq!((step, unmet.len()), (None, 1));
    let gone = "its stage gone is no longer in the pipeline's file: move it to the first stage, park it or kill it";
    assert_eq!(unmet, [gone]);
    let left = || Position::Parked { from: id("gone") };
    assert_eq!(moved(active("gone"), stage("seed"), None), (Some(Step::Back), vec![]), "it begins anew");
    assert_eq!(moved(left(), stage("seed"), None), (Some(Step::Resume), vec![]));
    assert_eq!(moved(left(), stage("ship"), None), (None, vec![gone.to_owned()]));
}

#[test]
fn numbers_are_exact_and_typed() {
    for text in ["0", "-0.001", "60.5", "999999999999.999", "3"] {
        assert_eq!(text.parse::<Number>().unwrap().to_string(), text);
    }
    for text in ["", "-", "1e3", "1.2345", "1.", ".5", "+1", "1000000000000000", "NaN", "١"] {
        assert!(text.parse::<Number>().is_err(), "{text}");
    }
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    assert_eq!(value("61"), number("61"));
    assert_eq!(value(r#""61""#), Value::Text("61".to_owned()));
    assert_eq!(value("true"), Value::Bool(true));
    assert_eq!(value(r#""false""#), Value::Text("false".to_owned()));
    assert!(serde_json::from_str::<Value>("null").is_err() && serde_json::from_str::<Value>("[1]").is_err());
}

proptest! {
    /// Whatever is taken away from what a move has: it stays, and says so; and whatever is added to it that nobody asks for changes nothing.
    #[test]
    fn a_move_passes_exactly_when_nothing_is_missing(keep in prop::collection::vec(any::<bool>(), 8), extra in "[a-z][a-z_]{0,9}") {
        let mut case = Case::good();
        let keys: Vec<CriterionKey> = case.evidence.keys().filter(|key| key.as_str() != "effort_weeks").cloned().collect();
        for (key, _) in keys.iter().zip(&keep).filter(|(_, keep)| !**keep) {
            case.evidence.remove(key);
        }
        let approvals = std::mem::take(&mut case.approvals);
        case.approvals.extend(approvals.into_iter().zip(keep.iter().skip(4)).filter(|(_, keep)| **keep).map(|(one, _)| one));
        if !case.evidence.contains_key(&id::<CriterionKey>(&extra)) && !keys.contains(&id(&extra)) && extra != "effort_weeks" {
            case.evidence.insert(id(&extra), check(Value::Bool(false)));
        }
        let missing = keep.iter().take(5).filter(|keep| !**keep).count() + usize::from(!(keep[5] && keep[6]));
        let decision = case.decide();
        prop_assert_eq!(decision.unmet.len(), missing, "{:#?}", decision);
        prop_assert_eq!(decision.admits(), missing == 0);
    }

    /// No move leads out of the graph: forward by one, back by any, aside and back to the same, and never out of the end.
    #[test]
    fn moves_follow_the_graph(from in 0_usize..4, to in 0_usize..4, parked: bool) {
        let case = Case::good();
        let name = |at: usize| -> StageName { case.pipeline.stages[at].name.clone() };
        let position = if parked { Position::Parked { from: name(from) } } else { Position::Active { stage: name(from) } };
        let item = Item { position, ..case.item.clone() };
        let step = item.step_to(&Destination::Stage(name(to)), &case.pipeline).ok();
        let expected = match (parked, to.cmp(&from)) {
            (true, std::cmp::Ordering::Equal) => Some(Step::Resume),
            (true, _) | (false, std::cmp::Ordering::Equal) => None,
            (false, std::cmp::Ordering::Less) => Some(Step::Back),
            (false, std::cmp::Ordering::Greater) => (to == from + 1).then_some(Step::Forward),
        };
        prop_assert_eq!(step, expected);
    }
}

#[test]
fn the_last_gate_leads_out_and_what_is_done_may_come_back() {
    let mut case = Case::good();
    let last = case.pipeline.stages.last().unwrap().name.clone();
    let active = |stage: &StageName| Position::Active { stage: stage.clone() };
    let step = |case: &Case, to: Destination| case.item.step_to(&to, &case.pipeline);
    assert!(matches!(step(&case, Destination::Done), Err(Unmet::Skips { .. })), "there are stages ahead");
    case.item.position = active(&last);
    assert_eq!(
        (case.item.next(&case.pipeline), step(&case, Destination::Done)),
        (Some(Destination::Done), Ok(Step::Finish))
    );
    case.item = case.item.moved(&Destination::Done, now());
    assert_eq!((case.item.next(&case.pipeline), step(&case, Destination::Killed)), (None, Ok(Step::Kill)));
    assert_eq!(step(&case, Destination::Stage(id("scaffold"))), Ok(Step::Back));
    assert_eq!(step(&case, Destination::Stage(last)), Ok(Step::Back));
    for nowhere in [Destination::Done, Destination::Parked] {
        assert_eq!(step(&case, nowhere), Err(Unmet::AlreadyThere));
    }
    case.item.position = Position::Parked { from: id("scaffold") };
    assert!(matches!(step(&case, Destination::Done), Err(Unmet::OnlyBackTo { .. })));
}
