//! Where a move may lead as a word, and what is said to whoever asks for one that is refused.

use super::*;

#[test]
fn a_destination_is_one_word() {
    for (word, to) in [
        ("ship", Destination::Stage(id("ship"))),
        ("parked", Destination::Stage(id("parked"))),
        ("PARKED", Destination::Parked),
        ("KILLED", Destination::Killed),
    ] {
        let json = serde_json::Value::from(word);
        assert_eq!(serde_json::from_value::<Destination>(json.clone()).unwrap(), to);
        assert_eq!((serde_json::to_value(&to).unwrap(), to.to_string()), (json, word.to_owned()));
    }
    for wrong in ["Parked", "SHIP", "", "a b"] {
        assert!(serde_json::from_value::<Destination>(wrong.into()).is_err(), "{wrong}");
    }
}

/// Whoever wants further than the next stage is told what the first gate on the way lacks.
#[test]
fn who_skips_a_stage_is_told_what_the_next_one_asks_for() {
    let unmet = Case::with(|case| {
        case.request.to = Destination::Stage(id("scale"));
        case.evidence.remove(&id::<CriterionKey>("demo_approved"));
    });
    assert_eq!(
        unmet,
        [
            "a move goes one stage forward: ship lies before it",
            "demo_approved is missing: it must be true, from somebody's word"
        ]
    );
}

#[test]
fn each_obstacle_says_who_can_clear_it_and_by_what() {
    let mut case = Case::good();
    case.evidence.clear();
    case.approvals.clear();
    case.groups.remove(&id::<GroupName>("technical-lead"));
    let facts = case.facts();
    let found = obstacles(facts, &case.request, &decide(facts, &case.request, now()).unmet);
    let page: Vec<String> = found
        .iter()
        .map(|one| {
            let who: Vec<&str> = one.who.iter().map(PersonName::as_str).collect();
            format!("{}: {} by [{}]", one.missing, serde_json::to_string(&one.remedy).unwrap(), who.join(", "))
        })
        .collect();
    insta::assert_snapshot!(page.join("\n"), @r#"
    coverage_percent is missing: it must be more than 60, from a check run: {"action":"bring","key":"coverage_percent"} by [ada]
    all_tests_pass is missing: it must be true, from a check run: {"action":"bring","key":"all_tests_pass"} by [ada]
    demo_approved is missing: it must be true, from somebody's word: {"action":"change_governance"} by []
    effort_weeks is missing: it must be more than 0, from somebody's word: {"action":"change_governance"} by []
    maturity is missing: it must be "L2", from a file: {"action":"bring","key":"maturity"} by [ada]
    0 of 1 approvals of integrator: ian, ivy may: {"action":"approve","from":"scaffold","to":"ship","head":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"} by [ian, ivy]
    0 of 2 approvals of executive: ed, eve may: {"action":"approve","from":"scaffold","to":"ship","head":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"} by [ed, eve]
    "#);
}

#[test]
fn what_the_first_stage_s_entry_lacks_is_cleared_by_whose_word_it_takes() {
    let mut case = Case::good();
    case.pipeline.stages[0].entry = vec![criterion("problem_known", Requirement::Is(true), Source::Attestation)];
    case.item.position = Position::Active { stage: id("seed") };
    (case.request.from, case.request.to) = (id("seed"), Destination::Stage(id("scaffold")));
    let facts = case.facts();
    let found = obstacles(facts, &case.request, &decide(facts, &case.request, now()).unmet);
    let [lacks] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(lacks.remedy, Remedy::Attest { key: id("problem_known") });
    assert_eq!(lacks.who, [id("tess")].into());
}
