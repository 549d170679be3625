//! The table, the bus and the specs bucket in memory, with the same conditions as the real ones: expiry is compared on
//! every read, a lower generation never overwrites a higher one, a recording is all or nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{
        audit::{Draft, Entry, Head},
        cluster::{ClusterKey, ClusterRecord, CompiledSpec, start::Started},
        id::{BranchName, CommitSha, DeliveryId, Digest, EventId, Generation, PipelineName, RepositoryId},
    },
    event::Envelope,
    fault::Fault,
    ports::{
        Accepted, AuditTrail, Bus, ClusterLedger, ClusterRecords, Delivery, FeedbackLedger, FeedbackWords, Intake,
        Outbox, OutboxRow, Recorded, Recording, Said, Specs, StuckEvent,
    },
    testing::{World, id},
};

#[derive(Default)]
pub(super) struct State {
    deliveries: BTreeMap<DeliveryId, Delivery>,
    bodies: BTreeMap<(String, Digest), (Timestamp, DeliveryId)>,
    outbox: BTreeMap<EventId, OutboxRow>,
    bus: Vec<OutboxRow>,
    refused_by_bus: BTreeMap<EventId, String>,
    feedback: BTreeMap<(String, String), Said>,
    fences: BTreeMap<(RepositoryId, BranchName), (Generation, CommitSha)>,
    started: BTreeMap<(RepositoryId, BranchName), Started>,
    touched: Vec<EventId>,
    records: BTreeMap<(RepositoryId, ClusterKey), ClusterRecord>,
    chains: BTreeMap<String, (Vec<Entry>, Option<Head>)>,
    specs: BTreeMap<(String, Digest), CompiledSpec>,
}

impl State {
    pub(super) fn put_outbox(&mut self, rows: impl IntoIterator<Item = OutboxRow>) {
        self.outbox.extend(rows.into_iter().map(|row| (row.event_id.clone(), row)));
    }

    /// The head at which a branch's last generation was taken.
    pub(super) fn reconciled(&self, branch: &(RepositoryId, BranchName)) -> Option<&CommitSha> {
        self.fences.get(branch).map(|(_, head)| head)
    }

    /// The events from before this that wait, the oldest first.
    pub(super) fn stuck(&self, before: Timestamp) -> Vec<StuckEvent> {
        let old = self.outbox.values().filter(|row| row.occurred_at < before);
        let event = |row: &OutboxRow| StuckEvent { event_id: row.event_id.clone(), occurred_at: row.occurred_at };
        let mut events: Vec<StuckEvent> = old.map(event).collect();
        events.sort_by(|one, other| (one.occurred_at, &one.event_id).cmp(&(other.occurred_at, &other.event_id)));
        events
    }

    /// Touches a row, when it is there.
    pub(super) fn touch(&mut self, event: &EventId) -> bool {
        let there = self.outbox.contains_key(event);
        if there {
            self.touched.push(event.clone());
        }
        there
    }

    pub(super) fn append(&mut self, draft: Draft) {
        let subject = draft.subject.clone();
        let (entries, recorded) = self.chains.entry(subject.clone()).or_default();
        let entry = recorded.take().unwrap_or_else(|| Head::empty(&subject)).append(draft);
        *recorded = Some(entry.head());
        entries.push(entry);
    }
}

impl World {
    /// The events that are committed and not yet on the bus, by time.
    pub fn outbox(&self) -> Vec<OutboxRow> {
        let mut rows: Vec<OutboxRow> = self.state().store.outbox.values().cloned().collect();
        rows.sort_by(|one, other| (one.occurred_at, &one.event_id).cmp(&(other.occurred_at, &other.event_id)));
        rows
    }

    /// What the relay would do: empties the outbox onto the bus and answers the events.
    pub fn drain(&self) -> Vec<Envelope> {
        let rows = self.outbox();
        let mut state = self.state();
        state.store.outbox.clear();
        state.store.bus.extend(rows.iter().cloned());
        rows.iter()
            .map(|row| {
                let detail = serde_json::from_str(&row.detail).expect("the outbox holds JSON");
                Envelope::parse(&row.source, &row.detail_type, detail).expect("the outbox holds the contract's events")
            })
            .collect()
    }

    /// The outbox rows that were touched, in order.
    pub fn touched(&self) -> Vec<EventId> {
        self.state().store.touched.clone()
    }

    /// What arrived on the bus, in order.
    pub fn bus(&self) -> Vec<OutboxRow> {
        self.state().store.bus.clone()
    }

    /// What arrived on the bus after the first so many.
    pub fn bus_from(&self, number: usize) -> Vec<OutboxRow> {
        self.state().store.bus.get(number..).unwrap_or_default().to_vec()
    }

    /// Lets the bus refuse one event, with a reason.
    pub fn refuse_on_bus(&self, event: &EventId, reason: Option<&str>) {
        let refused = &mut self.state().store.refused_by_bus;
        match reason {
            Some(reason) => refused.insert(event.clone(), reason.to_owned()),
            None => refused.remove(event),
        };
    }

    /// Puts a row into the outbox as an earlier transaction would have.
    pub fn put_outbox(&self, event: &Envelope) -> OutboxRow {
        let row = OutboxRow::of(event).expect("an event of the contract");
        self.state().store.outbox.insert(row.event_id.clone(), row.clone());
        row
    }

    /// The head at which the provisioner last took up a branch of [`World::repository`].
    pub fn taken_up(&self, branch: &str) -> Option<CommitSha> {
        self.state().store.reconciled(&(self.repository().id, id(branch))).cloned()
    }

    /// The cluster records.
    pub fn cluster_records(&self) -> Vec<ClusterRecord> {
        self.state().store.records.values().cloned().collect()
    }

    /// Forgets a cluster record: what a restored table could miss.
    pub fn lose_record(&self, repository: RepositoryId, cluster: &ClusterKey) {
        self.state().store.records.remove(&(repository, cluster.clone()));
    }

    /// The compiled specs that are stored, by pipeline and digest of the file.
    pub fn stored_specs(&self) -> BTreeMap<(String, Digest), CompiledSpec> {
        self.state().store.specs.clone()
    }

    /// Every audit subject.
    pub fn subjects(&self) -> Vec<String> {
        self.state().store.chains.keys().cloned().collect()
    }

    /// Changes a chain behind everybody's back.
    pub fn tamper_chain(&self, subject: &str, change: impl FnOnce(&mut Vec<Entry>)) {
        if let Some((entries, _)) = self.state().store.chains.get_mut(subject) {
            change(entries);
        }
    }
}

impl Intake for World {
    async fn record(&self, delivery: &Delivery, event: &Envelope) -> Result<Recorded, Fault> {
        self.call("Intake.record", delivery.id.as_str(), true, |state| {
            let now = delivery.received_at;
            let store = &mut state.store;
            if let Some(before) = store.deliveries.get(&delivery.id).filter(|before| before.expires_at > now) {
                let same = before.body == delivery.body && before.event_name == delivery.event_name;
                return Ok(if same { Recorded::DuplicateDelivery } else { Recorded::DeliveryIdReused });
            }
            let body = (delivery.event_name.clone(), delivery.body.clone());
            if let Some((_, first)) = store.bodies.get(&body).filter(|(expires, _)| *expires > now) {
                return Ok(Recorded::DuplicateBody { first: first.clone() });
            }
            let row = OutboxRow::of(event)?;
            let (event_name, received_at) = (delivery.event_name.clone(), delivery.received_at);
            store.deliveries.insert(delivery.id.clone(), delivery.clone());
            store.bodies.insert(body, (delivery.expires_at, delivery.id.clone()));
            state.ledger.accept(&delivery.id, Accepted { event_name, received_at, event: row.event_id.clone() });
            store.outbox.insert(row.event_id.clone(), row);
            Ok(Recorded::Accepted)
        })
    }
}

impl Outbox for World {
    async fn pending(&self, ids: &[EventId]) -> Result<Vec<EventId>, Fault> {
        self.call("Outbox.pending", "", false, |state| {
            Ok(ids.iter().filter(|id| state.store.outbox.contains_key(id)).cloned().collect())
        })
    }

    async fn accepted(&self, ids: &[EventId]) -> Result<(), Fault> {
        self.call("Outbox.accepted", "", true, |state| {
            state.store.outbox.retain(|id, _| !ids.contains(id));
            Ok(())
        })
    }
}

impl Bus for World {
    async fn publish(&self, rows: &[OutboxRow]) -> Result<Vec<(EventId, String)>, Fault> {
        self.call("Bus.publish", "", true, |state| {
            let mut refused = Vec::new();
            for row in rows {
                match state.store.refused_by_bus.get(&row.event_id) {
                    Some(reason) => refused.push((row.event_id.clone(), reason.clone())),
                    None => state.store.bus.push(row.clone()),
                }
            }
            Ok(refused)
        })
    }
}

impl FeedbackWords for World {
    async fn said(&self, subject: &str, kind: &str) -> Result<Option<Said>, Fault> {
        self.call("FeedbackLedger.said", subject, false, |state| {
            Ok(state.store.feedback.get(&(subject.to_owned(), kind.to_owned())).cloned())
        })
    }
}

impl FeedbackLedger for World {
    async fn begin(
        &self,
        subject: &str,
        kind: &str,
        before: Option<&Said>,
        new: &Said,
        _: Timestamp,
    ) -> Result<bool, Fault> {
        self.call("FeedbackLedger.begin", subject, true, |state| {
            let key = (subject.to_owned(), kind.to_owned());
            let still = state.store.feedback.get(&key) == before;
            if still {
                state.store.feedback.insert(key, new.clone());
            }
            Ok(still)
        })
    }

    async fn published(&self, subject: &str, kind: &str, said: &Said, _: Timestamp) -> Result<(), Fault> {
        self.call("FeedbackLedger.published", subject, true, |state| {
            let key = (subject.to_owned(), kind.to_owned());
            if state.store.feedback.get(&key).is_none_or(|before| before.order <= said.order) {
                state.store.feedback.insert(key, said.clone());
            }
            Ok(())
        })
    }
}

impl ClusterRecords for World {
    async fn records(&self, repository: RepositoryId) -> Result<Vec<ClusterRecord>, Fault> {
        self.call("ClusterLedger.records", "", false, |state| {
            let ours = state.store.records.iter().filter(|((owner, _), _)| *owner == repository);
            Ok(ours.map(|(_, record)| record.clone()).collect())
        })
    }
}

impl ClusterLedger for World {
    async fn take_generation(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        head: &CommitSha,
        _: Timestamp,
    ) -> Result<Generation, Fault> {
        self.call("ClusterLedger.take_generation", branch.as_str(), true, |state| {
            let key = (repository, branch.clone());
            let before = state.store.fences.get(&key).map_or(0, |(generation, _)| generation.0);
            let generation = Generation(before + 1);
            state.store.fences.insert(key, (generation, head.clone()));
            Ok(generation)
        })
    }

    async fn current_generation(&self, repository: RepositoryId, branch: &BranchName) -> Result<Generation, Fault> {
        self.call("ClusterLedger.current_generation", branch.as_str(), false, |state| {
            let fence = state.store.fences.get(&(repository, branch.clone()));
            Ok(fence.map_or(Generation(0), |(generation, _)| *generation))
        })
    }

    async fn started_up_to(&self, repository: RepositoryId, branch: &BranchName) -> Result<Option<Started>, Fault> {
        self.call("ClusterLedger.started_up_to", branch.as_str(), false, |state| {
            Ok(state.store.started.get(&(repository, branch.clone())).cloned())
        })
    }

    async fn mark_started(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        generation: Generation,
        started: &Started,
    ) -> Result<bool, Fault> {
        self.call("ClusterLedger.mark_started", branch.as_str(), true, |state| {
            let key = (repository, branch.clone());
            let ours = state.store.fences.get(&key).is_some_and(|(current, _)| *current == generation);
            if ours {
                state.store.started.insert(key, started.clone());
            }
            Ok(ours)
        })
    }

    async fn record(&self, recording: Recording) -> Result<(), Fault> {
        self.call("ClusterLedger.record", recording.entry.subject.clone(), true, |state| {
            let Recording { entry, record, forget, events } = recording;
            let rows = events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
            let store = &mut state.store;
            if let Some((owner, record)) = record {
                let key = (owner, record.cluster.clone());
                let newer = store.records.get(&key).filter(|found| found.generation > record.generation);
                if let Some(newer) = newer {
                    return Err(Fault::retry(format!("generation {} has recorded {}", newer.generation, key.1)));
                }
                store.records.insert(key, record);
            }
            if let Some(key) = forget {
                store.records.remove(&key);
            }
            store.append(entry);
            store.put_outbox(rows);
            Ok(())
        })
    }

    async fn announce(&self, events: &[Envelope]) -> Result<(), Fault> {
        self.call("ClusterLedger.announce", "", true, |state| {
            let rows = events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
            state.store.put_outbox(rows);
            Ok(())
        })
    }
}

impl AuditTrail for World {
    async fn chain(&self, subject: &str) -> Result<(Vec<Entry>, Head), Fault> {
        self.call("AuditTrail.chain", subject, false, |state| {
            let (entries, head) = state.store.chains.get(subject).cloned().unwrap_or_default();
            Ok((entries, head.unwrap_or_else(|| Head::empty(subject))))
        })
    }
}

impl Specs for World {
    async fn put(&self, pipeline: &PipelineName, spec: &CompiledSpec) -> Result<(), Fault> {
        self.call("Specs.put", pipeline.as_str(), true, |state| {
            state.store.specs.insert((pipeline.to_string(), spec.config_sha256.clone()), spec.clone());
            Ok(())
        })
    }
}
