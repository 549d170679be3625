//! Both decisions against what they promise, in both directions: what is asked for had to be, and what is left had to be left.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::id::{CommitSha, DeliveryId};

fn now() -> Timestamp {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

fn attempt(id: u64, guid: &str, age_s: i64, answered: Option<u16>) -> Attempt {
    Attempt { id, guid: guid.parse().unwrap(), at: now() - SignedDuration::from_secs(age_s), answered }
}

fn answers() -> impl Strategy<Value = Option<u16>> {
    let status =
        prop_oneof![Just(0), Just(200), Just(202), Just(302), Just(400), Just(401), Just(413), Just(422), Just(503)];
    prop::option::weighted(0.6, status)
}

/// Attempts at up to thirty deliveries within the last three and a half days, each with its own number.
fn lists() -> impl Strategy<Value = Vec<Attempt>> {
    let one = (0..30_u8, prop_oneof![0..2_000_i64, 0..300_000_i64], answers());
    prop::collection::vec(one, 0..120).prop_map(|all| {
        let numbered = all.into_iter().zip(1_u64..);
        numbered.map(|((guid, age, answered), id)| attempt(id, &format!("g{guid}"), age, answered)).collect()
    })
}

fn by_guid(attempts: &[Attempt]) -> BTreeMap<&DeliveryId, Vec<&Attempt>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    attempts.iter().for_each(|attempt| all.entry(&attempt.guid).or_default().push(attempt));
    all.values_mut().for_each(|attempts| attempts.sort_by_key(|attempt| (attempt.at, attempt.id)));
    all
}

proptest! {
    #[test]
    fn what_is_asked_for_failed_every_time_is_recent_and_has_had_its_pause(attempts in lists()) {
        let all = by_guid(&attempts);
        for redelivery in decide(&attempts, now()).again {
            let of_it = &all[&redelivery.guid];
            let (first, last) = (of_it[0], of_it[of_it.len() - 1]);
            prop_assert!(of_it.iter().all(|attempt| !attempt.succeeded()));
            prop_assert!(now().duration_since(first.at) < WINDOW);
            prop_assert!(now().duration_since(last.at) >= pause(redelivery.attempts));
            prop_assert_eq!((redelivery.id, redelivery.answered), (last.id, last.answered));
            prop_assert_eq!(redelivery.attempts as usize, of_it.len());
        }
    }

    #[test]
    fn every_delivery_that_never_arrived_is_asked_for_or_left_with_a_reason_that_holds(attempts in lists()) {
        let plan = decide(&attempts, now());
        let all = by_guid(&attempts);
        let failed: BTreeSet<&DeliveryId> =
            all.iter().filter(|(_, of_it)| of_it.iter().all(|one| !one.succeeded())).map(|(guid, _)| *guid).collect();
        let named: Vec<&DeliveryId> =
            plan.again.iter().map(|one| &one.guid).chain(plan.left.iter().map(|one| &one.guid)).collect();
        prop_assert_eq!(&named.iter().copied().collect::<BTreeSet<_>>(), &failed);
        prop_assert_eq!(named.len(), plan.again.len() + plan.left.len(), "each once");
        for left in &plan.left {
            let of_it = &all[&left.guid];
            let last = of_it[of_it.len() - 1];
            match left.why {
                Why::Early { until } => prop_assert!(until > now() && until == last.at + pause(of_it.len() as u32)),
                Why::Full => prop_assert!(plan.again.len() == RUN || plan.again.len() == PROBES),
                Why::Refused { answered } => prop_assert!(last.answered == Some(answered) && of_it.len() >= 2),
                Why::Late => prop_assert!(now().duration_since(of_it[0].at) >= WINDOW),
            }
        }
        prop_assert_eq!(plan.failing() + plan.given_up(), failed.len());
    }

    #[test]
    fn the_next_list_goes_back_to_all_that_can_still_arrive(attempts in lists()) {
        let plan = decide(&attempts, now());
        let all = by_guid(&attempts);
        let open = plan.left.iter().filter(|left| matches!(left.why, Why::Early { .. } | Why::Full)).map(|left| &left.guid);
        for guid in open.chain(plan.again.iter().map(|one| &one.guid)) {
            prop_assert!(plan.settled_before <= all[guid][0].at);
        }
        prop_assert!(plan.settled_before <= now() - OVERLAP);
        // What the next sweep does not list any more changes nothing of what it decides.
        let rest: Vec<Attempt> = attempts.iter().filter(|attempt| attempt.at >= plan.settled_before).cloned().collect();
        let asked = |plan: &Plan| plan.again.iter().map(|one| one.guid.clone()).collect::<Vec<_>>();
        prop_assert_eq!(asked(&decide(&rest, now())), asked(&plan));
    }

    #[test]
    fn neither_order_nor_copies_matter(attempts in lists(), seed in any::<u64>()) {
        let mut shuffled = attempts.clone();
        shuffled.extend(attempts.iter().take(7).cloned());
        shuffled.sort_by_key(|attempt| (attempt.id ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(decide(&shuffled, now()), decide(&attempts, now()));
    }

    #[test]
    fn a_head_is_told_exactly_when_it_is_news_for_long_enough(
        last in prop::option::of(0..3_u8), since in prop::option::of(0..600_i64), reconciled in prop::option::of(0..3_u8), head in 0..3_u8,
    ) {
        let differs_since = since.map(|age| now() - SignedDuration::from_secs(age));
        let seen = Seen { head: last.map(sha), at: now() - SignedDuration::from_hours(9), differs_since };
        let (reconciled, head) = (reconciled.map(sha), sha(head));
        let found = look(Some(&seen), reconciled.as_ref(), &head, now());
        let news = seen.head.as_ref() != Some(&head) && reconciled.as_ref() != Some(&head);
        let due = differs_since.is_some_and(|since| now().duration_since(since) >= GRACE);
        prop_assert_eq!(matches!(found, Look::Tell(_)), news && due);
        if let Look::Tell(after) | Look::Remember(after) = found {
            prop_assert_ne!(&after, &seen, "what is written says something new");
            prop_assert!(news || (after.head == Some(head) && after.differs_since.is_none()));
        }
    }

    #[test]
    fn sweeps_each_five_minutes_tell_every_unheard_head_that_stays_and_each_once(
        moves in prop::collection::vec((0..4_u8, any::<bool>(), 1..4_usize), 1..12),
    ) {
        let (mut seen, mut reconciled, mut told, mut time) = (None::<Seen>, None, Vec::new(), now());
        for (number, heard, sweeps) in moves {
            let head = sha(number);
            // The provisioner takes it up at once when it hears of it.
            if heard {
                reconciled = Some(head.clone());
            }
            let known = reconciled.as_ref() == Some(&head) || seen.as_ref().and_then(|seen| seen.head.as_ref()) == Some(&head);
            let before = told.len();
            for _ in 0..sweeps {
                match look(seen.as_ref(), reconciled.as_ref(), &head, time) {
                    Look::Same => {}
                    Look::Remember(after) => seen = Some(after),
                    Look::Tell(after) => {
                        seen = Some(after);
                        told.push(head.clone());
                        // And when it is told.
                        reconciled = Some(head.clone());
                    }
                }
                time = time.saturating_add(SignedDuration::from_mins(5)).unwrap();
            }
            prop_assert!(told.len() - before <= 1);
            prop_assert!(!known || told.len() == before, "what was heard of is not told");
            if sweeps >= 2 {
                prop_assert_eq!(seen.as_ref().and_then(|seen| seen.head.as_ref()), Some(&head), "settled by the second sweep");
                prop_assert_eq!(known, told.len() == before);
            }
        }
    }
}

fn sha(number: u8) -> CommitSha {
    format!("{number:02x}").repeat(20).parse().unwrap()
}

#[test]
fn a_branch_that_never_rests_is_told_of_too() {
    let (mut seen, mut told) = (None::<Seen>, 0);
    for minute in 0..6_u8 {
        let time = now() + SignedDuration::from_mins(5 * i64::from(minute));
        match look(seen.as_ref(), None, &sha(minute), time) {
            Look::Same => {}
            Look::Remember(after) => seen = Some(after),
            Look::Tell(after) => (seen, told) = (Some(after), told + 1),
        }
    }
    assert_eq!(told, 3, "each second sweep");
}

#[test]
fn pauses_double_from_half_a_minute_to_ten_minutes() {
    let pauses: Vec<i64> = [0, 1, 2, 3, 4, 5, 6, 7, u32::MAX].iter().map(|count| pause(*count).as_secs()).collect();
    assert_eq!(pauses, [30, 30, 60, 120, 240, 480, 600, 600, 600]);
}

#[test]
fn a_receiver_that_is_down_is_probed_and_once_it_answers_all_are_asked_for() {
    let mut attempts: Vec<Attempt> =
        (1..=150).map(|id| attempt(id, &format!("g{id}"), 4_000 - id as i64, None)).collect();
    let plan = decide(&attempts, now());
    assert_eq!((plan.again.len(), plan.left.len(), plan.failing()), (PROBES, 150 - PROBES, 150));
    assert_eq!(plan.again[0].guid, "g1".parse().unwrap(), "the oldest first");
    attempts.push(attempt(151, "g1", 60, Some(202)));
    let plan = decide(&attempts, now());
    assert_eq!((plan.again.len(), plan.failing()), (RUN, 149));
    assert_eq!(plan.again[0].guid, "g2".parse().unwrap());
    assert_eq!(plan.settled_before, attempts[0].at, "the list begins with whole deliveries");
}

#[test]
fn one_that_never_arrives_takes_no_others_place() {
    let mut attempts: Vec<Attempt> =
        (1..=9).map(|id| attempt(id, "poison", 40_000 - 1_000 * id as i64, Some(500))).collect();
    attempts.extend((10..=16).map(|id| attempt(id, &format!("g{id}"), 1_000, Some(503))));
    let plan = decide(&attempts, now());
    assert_eq!(plan.again.len(), PROBES);
    assert!(plan.again.iter().all(|redelivery| redelivery.attempts == 1));
}

#[test]
fn reasons_are_sentences() {
    let attempts = [
        attempt(1, "early", 10, Some(503)),
        attempt(2, "late", 300_000, Some(503)),
        attempt(3, "refused", 9_000, Some(413)),
        attempt(4, "refused", 8_000, Some(413)),
        attempt(5, "due", 8_000, None),
        attempt(6, "mended", 8_000, Some(422)),
    ];
    let plan = decide(&attempts, now());
    let left = plan.left.iter().map(|left| format!("{}: {}", left.guid, left.why));
    let again = plan.again.iter().map(|redelivery| format!("{}: {redelivery}", redelivery.guid));
    insta::assert_snapshot!(left.chain(again).collect::<Vec<_>>().join("\n"), @r"
    early: not asked for again before 2026-01-05T09:00:20Z
    late: older than the three days for which GitHub sends again
    refused: refused for what it is, twice: the last answer was 413
    due: 1 attempt, the last without an answer
    mended: 1 attempt, the last answered 422
    ");
}
