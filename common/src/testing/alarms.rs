//! CloudWatch's alarms in memory: what each was, and is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    domain::{
        id::AlarmName,
        run::{AlarmRecord, AlarmState, StateChange, Unwatched, Watched},
    },
    fault::Fault,
    ports::Alarms,
    testing::World,
};

pub(super) type State = BTreeMap<AlarmName, AlarmRecord>;

impl World {
    /// An alarm is in a state from now on; one that was not there is made in it.
    pub fn set_alarm(&self, name: &AlarmName, to: AlarmState) {
        let mut state = self.state();
        let at = state.now;
        match state.alarms.get_mut(name) {
            Some(alarm) => {
                alarm.changes.push(StateChange { at, from: alarm.state, to });
                (alarm.state, alarm.since) = (to, Some(at));
            }
            None => {
                // It begins without data, as CloudWatch makes it.
                let first = StateChange { at, from: AlarmState::NoData, to };
                let changes = Some(first).filter(|first| first.from != to).into_iter().collect();
                state.alarms.insert(name.clone(), AlarmRecord { state: to, since: Some(at), changes });
            }
        }
    }
}

impl Alarms for World {
    async fn watched(
        &self,
        names: &BTreeSet<AlarmName>,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<BTreeMap<AlarmName, Watched>, Fault> {
        let about = names.iter().map(AlarmName::as_str).collect::<Vec<_>>().join(" ");
        self.call("CloudWatch.DescribeAlarms", about, false, |state| {
            let said = |name: &AlarmName| match state.alarms.get(name) {
                Some(alarm) => alarm.judged(from, until, now),
                None => Watched::Unknown(Unwatched::Missing),
            };
            Ok(names.iter().map(|name| (name.clone(), said(name))).collect())
        })
    }
}
