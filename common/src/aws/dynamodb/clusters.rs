//! The provisioner's state: generations, cluster records, and each change with its audit entry and events in one transaction.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::{
    Table,
    item::{Item, from_json, n, number, outbox, row, to_json},
    key::{Key, clusters_of},
    transact::{Attempt, Failed, MAX_ITEMS, retry},
};
use crate::{
    domain::{
        cluster::{ClusterRecord, start::Started},
        id::{BranchName, CommitSha, Generation, RepositoryId, quoted},
    },
    event::Envelope,
    fault::Fault,
    ports::{ClusterLedger, ClusterRecords, Recording},
    runtime::SystemClock,
};

/// The IAM actions that [`ClusterLedger`] needs.
pub const CLUSTER_LEDGER_ACTIONS: &[&str] =
    &["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"];

/// How long a lost race for a subject's chain is tried again: two runs rarely decide about one cluster at once.
const BUDGET: SignedDuration = SignedDuration::from_secs(5);

/// The most bytes of events in one transaction; the service takes 4 MB.
const MAX_BYTES: usize = 3 * 1024 * 1024;

// The order of a recording's items: the chain's head and entry first, the record, if any, next.
const HEAD: usize = 0;
const ENTRY: usize = 1;

/// The IAM actions that [`ClusterRecords`] needs.
pub const CLUSTER_RECORD_ACTIONS: &[&str] = &["dynamodb:Query"];

impl ClusterRecords for Table {
    async fn records(&self, repository: RepositoryId) -> Result<Vec<ClusterRecord>, Fault> {
        let items = self.query("reading the cluster records", &clusters_of(repository)).await?;
        items.iter().map(from_json).collect()
    }
}

impl ClusterLedger for Table {
    async fn take_generation(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        head: &CommitSha,
        now: Timestamp,
    ) -> Result<Generation, Fault> {
        self.raise_fence(repository, branch, head, now).await
    }

    async fn current_generation(&self, repository: RepositoryId, branch: &BranchName) -> Result<Generation, Fault> {
        self.read_fence(repository, branch).await
    }

    async fn started_up_to(&self, repository: RepositoryId, branch: &BranchName) -> Result<Option<Started>, Fault> {
        self.read_started(repository, branch).await
    }

    async fn mark_started(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        generation: Generation,
        started: &Started,
    ) -> Result<bool, Fault> {
        self.write_started(repository, branch, generation, started).await
    }

    async fn record(&self, recording: Recording) -> Result<(), Fault> {
        let Recording { entry: draft, record, forget, events } = recording;
        let what = format!("recording {} of {}", draft.action, quoted(&draft.subject, 120));
        let mut rest = Vec::new();
        if let Some((repository, record)) = &record {
            rest.push(self.put_record(*repository, record)?);
        }
        if let Some((repository, cluster)) = forget {
            let delete = self.delete(Key::Cluster(repository, cluster).attributes()).build();
            rest.push(Self::delete_item(delete.map_err(|error| Fault::bug_from(&what, error))?));
        }
        for call in self.event_puts(&events)? {
            rest.extend(call);
        }
        if rest.len() + 2 > MAX_ITEMS {
            return Err(Fault::bug(format!("{what}: {} events do not fit into one transaction", events.len())));
        }
        retry(&SystemClock, BUDGET, &what, || {
            let (draft, rest, what, record) = (draft.clone(), rest.clone(), &what, &record);
            async move {
                // The head is read again for each attempt: a lost race means that another entry stands there now.
                let mut items = self.append(draft).await?;
                items.extend(rest);
                match self.transact(what, items).await? {
                    Attempt::Again => Ok(Attempt::Again),
                    Attempt::Done(failed) => judge(what, record.as_ref().map(|(_, record)| record), &failed),
                }
            }
        })
        .await
    }

    async fn announce(&self, events: &[Envelope]) -> Result<(), Fault> {
        let what = "putting events into the outbox";
        for call in self.event_puts(events)? {
            retry(&SystemClock, BUDGET, what, || {
                let call = call.clone();
                async move {
                    match self.transact(what, call).await? {
                        Attempt::Done(failed) if failed.is_empty() => Ok(Attempt::Done(())),
                        Attempt::Done(_) => Err(Fault::bug(format!("{what}: a condition failed and there is none"))),
                        Attempt::Again => Ok(Attempt::Again),
                    }
                }
            })
            .await?;
        }
        Ok(())
    }
}

impl Table {
    fn put_record(&self, repository: RepositoryId, record: &ClusterRecord) -> Result<TransactWriteItem, Fault> {
        let key = Key::Cluster(repository, record.cluster.clone());
        let item = row(&key, [("generation", n(record.generation)), ("json", to_json(record)?)]);
        self.put(item)
            .condition_expression("attribute_not_exists(pk) OR generation <= :generation")
            .expression_attribute_values(":generation", n(record.generation))
            .build()
            .map(Self::put_item)
            .map_err(|error| Fault::bug_from("writing a cluster record", error))
    }

    /// Events as puts, each event once, cut into transactions. A put of an event that is still there touches its row, which makes
    /// the relay look again.
    pub(super) fn event_puts(&self, events: &[Envelope]) -> Result<Vec<Vec<TransactWriteItem>>, Fault> {
        let mut calls: Vec<Vec<TransactWriteItem>> = Vec::new();
        let mut bytes = 0;
        let mut seen = std::collections::BTreeSet::new();
        for event in events.iter().filter(|event| seen.insert(&event.meta.event_id)) {
            let item = outbox(event)?;
            let size = size(&item);
            let put = self.put(item).build().map_err(|error| Fault::bug_from("writing an outbox row", error))?;
            let full = calls.last().is_none_or(|call| call.len() == MAX_ITEMS || bytes + size > MAX_BYTES);
            if full {
                calls.push(Vec::new());
                bytes = 0;
            }
            bytes += size;
            if let Some(call) = calls.last_mut() {
                call.push(Self::put_item(put));
            }
        }
        Ok(calls)
    }
}

fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.as_s().map_or(20, String::len)).sum()
}

/// What the conditions that did not hold mean: a lost race for the chain is tried again, a newer run's record is final.
fn judge(what: &str, record: Option<&ClusterRecord>, failed: &[Failed]) -> Result<Attempt<()>, Fault> {
    let newer = failed.iter().find(|failed| failed.at > ENTRY);
    match (newer, record) {
        (Some(newer), Some(record)) => {
            let found = newer.found.as_ref().and_then(|item| number(item, "generation").ok()).map(Generation);
            let found = found.map_or_else(|| "a newer generation".to_owned(), |found| format!("generation {found}"));
            Err(Fault::retry(format!("{what} for generation {}: {found} has recorded it", record.generation)))
        }
        (Some(_), None) => Err(Fault::bug(format!("{what}: a condition failed and there is none"))),
        (None, _) if failed.iter().any(|failed| failed.at == HEAD || failed.at == ENTRY) => Ok(Attempt::Again),
        (None, _) => Ok(Attempt::Done(())),
    }
}
