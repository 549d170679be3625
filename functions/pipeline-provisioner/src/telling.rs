//! How a run is told: envelopes for the bus and entries for the audit trail, both derived from the run, so that they are the
//! same in every copy.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase},
        cluster::ClusterKey,
        id::{CorrelationId, Digest, EventId},
    },
    event::{Envelope, Event, Meta, Outcome, Run, SCHEMA_VERSION},
};
use jiff::Timestamp;

/// Who acts, in the audit trail.
pub const ACTOR: &str = "pipeline-provisioner";

/// How many reasons an audit entry takes; a refused file can have hundreds of findings.
const MAX_REASONS: usize = 50;

/// A run as it is told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Which run.
    pub run: Run,
    /// What caused it.
    pub correlation_id: CorrelationId,
    /// What makes its events' ids its own: the fence, or the event that asked for a plan.
    pub nonce: String,
}

impl Telling {
    /// An event about the repository.
    pub fn about_run(&self, at: Timestamp, event: Event) -> Envelope {
        self.envelope(at, format!("repository:{}", self.run.repository.id), "", event)
    }

    /// An event about a cluster. What it says is part of its identity: a second attempt in the same run may fail otherwise.
    pub fn about_cluster(&self, at: Timestamp, cluster: &ClusterKey, said: &Digest, event: Event) -> Envelope {
        self.envelope(at, cluster.subject(), said.as_str(), event)
    }

    fn envelope(&self, occurred_at: Timestamp, subject: String, said: &str, event: Event) -> Envelope {
        let run = &self.run;
        let repository = run.repository.id.to_string();
        let parts = [
            ACTOR,
            &repository,
            run.branch.as_str(),
            run.head.as_str(),
            &self.nonce,
            event.kind().name(),
            &subject,
            said,
        ];
        let event_id = EventId::derived(parts);
        let correlation_id = self.correlation_id.clone();
        Envelope {
            meta: Meta { schema_version: SCHEMA_VERSION, event_id, occurred_at, correlation_id, subject },
            event,
        }
    }

    /// An audit entry about a cluster.
    pub fn entry(&self, at: Timestamp, cluster: &ClusterKey, action: &str, phase: Phase, reasons: &[String]) -> Draft {
        let mut entry = self.about(at, cluster.subject(), action, phase, reasons);
        entry.facts.insert("config_path".to_owned(), cluster.config_path());
        entry
    }

    /// An audit entry about something else.
    pub fn about(&self, at: Timestamp, subject: String, action: &str, phase: Phase, reasons: &[String]) -> Draft {
        let run = &self.run;
        let facts = [
            ("repository", run.repository.id.to_string()),
            ("branch", run.branch.to_string()),
            ("head", run.head.to_string()),
            ("generation", run.generation.to_string()),
        ];
        let mut kept: Vec<String> = reasons.iter().take(MAX_REASONS).cloned().collect();
        if reasons.len() > MAX_REASONS {
            kept.push(format!("{} more reasons are left out.", reasons.len() - MAX_REASONS));
        }
        Draft {
            subject,
            at,
            actor: ACTOR.to_owned(),
            action: action.to_owned(),
            phase,
            correlation_id: self.correlation_id.clone(),
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
            reasons: kept,
        }
    }
}

/// What was said about a cluster: the same again is no event and no entry.
pub fn said(outcome: Outcome, reasons: &[String]) -> Digest {
    let outcome = format!("{outcome:?}");
    Digest::of_parts(std::iter::once(outcome.as_str()).chain(reasons.iter().map(String::as_str)))
}
