//! CodePipeline in memory, as far as the provisioner uses it and as AWS documents it: a name can be taken, a new pipeline
//! starts at once, a client token starts one run, an update leaves tags and runs alone.

use std::collections::BTreeMap;

use crate::{
    domain::{
        cluster::{Execution, ExecutionStatus, Listing, ObservedPipeline, PipelineDefinition},
        id::{CommitSha, PipelineName},
    },
    ports::{PipelineError, Pipelines},
    testing::World,
};

/// One pipeline of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakePipeline {
    /// Its definition.
    pub definition: PipelineDefinition,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
    /// Its runs, oldest first.
    pub executions: Vec<Execution>,
    /// Which run a client token started.
    pub tokens: BTreeMap<String, String>,
    /// At which commit a run was started, of those that name one.
    pub revisions: BTreeMap<String, CommitSha>,
}

fn error(step: &'static str, code: &str, name: &str) -> PipelineError {
    let message = format!("pipeline {name}");
    PipelineError { step, code: code.to_owned(), message, request_id: Some("req-world".into()), retry: false }
}

impl World {
    /// The pipelines by name.
    pub fn pipelines(&self) -> BTreeMap<String, FakePipeline> {
        self.state().pipelines.clone()
    }

    /// Changes a pipeline behind Penstock's back: somebody with the console.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut FakePipeline)) {
        change(self.state().pipelines.get_mut(name).expect("the pipeline exists"));
    }

    /// Puts a pipeline there that Penstock did not make, or removes one.
    pub fn put_pipeline(&self, name: &str, pipeline: Option<FakePipeline>) {
        let pipelines = &mut self.state().pipelines;
        match pipeline {
            Some(pipeline) => pipelines.insert(name.to_owned(), pipeline),
            None => pipelines.remove(name),
        };
    }

    /// Ends every run of a pipeline that still goes.
    pub fn finish(&self, name: &str, status: ExecutionStatus) {
        self.tamper(name, |pipeline| {
            for execution in pipeline.executions.iter_mut().filter(|run| run.status == ExecutionStatus::Running) {
                execution.status = status;
            }
        });
    }
}

impl Pipelines for World {
    async fn list(&self) -> Result<Listing, PipelineError> {
        let mut listing = self.call("CodePipeline.ListPipelines", "", false, |state| {
            let ours = |(name, _): &(&String, _)| name.starts_with("rc-") || name.starts_with("mc-");
            let observed = |(_, found): (_, &FakePipeline)| ObservedPipeline {
                definition: found.definition.clone(),
                tags: found.tags.clone(),
            };
            let pipelines = state.pipelines.iter().filter(ours).map(observed).collect();
            Ok(Listing { pipelines, ..Listing::default() })
        })?;
        let names: Vec<_> = listing.pipelines.iter().map(|pipeline| pipeline.definition.name.clone()).collect();
        for name in names {
            let read = self.call("CodePipeline.GetPipeline", name.as_str(), false, |_| Ok::<_, PipelineError>(()));
            if let Err(error) = read {
                let why = error.about_one().ok_or(error)?;
                listing.distrust(name, why);
            }
        }
        Ok(listing)
    }

    async fn create(&self, definition: &PipelineDefinition, tags: &[(String, String)]) -> Result<(), PipelineError> {
        let name = definition.name.as_str();
        self.call("CodePipeline.CreatePipeline", name, true, |state| {
            if state.pipelines.contains_key(name) {
                return Err(error("CreatePipeline", "PipelineNameInUseException", name));
            }
            let first = Execution { id: format!("{name}-1"), status: ExecutionStatus::Running, destroy: Some(false) };
            let pipeline = FakePipeline {
                definition: definition.clone(),
                tags: tags.iter().cloned().collect(),
                executions: vec![first],
                tokens: BTreeMap::new(),
                revisions: BTreeMap::new(),
            };
            state.pipelines.insert(name.to_owned(), pipeline);
            Ok(())
        })
    }

    async fn update(&self, definition: &PipelineDefinition) -> Result<(), PipelineError> {
        let name = definition.name.as_str();
        self.call("CodePipeline.UpdatePipeline", name, true, |state| {
            let found = state.pipelines.get_mut(name);
            let pipeline = found.ok_or_else(|| error("UpdatePipeline", "PipelineNotFoundException", name))?;
            pipeline.definition = definition.clone();
            Ok(())
        })
    }

    async fn delete(&self, name: &PipelineName) -> Result<(), PipelineError> {
        self.call("CodePipeline.DeletePipeline", name.as_str(), true, |state| {
            state.pipelines.remove(name.as_str());
            Ok(())
        })
    }

    async fn start_destroy(&self, name: &PipelineName, token: &str) -> Result<String, PipelineError> {
        self.call("CodePipeline.StartPipelineExecution", name.as_str(), true, |state| {
            begin(&mut state.pipelines, name, token, true).map(|(id, _)| id)
        })
    }

    async fn start(&self, name: &PipelineName, commit: &CommitSha, token: &str) -> Result<String, PipelineError> {
        self.call("CodePipeline.StartPipelineExecution", name.as_str(), true, |state| {
            let (id, pipeline) = begin(&mut state.pipelines, name, token, false)?;
            pipeline.revisions.entry(id.clone()).or_insert_with(|| commit.clone());
            Ok(id)
        })
    }

    async fn latest_execution(&self, name: &PipelineName) -> Result<Option<Execution>, PipelineError> {
        self.call("CodePipeline.ListPipelineExecutions", name.as_str(), false, |state| {
            let found = state.pipelines.get(name.as_str());
            let pipeline =
                found.ok_or_else(|| error("ListPipelineExecutions", "PipelineNotFoundException", name.as_str()))?;
            Ok(pipeline.executions.last().cloned())
        })
    }
}

/// Starts a run, or finds the one that the token started.
fn begin<'p>(
    pipelines: &'p mut BTreeMap<String, FakePipeline>,
    name: &PipelineName,
    token: &str,
    destroy: bool,
) -> Result<(String, &'p mut FakePipeline), PipelineError> {
    let found = pipelines.get_mut(name.as_str());
    let pipeline = found.ok_or_else(|| error("StartPipelineExecution", "PipelineNotFoundException", name.as_str()))?;
    if let Some(started) = pipeline.tokens.get(token) {
        return Ok((started.clone(), pipeline));
    }
    let id = format!("{name}-{}", pipeline.executions.len() + 1);
    let run = Execution { id: id.clone(), status: ExecutionStatus::Running, destroy: Some(destroy) };
    pipeline.executions.push(run);
    pipeline.tokens.insert(token.to_owned(), id.clone());
    Ok((id, pipeline))
}
