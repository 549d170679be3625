//! Judge, commit, say what became of it.

use common::{
    domain::{
        governance::Repositories,
        id::{CorrelationId, DeliveryId, Digest, EventId, quoted},
        ledger::REMEMBERED,
    },
    event::{AwsEvent, Envelope, Meta, SCHEMA_VERSION},
    fault::Fault,
    ports::{Clock, Delivery, Intake, Ledger, Recorded},
};
use serde::Serialize;

use crate::{
    input::trigger::{Record, Reference, Trigger},
    judge::{self, Foreign, Ignored, Told, Untold},
};

/// The source of CodeCommit's events.
pub const SOURCE: &str = "aws.codecommit";

/// The function and everything outside that it uses.
pub struct CodeCommitEvents<I, C> {
    /// The ledger.
    pub intake: I,
    /// Now.
    pub clock: C,
    /// `repositories.yaml`.
    pub repositories: Repositories,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Answered {
    /// It is committed, and will be published.
    Accepted {
        /// Its name in the contract.
        event: &'static str,
        /// Its id.
        event_id: EventId,
    },
    /// It came before.
    Duplicate {
        /// Its id.
        event_id: EventId,
    },
    /// It is nothing for Penstock.
    Ignored {
        /// Why.
        reason: String,
    },
    /// It contradicts itself or the registry, or a reference of a trigger cannot be read: it had no effect.
    Refused {
        /// Why.
        reason: String,
    },
}

impl<I: Intake + Ledger, C: Clock> CodeCommitEvents<I, C> {
    /// Handles an event of the bus.
    ///
    /// # Errors
    /// `Retry` when the table did not answer; `Reject` for what is not of the form that AWS documents; `Bug` for another service's event.
    pub async fn event(&self, event: &AwsEvent) -> Result<Answered, Fault> {
        if event.source != SOURCE {
            return Err(event.unexpected("codecommit-events"));
        }
        let id = &event.id;
        self.become_of(id, judge::event(event, &self.repositories)).await
    }

    /// Handles a repository's trigger: each reference by itself, and answers them in order. One that cannot be read is refused, and not
    /// tried again with the others.
    ///
    /// # Errors
    /// `Retry` when the table did not answer for one: after all were tried. Lambda invokes again, and what is committed is known then.
    pub async fn trigger(&self, trigger: &Trigger) -> Result<Vec<Answered>, Fault> {
        let (mut all, mut first) = (Vec::new(), None);
        for record in &trigger.records {
            for (at, reference) in record.codecommit.references.iter().enumerate() {
                match self.triggered(record, at, reference).await {
                    Ok(answered) => all.push(answered),
                    Err(Fault::Reject { what }) => {
                        count("RejectedMessages");
                        tracing::warn!(reason = what, "a reference of a trigger cannot be read");
                        all.push(Answered::Refused { reason: what });
                    }
                    Err(fault) => {
                        tracing::error!(fault = fault.chain(), "a reference of a trigger could not be taken");
                        first = first.or(Some(fault));
                    }
                }
            }
        }
        first.map_or(Ok(all), Err)
    }

    async fn triggered(&self, record: &Record, at: usize, reference: &Reference) -> Result<Answered, Fault> {
        let id = format!("{}.{}.{at}", record.event_id, record.event_part_number);
        self.become_of(&id, judge::reference(record, reference, &self.repositories)).await
    }

    async fn become_of(&self, id: &str, judged: Result<Told, Untold>) -> Result<Answered, Fault> {
        let answered = match judged {
            Ok(told) => self.commit(id, told).await?,
            Err(Untold::Unreadable(why)) => return Err(Fault::reject(Untold::Unreadable(why).to_string())),
            Err(Untold::Ignored(why)) => ignored(&why),
            Err(Untold::Foreign(why)) => foreign(id, &why),
        };
        match &answered {
            Answered::Accepted { event, event_id } => {
                count("CodeCommitAccepted");
                tracing::info!(event, event_id = event_id.as_str(), delivery = quoted(id, 80), "accepted");
            }
            Answered::Duplicate { event_id } => {
                count("CodeCommitDuplicate");
                tracing::info!(event_id = event_id.as_str(), delivery = quoted(id, 80), "it came before");
            }
            Answered::Ignored { reason } => tracing::info!(reason, delivery = quoted(id, 80), "ignored"),
            Answered::Refused { .. } => {}
        }
        Ok(answered)
    }

    async fn commit(&self, id: &str, told: Told) -> Result<Answered, Fault> {
        let delivery: DeliveryId = format!("codecommit:{id}")
            .parse()
            .map_err(|error| Fault::reject(format!("an event of CodeCommit cannot be taken: {error}")))?;
        let now = self.clock.now();
        let Told { repository, subject, word, when, event } = told;
        let says = event.payload().map_err(|error| Fault::bug_from("writing an event", error))?.to_string();
        let repository = repository.id.to_string();
        let identity = ["codecommit", repository.as_str(), word, when.as_str(), says.as_str()];
        let (event_id, kind) = (EventId::derived(identity), event.kind().name());
        let meta = Meta {
            schema_version: SCHEMA_VERSION,
            event_id: event_id.clone(),
            occurred_at: now,
            correlation_id: CorrelationId::derived(identity),
            subject,
        };
        let delivery = Delivery {
            id: delivery,
            event_name: format!("codecommit.{word}"),
            body: Digest::of_parts(identity),
            received_at: now,
            expires_at: now.checked_add(REMEMBERED).unwrap_or(jiff::Timestamp::MAX),
        };
        let recorded = self.intake.record(&delivery, &Envelope { meta, event }).await?;
        if let Some((about, note)) = recorded.note(&delivery.id, now)
            && let Err(fault) = self.intake.note(&about, &note).await
        {
            // A copy is one whether or not it was noted.
            tracing::warn!(fault = fault.chain(), delivery = quoted(id, 80), "a copy was not noted in the ledger");
        }
        Ok(match recorded {
            Recorded::Accepted => Answered::Accepted { event: kind, event_id },
            Recorded::DuplicateDelivery | Recorded::DuplicateBody { .. } => Answered::Duplicate { event_id },
            Recorded::DeliveryIdReused => foreign(id, &Foreign::IdReused),
        })
    }
}

fn ignored(why: &Ignored) -> Answered {
    count(match why {
        Ignored::UnknownRepository(_) => "UnknownRepositories",
        _ => "CodeCommitIgnored",
    });
    Answered::Ignored { reason: why.to_string() }
}

/// Every value in the reason is escaped and cut.
fn foreign(id: &str, why: &Foreign) -> Answered {
    let reason = why.to_string();
    count("ForeignEvents");
    tracing::warn!(reason, delivery = quoted(id, 80), "an event of CodeCommit is not what it says: it had no effect");
    Answered::Refused { reason }
}

/// One more of something, for CloudWatch: the runtime's log turns it into a metric.
fn count(name: &'static str) {
    tracing::info!(target: "metric", name, value = 1u64);
}
