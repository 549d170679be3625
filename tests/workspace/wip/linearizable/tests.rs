//! The checker itself: that it takes what may have been, and that it can say no.

use super::*;

fn op(begin: u64, end: u64, act: Act, said: Said) -> Op {
    Op { begin, touched: end, end, act, said, reply_lost: false, now: 1_000 + i64::try_from(begin).unwrap() }
}

const A: Item = 0;
const B: Item = 1;
const C: Item = 2;

/// One scope of one place.
fn one_place() -> Spec {
    Spec { needs: vec![vec![0]; 3], limits: vec![1] }
}

/// A and B share the first scope, B and C the second; one place each.
fn overlapping() -> Spec {
    Spec { needs: vec![vec![0], vec![0, 1], vec![1]], limits: vec![1, 1] }
}

#[test]
fn what_overlaps_may_have_been_either_way_round() {
    let first = op(0, 5, Act::Ask(A), Said::Waits(1_002));
    let second = op(1, 4, Act::Ask(B), Said::Admitted(1_001));
    assert_eq!(check(&[first, second], &one_place()), Ok(()));
    let hint_is_wrong = [first, second].map(|op| Op { touched: 9 - op.touched, ..op });
    assert_eq!(check(&hint_is_wrong, &one_place()), Ok(()), "where it looks first makes no difference");
    let later = Op { begin: 6, end: 7, ..second };
    assert!(check(&[first, later], &one_place()).is_err(), "one after the other is no overlap");
}

#[test]
fn who_is_blocked_elsewhere_is_passed_and_keeps_its_place() {
    let history = [
        op(0, 1, Act::Ask(A), Said::Admitted(1_000)),
        op(2, 3, Act::Ask(B), Said::Waits(1_002)),
        op(4, 5, Act::Ask(C), Said::Admitted(1_004)),
        op(6, 7, Act::Release(A, 1_000), Said::Yes),
        op(8, 9, Act::Ask(B), Said::Waits(1_002)),
        op(10, 11, Act::Release(C, 1_004), Said::Yes),
        op(12, 13, Act::Ask(B), Said::Held(1_010)),
    ];
    assert_eq!(check(&history, &overlapping()), Ok(()));
}

#[test]
fn what_no_order_explains_is_found() {
    let admitted = op(0, 1, Act::Ask(A), Said::Admitted(1_000));
    let waits = op(2, 3, Act::Ask(B), Said::Waits(1_002));
    let wrong = [
        ("over the limit", vec![admitted, op(2, 3, Act::Ask(B), Said::Admitted(1_002))]),
        ("waits where there is room", vec![op(0, 1, Act::Ask(A), Said::Waits(1_000))]),
        ("a fence twice", vec![admitted, op(2, 3, Act::Ask(A), Said::Admitted(1_000))]),
        ("another fence for the same lease", vec![admitted, op(2, 3, Act::Ask(A), Said::Held(1_001))]),
        ("a fence out of nothing", vec![op(0, 1, Act::Ask(A), Said::Admitted(9_000))]),
        ("two fences for one lease", {
            let held = |begin, fence| op(begin, begin + 1, Act::Ask(B), Said::Held(fence));
            vec![admitted, waits, op(4, 5, Act::Release(A, 1_000), Said::Yes), held(6, 1_010), held(8, 1_011)]
        }),
        ("a stale fence passes", vec![admitted, op(2, 3, Act::Release(A, 999), Said::Yes)]),
        ("its own fence is refused", vec![admitted, op(2, 3, Act::Renew(A, 1_000), Said::No)]),
        ("a ticket below one that was told before", vec![admitted, waits, op(4, 5, Act::Ask(C), Said::Waits(1_001))]),
        ("a ticket out of nothing", vec![admitted, op(2, 3, Act::Ask(B), Said::Waits(9_000))]),
        ("another ticket when asked again", vec![admitted, waits, op(4, 5, Act::Ask(B), Said::Waits(1_004))]),
        (
            "passed in the line",
            vec![
                admitted,
                waits,
                op(4, 5, Act::Ask(C), Said::Waits(1_004)),
                op(6, 7, Act::Release(A, 1_000), Said::Yes),
                op(8, 9, Act::Ask(C), Said::Held(1_006)),
            ],
        ),
        (
            "a place that is not handed over",
            vec![
                admitted,
                waits,
                op(4, 5, Act::Release(A, 1_000), Said::Yes),
                op(6, 7, Act::Ask(B), Said::Waits(1_002)),
            ],
        ),
        (
            "a limit that somebody else changed",
            vec![op(0, 1, Act::SetLimit { at: 0, expected: 2, limit: 3 }, Said::Yes)],
        ),
    ];
    for (what, history) in wrong {
        assert!(check(&history, &one_place()).is_err(), "{what}");
    }
    let in_two = [admitted, op(2, 3, Act::Ask(C), Said::Admitted(1_002)), op(4, 5, Act::Ask(B), Said::Admitted(1_004))];
    assert!(check(&in_two, &overlapping()).is_err(), "half of an item's scopes have room");
}
