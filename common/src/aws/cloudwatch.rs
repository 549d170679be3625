//! CloudWatch: what alarms are, and were.
//!
//! One call says what all of them are and since when. Only of one whose state changed in the period the history is read too: alarms that
//! are quiet, as most are, cost that one call. Metric alarms, composite alarms and log alarms are asked for by name; without their kinds
//! AWS answers with metric alarms alone (API reference, DescribeAlarms and DescribeAlarmHistory).

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::{
    Client,
    types::{AlarmHistoryItem, AlarmType, EvaluationState, HistoryItemType, ScanBy, StateValue},
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Aws, config, fault, moment};
use crate::{
    domain::{
        id::{AlarmName, quoted},
        run::{AlarmRecord, AlarmState, StateChange, Unwatched, Watched},
    },
    fault::Fault,
    ports::Alarms,
};

/// The IAM actions that [`Alarms`] needs. Composite alarms are shown only to who may see all (`Resource: *`; API reference of both).
pub const ALARM_ACTIONS: &[&str] = &["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"];

/// How many items a page has (API reference: at most 100), and how many pages of one alarm's history are read. An alarm that changes more
/// often than that in a soak has been on in it, or says nothing.
const PAGE: i32 = 100;
const PAGES: usize = 20;

/// CloudWatch, as far as it says what alarms are.
#[derive(Debug, Clone)]
pub struct CloudWatch {
    client: Client,
}

/// An alarm as one call shows it.
struct Shown {
    kind: AlarmType,
    /// Nothing for a state that we do not know.
    state: Option<AlarmState>,
    since: Option<Timestamp>,
    /// Whether it says what it is by its metric of now.
    evaluated: bool,
}

/// What `HistoryData` of a change of state says (user guide, example of DescribeAlarmHistory).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryData {
    old_state: HistoryState,
    new_state: HistoryState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryState {
    state_value: String,
}

impl CloudWatch {
    /// An adapter.
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::from_conf(config!(aws_sdk_cloudwatch, aws, "CLOUDWATCH").build()) }
    }

    async fn shown(&self, names: &BTreeSet<AlarmName>) -> Result<BTreeMap<String, Shown>, Fault> {
        let mut all = BTreeMap::new();
        let mut next = None;
        loop {
            let request = self.client.describe_alarms().max_records(PAGE).set_next_token(next);
            let request = request.set_alarm_names(Some(names.iter().map(ToString::to_string).collect()));
            let request = request.set_alarm_types(Some(KINDS.to_vec()));
            let answer = request.send().await.map_err(|error| fault("reading alarms", error))?;
            for one in answer.metric_alarms.into_iter().flatten() {
                let broken = [EvaluationState::EvaluationError, EvaluationState::EvaluationFailure];
                let evaluated = one.evaluation_state.is_none_or(|state| !broken.contains(&state));
                let shown = shown(AlarmType::MetricAlarm, one.state_value, one.state_transitioned_timestamp, evaluated);
                all.extend(one.alarm_name.map(|name| (name, shown)));
            }
            for one in answer.composite_alarms.into_iter().flatten() {
                let shown = shown(AlarmType::CompositeAlarm, one.state_value, one.state_transitioned_timestamp, true);
                all.extend(one.alarm_name.map(|name| (name, shown)));
            }
            for one in answer.log_alarms.into_iter().flatten() {
                let shown = shown(AlarmType::LogAlarm, one.state_value, one.state_transitioned_timestamp, true);
                all.extend(one.alarm_name.map(|name| (name, shown)));
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// The changes of an alarm's state since then, oldest first, and whether these are all. Nothing when one of them cannot be read.
    async fn changes(
        &self,
        name: &AlarmName,
        kind: &AlarmType,
        from: Timestamp,
    ) -> Result<Option<(Vec<StateChange>, bool)>, Fault> {
        let mut changes = Vec::new();
        let mut next = None;
        for _ in 0..PAGES {
            let request = self.client.describe_alarm_history().alarm_name(name.as_str()).alarm_types(kind.clone());
            let request = request.history_item_type(HistoryItemType::StateUpdate).start_date(date(from));
            let request = request.scan_by(ScanBy::TimestampAscending).max_records(PAGE).set_next_token(next);
            let answer = request.send().await.map_err(|error| fault("reading the history of an alarm", error))?;
            for item in answer.alarm_history_items.unwrap_or_default() {
                let Some(change) = change(&item) else {
                    let found = quoted(item.history_data.as_deref().unwrap_or_default(), 300);
                    tracing::error!(
                        alarm = name.as_str(),
                        "a change of an alarm's state has an unknown shape: {found}"
                    );
                    return Ok(None);
                };
                changes.push(change);
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(Some((changes, true)));
            }
        }
        Ok(Some((changes, false)))
    }

    async fn said(
        &self,
        name: &AlarmName,
        shown: &Shown,
        (from, until, now): (Timestamp, Timestamp, Timestamp),
    ) -> Result<Watched, Fault> {
        let Some(state) = shown.state else { return Ok(Watched::Unknown(Unwatched::Unread)) };
        let mut record = AlarmRecord { state, since: shown.since, changes: Vec::new() };
        let mut all = true;
        if record.changed_since(from) {
            let Some(read) = self.changes(name, &shown.kind, from).await? else {
                return Ok(Watched::Unknown(Unwatched::Unread));
            };
            (record.changes, all) = read;
        }
        Ok(match record.judged(from, until, now) {
            Watched::Ok if !all => {
                tracing::warn!(alarm = name.as_str(), "its history has more than {PAGES} pages");
                Watched::Unknown(Unwatched::Unread)
            }
            Watched::Ok if !shown.evaluated => Watched::Unknown(Unwatched::NoData),
            said @ Watched::Unknown(Unwatched::Unread) => {
                tracing::warn!(alarm = name.as_str(), "its history does not say yet how it came to its state");
                said
            }
            said => said,
        })
    }
}

const KINDS: [AlarmType; 3] = [AlarmType::CompositeAlarm, AlarmType::LogAlarm, AlarmType::MetricAlarm];

fn shown(kind: AlarmType, state: Option<StateValue>, since: Option<DateTime>, evaluated: bool) -> Shown {
    let state = state.and_then(|state| read_state(state.as_str()));
    Shown { kind, state, since: since.and_then(moment), evaluated }
}

fn read_state(text: &str) -> Option<AlarmState> {
    match text {
        "OK" => Some(AlarmState::Ok),
        "ALARM" => Some(AlarmState::Alarm),
        "INSUFFICIENT_DATA" => Some(AlarmState::NoData),
        _ => None,
    }
}

fn change(item: &AlarmHistoryItem) -> Option<StateChange> {
    let data: HistoryData = serde_json::from_str(item.history_data.as_deref()?).ok()?;
    let (from, to) = (read_state(&data.old_state.state_value)?, read_state(&data.new_state.state_value)?);
    Some(StateChange { at: item.timestamp.and_then(moment)?, from, to })
}

fn date(at: Timestamp) -> DateTime {
    // Whole seconds: a little more of the past than was asked for, never less.
    DateTime::from_secs(at.as_second())
}

impl Alarms for CloudWatch {
    async fn watched(
        &self,
        names: &BTreeSet<AlarmName>,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<BTreeMap<AlarmName, Watched>, Fault> {
        let shown = self.shown(names).await?;
        let mut watched = BTreeMap::new();
        for name in names {
            let said = match shown.get(name.as_str()) {
                Some(shown) => self.said(name, shown, (from, until, now)).await?,
                None => Watched::Unknown(Unwatched::Missing),
            };
            watched.insert(name.clone(), said);
        }
        Ok(watched)
    }
}
