//! Properties of plans, over worlds that are made up: whose certificates end, behind what, and that a plan is one of the same facts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn certificate(number: u8) -> CertificateId {
    Digest::of(&[number]).as_str().parse().unwrap()
}

fn key(number: u8) -> Digest {
    Digest::of(&[number, 1])
}

fn identity() -> Identity {
    let place = |account: &str| Target { account: account.parse().unwrap(), region: "us-east-1".parse().unwrap() };
    Identity {
        cluster: "integration/us-east-1/management/mc01".parse().unwrap(),
        kind: Kind::Agent,
        name: "mc01".parse().unwrap(),
        broker: place("111111111111"),
        home: place("222222222222"),
    }
}

fn rules() -> Rules {
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    Rules { topics: TopicPrefix::standard(), overlap: days(1), lifetime: days(90) }
}

/// How many certificates there may be.
const CERTIFICATES: u8 = 5;

prop_compose! {
    fn certificates()(
        all in prop::collection::btree_map(0..CERTIFICATES, (0..4u8, any::<bool>(), any::<bool>(), any::<bool>(), -200_000..0i64), 0..5),
    ) -> BTreeMap<CertificateId, SeenCertificate> {
        let status = [Status::Active, Status::Inactive, Status::Revoked, Status::Other];
        all.into_iter()
            .map(|(number, (stands, has_policy, has_thing, has_others, made))| {
                let seen = SeenCertificate {
                    status: status[usize::from(stands)],
                    public_key: key(number),
                    made_at: at(made),
                    not_after: at(2_000_000_000),
                    has_policy,
                    has_thing,
                    has_others,
                };
                (certificate(number), seen)
            })
            .collect()
    }
}

prop_compose! {
    fn held()(number in 0..CERTIFICATES, matches in any::<bool>(), without_key in any::<bool>()) -> Held {
        let version = format!("version-{number}");
        Held { version, certificate: certificate(number), public_key: key(number), matches, without_key }
    }
}

prop_compose! {
    fn seen()(
        certificates in certificates(),
        current in prop::option::of(held()),
        pending in prop::option::of(held()),
        thing in any::<bool>(),
        policy in prop::option::of(0..6usize),
        state in 0..3usize,
    ) -> Seen {
        let owner = Some(identity().cluster.to_string());
        let policy = policy.map(|others| SeenPolicy {
            document: "{}".to_owned(),
            others: (0..others.min(4)).map(|version| version.to_string()).collect(),
        });
        let state = [SecretState::Absent, SecretState::Present, SecretState::Leaving][state];
        let secret = match state {
            SecretState::Absent => SecretSeen::absent(),
            _ => SecretSeen {
                state,
                owner: owner.clone(),
                current_version: current.as_ref().map(|held| held.version.clone()),
                pending_version: pending.as_ref().map(|held| held.version.clone()),
                current,
                pending,
            },
        };
        Seen { thing: thing.then_some(SeenThing { owner }), policy, certificates, secret }
    }
}

prop_compose! {
    fn record()(
        current in prop::option::of((0..CERTIFICATES, -9_000_000..0i64)),
        attempts in prop::collection::vec((0..CERTIFICATES, -7_200..0i64), 0..3),
        retiring in prop::collection::vec((0..CERTIFICATES, -100_000..100_000i64), 0..3),
        ending in prop::collection::btree_set(0..CERTIFICATES, 0..2),
        ended in any::<bool>(),
        theirs in any::<bool>(),
    ) -> Record {
        let mut record = Record::new(identity());
        record.current = current.map(|(number, since)| Issued {
            certificate: certificate(number),
            public_key: key(number),
            since: at(since),
            ends: rules().ends(at(since), at(2_000_000_000)),
            secret_version: format!("version-{number}"),
        });
        record.attempts = attempts
            .into_iter()
            .map(|(number, made)| Attempt { public_key: key(number), at: at(made), request: None, theirs })
            .collect();
        record.retiring =
            retiring.into_iter().map(|(number, until)| Retiring { certificate: certificate(number), until: at(until) }).collect();
        record.ending = ending.into_iter().map(certificate).collect();
        record.ended = (ended && record.current.is_none()).then_some(at(-1));
        record.theirs = theirs;
        record
    }
}

fn purpose() -> impl Strategy<Value = Purpose> {
    let request = || "request".parse().unwrap();
    let public_key = prop::option::of((0..CERTIFICATES + 2).prop_map(key));
    public_key.prop_flat_map(move |public_key| {
        prop::sample::select(vec![
            Purpose::Ensure { public_key: public_key.clone(), request: request() },
            Purpose::Rotate { public_key, request: request() },
            Purpose::Upkeep,
            Purpose::Revoke,
            Purpose::Delete,
        ])
    })
}

/// What a step takes from a certificate.
fn ends(step: &Step) -> Option<&CertificateId> {
    match step {
        Step::Revoke(id) | Step::Deactivate(id) | Step::DetachPolicy(id) | Step::DetachThing(id) | Step::Delete(id) => {
            Some(id)
        }
        _ => None,
    }
}

fn ours(record: &Record, seen: &Seen) -> BTreeSet<CertificateId> {
    let mut ours: BTreeSet<CertificateId> = record.current.iter().map(|current| current.certificate.clone()).collect();
    ours.extend(record.retiring.iter().map(|retiring| retiring.certificate.clone()));
    ours.extend(record.ending.iter().cloned());
    let made = |one: &SeenCertificate| record.attempts.iter().any(|attempt| attempt.public_key == one.public_key);
    let all = seen.certificates.iter().filter(|(_, one)| one.has_thing || one.has_policy || made(one));
    ours.extend(all.map(|(id, _)| id.clone()));
    ours
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn only_what_is_ours_ends(purpose in purpose(), record in record(), seen in seen()) {
        let ours = ours(&record, &seen);
        if let Ok(plan) = plan(&purpose, &identity(), &rules(), Some(&record), &seen, at(0)) {
            for id in plan.steps.iter().filter_map(ends) {
                prop_assert!(ours.contains(id), "{:?}", plan.steps);
            }
        }
    }

    #[test]
    fn what_works_ends_only_behind_what_is_in_use(purpose in purpose(), record in record(), seen in seen()) {
        if matches!(purpose, Purpose::Revoke | Purpose::Delete) || record.ended.is_some() {
            return Ok(());
        }
        let Ok(plan) = plan(&purpose, &identity(), &rules(), Some(&record), &seen, at(0)) else { return Ok(()) };
        let works = |id: &CertificateId| seen.certificates.get(id).is_some_and(|one| one.status == Status::Active);
        let end = plan.steps.iter().position(|step| matches!(step, Step::Deactivate(id) if works(id)));
        if let Some(end) = end {
            let promoted = plan.steps.iter().position(|step| matches!(step, Step::Promote(_)));
            let in_use = match &plan.subject {
                Some(Subject::Known(id)) if promoted.is_none() => works(id),
                Some(_) => promoted.is_some_and(|promoted| promoted < end),
                None => false,
            };
            prop_assert!(in_use, "{:?}", plan.steps);
        }
    }

    #[test]
    fn after_revoking_and_deleting_nothing_of_ours_connects(record in record(), seen in seen()) {
        for purpose in [Purpose::Revoke, Purpose::Delete] {
            let Ok(plan) = plan(&purpose, &identity(), &rules(), Some(&record), &seen, at(0)) else { continue };
            for (id, one) in &seen.certificates {
                let stopped = plan.steps.iter().any(|step| matches!(step, Step::Revoke(found) | Step::Deactivate(found) if found == id));
                let works = one.status == Status::Active && ours(&record, &seen).contains(id);
                prop_assert!(!works || stopped, "{id} {:?}", plan.steps);
            }
            prop_assert!(plan.after.current.is_none() && plan.after.ended.is_some());
        }
    }

    #[test]
    fn a_new_one_is_in_use_only_when_it_is_active_and_held(purpose in purpose(), record in record(), seen in seen()) {
        let Ok(plan) = plan(&purpose, &identity(), &rules(), Some(&record), &seen, at(0)) else { return Ok(()) };
        let place = |wanted: &Step| plan.steps.iter().position(|step| step == wanted);
        if let Some(issue) = place(&Step::Issue) {
            let order = [Step::AttachPolicy(Subject::New), Step::AttachThing(Subject::New), Step::Store, Step::Activate(Subject::New), Step::Promote(Subject::New)];
            let mut last = issue;
            for step in &order {
                let found = place(step);
                prop_assert!(found.is_some_and(|found| found > last), "{:?}", plan.steps);
                last = found.unwrap();
            }
            prop_assert!(!record.theirs || matches!(&purpose, Purpose::Ensure { public_key: Some(_), .. } | Purpose::Rotate { public_key: Some(_), .. }), "a key of theirs is never made here");
        }
    }
}
