//! Running executions, stages and actions. Pure: time and ids are fields, work is handed out and its outcome handed in.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    definition::{Action, Kind, Mode, Pipeline},
    events::{self, Event},
    execution::{ActionRun, Execution, Outcome, Running, StageRun, Status, Work},
};

/// Every pipeline, and what runs in it.
#[derive(Debug)]
pub struct Machine {
    pub(super) now: Timestamp,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) pipelines: BTreeMap<String, Running>,
    /// The heads of branches, by `owner/name` and branch: what a source action finds.
    pub(super) heads: BTreeMap<(String, String), String>,
    work: Vec<Work>,
    /// The actions whose function is invoked once more, and when.
    again: Vec<(Timestamp, String)>,
    events: Vec<Event>,
    made: u64,
}

/// How long after "in progress" a function is invoked again. AWS does not say.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl Machine {
    /// Nothing runs yet.
    pub fn new(account: &str, region: &str, now: Timestamp) -> Self {
        Self {
            now,
            account: account.to_owned(),
            region: region.to_owned(),
            pipelines: BTreeMap::new(),
            heads: BTreeMap::new(),
            work: Vec::new(),
            again: Vec::new(),
            events: Vec::new(),
            made: 0,
        }
    }

    /// Now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock.
    pub fn pass_to(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Takes a definition over, the `pipeline` of CreatePipeline or UpdatePipeline as it was answered. Those that run keep theirs.
    ///
    /// # Errors
    /// Why the engine cannot run it.
    pub fn define(&mut self, pipeline: &Value) -> Result<(), String> {
        let pipeline = Pipeline::read(pipeline)?;
        match self.pipelines.get_mut(&pipeline.name) {
            Some(running) => running.pipeline = pipeline,
            None => {
                self.pipelines.insert(pipeline.name.clone(), Running { pipeline, executions: Vec::new() });
            }
        }
        Ok(())
    }

    /// Begins an execution because something happened: the pipeline was made, or a branch moved. Nothing when there is no such pipeline.
    pub fn trigger(&mut self, name: &str, trigger: &'static str) -> Option<String> {
        self.start(name, trigger, None, None, &BTreeMap::new())
    }

    /// Forgets a pipeline with everything that runs in it.
    pub fn forget(&mut self, name: &str) {
        self.pipelines.remove(name);
    }

    /// Says where a branch stands: what source actions find from now on.
    pub fn set_head(&mut self, repository: &str, branch: &str, commit: &str) {
        self.heads.insert((repository.to_owned(), branch.to_owned()), commit.to_owned());
    }

    /// Everything that somebody outside has to do by now, and has not been given yet.
    pub fn take_work(&mut self) -> Vec<Work> {
        let now = self.now;
        let due: Vec<(Timestamp, String)> = self.again.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, action) in due {
            let work = self.find(&action).and_then(|(name, at, stage, action)| self.invoke(&name, at, stage, &action));
            self.work.extend(work);
        }
        std::mem::take(&mut self.work)
    }

    /// The events since this was asked last, in order.
    pub fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events).into_iter().map(|event| event.to_json(&self.account, &self.region)).collect()
    }

    /// A new id, a UUID in shape: the same in each run of a test.
    pub(super) fn id(&mut self) -> String {
        self.made += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.made)
    }

    /// Begins an execution. The same client token names the same one.
    pub(super) fn start(
        &mut self,
        name: &str,
        trigger: &'static str,
        client_token: Option<&str>,
        revision: Option<String>,
        given: &BTreeMap<String, String>,
    ) -> Option<String> {
        let running = self.pipelines.get(name)?;
        let same = |execution: &&Execution| client_token.is_some() && execution.client_token.as_deref() == client_token;
        if let Some(execution) = running.executions.iter().find(same) {
            return Some(execution.id.clone());
        }
        let pipeline = running.pipeline.clone();
        let defaults =
            pipeline.variables.iter().map(|variable| (variable.name.clone(), variable.default_value.clone()));
        let mut variables: BTreeMap<String, String> =
            defaults.filter_map(|(name, value)| Some((name, value?))).collect();
        variables.extend(given.clone());
        let id = self.id();
        let execution = Execution {
            id: id.clone(),
            stages: vec![StageRun::default(); pipeline.stages.len()],
            pipeline,
            status: Status::InProgress,
            trigger,
            client_token: client_token.map(str::to_owned),
            variables,
            revision,
            started_at: self.now,
            changed_at: self.now,
            reason: None,
        };
        self.events.push(events::execution(&execution, "STARTED", self.now));
        self.pipelines.get_mut(name)?.executions.push(execution);
        self.advance(name);
        Some(id)
    }

    /// Says how an action ended. `false`: no such action is in progress.
    pub fn done(&mut self, action: &str, outcome: Outcome) -> bool {
        let Some((name, execution, stage, action)) = self.find(action) else { return false };
        let Some(run) = self.action_mut(&name, execution, stage, &action) else { return false };
        if run.status != Status::InProgress {
            return false;
        }
        match outcome {
            Outcome::Succeeded { summary, by } => (run.status, run.summary, run.by) = (Status::Succeeded, summary, by),
            Outcome::Failed { message, by } => {
                (run.status, run.summary, run.by) = (Status::Failed, Some(message.clone()), by);
                run.error = Some(message);
            }
        }
        self.action_changed(&name, execution, stage, &action);
        self.advance(&name);
        true
    }

    /// Has the function of an action invoked once more, with another job, as AWS does after an answer with a continuation token.
    pub(super) fn invoke_again(&mut self, action: &str, token: &str, summary: Option<String>) {
        let Some((name, execution, stage, of)) = self.find(action) else { return };
        if let Some(run) = self.action_mut(&name, execution, stage, &of) {
            run.continuation = Some(token.to_owned());
            run.summary = summary;
        }
        self.again.push((self.now + AGAIN, action.to_owned()));
    }

    /// Stops an execution: at once, when what is in progress is abandoned, or else after it.
    pub(super) fn stop(&mut self, name: &str, id: &str, abandon: bool, reason: Option<String>) -> bool {
        let now = self.now;
        let Some(running) = self.pipelines.get_mut(name) else { return false };
        let Some(execution) = running.executions.iter_mut().find(|one| one.id == id) else { return false };
        if execution.status != Status::InProgress {
            return false;
        }
        (execution.status, execution.reason, execution.changed_at) = (Status::Stopping, reason, now);
        if abandon {
            for run in execution.stages.iter_mut().flat_map(|stage| stage.actions.values_mut()) {
                if run.status == Status::InProgress {
                    (run.status, run.changed_at) = (Status::Abandoned, now);
                }
            }
        }
        self.advance(name);
        true
    }

    /// The action's execution that a job is of, and whether that job may still be answered.
    pub(super) fn of_job(&self, job: &str) -> Option<(String, bool)> {
        let executions = self.pipelines.values().flat_map(|running| &running.executions);
        let mut runs = executions.flat_map(|execution| &execution.stages).flat_map(|stage| stage.actions.values());
        let run = runs.find(|run| run.jobs.iter().any(|id| id == job))?;
        let waits = self.again.iter().any(|(_, action)| *action == run.id);
        let open = run.status == Status::InProgress && run.jobs.last().is_some_and(|last| last == job) && !waits;
        Some((run.id.clone(), open))
    }

    /// Where an action's execution is: its pipeline, execution, stage and name.
    pub(super) fn find(&self, id: &str) -> Option<(String, usize, usize, String)> {
        for (name, running) in &self.pipelines {
            for (at, execution) in running.executions.iter().enumerate() {
                for (stage, run) in execution.stages.iter().enumerate() {
                    if let Some((action, _)) = run.actions.iter().find(|(_, run)| run.id == id) {
                        return Some((name.clone(), at, stage, action.clone()));
                    }
                }
            }
        }
        None
    }

    fn action_mut(&mut self, name: &str, execution: usize, stage: usize, action: &str) -> Option<&mut ActionRun> {
        let execution = self.pipelines.get_mut(name)?.executions.get_mut(execution)?;
        execution.stages.get_mut(stage)?.actions.get_mut(action)
    }

    fn execution(&self, name: &str, at: usize) -> Option<&Execution> {
        self.pipelines.get(name)?.executions.get(at)
    }

    /// Moves everything on in one pipeline, as far as it goes without anybody outside.
    fn advance(&mut self, name: &str) {
        loop {
            let count = self.pipelines.get(name).map_or(0, |running| running.executions.len());
            if !(0..count).any(|at| self.step(name, at)) {
                return;
            }
        }
    }

    /// One step of one execution; whether there was one.
    fn step(&mut self, name: &str, at: usize) -> bool {
        let Some(execution) = self.execution(name, at).filter(|execution| execution.status.runs()) else {
            return false;
        };
        let stopping = execution.status == Status::Stopping;
        let entered = execution.stages.iter().rposition(|stage| stage.status.is_some());
        let current = entered.filter(|stage| execution.stages[*stage].status == Some(Status::InProgress));
        let Some(stage) = current else {
            let next = entered.map_or(0, |stage| stage + 1);
            if next == execution.stages.len() {
                return self.end(name, at, Status::Succeeded);
            }
            if stopping {
                return self.end(name, at, Status::Stopped);
            }
            return self.enter(name, at, next);
        };
        let (runs, actions) = (&execution.stages[stage].actions, &execution.pipeline.stages[stage].actions);
        let of = |status| runs.values().any(|run| run.status == status);
        if of(Status::InProgress) {
            return false;
        }
        if of(Status::Failed) || of(Status::Abandoned) {
            let ended = if of(Status::Abandoned) { Status::Stopped } else { Status::Failed };
            self.end_stage(name, at, stage, ended);
            return self.end(name, at, ended);
        }
        let waiting = actions.iter().filter(|action| !runs.contains_key(&action.name));
        let Some(order) = waiting.map(|action| action.run_order).min() else {
            self.end_stage(name, at, stage, Status::Succeeded);
            return true;
        };
        if stopping {
            self.end_stage(name, at, stage, Status::Stopped);
            return self.end(name, at, Status::Stopped);
        }
        let group: Vec<Action> = actions.iter().filter(|action| action.run_order == order).cloned().collect();
        for action in group {
            self.begin_action(name, at, stage, &action);
        }
        true
    }

    /// Enters a stage if the mode lets it: an execution never overtakes an earlier one, but side by side.
    fn enter(&mut self, name: &str, at: usize, stage: usize) -> bool {
        let Some(running) = self.pipelines.get_mut(name) else { return false };
        let mode = running.pipeline.execution_mode;
        // An earlier execution is in the way until it has left the stage.
        let in_the_way = |execution: &Execution| {
            let here = execution.stages.iter().rposition(|stage| stage.status.is_some());
            let left = here > Some(stage)
                || (here == Some(stage) && execution.stages[stage].status != Some(Status::InProgress));
            execution.status.runs() && !left
        };
        if mode != Mode::Parallel {
            let (before, after) = running.executions.split_at(at);
            let blocked = before.iter().any(in_the_way);
            // A newer one that waits at the same stage takes its place.
            let waits_here = |execution: &Execution| {
                execution.status == Status::InProgress
                    && execution.stages.iter().filter(|stage| stage.status == Some(Status::Succeeded)).count() == stage
                    && execution.stages.get(stage).is_some_and(|stage| stage.status.is_none())
            };
            if blocked && mode == Mode::Superseded && stage > 0 && after.iter().skip(1).any(waits_here) {
                return self.end(name, at, Status::Superseded);
            }
            if blocked {
                return false;
            }
        }
        let Some(execution) = running.executions.get_mut(at) else { return false };
        execution.stages[stage].status = Some(Status::InProgress);
        self.events.push(events::stage(execution, stage, "STARTED", self.now));
        true
    }

    fn begin_action(&mut self, name: &str, at: usize, stage: usize, action: &Action) {
        let (id, external) = (self.id(), self.id());
        let heads = self.heads.clone();
        let now = self.now;
        let Some(execution) = self.pipelines.get_mut(name).and_then(|running| running.executions.get_mut(at)) else {
            return;
        };
        let mut run = ActionRun {
            id: id.clone(),
            jobs: Vec::new(),
            status: Status::InProgress,
            external,
            summary: None,
            error: None,
            by: None,
            continuation: None,
            changed_at: now,
        };
        let mut work = None;
        match action.kind() {
            Some(Kind::Source) => {
                let field = |name: &str| action.configuration.get(name).cloned().unwrap_or_default();
                let head = heads.get(&(field("FullRepositoryId"), field("BranchName"))).cloned();
                execution.revision = execution.revision.take().or(head);
                match &execution.revision {
                    Some(commit) => (run.status, run.summary) = (Status::Succeeded, Some(commit.clone())),
                    None => {
                        let none = "no such branch".to_owned();
                        (run.status, run.summary, run.error) = (Status::Failed, Some(none.clone()), Some(none));
                    }
                }
            }
            Some(Kind::Build) => {
                let configuration = with_variables(&action.configuration, execution);
                let project = configuration.get("ProjectName").cloned().unwrap_or_default();
                work = Some(Work::Build { action: id, project, configuration });
            }
            Some(Kind::Invoke | Kind::Approval) | None => {}
        }
        execution.stages[stage].actions.insert(action.name.clone(), run);
        self.events.push(events::action(execution, stage, action, Status::InProgress, now));
        let over = execution.stages[stage].actions[&action.name].status != Status::InProgress;
        if action.kind() == Some(Kind::Invoke) {
            work = self.invoke(name, at, stage, &action.name);
        }
        self.work.extend(work);
        if over {
            self.action_changed(name, at, stage, &action.name);
        }
    }

    /// The work of an action that invokes, as a new job, with the event that AWS hands to the function; nothing when it has ended.
    fn invoke(&mut self, name: &str, at: usize, stage: usize, action: &str) -> Option<Work> {
        let job = self.id();
        let run = self.action_mut(name, at, stage, action).filter(|run| run.status == Status::InProgress)?;
        run.jobs.push(job.clone());
        let continuation = run.continuation.clone();
        let configuration = self.configuration(name, at, stage, action)?;
        let function = configuration.get("FunctionName").cloned().unwrap_or_default();
        let mut data = json!({
            "actionConfiguration": {"configuration": configuration},
            "inputArtifacts": [], "outputArtifacts": [],
            "artifactCredentials": {"accessKeyId": "", "secretAccessKey": "", "sessionToken": ""},
        });
        if let Some(token) = continuation {
            data["continuationToken"] = json!(token);
        }
        let event = json!({"CodePipeline.job": {"id": job, "accountId": self.account, "data": data}});
        Some(Work::Invoke { job, function, event })
    }

    /// What an action of an execution is configured with, with every variable put in.
    pub(super) fn configuration(
        &self,
        name: &str,
        at: usize,
        stage: usize,
        action: &str,
    ) -> Option<BTreeMap<String, String>> {
        let execution = self.execution(name, at)?;
        let defined = execution.pipeline.stages.get(stage)?.actions.iter().find(|one| one.name == action)?;
        Some(with_variables(&defined.configuration, execution))
    }

    fn action_changed(&mut self, name: &str, at: usize, stage: usize, action: &str) {
        let now = self.now;
        let Some(execution) = self.pipelines.get_mut(name).and_then(|running| running.executions.get_mut(at)) else {
            return;
        };
        let Some(run) = execution.stages[stage].actions.get_mut(action) else { return };
        (run.changed_at, execution.changed_at) = (now, now);
        let status = run.status;
        let Some(defined) = execution.pipeline.stages[stage].actions.iter().find(|one| one.name == action).cloned()
        else {
            return;
        };
        self.events.push(events::action(execution, stage, &defined, status, now));
    }

    fn end_stage(&mut self, name: &str, at: usize, stage: usize, status: Status) {
        let now = self.now;
        let Some(execution) = self.pipelines.get_mut(name).and_then(|running| running.executions.get_mut(at)) else {
            return;
        };
        execution.stages[stage].status = Some(status);
        execution.changed_at = now;
        self.events.push(events::stage(execution, stage, events::state(status), now));
    }

    fn end(&mut self, name: &str, at: usize, status: Status) -> bool {
        let now = self.now;
        let Some(execution) = self.pipelines.get_mut(name).and_then(|running| running.executions.get_mut(at)) else {
            return false;
        };
        (execution.status, execution.changed_at) = (status, now);
        self.events.push(events::execution(execution, events::state(status), now));
        true
    }
}

/// Puts variables in where `#{NAMESPACE.NAME}` stands: the pipeline's (`variables`), and what its source actions found out (user guide,
/// "Variables reference").
fn with_variables(configuration: &BTreeMap<String, String>, execution: &Execution) -> BTreeMap<String, String> {
    let of_pipeline = execution.variables.iter().map(|(name, value)| (format!("variables.{name}"), value.clone()));
    let sources = execution.pipeline.stages.iter().flat_map(|stage| &stage.actions);
    let found = sources.filter(|action| action.kind() == Some(Kind::Source)).flat_map(|action| {
        let field = |name: &str| action.configuration.get(name).cloned();
        let found = [
            ("BranchName", field("BranchName")),
            ("CommitId", execution.revision.clone()),
            ("FullRepositoryName", field("FullRepositoryId")),
        ];
        let namespace = action.namespace.clone();
        found.into_iter().filter_map(move |(name, value)| Some((format!("{}.{name}", namespace.as_deref()?), value?)))
    });
    let variables: Vec<(String, String)> = of_pipeline.chain(found).collect();
    let put = |text: &str| {
        variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("#{{{name}}}"), value))
    };
    configuration.iter().map(|(key, text)| (key.clone(), put(text))).collect()
}
