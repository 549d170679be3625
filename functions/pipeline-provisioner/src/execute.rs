//! One step of a plan. Before a call to CodePipeline its intent is in the audit trail; after it the outcome, the cluster's record
//! and the event are committed together. There is nothing left to decide here but whether the run is still the newest.

use std::sync::Arc;

use common::{
    domain::{
        audit::Phase,
        cluster::{ClusterRecord, Desired, DestroyRun, Fleet, Intent, PlanAction as Action, Step},
    },
    event::{ClusterResult, Outcome},
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, PipelineError, Pipelines, Recording, Specs},
};

use crate::{
    handler::Provisioner,
    reconcile::Standing,
    records::{drift_said, in_full, intended},
    telling::{Telling, said},
};

/// A run while it takes its steps.
#[derive(Clone, Copy)]
pub(crate) struct Running<'a> {
    pub(crate) telling: &'a Telling,
    pub(crate) fleet: &'a Fleet,
    pub(crate) standing: &'a Standing,
}

/// What became of a step.
pub(crate) struct Done {
    pub(crate) result: ClusterResult,
    /// Whether the same step may pass if it is tried again.
    pub(crate) again: bool,
}

/// Why a run stops before its plan is done.
pub(crate) struct Stop {
    /// In words, to follow "stopped: ".
    pub(crate) why: String,
    /// What the message's fate is, when it must come again.
    pub(crate) fault: Option<Fault>,
}

/// Why one cluster's step failed.
enum Failure {
    /// CodePipeline refused or failed.
    Pipeline(PipelineError),
    /// Our own store failed.
    Store(&'static str, Fault),
}

/// What can go wrong with a step that writes.
enum Trouble {
    /// This step failed; the others go on.
    Failed(Failure),
    /// The run is no longer the newest, or cannot know.
    Stop(Stop),
}

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// Takes one step.
    pub(crate) async fn execute(&self, running: &Running<'_>, step: &Step) -> Result<Done, Stop> {
        match (step.action, &step.desired) {
            (Action::Create | Action::Update | Action::Destroy { .. } | Action::Retire, Some(desired)) => {
                self.write(running, step, desired).await
            }
            (Action::Unchanged | Action::Drifted, Some(desired)) => Ok(self.keep(running, step, desired).await),
            (Action::Refuse | Action::Orphan | Action::Invalid, _) => Ok(self.tell(running, step).await),
            (_, None) => {
                let fault = Fault::bug("the plan asks for a pipeline without a file");
                Ok(self.failed(running, step, Failure::Store("planning", fault)).await)
            }
        }
    }

    async fn write(&self, running: &Running<'_>, step: &Step, desired: &Arc<Desired>) -> Result<Done, Stop> {
        let mut intent = self.recording(running, step, Phase::Intent, &in_full(step), Vec::new());
        if let (Some(before), intended @ Some(_)) = (running.standing.records.get(&step.cluster), intended(step)) {
            let run = &running.telling.run;
            let mut record = ClusterRecord { generation: run.generation, ..before.clone() };
            record
                .lately
                .extend(intended.iter().map(|spec| Intent { spec_sha256: spec.clone(), at: self.clock.now() }));
            record.intended = intended;
            intent.record = Some((run.repository.id, record));
        }
        if let Err(fault) = self.ledger.record(intent).await {
            return Ok(self.failed(running, step, Failure::Store("recording the intent", fault)).await);
        }
        let destroy = match self.attempt(running, step, desired).await {
            Ok(destroy) => destroy,
            Err(Trouble::Stop(stop)) => {
                let reasons = [format!("Not done: {}.", stop.why)];
                // Whether or not this is written, the run ends here and a newer one decides.
                if let Err(fault) =
                    self.ledger.record(self.recording(running, step, Phase::Outcome, &reasons, vec![])).await
                {
                    tracing::warn!(fault = fault.chain(), "the end of an intent could not be recorded");
                }
                return Err(stop);
            }
            Err(Trouble::Failed(failure)) => return Ok(self.failed(running, step, failure).await),
        };
        let result = step.result();
        let events = self.news(running, step, &result).into_iter().collect();
        let mut recording = self.recording(running, step, Phase::Outcome, &step.reasons, events);
        let id = running.telling.run.repository.id;
        if step.action == Action::Retire {
            recording.forget = Some((id, step.cluster.clone()));
        } else {
            let before = running.standing.records.get(&step.cluster).and_then(|record| record.destroy.clone());
            let kept = if step.action == Action::Create { None } else { before };
            recording.record = Some((id, self.accepted(running, step, desired, destroy.or(kept))));
        }
        if let Some((_, record)) = &recording.record
            && let Some(run) = &record.destroy
            && matches!(step.action, Action::Destroy { .. })
        {
            recording.entry.facts.insert("execution".into(), run.execution.clone());
        }
        match self.ledger.record(recording).await {
            Ok(()) => Ok(Done { result, again: false }),
            // The call was made. The next look finds the pipeline as it should be and only the record missing.
            Err(fault) => Ok(self.failed(running, step, Failure::Store("recording what was done", fault)).await),
        }
    }

    // The fence is compared right before each write, after everything that could take time.
    async fn attempt(
        &self,
        running: &Running<'_>,
        step: &Step,
        desired: &Arc<Desired>,
    ) -> Result<Option<DestroyRun>, Trouble> {
        let shape = &desired.shape;
        let refused = |error| Trouble::Failed(Failure::Pipeline(error));
        if step.publish_spec {
            let stored = self.specs.put(&step.pipeline, &shape.compiled).await;
            stored.map_err(|fault| Trouble::Failed(Failure::Store("storing the compiled specification", fault)))?;
        }
        self.fence(running.telling).await.map_err(Trouble::Stop)?;
        match step.action {
            Action::Create => {
                self.pipelines.create(&shape.definition, &shape.tags).await.map_err(refused)?;
            }
            Action::Update => self.pipelines.update(&shape.definition).await.map_err(refused)?,
            Action::Retire => self.pipelines.delete(&step.pipeline).await.map_err(refused)?,
            Action::Destroy { update } => {
                if update {
                    self.pipelines.update(&shape.definition).await.map_err(refused)?;
                    self.fence(running.telling).await.map_err(Trouble::Stop)?;
                }
                let Some(token) = &step.destroy_token else {
                    let fault = Fault::bug("the plan asks for a destroy run without its token");
                    return Err(Trouble::Failed(Failure::Store("planning", fault)));
                };
                let started = self.pipelines.start_destroy(&step.pipeline, token.as_str()).await;
                let execution = started.map_err(refused)?;
                return Ok(Some(DestroyRun { execution, blob: desired.blob.clone() }));
            }
            Action::Unchanged | Action::Drifted | Action::Refuse | Action::Orphan | Action::Invalid => {}
        }
        Ok(None)
    }

    /// Whether this still is the newest run, at the branch's head.
    pub(crate) async fn fence(&self, telling: &Telling) -> Result<(), Stop> {
        let run = &telling.run;
        let unknown = |fault: Fault| Stop {
            why: "it could not be confirmed that this is still the newest run".to_owned(),
            fault: Some(Fault::retry_from("comparing the fence", fault)),
        };
        let newer = |why: String| Stop { why, fault: None };
        let current = self.ledger.current_generation(run.repository.id, &run.branch).await.map_err(unknown)?;
        if current != run.generation {
            return Err(newer(format!("superseded by generation {current}")));
        }
        match self.forge.branch_head(&run.repository, &run.branch).await.map_err(unknown)? {
            Some(head) if head == run.head => Ok(()),
            Some(head) => Err(newer(format!("the branch moved on to {}", head.short()))),
            None => Err(newer("the branch is gone".to_owned())),
        }
    }

    // No pipeline is written. What the table or the bucket does not know yet is added.
    async fn keep(&self, running: &Running<'_>, step: &Step, desired: &Arc<Desired>) -> Done {
        let result = step.result();
        let record = running.standing.records.get(&step.cluster);
        if !running.standing.observed.stands(&step.pipeline) {
            let again = match record {
                Some(record) => !self.forget(running, record).await,
                None => false,
            };
            return Done { result, again };
        }
        if step.publish_spec
            && let Err(fault) = self.specs.put(&step.pipeline, &desired.shape.compiled).await
        {
            return self.failed(running, step, Failure::Store("storing the compiled specification", fault)).await;
        }
        if step.action == Action::Drifted {
            let reasons = step.reasons.join("; ");
            tracing::warn!(cluster = %step.cluster, pipeline = %step.pipeline, reasons, "a pipeline was changed by hand");
        }
        // A change by hand is news once, and again when it is another.
        let digest = (step.action == Action::Drifted).then(|| drift_said(step));
        let told = digest.is_none() || record.is_some_and(|record| record.said == digest);
        if step.publish_spec || step.record_stale || !told {
            let gone = step.action == Action::Unchanged && record.is_some_and(|record| record.drift.is_some());
            let events = if gone || !told { self.news(running, step, &result) } else { None };
            let mut recording =
                self.recording(running, step, Phase::Decision, &in_full(step), events.into_iter().collect());
            let destroy = record.and_then(|record| record.destroy.clone());
            let accepted = ClusterRecord { said: digest, ..self.accepted(running, step, desired, destroy) };
            recording.record = Some((running.telling.run.repository.id, accepted));
            if let Err(fault) = self.ledger.record(recording).await {
                return self.failed(running, step, Failure::Store("recording the cluster", fault)).await;
            }
        }
        Done { result, again: false }
    }

    // A decision without a call: recorded and told when it is news.
    async fn tell(&self, running: &Running<'_>, step: &Step) -> Done {
        let result = step.result();
        let digest = said(result.outcome, &result.reasons);
        let record = running.standing.records.get(&step.cluster);
        if record.is_some_and(|record| record.outcome == result.outcome && record.said.as_ref() == Some(&digest)) {
            return Done { result, again: false };
        }
        let events = self.news(running, step, &result).into_iter().collect();
        let mut recording = self.recording(running, step, Phase::Decision, &step.reasons, events);
        recording.record =
            Some((running.telling.run.repository.id, self.marked(running, step, result.outcome, digest)));
        match self.ledger.record(recording).await {
            Ok(()) => Done { result, again: false },
            Err(fault) => {
                tracing::warn!(cluster = %step.cluster, fault = fault.chain(), "a decision could not be recorded");
                Done { result, again: fault.is_retry() }
            }
        }
    }

    // One cluster's failure, with everything that support would ask for; the others go on.
    async fn failed(&self, running: &Running<'_>, step: &Step, failure: Failure) -> Done {
        let mut reasons = step.reasons.clone();
        let (sentence, code, request_id, again) = match failure {
            Failure::Pipeline(error) => {
                let PipelineError { step, code, message, request_id, retry } = error;
                (format!("{step} failed with {code}: {message}."), code, request_id, retry)
            }
            Failure::Store(doing, fault) => {
                let sentence = format!("{doing} failed: {fault}.");
                tracing::warn!(cluster = %step.cluster, fault = fault.chain(), doing, "a step failed");
                (sentence, "store".to_owned(), None, fault.is_retry())
            }
        };
        reasons.insert(0, sentence.clone());
        // The request id is another one each time: it is told, and is no news by itself.
        let digest = said(Outcome::Failed, &[sentence]);
        if let Some(request_id) = &request_id {
            reasons.push(format!("AWS's request id is {request_id}."));
        }
        let result = ClusterResult { outcome: Outcome::Failed, reasons, ..step.result() };
        tracing::warn!(cluster = %step.cluster, pipeline = %step.pipeline, code, request_id, "a step failed");

        let record = running.standing.records.get(&step.cluster);
        let news = record.is_none_or(|record| record.said.as_ref() != Some(&digest));
        let events = if news { self.news(running, step, &result).into_iter().collect() } else { Vec::new() };
        let mut recording = self.recording(running, step, Phase::Outcome, &result.reasons, events);
        recording.entry.facts.insert("code".into(), code);
        recording.entry.facts.extend(request_id.map(|id| ("request_id".to_owned(), id)));
        if news {
            let marked = self.marked(running, step, Outcome::Failed, digest);
            recording.record = Some((running.telling.run.repository.id, marked));
        }
        if let Err(fault) = self.ledger.record(recording).await {
            tracing::warn!(cluster = %step.cluster, fault = fault.chain(), "a failure could not be recorded");
        }
        Done { result, again }
    }

    /// Forgets a record that stands for nothing any more. Answers whether that worked.
    pub(crate) async fn forget(&self, running: &Running<'_>, record: &ClusterRecord) -> bool {
        let reasons = ["Neither a file nor a pipeline is left.".to_owned()];
        let now = self.clock.now();
        let entry = running.telling.entry(now, &record.cluster, "cluster.forget", Phase::Decision, &reasons);
        let forget = Some((running.telling.run.repository.id, record.cluster.clone()));
        let result = self.ledger.record(Recording { entry, record: None, forget, events: Vec::new() }).await;
        if let Err(fault) = &result {
            tracing::warn!(cluster = %record.cluster, fault = fault.chain(), "a record could not be forgotten");
        }
        result.is_ok()
    }
}
