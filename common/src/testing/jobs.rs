//! Jobs of CodePipeline in memory: a job ends once, and one that says "in progress" is followed by another.

use std::collections::BTreeMap;

use crate::{
    domain::{
        cluster::{GATE_ACTION, GATE_STAGE},
        id::{CommitSha, ExecutionId, JobId, PipelineName},
    },
    ports::{Answered, GateRequest, Job, JobEnd, LeftRun, PipelineError, PipelineJobs, WaitingRun},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    jobs: BTreeMap<JobId, Job>,
    ended: Vec<(JobId, JobEnd)>,
    over: Vec<ExecutionId>,
}

impl World {
    /// An action invokes a function: a job of this pipeline, stage and action, with what its definition tells the function.
    pub fn invoke(
        &self,
        pipeline: &str,
        execution: &ExecutionId,
        (stage, action): (&str, &str),
        parameters: Option<&str>,
    ) -> JobId {
        let jobs = &mut self.state().jobs;
        let id = format!("00000000-0000-4000-9000-{:012x}", jobs.jobs.len());
        let id: JobId = id.parse().expect("a UUID");
        let before =
            |job: &&Job| job.execution == *execution && (job.stage.as_str(), job.action.as_str()) == (stage, action);
        let job = Job {
            id: id.clone(),
            pipeline: pipeline.to_owned(),
            execution: execution.clone(),
            stage: stage.to_owned(),
            action: action.to_owned(),
            parameters: parameters.map(str::to_owned),
            continued: jobs.jobs.values().any(|job| before(&job)),
        };
        jobs.jobs.insert(id.clone(), job);
        id
    }

    /// A run of a pipeline comes to its gate, which invokes; or the gate invokes once more.
    pub fn invoke_gate(&self, pipeline: &PipelineName, execution: &ExecutionId, commit: &CommitSha) -> JobId {
        {
            let mut state = self.state();
            let since = state.now;
            let waiting = state.gates.waiting.entry(pipeline.clone()).or_default();
            if !waiting.iter().any(|run| run.execution == *execution) {
                let (execution, commit) = (execution.clone(), Some(commit.clone()));
                waiting.push(WaitingRun { execution, commit, since, request: GateRequest::NextJob });
            }
        }
        self.invoke(pipeline.as_str(), execution, (GATE_STAGE, GATE_ACTION), None)
    }

    /// Stops a run: whatever it wanted, nobody waits for it any more.
    pub fn stop_run(&self, pipeline: &PipelineName, execution: &ExecutionId) {
        self.leave_gate(pipeline, execution, false, "somebody");
        self.state().jobs.over.push(execution.clone());
    }

    /// The jobs that were ended, in order.
    pub fn ended_jobs(&self) -> Vec<(JobId, JobEnd)> {
        self.state().jobs.ended.clone()
    }
}

impl PipelineJobs for World {
    async fn job(&self, id: &JobId) -> Result<Option<Job>, PipelineError> {
        self.call("CodePipeline.GetJobDetails", id.as_str(), false, |state| Ok(state.jobs.jobs.get(id).cloned()))
    }

    async fn end_job(&self, id: &JobId, end: &JobEnd) -> Result<Answered, PipelineError> {
        let (call, went_on) = match end {
            JobEnd::Succeeded(_) => ("CodePipeline.PutJobSuccessResult", Some(true)),
            JobEnd::InProgress(_) => ("CodePipeline.PutJobSuccessResult", None),
            JobEnd::Failed(_) => ("CodePipeline.PutJobFailureResult", Some(false)),
        };
        self.call(call, id.as_str(), true, |state| {
            let Some(job) = state.jobs.jobs.get(id).cloned() else { return Ok(Answered::Over) };
            if state.jobs.over.contains(&job.execution) || state.jobs.ended.iter().any(|(ended, _)| ended == id) {
                return Ok(Answered::Over);
            }
            state.jobs.ended.push((id.clone(), end.clone()));
            let is_gate = (job.stage.as_str(), job.action.as_str()) == (GATE_STAGE, GATE_ACTION);
            if let (Some(went_on), true, Ok(pipeline)) = (went_on, is_gate, job.pipeline.parse::<PipelineName>()) {
                state.gates.waiting.entry(pipeline.clone()).or_default().retain(|run| run.execution != job.execution);
                let left = LeftRun { execution: job.execution, went_on, by: Some("stage-gate".to_owned()) };
                state.gates.left.insert(pipeline, left);
            }
            Ok(Answered::Taken)
        })
    }
}
