//! Reads everything that has to do with an identity: at the broker, and in its secret.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        certificate::{Held, Identity, Record, SecretSeen, SecretState, Seen, SeenCertificate},
        id::{CertificateId, Digest},
    },
    fault::Fault,
    keys,
    ports::{Broker, BrokerCertificate, SecretFacts, Vault},
};
use jiff::SignedDuration;

use crate::secret;

/// How far the clocks of the table's writer and of the broker may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What there is, with what only the executor needs.
pub struct Sight {
    /// What a plan is made from.
    pub seen: Seen,
    /// The certificates as the broker has them.
    pub certificates: BTreeMap<CertificateId, BrokerCertificate>,
    /// The secret's ARN.
    pub secret_arn: Option<String>,
}

/// Looks.
///
/// # Errors
/// As the ports.
pub async fn see<B: Broker, V: Vault>(
    identity: &Identity,
    record: Option<&Record>,
    broker: &B,
    vault: Option<&V>,
) -> Result<Sight, Fault> {
    let (thing_name, policy_name) = (identity.thing(), identity.policy());
    let thing = broker.thing(&thing_name).await?;
    let policy = broker.policy(&policy_name).await?;
    let (secret, secret_arn) = match vault {
        None => (SecretSeen::absent(), None),
        Some(vault) => {
            let facts = vault.secret(&identity.secret()).await?;
            let arn = facts.as_ref().map(|facts| facts.arn.clone());
            (held(identity, facts, vault).await?, arn)
        }
    };
    let mut ids: BTreeSet<CertificateId> = record.into_iter().flat_map(remembered).collect();
    ids.extend([&secret.current, &secret.pending].into_iter().flatten().map(|held| held.certificate.clone()));
    if thing.is_some() {
        ids.extend(broker.of_thing(&thing_name).await?);
    }
    if policy.is_some() {
        ids.extend(broker.of_policy(&policy_name).await?);
    }
    let mut certificates = BTreeMap::new();
    for id in ids {
        if let Some(found) = broker.certificate(&id).await? {
            certificates.insert(id, found);
        }
    }
    certificates.extend(of_attempts(record, broker, &certificates).await?);
    let mut seen = BTreeMap::new();
    for (id, found) in &certificates {
        let attached = broker.attached(id, &found.arn).await?;
        // One that cannot be read is of no key of ours; all else that is known of it counts.
        let (public_key, not_after) = match keys::certificate(&found.pem) {
            Ok(read) => (read.public_key, read.not_after),
            Err(_) => (Digest::of(found.pem.as_bytes()), found.made_at),
        };
        let certificate = SeenCertificate {
            status: found.status,
            public_key,
            made_at: found.made_at,
            not_after,
            has_policy: attached.policies.contains(&policy_name),
            has_thing: attached.things.contains(&thing_name),
            has_others: attached.policies.iter().any(|name| *name != policy_name)
                || attached.things.iter().any(|name| *name != thing_name),
        };
        seen.insert(id.clone(), certificate);
    }
    Ok(Sight { seen: Seen { thing, policy, certificates: seen, secret }, certificates, secret_arn })
}

fn remembered(record: &Record) -> Vec<CertificateId> {
    let current = record.current.iter().map(|current| current.certificate.clone());
    let retiring = record.retiring.iter().map(|retiring| retiring.certificate.clone());
    current.chain(retiring).chain(record.ending.iter().cloned()).collect()
}

async fn held<V: Vault>(identity: &Identity, facts: Option<SecretFacts>, vault: &V) -> Result<SecretSeen, Fault> {
    let Some(SecretFacts { leaving, owner, current, pending, .. }) = facts else { return Ok(SecretSeen::absent()) };
    if leaving {
        let state = SecretState::Leaving;
        return Ok(SecretSeen {
            state,
            owner,
            current_version: current,
            pending_version: pending,
            ..SecretSeen::absent()
        });
    }
    let name = identity.secret();
    let mut seen = SecretSeen { state: SecretState::Present, owner, ..SecretSeen::absent() };
    // Of a secret that says it is another's nothing is read.
    if seen.owner.as_deref() == Some(identity.cluster.to_string().as_str()) {
        seen.current = read(vault, &name, current.as_deref()).await?;
        seen.pending = read(vault, &name, pending.as_deref()).await?;
    }
    seen.current_version = current;
    seen.pending_version = pending;
    Ok(seen)
}

async fn read<V: Vault>(vault: &V, name: &str, version: Option<&str>) -> Result<Option<Held>, Fault> {
    let Some(version) = version else { return Ok(None) };
    Ok(vault.text(name, version).await?.and_then(|text| secret::read(version, &text)))
}

/// The certificates of keys that were made here, and whose ids nobody has: a reply was lost. Only an inactive one can be so.
async fn of_attempts<B: Broker>(
    record: Option<&Record>,
    broker: &B,
    known: &BTreeMap<CertificateId, BrokerCertificate>,
) -> Result<BTreeMap<CertificateId, BrokerCertificate>, Fault> {
    let mut found = BTreeMap::new();
    let attempts = record.map_or(&[][..], |record| &record.attempts);
    let Some(first) = attempts.iter().map(|attempt| attempt.at).min() else { return Ok(found) };
    let from = first.checked_sub(SKEW).unwrap_or(first);
    for id in broker.inactive_since(from).await? {
        if known.contains_key(&id) {
            continue;
        }
        let Some(certificate) = broker.certificate(&id).await? else { continue };
        // What cannot be read is not of a key of ours.
        let ours = keys::certificate(&certificate.pem)
            .is_ok_and(|read| attempts.iter().any(|attempt| attempt.public_key == read.public_key));
        if ours {
            found.insert(id, certificate);
        }
    }
    Ok(found)
}
