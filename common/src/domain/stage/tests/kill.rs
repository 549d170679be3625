//! Kill review: nothing ends early, for a reason that has gone, for lack of knowledge, or without having been told.

use super::*;
use crate::domain::{
    id::KillRuleName,
    rhythm::Cause,
    stage::kill::{
        Exception, Fate, KillAction, KillReview, KillRule, NoMercy, Remedy, Seen, appeal, except, fate, look, remedies,
    },
};

fn rule(name: &str, grace_hours: i64) -> KillRule {
    KillRule {
        name: id(name),
        when: (id("days_since_update"), Requirement::Number(Comparison::MoreThan, id("30"))),
        action: KillAction::Archive,
        grace: SignedDuration::from_hours(grace_hours),
        notify: vec![id("owner")],
    }
}

fn stood(days: &str) -> BTreeMap<CriterionKey, Value> {
    [(id("days_since_update"), number(days))].into()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn exception(until: Timestamp) -> Exception {
    let plan = "we found a customer, and ship a first part to them in March".to_owned();
    Exception { until, accepted_by: id("eve"), plan }
}

#[test]
fn a_review_opens_waits_and_is_due_only_when_the_rule_still_holds() {
    let rules = [rule("no-update", 168)];
    let name: KillRuleName = id("no-update");
    let (open, seen) = look(&rules, &KillReview::default(), &stood("31"), now());
    assert_eq!(seen, [Seen::Opened { rule: name.clone(), deadline: now() + hours(168) }]);
    assert_eq!(look(&rules, &open, &stood("32"), now() + hours(167)), (open.clone(), vec![]), "not yet");
    let (still, seen) = look(&rules, &open, &stood("38"), now() + hours(168));
    assert_eq!(seen, [Seen::Due { rule: name.clone(), action: KillAction::Archive }]);
    assert!(still.open[&name].done);
    assert_eq!(look(&rules, &still, &stood("39"), now() + hours(169)), (still.clone(), vec![]), "it is due once");
    let (cleared, seen) = look(&rules, &open, &stood("0"), now() + hours(168));
    assert_eq!((cleared, seen), (KillReview::default(), vec![Seen::Cleared { rule: name.clone() }]));
    let (at_once, seen) = look(&[rule("no-update", 0)], &KillReview::default(), &stood("31"), now());
    assert_eq!(seen.len(), 2, "without a grace it is told and due at once: {at_once:?}");
    let (kept, seen) = look(&rules, &open, &BTreeMap::new(), now() + hours(999));
    assert_eq!(seen, [Seen::Unknown { rule: name, key: id("days_since_update") }]);
    assert_eq!(kept, open, "nothing is ended for lack of knowledge");
    assert_eq!(
        look(&[], &open, &stood("31"), now() + hours(999)),
        (KillReview::default(), vec![]),
        "no rule, no review"
    );
}

#[test]
fn an_exception_rests_the_rule_once_and_an_appeal_moves_the_deadline_once() {
    let rules = [rule("no-update", 168)];
    let name: KillRuleName = id("no-update");
    let (open, _) = look(&rules, &KillReview::default(), &stood("31"), now());
    let until = now() + hours(30 * 24);
    let excepted = except(&open, &name, exception(until), now()).unwrap();
    assert_eq!(look(&rules, &excepted, &stood("60"), until - SignedDuration::from_secs(1)), (excepted.clone(), vec![]));
    let (again, seen) = look(&rules, &excepted, &stood("61"), until);
    assert_eq!(seen, [Seen::Opened { rule: name.clone(), deadline: until + hours(168) }]);
    assert_eq!(except(&again, &name, exception(until + hours(99)), until), Err(NoMercy::Second(name.clone(), until)));

    let closed = KillReview::default();
    assert_eq!(except(&closed, &name, exception(until), now()), Err(NoMercy::NotOpen(name.clone())));
    for end in [now(), now() + hours(23), now() + hours(91 * 24)] {
        assert_eq!(except(&open, &name, exception(end), now()), Err(NoMercy::NoEnd { most: 90 }));
    }
    let wordless = Exception { plan: "please".to_owned(), ..exception(until) };
    assert_eq!(except(&open, &name, wordless, now()), Err(NoMercy::NoPlan { least: 40 }));

    let late = now() + hours(160);
    let appealed = appeal(&open, &rules, late).unwrap();
    assert_eq!(appealed.open[&name].deadline, late + hours(168));
    assert_eq!(appeal(&appealed, &rules, late), Err(NoMercy::Appealed(late)));
    assert_eq!(appeal(&closed, &rules, now()), Err(NoMercy::NothingOpen));
}

proptest! {
    /// Both directions: what is said to be open is granted, and what is not is refused or changes nothing for the rule.
    #[test]
    fn remedies_are_what_would_be_granted(steps in prop::collection::vec((0_i64..200, 0_u8..3), 1..12), first in any::<bool>()) {
        let rules = [rule("no-update", 100)];
        let name: KillRuleName = id("no-update");
        let (mut at, mut review) = (now(), KillReview::default());
        for (step, what) in steps {
            at += hours(step);
            review = look(&rules, &review, &stood("31"), at).0;
            let left = remedies(&review, &name, first);
            let excepted = except(&review, &name, exception(at + hours(48)), at);
            let appealed = appeal(&review, &rules, at);
            prop_assert_eq!(left.contains(&Remedy::Exception), excepted.is_ok());
            prop_assert_eq!(left.contains(&Remedy::Appeal), appealed.is_ok());
            prop_assert_eq!(left.contains(&Remedy::Pivot), !first && review.open.contains_key(&name));
            match what {
                0 => review = excepted.unwrap_or(review),
                1 => review = appealed.unwrap_or(review),
                _ => {}
            }
        }
    }

    /// Over any course of days: an end is due only after a review was told, its grace passed, and the rule holds at that moment.
    #[test]
    fn nothing_is_due_before_its_grace(course in prop::collection::vec((0_i64..72, prop::option::of(0_u32..60)), 1..40)) {
        let rules = [rule("no-update", 100)];
        let (mut at, mut review, mut told) = (now(), KillReview::default(), None);
        for (step, days) in course {
            at += hours(step);
            let facts = days.map(|days| stood(&days.to_string())).unwrap_or_default();
            let holds = days.is_some_and(|days| days > 30);
            let (after, seen) = look(&rules, &review, &facts, at);
            for one in &seen {
                match one {
                    Seen::Opened { deadline, .. } => {
                        prop_assert!(holds && told.is_none() && *deadline == at + hours(100));
                        told = Some(*deadline);
                    }
                    Seen::Due { .. } => prop_assert!(holds && told.is_some_and(|deadline| deadline <= at)),
                    Seen::Cleared { .. } => {
                        prop_assert!(!holds);
                        told = None;
                    }
                    Seen::Unknown { .. } => prop_assert!(days.is_none()),
                }
            }
            let (twice, again) = look(&rules, &after, &facts, at);
            prop_assert_eq!(&twice, &after);
            prop_assert!(again.iter().all(|one| matches!(one, Seen::Unknown { .. })), "told twice: {:?}", again);
            review = after;
        }
    }
}

#[test]
fn what_a_rule_blocks_goes_on_when_the_rule_is_content() {
    let mut case = Case::good();
    let blocks = KillRule { action: KillAction::Block, ..rule("stands-still", 24) };
    case.pipeline.stages[1].kill_rules = vec![blocks.clone()];
    let (open, _) = look(std::slice::from_ref(&blocks), &KillReview::default(), &stood("31"), now());
    case.kill = open.clone();
    assert_eq!(case.decide().unmet, [], "while the grace lasts it may go on");
    let (done, _) = look(std::slice::from_ref(&blocks), &open, &stood("32"), now() + hours(24));
    case.kill = done.clone();
    let sentences: Vec<String> = case.decide().unmet.iter().map(Unmet::sentence).collect();
    assert_eq!(
        sentences,
        [
            "the rule stands-still keeps it here while days_since_update is more than 30: mend that, or ask for an exception"
        ]
    );
    let (mended, _) = look(&[blocks], &done, &stood("0"), now() + hours(25));
    case.kill = mended;
    assert_eq!(case.decide().unmet, []);
}

#[test]
fn of_all_that_is_due_the_gravest_is_the_fate() {
    let due = |name: &str, action| Seen::Due { rule: id(name), action };
    let all = [due("a", KillAction::Escalate), due("b", KillAction::Reject), due("c", KillAction::Archive)];
    assert_eq!(fate(&all), Fate::End(id("c")));
    assert_eq!(fate(&all[..2]), Fate::SentBack(id("b")));
    assert_eq!(fate(&all[..1]), Fate::Stays);
}

#[test]
fn what_is_known_is_good_now_and_nobody_s_word_measures() {
    let mut case = Case::good();
    let dossier = Dossier { evidence: case.evidence.clone(), ..Dossier::new(case.item.clone()) };
    let days = number("5");
    case.evidence.insert(id("cost_overrun_percent"), check(days.clone()));
    let word = Provenance::Attestation { by: id("tess") };
    case.evidence.insert(id("sla_violated_days"), evidence(days.clone(), word));
    let stale = Evidence { head: Some(id(&"0b".repeat(20))), ..check(days.clone()) };
    case.evidence.insert(id("remarkable_score"), stale.clone());
    case.evidence.insert(id("coverage_percent"), stale);
    let later = now() + hours(71);
    let known = super::known(case.facts(), &dossier, later);
    assert_eq!(known.get(&id::<CriterionKey>("cost_overrun_percent")), Some(&days));
    for unknown in ["sla_violated_days", "remarkable_score", "coverage_percent", "customer_bug_hours"] {
        assert_eq!(known.get(&id::<CriterionKey>(unknown)), None, "{unknown}");
    }
    // The good case was last written a day before now.
    assert_eq!(known[&id("days_since_update")], number("3"));
    assert_eq!(known[&id("dependencies_blocked_days")], number("0"));
    let new = NewBlocker { id: id("b"), text: "it waits".to_owned(), cause: Cause::Item(id("p-2")) };
    let waits = dossier.blocked(&new, now()).unwrap();
    assert_eq!(super::known(case.facts(), &waits, later)[&id("dependencies_blocked_days")], number("2"));
}
