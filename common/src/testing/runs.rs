//! Holds and answers to runs, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        id::{CommitSha, Digest, ExecutionId, HoldId, PersonName, PipelineName},
        run::{Answer, Approval, Hold, Told},
    },
    fault::Fault,
    ports::{OutboxRow, RunChange, RunRecord, RunRows, RunSaid, SaidCommitted},
    testing::World,
};

type Answers = BTreeMap<(PersonName, Answer, CommitSha), Approval>;

#[derive(Default)]
pub(super) struct State {
    holds: BTreeMap<HoldId, Hold>,
    answers: BTreeMap<(PipelineName, ExecutionId), Answers>,
    told: BTreeMap<(PipelineName, ExecutionId), Told>,
    links: BTreeMap<(PipelineName, ExecutionId), BTreeSet<Digest>>,
}

impl RunRows for World {
    async fn holds(&self) -> Result<Vec<Hold>, Fault> {
        self.call("RunRows.holds", "", false, |state| Ok(state.runs.holds.values().cloned().collect()))
    }

    async fn run(&self, pipeline: &PipelineName, execution: &ExecutionId) -> Result<RunRecord, Fault> {
        let run = (pipeline.clone(), execution.clone());
        self.call("RunRows.run", execution.as_str(), false, |state| {
            let answers = state.runs.answers.get(&run);
            let approvals = answers.into_iter().flat_map(BTreeMap::values).cloned().collect();
            let (told, links) = (state.runs.told.get(&run).cloned(), state.runs.links.get(&run).cloned());
            Ok(RunRecord { approvals, told, links: links.unwrap_or_default() })
        })
    }

    async fn commit_run(&self, change: &RunChange) -> Result<SaidCommitted, Fault> {
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
                RunSaid::Lift(hold, lifted) => match runs.holds.get_mut(&hold.id).filter(|there| *there == hold) {
                    Some(there) => {
                        there.lifted = Some(lifted.clone());
                        true
                    }
                    None => false,
                },
                RunSaid::Gate { pipeline, before, now } => {
                    let run = (pipeline.clone(), now.execution.clone());
                    let same = runs.told.get(&run) == before.as_ref();
                    if same {
                        runs.told.insert(run, now.clone());
                    }
                    same
                }
                RunSaid::Answer(pipeline, approval) => {
                    let run = (pipeline.clone(), approval.execution.clone());
                    let used = runs.links.entry(run.clone()).or_default();
                    let answers = runs.answers.entry(run).or_default();
                    if approval.link.as_ref().is_some_and(|link| used.contains(link)) {
                        return Ok(SaidCommitted::Already);
                    }
                    match answers.entry((approval.by.clone(), approval.answer, approval.commit.clone())) {
                        std::collections::btree_map::Entry::Vacant(place) => {
                            place.insert(approval.clone());
                            used.extend(approval.link.clone());
                            true
                        }
                        std::collections::btree_map::Entry::Occupied(_) => false,
                    }
                }
            };
            if !new {
                return Ok(SaidCommitted::Already);
            }
            state.store.put_outbox(events);
            state.store.append(change.entry.clone());
            Ok(SaidCommitted::Done)
        })
    }
}
