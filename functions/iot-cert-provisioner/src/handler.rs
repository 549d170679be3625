//! Load, plan, claim, carry out, commit.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        certificate::{
            self, Attempt, CLAIM, Identity, Outcome, Plan, Purpose, Record, Rules, Step, Subject, identities, identity,
            plan,
        },
        cluster::{ClusterKey, ClusterRecord},
        governance::Repositories,
        id::{CertificateId, CorrelationId, RequestId},
    },
    event::{CertificateWish, Envelope, Event},
    fault::Fault,
    keys,
    ports::{Accounts, Broker, CertificateChange, CertificateRows, Clock, ClusterRecords, SaidCommitted, Vault as _},
};
use serde_json::Value;

use crate::{
    answer::{Answer, InUse, Place, Retires, Said},
    consumers,
    executing::{Executor, Key},
    request::{Action, Asked, Call},
    seeing::{Sight, see},
    telling,
};

#[cfg(test)]
mod tests;

/// The function, over what it reads and writes.
pub struct CertificateProvisioner<R, A, J, C> {
    /// The records: clusters' and certificates'.
    pub rows: R,
    /// The accounts of brokers and secrets.
    pub accounts: A,
    /// The jobs of pipelines.
    pub jobs: J,
    /// Now.
    pub clock: C,
    /// Which repositories configure clusters.
    pub repositories: Repositories,
    /// Topics, overlap, lifetime.
    pub rules: Rules,
    /// The authority that clients trust, as PEM.
    pub authority: String,
}

/// One piece of work.
pub struct Work {
    /// For which cluster.
    pub cluster: ClusterKey,
    /// What.
    pub action: Action,
    /// Names the request.
    pub request: RequestId,
    /// The request for a certificate of a key that the caller keeps.
    pub csr: Option<String>,
    /// Which certificate the agent has connected with: of an acknowledgement.
    pub certificate: Option<CertificateId>,
    /// What caused it.
    pub cause: CorrelationId,
}

impl<R, A, J, C> CertificateProvisioner<R, A, J, C>
where
    R: CertificateRows + ClusterRecords,
    A: Accounts,
    J: Sync,
    C: Clock,
{
    /// A direct call.
    ///
    /// # Errors
    /// `Reject` for a call that makes no sense, and what [`work`](Self::work) says.
    pub async fn call(&self, call: Value) -> Result<Said, Fault> {
        let call: Call = serde_json::from_value(call).map_err(|wrong| {
            let wrong = common::domain::id::quoted(&wrong.to_string(), 200);
            Fault::reject(format!(
                "the call cannot be read: {wrong}; expected {{\"action\": …, \"environment\": …, \"region_alias\": …, \"cluster\": …}}"
            ))
        })?;
        let (cluster, action, request, csr, certificate) = match call.asked()? {
            Asked::All => return self.sweep().await.map(|()| Said::All { result: "done" }),
            Asked::One { cluster, action, request, csr, certificate } => (cluster, action, request, csr, certificate),
        };
        // Without a name each call is a request of its own.
        let named = format!("call-{}", self.clock.now().as_microsecond());
        let request = request.map_or_else(|| named.parse(), Ok);
        let request = request.map_err(|error| Fault::bug_from("naming a request", error))?;
        let cause = CorrelationId::derived(["iot-cert-provisioner", "call", request.as_str()]);
        self.work(Work { cluster, action, request, csr, certificate, cause })
            .await
            .map(|answer| Said::One(Box::new(answer)))
    }

    /// An event.
    ///
    /// # Errors
    /// As [`work`](Self::work); `Bug` for an event that this function has no rule for.
    pub async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        let Event::CertificateRequested(asked) = &event.event else {
            let name = event.event.kind().name();
            return Err(Fault::bug(format!("iot-cert-provisioner was sent {name}: its rules are wrong")));
        };
        let action = match asked.wish {
            CertificateWish::Ensure => Action::Ensure,
            CertificateWish::Rotate => Action::Rotate,
        };
        let (cluster, request) = (asked.cluster.clone(), asked.request_id.clone());
        let cause = event.meta.correlation_id.clone();
        self.work(Work { cluster, action, request, csr: None, certificate: None, cause }).await.map(drop)
    }

    /// The clock.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep); `Bug` for a schedule of another name.
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        if name == "sweep" {
            return self.sweep().await;
        }
        Err(Fault::bug(format!("iot-cert-provisioner has no schedule {name}")))
    }

    /// Upkeep of every cluster that has had a certificate: each by itself, so that one that cannot be mended keeps no other.
    ///
    /// # Errors
    /// `Bug` with all that failed, when anything did.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let mut failed = Vec::new();
        // What has ended, and of which nothing is left to be removed, is left alone: its account may be gone.
        let rests =
            |record: &Record| record.ended.is_none() || !record.attempts.is_empty() || !record.ending.is_empty();
        for record in self.rows.certificates().await?.into_iter().filter(rests) {
            let cluster = record.cluster;
            let parts = ["iot-cert-provisioner", "sweep", &cluster.to_string(), &self.clock.now().to_string()];
            let cause = CorrelationId::derived(parts);
            let request = cause.as_str().parse().map_err(|error| Fault::bug_from("naming a request", error))?;
            let work =
                Work { cluster: cluster.clone(), action: Action::Sweep, request, csr: None, certificate: None, cause };
            if let Err(fault) = self.work(work).await {
                tracing::error!(%cluster, fault = fault.chain(), "upkeep failed");
                failed.push(format!("{cluster}: {fault}"));
            }
        }
        let value = u64::try_from(failed.len()).unwrap_or(u64::MAX);
        tracing::info!(target: "metric", name = "CertificateUpkeepFailed", value);
        if failed.is_empty() { Ok(()) } else { Err(Fault::bug(format!("upkeep failed: {}", failed.join("; ")))) }
    }

    /// One piece of work about one cluster.
    ///
    /// Idempotent by the cluster for `ensure`, `revoke`, `delete` and upkeep; by the request for `rotate`.
    ///
    /// # Errors
    /// `Reject` when what must be put right is not ours; `Retry` when another call works on it, or something outside failed; `Bug` when AWS
    /// says that we are wrong. What cannot pass by itself is also told to the bus.
    pub async fn work(&self, work: Work) -> Result<Answer, Fault> {
        let outcome = Box::pin(self.tried(&work)).await;
        if let Err(fault) = &outcome
            && !fault.is_retry()
            && work.action != Action::Status
        {
            let change = telling::failed(&work, fault, self.clock.now_to_the_microsecond());
            // What failed is what the caller must hear, also when nobody else can be told of it.
            if let Err(silent) = self.rows.commit_certificate(&change).await {
                tracing::error!(fault = silent.chain(), "a failure could not be told");
            }
        }
        outcome
    }

    async fn tried(&self, work: &Work) -> Result<Answer, Fault> {
        let now = self.clock.now_to_the_microsecond();
        let record = self.rows.certificate(&work.cluster).await?;
        let clusters = self.clusters().await?;
        let identity = who(work, record.as_ref(), &clusters)?;
        let request = work.csr.as_deref().map(|csr| keys::request(csr, &identity.thing())).transpose()?;
        let claimed = record.as_ref().and_then(|record| record.claimed_until).filter(|until| *until > now);
        // Revoking waits for nobody: whoever works on it meanwhile does not come to the end, and what they bring into use ends after.
        if let Some(until) = claimed.filter(|_| !matches!(work.action, Action::Status | Action::Revoke)) {
            return Err(Fault::retry(format!("another call works on {} until {until}", work.cluster)));
        }
        let broker = self.accounts.broker(&identity.broker).await?;
        // Nor does it need the account of the secret, which may be closed by then.
        let vault = match work.action {
            Action::Revoke => None,
            _ => Some(self.accounts.vault(&identity.home).await?),
        };
        let sight = see(&identity, record.as_ref(), &broker, vault.as_ref()).await?;
        let public_key = request.as_ref().map(|request| request.public_key.clone());
        let purpose = match work.action {
            Action::Ensure | Action::Status => Purpose::Ensure { public_key, request: work.request.clone() },
            Action::Rotate => Purpose::Rotate { public_key, request: work.request.clone() },
            Action::Revoke => Purpose::Revoke,
            Action::Delete => Purpose::Delete,
            Action::Sweep | Action::Acknowledge => Purpose::Upkeep,
        };
        let known = match work.action {
            Action::Acknowledge => Some(acknowledged(work, record.clone(), now)?),
            _ => record.clone(),
        };
        let planned = plan(&purpose, &identity, &self.rules, known.as_ref(), &sight.seen, now);
        if work.action == Action::Status {
            let mut answer = self.answer(&identity, record.as_ref(), &sight, Outcome::Unchanged, &broker).await?;
            answer.reasons = telling::standing(record.as_ref(), &planned);
            return Ok(answer);
        }
        let planned = planned.map_err(|refused| Fault::reject(format!("{}: {refused}", work.cluster)))?;
        let idle = planned.steps.is_empty();
        let place = Where { identity: &identity, sight: &sight, broker: &broker, vault: vault.as_ref() };
        let (record, outcome) = self.carry_out(work, &place, record, planned, request).await?;
        let unwritten = self.consumers(&identity, &clusters).await.err();
        let sight = if idle { sight } else { see(&identity, record.as_ref(), &broker, vault.as_ref()).await? };
        let mut answer = self.answer(&identity, record.as_ref(), &sight, outcome, &broker).await?;
        if let Some(fault) = unwritten {
            // It is about the regional cluster, whose own work says so again; this cluster's is done.
            tracing::error!(cluster = %work.cluster, fault = fault.chain(), "the regional cluster's consumers could not be written");
            answer.reasons.push(format!("the list of the regional cluster's consumers could not be written: {fault}"));
        }
        Ok(answer)
    }

    /// Claims, carries out, commits; answers the record as it is then.
    async fn carry_out(
        &self,
        work: &Work,
        place: &Where<'_, A>,
        stored: Option<Record>,
        planned: Plan,
        request: Option<keys::Request>,
    ) -> Result<(Option<Record>, Outcome), Fault> {
        let Where { identity, sight, broker, vault } = place;
        let now = self.clock.now_to_the_microsecond();
        let Plan { steps, outcome, subject, mut after } = planned;
        let version = stored.as_ref().map_or(0, |record| record.version);
        if steps.is_empty() && stored.as_ref().is_none_or(|stored| same(stored, &after)) {
            return Ok((stored, outcome));
        }
        let key = match (steps.contains(&Step::Issue), request) {
            (false, _) => None,
            (true, Some(request)) => Some(Key::Theirs(request)),
            (true, None) => Some(Key::Ours(keys::mint(&identity.thing())?)),
        };
        let attempt = key.as_ref().map(|key| Attempt {
            public_key: key.request().public_key.clone(),
            at: now,
            request: (work.action == Action::Rotate).then(|| work.request.clone()),
            theirs: matches!(key, Key::Theirs(_)),
        });
        let mut claimed = stored.clone().unwrap_or_else(|| Record::new((*identity).clone()));
        claimed.attempts.extend(attempt);
        claimed.ending.extend(steps.iter().filter_map(|step| match step {
            Step::Delete(id) => Some(id.clone()),
            _ => None,
        }));
        claimed.claimed_until = now.checked_add(CLAIM).ok();
        claimed.version = version + 1;
        self.commit(telling::intent(work, stored, &claimed, &steps, now)).await?;
        let executor = Executor {
            identity,
            rules: &self.rules,
            authority: &self.authority,
            seen: &sight.seen,
            certificates: &sight.certificates,
            broker: *broker,
            vault: *vault,
            key: key.as_ref(),
            now,
        };
        let issued = match executor.execute(&steps).await {
            Ok(issued) => issued,
            Err(fault) => {
                // So that the next call need not wait for the claim to end.
                let mut freed = claimed.clone();
                freed.claimed_until = None;
                freed.version += 1;
                let change = telling::stopped(work, claimed, freed, &fault, self.clock.now_to_the_microsecond());
                if let Err(silent) = self.commit(change).await {
                    tracing::warn!(fault = silent.chain(), "a claim stays until it ends by itself");
                }
                return Err(fault);
            }
        };
        if subject == Some(Subject::New) {
            after.current = issued;
        }
        after.claimed_until = None;
        after.version = claimed.version + 1;
        let secret = match (&sight.secret_arn, vault) {
            (None, Some(vault)) => vault.secret(&identity.secret()).await?.map(|facts| facts.arn),
            (arn, _) => arn.clone(),
        };
        let told = telling::done(work, claimed, &after, outcome, &steps, secret, self.clock.now_to_the_microsecond());
        self.commit(told).await?;
        Ok((Some(after), outcome))
    }

    async fn commit(&self, change: CertificateChange) -> Result<(), Fault> {
        let subject = change.entry.subject.clone();
        match self.rows.commit_certificate(&change).await? {
            SaidCommitted::Done => Ok(()),
            SaidCommitted::Already | SaidCommitted::Conflict => {
                Err(Fault::retry(format!("writing {subject}: somebody else wrote it")))
            }
        }
    }

    /// The clusters' records; of a cluster that two repositories configure there is none.
    pub(crate) async fn clusters(&self) -> Result<BTreeMap<ClusterKey, ClusterRecord>, Fault> {
        let (mut clusters, mut disputed) = (BTreeMap::new(), BTreeSet::new());
        for (id, entry) in &self.repositories.listed {
            if !entry.kind.makes_pipelines() {
                continue;
            }
            for record in self.rows.records(*id).await? {
                let key = record.cluster.clone();
                if clusters.insert(key.clone(), record).is_some() {
                    disputed.insert(key);
                }
            }
        }
        clusters.retain(|key, _| !disputed.contains(key));
        Ok(clusters)
    }

    /// Writes who the regional cluster's consumers are, where it differs.
    async fn consumers(
        &self,
        identity: &Identity,
        clusters: &BTreeMap<ClusterKey, ClusterRecord>,
    ) -> Result<(), Fault> {
        let regional = identity.cluster.regional();
        // Without its regional cluster's record nobody knows the secret's name: the next call with one writes it.
        let Ok(server) = certificate::identity(&regional, clusters) else { return Ok(()) };
        let records = self.rows.certificates().await?;
        let has =
            |one: &Identity| records.iter().any(|record| record.cluster == one.cluster && record.current.is_some());
        let mut agents = identities(&regional, clusters);
        agents.retain(has);
        let vault = self.accounts.vault(&server.home).await?;
        consumers::write(&vault, &server, &agents).await
    }

    async fn answer(
        &self,
        identity: &Identity,
        record: Option<&Record>,
        sight: &Sight,
        outcome: Outcome,
        broker: &A::Broker,
    ) -> Result<Answer, Fault> {
        let mut answer = Answer::without(outcome, identity, self.rules.topics.as_str());
        let held = sight.seen.secret.current.as_ref();
        let found = held.and_then(|held| Some((held, sight.certificates.get(&held.certificate)?)));
        if let Some((held, found)) = found {
            let seen = sight.seen.certificates.get(&held.certificate);
            answer.certificate = seen.map(|seen| InUse {
                id: held.certificate.clone(),
                arn: found.arn.clone(),
                pem: found.pem.clone(),
                not_after: seen.not_after,
                status: telling::status(seen.status),
            });
            answer.secret = sight.secret_arn.clone().map(|arn| Place {
                arn,
                version: sight.seen.secret.current_version.clone(),
                account: identity.home.account.to_string(),
            });
            answer.endpoint = Some(broker.endpoint().await?);
        }
        let retiring = record.map_or(&[][..], |record| &record.retiring);
        answer.retiring =
            retiring.iter().map(|one| Retires { id: one.certificate.clone(), until: one.until }).collect();
        answer.reasons = telling::reasons(record, outcome);
        Ok(answer)
    }
}

/// Where a plan is carried out.
struct Where<'a, A: Accounts> {
    identity: &'a Identity,
    sight: &'a Sight,
    broker: &'a A::Broker,
    vault: Option<&'a A::Vault>,
}

/// Who the cluster is. What keeps or ends its certificates goes on with who it was, whatever its files say by now.
fn who(
    work: &Work,
    record: Option<&Record>,
    clusters: &BTreeMap<ClusterKey, ClusterRecord>,
) -> Result<Identity, Fault> {
    match record {
        Some(record) if !matches!(work.action, Action::Ensure | Action::Rotate) => Ok(record.identity.clone()),
        _ => identity(&work.cluster, clusters).map_err(|why| Fault::reject(why.to_string())),
    }
}

/// The record with the ends of those before brought to now.
fn acknowledged(work: &Work, record: Option<Record>, now: jiff::Timestamp) -> Result<Record, Fault> {
    let in_use = |record: &Record| record.current.as_ref().map(|current| current.certificate.clone());
    let found = record.as_ref().and_then(in_use);
    // A rotation meanwhile has made another the one in use: then the agent has not connected with that.
    match (record, found, &work.certificate) {
        (Some(mut record), Some(found), Some(said)) if found == *said => {
            for retiring in &mut record.retiring {
                retiring.until = retiring.until.min(now);
            }
            Ok(record)
        }
        (_, Some(found), _) => Err(Fault::reject(format!(
            "certificate: expected {found}, the one in use: say which one the agent has connected with"
        ))),
        (_, None, _) => Err(Fault::reject("there is no certificate in use that an agent could have connected with")),
    }
}

/// Whether a plan without steps changes nothing worth writing.
fn same(stored: &Record, after: &Record) -> bool {
    Record { version: 0, ..stored.clone() } == Record { version: 0, ..after.clone() }
}
