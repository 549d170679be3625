//! Who reviews a move, when a review falls away, and what an approval is about.

use super::*;

#[test]
fn nobody_reviews_what_they_ask_for_and_an_approval_is_for_one_move_of_one_commit() {
    let waits = ["0 of 1 approvals of integrator: ian, ivy may"];
    let ivy = |change: fn(&mut Approval)| Case::with(|case| change(&mut case.approvals[0]));
    assert_eq!(ivy(|approval| approval.head = Some(id(&"0b".repeat(20)))), waits);
    assert_eq!(ivy(|approval| approval.head = None), waits);
    assert_eq!(ivy(|approval| approval.to = id("scale")), waits);
    assert_eq!(ivy(|approval| approval.from = id("seed")), waits);
    assert_eq!(ivy(|approval| approval.at = now() - SignedDuration::from_hours(25)), waits, "before it came here");
    assert_eq!(ivy(|approval| approval.by = id("tess")), waits, "not one of them");
    let self_review = Case::with(|case| case.request.requested_by = id("ivy"));
    assert_eq!(self_review, ["0 of 1 approvals of integrator: ian may; who asks for the move does not count"]);
    let alone = |case: &mut Case| {
        case.request.requested_by = id("ivy");
        case.groups.insert(id("integrator"), [id("ivy")].into());
    };
    let nobody = "0 of 1 approvals of integrator: nobody else is in it: an administrator adds somebody";
    assert_eq!(Case::with(alone), [format!("{nobody}; who asks for the move does not count")]);
    assert_eq!(Case::with(|case| drop(case.groups.remove(&id::<GroupName>("integrator")))), [nobody]);
}

/// Whoever may put events on the bus may name anybody: a reviewer who names another as the one who asks gains nothing.
#[test]
fn where_nobody_proved_who_asks_each_review_takes_one_more() {
    let unproven = |change: fn(&mut Case)| {
        Case::with(|case| {
            case.request.unproven = true;
            change(case);
        })
    };
    let more = "1 of 2 approvals of integrator: ian may; nobody proved who asks, so it takes one more than else";
    assert_eq!(unproven(|_| {}), [more]);
    assert_eq!(unproven(|case| case.approvals.push(approval("ian"))), Vec::<String>::new());
    assert_eq!(unproven(|case| case.request.requested_by = id("ivy")), [more], "whoever is named");
    let all = unproven(|case| {
        case.approvals.retain(|approval| approval.by.as_str() != "eve");
        case.approvals.push(approval("ian"));
        case.request.requested_by = id("eve");
    });
    assert_eq!(all, ["1 of 2 approvals of executive: eve may; nobody proved who asks, so it takes one more than else"]);
}

#[test]
fn every_one_of_a_group_is_every_one_and_a_condition_that_nobody_can_judge_holds() {
    assert_eq!(Case::with(|case| drop(case.approvals.pop())), ["1 of 2 approvals of executive: ed may"]);
    let ahead =
        |case: &mut Case| case.set("all_tests_pass", |evidence| evidence.at = now() + SignedDuration::from_secs(5));
    assert_eq!(Case::with(ahead), Vec::<String>::new(), "clocks differ by some seconds");
    let small = |case: &mut Case| {
        case.set("effort_weeks", |evidence| evidence.value = number("2"));
        case.approvals.truncate(1);
    };
    assert_eq!(Case::with(small), Vec::<String>::new());
    // What proves nothing switches no review off, whatever it says.
    let unjudged: [fn(&mut Case); 4] = [
        |case| drop(case.evidence.remove(&id::<CriterionKey>("effort_weeks"))),
        |case| case.set("effort_weeks", |evidence| evidence.value = Value::Text("1".to_owned())),
        |case| {
            case.set("effort_weeks", |evidence| {
                (evidence.value, evidence.provenance) = (number("1"), Provenance::Attestation { by: id("ada") });
            });
        },
        |case| {
            case.set("effort_weeks", |evidence| {
                (evidence.value, evidence.head) = (number("1"), Some(id(&"0b".repeat(20))));
            });
        },
    ];
    for change in unjudged {
        let unmet = Case::with(|case| {
            case.approvals.truncate(1);
            change(case);
        });
        assert_eq!(unmet.len(), 2, "{unmet:?}");
        assert_eq!(unmet[1], "0 of 2 approvals of executive: ed, eve may");
    }
}

#[test]
fn other_evidence_takes_the_approvals_that_were_given_without_it() {
    let case = Case::good();
    let Case { item, evidence, approvals, .. } = case;
    let dossier = Dossier { evidence, approvals, ..Dossier::new(item) };
    let key: CriterionKey = id("effort_weeks");
    let same = dossier.evidence[&key].clone();
    let later = Evidence { at: now() + SignedDuration::from_secs(1), ..same.clone() };
    assert_eq!(dossier.clone().with_evidence(key.clone(), later).approvals.len(), 3, "it says what it said");
    let less = Evidence { value: number("1"), ..same.clone() };
    assert_eq!(dossier.clone().with_evidence(key, less).approvals, []);
    assert_eq!(dossier.with_evidence(id("another"), same).approvals, []);
}

#[test]
fn what_is_asked_for_only_under_a_condition_is_asked_for_while_the_condition_is_not_known_to_be_otherwise() {
    let memo = |case: &mut Case, weeks: Option<&str>, tests: Option<bool>| {
        let more = |bound: &str| Requirement::Number(Comparison::MoreThan, id(bound));
        let when = vec![(id("coverage_percent"), more("90")), (id("all_tests_pass"), Requirement::Is(false))];
        let exit = &mut case.pipeline.stages[1].exit;
        exit.push(Criterion { when, ..criterion("decision_memo", Requirement::Is(true), Source::Artifact) });
        match weeks {
            Some(weeks) => case.set("coverage_percent", |evidence| evidence.value = number(weeks)),
            None => drop(case.evidence.remove(&id::<CriterionKey>("coverage_percent"))),
        }
        match tests {
            Some(tests) => case.set("all_tests_pass", |evidence| evidence.value = Value::Bool(tests)),
            None => drop(case.evidence.remove(&id::<CriterionKey>("all_tests_pass"))),
        }
    };
    let asked = |weeks, tests| {
        let unmet = Case::with(|case| memo(case, weeks, tests));
        unmet.iter().any(|sentence| sentence.starts_with("decision_memo is missing"))
    };
    assert!(!asked(Some("90"), Some(true)), "neither is so");
    assert!(asked(Some("91"), Some(true)) && asked(Some("90"), Some(false)), "one is so");
    assert!(asked(None, Some(true)) && asked(Some("90"), None), "one is not known");
}
