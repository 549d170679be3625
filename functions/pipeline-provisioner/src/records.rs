//! What a step leaves in the table: its audit entry, the cluster's record, and the event when it is news.

use std::sync::Arc;

use common::{
    domain::{
        audit::Phase,
        cluster::{ClusterRecord, Desired, DestroyRun, Intent, PlanAction as Action, Step, ToldDrift, wording},
        id::Digest,
    },
    event::{ClusterResult, ConfigurationRejected, Envelope, Event, Outcome, PipelineDrift, PipelineResult},
    ports::{Clock, ClusterLedger, Forge, Pipelines, Recording, Specs},
};

use crate::{execute::Running, handler::Provisioner, report, telling::said};

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    pub(crate) fn recording(
        &self,
        running: &Running<'_>,
        step: &Step,
        phase: Phase,
        reasons: &[String],
        events: Vec<Envelope>,
    ) -> Recording {
        let mut entry = running.telling.entry(self.clock.now(), &step.cluster, verb(step.action), phase, reasons);
        entry.facts.insert("pipeline".into(), step.pipeline.to_string());
        if let Some(desired) = &step.desired {
            entry.facts.insert("spec_sha256".into(), desired.shape.spec_sha256.to_string());
            entry.facts.insert("config_sha256".into(), desired.shape.compiled.config_sha256.to_string());
        }
        Recording { entry, record: None, forget: None, events }
    }

    // The record of a cluster whose pipeline now is what its file wants.
    pub(crate) fn accepted(
        &self,
        running: &Running<'_>,
        step: &Step,
        desired: &Arc<Desired>,
        destroy: Option<DestroyRun>,
    ) -> ClusterRecord {
        ClusterRecord {
            cluster: step.cluster.clone(),
            pipeline: step.pipeline.clone(),
            outcome: step.action.outcome(),
            generation: running.telling.run.generation,
            at: self.clock.now(),
            spec_sha256: Some(desired.shape.spec_sha256.clone()),
            config_sha256: Some(desired.shape.compiled.config_sha256.clone()),
            values: desired.shape.values.clone(),
            destroy,
            intended: None,
            lately: self.lately(running, step),
            drift: (step.action == Action::Drifted).then(|| {
                let before = running.standing.records.get(&step.cluster).and_then(|record| record.drift.as_ref());
                let since = before.map_or_else(|| self.clock.now(), |before| before.since);
                ToldDrift { since, weakened: step.weakened.clone() }
            }),
            said: None,
        }
    }

    // The record of a cluster about which something was said and whose pipeline stays as it is: what was accepted before stays.
    pub(crate) fn marked(&self, running: &Running<'_>, step: &Step, outcome: Outcome, digest: Digest) -> ClusterRecord {
        let before = running.standing.records.get(&step.cluster).cloned();
        let blank = || ClusterRecord {
            cluster: step.cluster.clone(),
            pipeline: step.pipeline.clone(),
            outcome,
            generation: running.telling.run.generation,
            at: self.clock.now(),
            spec_sha256: None,
            config_sha256: None,
            values: Default::default(),
            destroy: None,
            intended: None,
            lately: Vec::new(),
            drift: None,
            said: None,
        };
        let record = before.unwrap_or_else(blank);
        let (generation, at) = (running.telling.run.generation, self.clock.now());
        // A call whose reply was lost may have written all the same.
        let intended = intended(step).or_else(|| record.intended.clone());
        let lately = self.lately(running, step);
        ClusterRecord { outcome, generation, at, intended, lately, said: Some(digest), ..record }
    }

    // What this run meant too: its record was read before it meant anything.
    fn lately(&self, running: &Running<'_>, step: &Step) -> Vec<Intent> {
        let before =
            running.standing.records.get(&step.cluster).map(|record| record.lately.clone()).unwrap_or_default();
        let now = intended(step).map(|spec_sha256| Intent { spec_sha256, at: self.clock.now() });
        before.into_iter().chain(now).collect()
    }

    pub(crate) fn news(&self, running: &Running<'_>, step: &Step, result: &ClusterResult) -> Option<Envelope> {
        let run = running.telling.run.clone();
        let said = match result.outcome {
            Outcome::Drifted => drift_said(step),
            outcome => said(outcome, &result.reasons),
        };
        let about = |event| Some(running.telling.about_cluster(self.clock.now(), &step.cluster, &said, event));
        let pipeline = |run| PipelineResult {
            run,
            result: result.clone(),
            config_path: step.config_path.clone(),
            spec_sha256: step.desired.as_ref().map(|desired| desired.shape.spec_sha256.clone()),
        };
        match result.outcome {
            Outcome::Created => about(Event::PipelineCreated(pipeline(run))),
            Outcome::Updated => about(Event::PipelineUpdated(pipeline(run))),
            Outcome::Retired => about(Event::PipelineRetired(pipeline(run))),
            Outcome::Refused => about(Event::PipelineRefused(pipeline(run))),
            Outcome::Failed => about(Event::PipelineFailed(pipeline(run))),
            Outcome::Orphaned => about(Event::PipelineOrphaned(pipeline(run))),
            Outcome::Invalid => {
                let findings = running.fleet.invalid.get(&step.cluster).map(Vec::as_slice).unwrap_or_default();
                let (path, findings) = (step.config_path.clone(), report::of_one_file(findings));
                about(Event::ConfigurationRejected(ConfigurationRejected { run, path, findings }))
            }
            // A destroy run that also needed another definition says so; the run itself is CodePipeline's to tell.
            Outcome::Destroying if step.action == (Action::Destroy { update: true }) => {
                about(Event::PipelineUpdated(pipeline(run)))
            }
            Outcome::Destroying => None,
            Outcome::Drifted => {
                let (who, action) = (wording::DRIFT_CLEARERS.to_owned(), wording::drift_action(&step.cluster));
                about(Event::PipelineDrifted(PipelineDrift { pipeline: pipeline(run), who, action }))
            }
            // Said only when it is news: `keep` asks for it when a change by hand is gone.
            Outcome::Unchanged => about(Event::PipelineUnchanged(pipeline(run))),
        }
    }
}

// The definition that a step sets out to write.
pub(crate) fn intended(step: &Step) -> Option<Digest> {
    let writes = matches!(step.action, Action::Create | Action::Update | Action::Destroy { update: true });
    step.desired.as_ref().filter(|_| writes).map(|desired| desired.shape.spec_sha256.clone())
}

// The reasons, and field by field what differs.
pub(crate) fn in_full(step: &Step) -> Vec<String> {
    step.reasons.iter().cloned().chain(step.changes.iter().map(wording::change)).collect()
}

// The same reasons may be given for another change by hand.
pub(crate) fn drift_said(step: &Step) -> Digest {
    said(Outcome::Drifted, &in_full(step))
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "pipeline.create",
        Action::Update => "pipeline.update",
        Action::Unchanged => "pipeline.keep",
        Action::Drifted => "pipeline.drift",
        Action::Destroy { .. } => "pipeline.destroy",
        Action::Retire => "pipeline.retire",
        Action::Refuse => "pipeline.refuse",
        Action::Orphan => "pipeline.orphan",
        Action::Invalid => "configuration.reject",
    }
}
