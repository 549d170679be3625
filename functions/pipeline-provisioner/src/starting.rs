//! Starting runs, for pipelines whose source CodePipeline gives no path triggers: those on CodeCommit. Which, says
//! `common::domain::cluster::start`.
//!
//! **Idempotent by** (pipeline, commit, the commit's turn on its branch), which is CodePipeline's token. Up to where runs were started, and to
//! whom one is owed, stands in the branch's fence row: first every debt is written, then it is paid, then what was paid is taken out. A run
//! that stopped half-way leaves its debts to the next one, and one at another head, even an earlier commit, sees what ran between. Before
//! each start the fence and the head are compared, as before each write: a commit that is no longer the head starts nothing.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        audit::Phase,
        cluster::{
            ClusterKey, Fleet,
            start::{Because, Head, Start, Started, due},
        },
        id::{RepositoryId, quoted},
    },
    event::{ClusterResult, Outcome},
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, Pipelines, Recording, Specs},
};
use jiff::Timestamp;

use crate::{
    execute::Stop,
    handler::Provisioner,
    reconcile::{late, out_of_time},
    telling::Telling,
};

/// What became of one start.
enum Began {
    /// The run's id.
    Run(String),
    /// In words, and whether trying again may help.
    Failed(String, bool),
}

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// Starts what is due at the run's head. The results learn of it: a run that was started, or a failure.
    ///
    /// # Errors
    /// Why the run stops: it is no longer the newest, time ran out, or up to where runs were started could not be read or written.
    pub(crate) async fn start_runs(
        &self,
        telling: &Telling,
        fleet: &Fleet,
        results: &mut BTreeMap<ClusterKey, ClusterResult>,
        deadline: Timestamp,
    ) -> Result<(), Stop> {
        let run = &telling.run;
        if let RepositoryId::GitHub(_) = run.repository.id {
            return Ok(());
        }
        let before = self.ledger.started_up_to(run.repository.id, &run.branch).await;
        let before = before.map_err(again("reading up to where runs were started"))?;
        let (changed, owed) = match &before {
            None => (None, BTreeSet::new()),
            Some(Started { up_to, owed, .. }) => {
                let differ = self.forge.differences(&run.repository, up_to, &run.head).await;
                (differ.map_err(again("reading what changed"))?, owed.clone())
            }
        };
        let told: Vec<ClusterResult> = results.values().cloned().collect();
        let head = Head::after(before.as_ref(), run.head.clone());
        let due = due(fleet, &told, &head, changed.as_ref(), &owed);
        let mut owed = due.owed;
        owed.extend(due.start.iter().map(|start| start.cluster.clone()));
        let mut started = Started { up_to: head.commit, turn: head.turn, owed };
        if before.as_ref() != Some(&started) {
            self.mark(telling, &started).await?;
        }
        let (debts, mut lost) = (started.owed.len(), None);
        for start in &due.start {
            if late(self.clock.now(), deadline) {
                return Err(out_of_time(&run.branch));
            }
            self.fence(telling).await?;
            let began = self.begin(telling, start).await;
            let Some(result) = results.get_mut(&start.cluster) else { continue };
            match began {
                Began::Run(execution) => {
                    started.owed.remove(&start.cluster);
                    result.reasons.push(format!("Run {execution} was started: {}.", why(&start.because)));
                }
                Began::Failed(why, passes) => {
                    tracing::warn!(cluster = %start.cluster, pipeline = %start.pipeline, why, "a run could not be started");
                    result.outcome = Outcome::Failed;
                    lost = lost.or_else(|| passes.then(|| why.clone()));
                    result.reasons.push(why);
                }
            }
        }
        if started.owed.len() != debts {
            self.mark(telling, &started).await?;
        }
        match lost {
            None => Ok(()),
            Some(why) => Err(Stop {
                why: "a run could not be started, and is tried again".to_owned(),
                fault: Some(Fault::retry(why)),
            }),
        }
    }

    /// Remembers up to where runs were started, and to whom one is owed.
    async fn mark(&self, telling: &Telling, started: &Started) -> Result<(), Stop> {
        let run = &telling.run;
        let marked = self.ledger.mark_started(run.repository.id, &run.branch, run.generation, started).await;
        if marked.map_err(again("remembering up to where runs were started"))? {
            return Ok(());
        }
        Err(Stop { why: "a newer run took the branch over".to_owned(), fault: None })
    }

    /// One start: intent, call, outcome.
    async fn begin(&self, telling: &Telling, start: &Start) -> Began {
        let reason = format!("At {}: {}.", telling.run.head.short(), why(&start.because));
        if let Err(fault) = self.note(telling, start, Phase::Intent, vec![reason]).await {
            return Began::Failed(format!("Recording that a run is to be started failed: {fault}."), fault.is_retry());
        }
        let (began, said) = match self.pipelines.start(&start.pipeline, &telling.run.head, start.token.as_str()).await {
            Ok(execution) => (Began::Run(execution.clone()), format!("Run {execution} was started.")),
            Err(error) => {
                let said = format!("No run was started: {error}.");
                (Began::Failed(said.clone(), error.retry), said)
            }
        };
        // The call was made, and CodePipeline tells of the run; asking again for want of this line would start nothing.
        if let Err(fault) = self.note(telling, start, Phase::Outcome, vec![said]).await {
            tracing::warn!(cluster = %start.cluster, fault = fault.chain(), "the start of a run could not be recorded");
        }
        began
    }

    async fn note(&self, telling: &Telling, start: &Start, phase: Phase, reasons: Vec<String>) -> Result<(), Fault> {
        let mut entry = telling.entry(self.clock.now(), &start.cluster, "pipeline.start", phase, &reasons);
        entry.facts.insert("pipeline".into(), start.pipeline.to_string());
        self.ledger.record(Recording { entry, record: None, forget: None, events: Vec::new() }).await
    }
}

fn again(doing: &'static str) -> impl Fn(Fault) -> Stop {
    move |fault| Stop {
        why: format!("{doing} failed; the run is taken up again"),
        fault: Some(Fault::retry_from(doing, fault)),
    }
}

fn why(because: &Because) -> String {
    match because {
        Because::Changed(path) => format!("{} changed", quoted(path, 200)),
        Because::Untold => "nobody can tell what changed since the last one".to_owned(),
        Because::Owed => "it was owed from a push before".to_owned(),
    }
}
