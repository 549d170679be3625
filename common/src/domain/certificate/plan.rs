//! What is to be done about an identity's certificates: from what is remembered and seen, all steps in their order.
//!
//! | purpose | when it finds | it plans |
//! |---|---|---|
//! | ensure | a certificate in use that is active and fits its key | what is missing around it |
//! | | a key that was put aside before the last call ended | to bring its certificate into use |
//! | | neither | a new certificate |
//! | rotate | a request that was not answered yet | a new certificate; the one before works until the overlap is over |
//! | upkeep | a certificate in use that is due | the same |
//! | | one whose overlap is over, one that nobody needs | its end |
//! | | the one in use switched off by somebody else | nothing: it says so |
//! | revoke | any | that none of them ever connects again |
//! | delete | anything | that nothing of it is left |
//!
//! Two things hold in every plan. A certificate that was in use ends only behind one that is in use. And what belongs to somebody else is
//! not touched: a thing and a secret say whose they are, and a certificate is ours when it is remembered, of a key that was made for it, or
//! has our thing or our policy, and so speaks as this cluster. What only stands in the secret is nobody's: anybody's certificate can be
//! written there.

use jiff::Timestamp;

use super::{
    Attempt, Held, Identity, Issued, ORPHAN_AFTER, Outcome, Record, Retiring, Rules, SecretState, Seen,
    SeenCertificate, Status, document, same,
};
use crate::domain::id::{CertificateId, Digest, RequestId, quoted};

/// How many rotations are remembered by their requests.
const REMEMBERED: usize = 20;

/// How many versions of a policy AWS IoT keeps.
const POLICY_VERSIONS: usize = 5;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A certificate that can be used.
    Ensure {
        /// The sha256 of the public key that it must be of, when the caller has the key.
        public_key: Option<Digest>,
        /// Names the request.
        request: RequestId,
    },
    /// Another certificate than before.
    Rotate {
        /// As for [`Purpose::Ensure`].
        public_key: Option<Digest>,
        /// Names the request: the same again is answered without another certificate.
        request: RequestId,
    },
    /// What time brings: rotation that is due, ends that have come, calls that did not come to theirs.
    Upkeep,
    /// That none of its certificates ever connects again.
    Revoke,
    /// That nothing is left.
    Delete,
}

/// Which certificate a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The one that this plan makes.
    New,
    /// One that stands.
    Known(CertificateId),
}

/// One call, or one call and its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Makes the thing, with its cluster.
    CreateThing,
    /// Makes the policy.
    CreatePolicy,
    /// Deletes a version of the policy, which keeps five.
    PrunePolicy(String),
    /// Puts the document in force as a new version.
    ReplacePolicy,
    /// Has the secret back that was to be deleted.
    RestoreSecret,
    /// Makes the secret, without a value.
    CreateSecret,
    /// Makes the certificate, inactive, of the key whose digest was written before.
    Issue,
    /// Attaches the policy.
    AttachPolicy(Subject),
    /// Attaches the thing, which has the certificate for itself.
    AttachThing(Subject),
    /// Puts certificate and key aside in the secret (`AWSPENDING`), reads them back and compares.
    Store,
    /// Lets it connect.
    Activate(Subject),
    /// Makes what was put aside the one in use (`AWSCURRENT`); the one before is `AWSPREVIOUS`.
    Promote(Subject),
    /// Never lets it connect again.
    Revoke(CertificateId),
    /// Lets it connect no more.
    Deactivate(CertificateId),
    /// Detaches the policy.
    DetachPolicy(CertificateId),
    /// Detaches the thing.
    DetachThing(CertificateId),
    /// Deletes the certificate.
    Delete(CertificateId),
    /// Deletes the policy, which has no other version any more.
    DeletePolicy,
    /// Deletes the thing.
    DeleteThing,
    /// Deletes the secret, which can be had back for a time.
    DeleteSecret,
}

/// All steps, and what is true after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What the caller is told.
    pub outcome: Outcome,
    /// What is in use after it: the new one is filled in by who makes it.
    pub subject: Option<Subject>,
    /// The record as it is then, but for the new certificate, its key's attempt and the count of writes.
    pub after: Record,
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The thing is somebody else's.
    #[error(
        "the thing {name} belongs to {owner}, not to this cluster: give one of them another cluster_id, or delete the other's"
    )]
    ForeignThing {
        /// Its name.
        name: String,
        /// Whose it is, quoted.
        owner: String,
    },
    /// The policy stands, and nothing says that it is ours.
    #[error(
        "the policy {0} stands without a thing of ours: nobody knows whose it is; delete it, or make the thing with the attribute penstock-cluster"
    )]
    ForeignPolicy(String),
    /// The secret is somebody else's.
    #[error(
        "the secret {name} belongs to {owner}, not to this cluster: hand it over by its tag penstock-cluster, or delete it"
    )]
    ForeignSecret {
        /// Its name.
        name: String,
        /// Whose it is, quoted.
        owner: String,
    },
    /// Somebody else switched it off, and who did so meant it.
    #[error(
        "its certificate or its secret was switched off outside Penstock: ensure makes another, once that is wanted"
    )]
    SwitchedOff,
    /// The key is the caller's, and no request for a certificate of another came with the call.
    #[error("the agent keeps its key itself: send a signing request (csr) of its next one")]
    KeyIsTheirs,
    /// The cluster's accounts or names are others than when its certificates were made.
    #[error(
        "its certificates were made as {before}, and it is {now} now: delete them first, while the files still say {before}"
    )]
    Moved {
        /// Thing, account and region of before.
        before: String,
        /// Those of now.
        now: String,
    },
}

/// Plans.
///
/// # Errors
/// Why nothing is done: what stands belongs to somebody else.
pub fn plan(
    purpose: &Purpose,
    identity: &Identity,
    rules: &Rules,
    record: Option<&Record>,
    seen: &Seen,
    now: Timestamp,
) -> Result<Plan, Refused> {
    refuse_others(purpose, identity, record, seen)?;
    let before = record.cloned().unwrap_or_else(|| Record::new(identity.clone()));
    let maker = Maker { identity, rules, before, seen, now, steps: Vec::new() };
    Ok(match purpose {
        Purpose::Ensure { public_key, request } => maker.stand(public_key.as_ref(), Some(request), false)?,
        Purpose::Rotate { public_key, request } => maker.stand(public_key.as_ref(), Some(request), true)?,
        Purpose::Upkeep if maker.before.ended.is_some() || !maker.has_begun() => maker.rest(),
        Purpose::Upkeep if maker.is_switched_off() => return Err(Refused::SwitchedOff),
        Purpose::Upkeep if maker.waits_for_their_key() => maker.rest(),
        Purpose::Upkeep => maker.stand(None, None, false)?,
        Purpose::Revoke => maker.revoke(),
        Purpose::Delete => maker.delete(record.is_some()),
    })
}

fn refuse_others(purpose: &Purpose, identity: &Identity, record: Option<&Record>, seen: &Seen) -> Result<(), Refused> {
    let us = identity.cluster.to_string();
    let named = |owner: &Option<String>| {
        owner.as_deref().map_or_else(
            || "no cluster (penstock-cluster on it would hand it over)".to_owned(),
            |owner| quoted(owner, 120),
        )
    };
    if let Some(before) = record.map(|record| &record.identity).filter(|before| *before != identity) {
        let words = |one: &Identity| format!("{} in {}/{}", one.thing(), one.broker.account, one.broker.region);
        return Err(Refused::Moved { before: words(before), now: words(identity) });
    }
    match &seen.thing {
        Some(thing) if thing.owner.as_deref() != Some(us.as_str()) => {
            return Err(Refused::ForeignThing { name: identity.thing(), owner: named(&thing.owner) });
        }
        None if seen.policy.is_some() && record.is_none() => return Err(Refused::ForeignPolicy(identity.policy())),
        Some(_) | None => {}
    }
    let secret = &seen.secret;
    // Neither writes into it: revoking does not look at it, and deleting leaves it.
    let writes = !matches!(purpose, Purpose::Revoke | Purpose::Delete);
    if writes && secret.state != SecretState::Absent && secret.owner.as_deref() != Some(us.as_str()) {
        return Err(Refused::ForeignSecret { name: identity.secret(), owner: named(&secret.owner) });
    }
    Ok(())
}

struct Maker<'a> {
    identity: &'a Identity,
    rules: &'a Rules,
    before: Record,
    seen: &'a Seen,
    now: Timestamp,
    steps: Vec<Step>,
}

impl Maker<'_> {
    fn has_begun(&self) -> bool {
        self.before.current.is_some() || !self.before.attempts.is_empty()
    }

    fn certificate(&self, held: &Held) -> Option<&SeenCertificate> {
        self.seen.certificates.get(&held.certificate).filter(|seen| seen.public_key == held.public_key)
    }

    fn is_ours(&self, id: &CertificateId, seen: &SeenCertificate) -> bool {
        let Record { current, retiring, ending, .. } = &self.before;
        let remembered = current.as_ref().is_some_and(|current| current.certificate == *id)
            || retiring.iter().any(|retiring| retiring.certificate == *id)
            || ending.contains(id);
        remembered || self.attempt(&seen.public_key).is_some() || seen.has_thing || seen.has_policy
    }

    fn attempt(&self, public_key: &Digest) -> Option<&Attempt> {
        self.before.attempts.iter().find(|attempt| attempt.public_key == *public_key)
    }

    /// Whether the one in use connects no more, or its secret is on its way out, and not by us: we do neither to what is in use.
    fn is_switched_off(&self) -> bool {
        let works = |id| self.seen.certificates.get(id).is_some_and(|seen| seen.status == Status::Active);
        let leaving = self.seen.secret.state != SecretState::Present;
        self.before.current.as_ref().is_some_and(|current| leaving || !works(&current.certificate))
    }

    /// Whether the key is the caller's: then nobody makes one here.
    fn key_is_theirs(&self) -> bool {
        self.before.theirs || self.before.attempts.last().is_some_and(|attempt| attempt.theirs)
    }

    fn waits_for_their_key(&self) -> bool {
        let usable = |held, status| self.usable(held, None, status).is_some();
        let secret = &self.seen.secret;
        self.key_is_theirs()
            && !usable(secret.current.as_ref(), &[Status::Active])
            && !usable(self.put_aside(), &[Status::Active, Status::Inactive])
    }

    /// What waits to be brought into use. A name that was left behind on the version of before makes that no successor.
    fn put_aside(&self) -> Option<&Held> {
        let (secret, retiring) = (&self.seen.secret, &self.before.retiring);
        let pending = secret.pending.as_ref()?;
        let retires = retiring.iter().any(|retiring| retiring.certificate == pending.certificate);
        (secret.current_version.as_ref() != Some(&pending.version) && !retires).then_some(pending)
    }

    /// What the secret holds, when it can be brought into use or is.
    fn usable<'h>(&self, held: Option<&'h Held>, wanted: Option<&Digest>, status: &[Status]) -> Option<&'h Held> {
        let held = held.filter(|held| held.matches && wanted.is_none_or(|key| *key == held.public_key))?;
        // Of a request with a key of its own, only what has no key beside it is the answer.
        let fits = if wanted.is_some() || self.key_is_theirs() { held.without_key } else { !held.without_key };
        let seen = self.certificate(held)?;
        (fits && status.contains(&seen.status) && self.is_ours(&held.certificate, seen)).then_some(held)
    }

    fn stand(mut self, wanted: Option<&Digest>, request: Option<&RequestId>, rotate: bool) -> Result<Plan, Refused> {
        let seen = self.seen;
        let theirs = wanted.is_none() && self.key_is_theirs();
        let current = self.usable(seen.secret.current.as_ref(), wanted, &[Status::Active]).cloned();
        let answered = request.is_some_and(|request| {
            let made = current.as_ref().and_then(|current| self.attempt(&current.public_key)?.request.as_ref());
            self.before.done.contains(request) || made == Some(request)
        });
        let rotate = rotate && !answered;
        let pending = self.put_aside();
        let pending = self.usable(pending, wanted, &[Status::Active, Status::Inactive]).cloned();
        // Whoever keeps the key makes the next one, too.
        if theirs && pending.is_none() && (rotate || current.is_none()) {
            return Err(Refused::KeyIsTheirs);
        }
        let replace = !theirs && (rotate || self.before.is_due(self.rules, self.now));
        self.foundation();
        let subject = match (pending, &current) {
            (Some(pending), _) => self.continue_with(&pending),
            (None, Some(current)) if !replace => self.repair(current),
            (None, _) => self.issue(),
        };
        let known = self.before.current.as_ref().map(|current| Subject::Known(current.certificate.clone()));
        let worked = seen.certificates.iter().any(|(id, one)| one.status == Status::Active && self.is_ours(id, one));
        let outcome = match known {
            Some(known) if known == subject => Outcome::Unchanged,
            Some(_) => Outcome::Rotated,
            None if worked && subject == Subject::New => Outcome::Rotated,
            None => Outcome::Issued,
        };
        let mut after = self.before.clone();
        after.theirs = wanted.is_some() || theirs;
        after.current = match &subject {
            Subject::New => None,
            Subject::Known(id) => self.issued(id),
        };
        // Which rotation this is: the one that is asked for, or the one that made the key which is brought into use.
        let in_use = after.current.as_ref().map(|current| &current.public_key);
        let made_by = in_use.and_then(|key| self.attempt(key)?.request.clone());
        let answers = if subject == Subject::New && rotate { request.cloned() } else { made_by };
        after.done.extend(answers.filter(|request| !self.before.done.contains(request)));
        after.done.drain(..after.done.len().saturating_sub(REMEMBERED));
        after.retiring = self.retiring(&subject);
        after.ended = None;
        self.end_others(&subject, &after.retiring);
        after.retiring.retain(|retiring| retiring.until > self.now);
        after.ending.clear();
        after.attempts = self.attempts(after.current.as_ref().map(|current| &current.public_key));
        Ok(Plan { steps: self.steps, outcome, subject: Some(subject), after })
    }

    fn foundation(&mut self) {
        let seen = self.seen;
        if seen.thing.is_none() {
            self.steps.push(Step::CreateThing);
        }
        // Our policy wants the thing: one that works by the policy alone must have it before the policy says so.
        let bare = seen
            .certificates
            .iter()
            .filter(|(_, one)| one.status == Status::Active && one.has_policy && !one.has_thing);
        self.steps.extend(bare.map(|(id, _)| Step::AttachThing(Subject::Known(id.clone()))));
        let wanted = document(self.identity, &self.rules.topics);
        match &seen.policy {
            None => self.steps.push(Step::CreatePolicy),
            Some(policy) if same(&wanted, &policy.document) => {}
            Some(policy) => {
                let too_many = (policy.others.len() + 2).saturating_sub(POLICY_VERSIONS);
                self.steps.extend(policy.others.iter().take(too_many).cloned().map(Step::PrunePolicy));
                self.steps.push(Step::ReplacePolicy);
            }
        }
        match seen.secret.state {
            SecretState::Present => {}
            SecretState::Leaving => self.steps.push(Step::RestoreSecret),
            SecretState::Absent => self.steps.push(Step::CreateSecret),
        }
    }

    fn issue(&mut self) -> Subject {
        let new = || Subject::New;
        self.steps.extend([
            Step::Issue,
            Step::AttachPolicy(new()),
            Step::AttachThing(new()),
            Step::Store,
            Step::Activate(new()),
            Step::Promote(new()),
        ]);
        Subject::New
    }

    fn continue_with(&mut self, held: &Held) -> Subject {
        let subject = self.repair(held);
        if self.certificate(held).is_some_and(|seen| seen.status == Status::Inactive) {
            self.steps.push(Step::Activate(subject.clone()));
        }
        self.steps.push(Step::Promote(subject.clone()));
        subject
    }

    fn repair(&mut self, held: &Held) -> Subject {
        let subject = Subject::Known(held.certificate.clone());
        if let Some(seen) = self.certificate(held) {
            let (has_policy, has_thing) = (seen.has_policy, seen.has_thing);
            let attached = self.steps.contains(&Step::AttachThing(subject.clone()));
            if !has_policy {
                self.steps.push(Step::AttachPolicy(subject.clone()));
            }
            if !has_thing && !attached {
                self.steps.push(Step::AttachThing(subject.clone()));
            }
        }
        subject
    }

    /// What is remembered of a certificate that stands.
    fn issued(&self, id: &CertificateId) -> Option<Issued> {
        if let Some(current) = self.before.current.as_ref().filter(|current| current.certificate == *id) {
            return Some(current.clone());
        }
        let held = [&self.seen.secret.pending, &self.seen.secret.current];
        let held = held.into_iter().flatten().find(|held| held.certificate == *id)?;
        let seen = self.seen.certificates.get(id)?;
        Some(Issued {
            certificate: id.clone(),
            public_key: seen.public_key.clone(),
            since: self.now,
            ends: self.rules.ends(self.now, seen.not_after),
            secret_version: held.version.clone(),
        })
    }

    /// Which certificates work on for a time beside the one in use: those that did before, and any other that is active and ours.
    fn retiring(&self, subject: &Subject) -> Vec<Retiring> {
        let end = self.now.checked_add(self.rules.overlap).unwrap_or(Timestamp::MAX);
        let others = self.seen.certificates.iter().filter(|(id, seen)| {
            Subject::Known((*id).clone()) != *subject && self.is_ours(id, seen) && seen.status == Status::Active
        });
        let until = |id: &CertificateId| {
            let known = self.before.retiring.iter().find(|retiring| retiring.certificate == *id);
            known.map_or(end, |retiring| retiring.until)
        };
        others.map(|(id, _)| Retiring { certificate: id.clone(), until: until(id) }).collect()
    }

    /// The ends that have come, behind everything else: of what has retired, and of what never came into use.
    fn end_others(&mut self, subject: &Subject, retiring: &[Retiring]) {
        let works_on = |id: &CertificateId| retiring.iter().any(|one| one.certificate == *id && one.until > self.now);
        let is_left = |id: &CertificateId, seen: &SeenCertificate| match seen.status {
            Status::Active => true,
            Status::Inactive => {
                let made = self.attempt(&seen.public_key).is_some();
                let was = self.before.retiring.iter().any(|retiring| retiring.certificate == *id);
                made || was || self.before.ending.contains(id) || self.now.duration_since(seen.made_at) >= ORPHAN_AFTER
            }
            Status::Revoked | Status::Other => false,
        };
        let ends: Vec<_> = (self.seen.certificates.iter())
            .filter(|(id, seen)| {
                Subject::Known((*id).clone()) != *subject
                    && self.is_ours(id, seen)
                    && !works_on(id)
                    && is_left(id, seen)
            })
            .map(|(id, seen)| (id.clone(), seen.clone()))
            .collect();
        for (id, seen) in ends {
            self.end(&id, &seen);
        }
    }

    fn end(&mut self, id: &CertificateId, seen: &SeenCertificate) {
        if seen.status == Status::Active {
            self.steps.push(Step::Deactivate(id.clone()));
        }
        if seen.has_policy {
            self.steps.push(Step::DetachPolicy(id.clone()));
        }
        if seen.has_thing {
            self.steps.push(Step::DetachThing(id.clone()));
        }
        if !seen.has_others {
            self.steps.push(Step::Delete(id.clone()));
        }
    }

    /// The keys whose certificates may still show, but for the one that is in use.
    fn attempts(&self, in_use: Option<&Digest>) -> Vec<Attempt> {
        let young = |attempt: &&Attempt| {
            Some(&attempt.public_key) != in_use && self.now.duration_since(attempt.at) < ORPHAN_AFTER
        };
        self.before.attempts.iter().filter(young).cloned().collect()
    }

    /// Of what is meant to have no certificate, or none that is made here: what is ours and was not switched off for good ends.
    fn rest(mut self) -> Plan {
        let mut after = self.before.clone();
        let ended = self.before.ended.is_some();
        let all: Vec<_> = (self.seen.certificates.iter())
            .filter(|(id, seen)| {
                let begun = self.attempt(&seen.public_key).is_some() || self.before.ending.contains(*id);
                match seen.status {
                    // A call that was under way while it ended may have brought one into use.
                    Status::Active => ended && self.is_ours(id, seen),
                    Status::Inactive => begun,
                    Status::Revoked | Status::Other => false,
                }
            })
            .map(|(id, seen)| (id.clone(), seen.clone()))
            .collect();
        for (id, seen) in all {
            self.end(&id, &seen);
        }
        after.ending.clear();
        after.attempts = self.attempts(None);
        Plan { steps: self.steps, outcome: Outcome::Unchanged, subject: None, after }
    }

    fn revoke(mut self) -> Plan {
        let works = |seen: &SeenCertificate| matches!(seen.status, Status::Active | Status::Inactive);
        let ours: Vec<_> = self.seen.certificates.iter().filter(|(id, seen)| self.is_ours(id, seen)).collect();
        let outcome = if ours.is_empty() { Outcome::Absent } else { Outcome::Revoked };
        self.steps = ours.into_iter().filter(|(_, seen)| works(seen)).map(|(id, _)| Step::Revoke(id.clone())).collect();
        let after = self.ended();
        Plan { steps: self.steps, outcome, subject: None, after }
    }

    fn delete(mut self, remembered: bool) -> Plan {
        let seen = self.seen;
        for (id, certificate) in &seen.certificates {
            if self.is_ours(id, certificate) {
                self.end(id, certificate);
            }
        }
        // The thing says whose all this is, so it goes last of what the broker has.
        if let Some(policy) = &seen.policy {
            self.steps.extend(policy.others.iter().cloned().map(Step::PrunePolicy));
            self.steps.push(Step::DeletePolicy);
        }
        if seen.thing.is_some() {
            self.steps.push(Step::DeleteThing);
        }
        let ours = seen.secret.owner.as_deref() == Some(self.identity.cluster.to_string().as_str());
        if ours && seen.secret.state == SecretState::Present {
            self.steps.push(Step::DeleteSecret);
        }
        let gone = self.steps.is_empty() && (!remembered || self.before.ended.is_some());
        let outcome = if gone { Outcome::Absent } else { Outcome::Deleted };
        let mut after = self.ended();
        after.theirs = false;
        after.ending.clear();
        Plan { steps: self.steps, outcome, subject: None, after }
    }

    fn ended(&self) -> Record {
        let mut after = self.before.clone();
        after.current = None;
        after.retiring.clear();
        after.attempts = self.attempts(None);
        after.ended = after.ended.or(Some(self.now));
        after
    }
}
