//! Holds and answers to runs, in memory.

use std::collections::BTreeMap;

use crate::{
    domain::{
        id::{ExecutionId, HoldId, PersonName, PipelineName},
        run::{Answer, Approval, Hold},
    },
    fault::Fault,
    ports::{OutboxRow, RunChange, RunCommitted, RunRows, RunSaid},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    holds: BTreeMap<HoldId, Hold>,
    answers: BTreeMap<(PipelineName, ExecutionId), BTreeMap<(PersonName, Answer), Approval>>,
}

impl RunRows for World {
    async fn holds(&self) -> Result<Vec<Hold>, Fault> {
        self.call("RunRows.holds", "", false, |state| Ok(state.runs.holds.values().cloned().collect()))
    }

    async fn approvals(&self, pipeline: &PipelineName, execution: &ExecutionId) -> Result<Vec<Approval>, Fault> {
        self.call("RunRows.approvals", execution.as_str(), false, |state| {
            let answers = state.runs.answers.get(&(pipeline.clone(), execution.clone()));
            Ok(answers.into_iter().flat_map(BTreeMap::values).cloned().collect())
        })
    }

    async fn commit_run(&self, change: &RunChange) -> Result<RunCommitted, Fault> {
        self.call("RunRows.commit", &change.entry.subject, true, |state| {
            let events = change.events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
            let runs = &mut state.runs;
            let new = match &change.said {
                RunSaid::Hold(hold) => match runs.holds.entry(hold.id.clone()) {
                    std::collections::btree_map::Entry::Vacant(place) => {
                        place.insert(hold.clone());
                        true
                    }
                    std::collections::btree_map::Entry::Occupied(_) => false,
                },
                RunSaid::Lift(hold) => runs.holds.remove(hold).is_some(),
                RunSaid::Answer(pipeline, approval) => {
                    let run = (pipeline.clone(), approval.execution.clone());
                    let answers = runs.answers.entry(run).or_default();
                    match answers.entry((approval.by.clone(), approval.answer)) {
                        std::collections::btree_map::Entry::Vacant(place) => {
                            place.insert(approval.clone());
                            true
                        }
                        std::collections::btree_map::Entry::Occupied(_) => false,
                    }
                }
            };
            if !new {
                return Ok(RunCommitted::Already);
            }
            state.store.put_outbox(events);
            state.store.append(change.entry.clone());
            Ok(RunCommitted::Done)
        })
    }
}
