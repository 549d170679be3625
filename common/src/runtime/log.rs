//! JSON log lines, and metrics in CloudWatch's embedded metric format.
//!
//! A metric is a log event with target `metric`, a field `name` and a field `value`: code without this feature can write one with
//! `tracing::info!(target: "metric", name = "OutboxPublished", value = 3u64)`, and it becomes one line that CloudWatch counts.
//! It may have a `unit` (`Seconds`; `Count` without it) and the fields of [`DIMENSIONS`], and no other field: each set of values
//! is a metric of its own, which is billed, so what there can be many of (people, items, repositories) is never a dimension.
#![allow(clippy::print_stdout, reason = "CloudWatch reads metrics from the log stream, which is standard output")]

use std::{fmt, sync::OnceLock};

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, filter,
    layer::{Context, SubscriberExt as _},
    registry,
};

use crate::{domain::id::quoted, fault::Fault};

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "Penstock";

/// What a metric may be told apart by, beside the function: a check is one of the few of the canary. An empty text is none.
pub const DIMENSIONS: [&str; 3] = ["scope_kind", "pod", "check"];

static FUNCTION: OnceLock<&'static str> = OnceLock::new();

/// Starts logging. A second call changes nothing.
pub(super) fn start(function: &'static str, level: Option<&str>) {
    let ours = level.and_then(|text| text.parse().ok()).unwrap_or(Level::INFO);
    let _ = FUNCTION.set(function);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_filter(filter::filter_fn(move |meta| {
            meta.target() != "metric" && *meta.level() <= limit(meta.target(), ours)
        }));
    let subscriber = registry().with(lines).with(Metrics);
    let _ = tracing::subscriber::set_global_default(subscriber);
    if level.is_some_and(|text| text.parse::<Level>().is_err()) {
        tracing::warn!(
            function,
            level = quoted(level.unwrap_or_default(), 20),
            "LOG_LEVEL is not one of error, warn, info, debug, trace: info is used"
        );
    }
}

/// SDKs and HTTP clients write requests, with headers, below `warn`: they never get that far.
fn limit(target: &str, ours: Level) -> Level {
    let foreign =
        ["aws_", "hyper", "h2", "octocrab", "rustls", "tower"].iter().any(|prefix| target.starts_with(prefix));
    if foreign { ours.min(Level::WARN) } else { ours }
}

/// Logs a fault once, with everything below it and, where it has one, the message that it came with.
pub(super) fn failed(fault: &Fault, message: Option<&super::queue::Ids>) {
    let function = FUNCTION.get().copied().unwrap_or("unknown");
    let ids = message.cloned().unwrap_or_default();
    let (message_id, correlation_id, redriven) =
        (ids.message_id, ids.correlation_id, ids.redriven.is_some().then_some(true));
    let (event_id, replay) = (ids.event_id.map(String::from), ids.replay.map(String::from));
    match fault {
        Fault::Retry { .. } => {
            tracing::warn!(
                function,
                message_id,
                event_id,
                correlation_id,
                replay,
                redriven,
                fault = "retry",
                "{}",
                fault.chain()
            )
        }
        Fault::Reject { .. } => {
            tracing::warn!(
                function,
                message_id,
                event_id,
                correlation_id,
                replay,
                redriven,
                fault = "reject",
                "{}",
                fault.chain()
            )
        }
        Fault::Bug { .. } => {
            tracing::error!(
                function,
                message_id,
                event_id,
                correlation_id,
                replay,
                redriven,
                fault = "bug",
                "{}",
                fault.chain()
            )
        }
    }
}

/// Counts something.
pub fn metric(name: &'static str, value: u64) {
    tracing::info!(target: "metric", name, value);
}

/// Turns events with target `metric` into lines of the embedded metric format.
struct Metrics;

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "metric" {
            let function = FUNCTION.get().copied().unwrap_or("unknown");
            if let Some(line) = line(function, event, Timestamp::now()) {
                println!("{line}");
            }
        }
    }
}

fn line(function: &str, event: &Event<'_>, now: Timestamp) -> Option<Value> {
    let mut read = Read::default();
    event.record(&mut read);
    embedded(function, read, now)
}

fn embedded(function: &str, read: Read, now: Timestamp) -> Option<Value> {
    let (name, value) = (read.name?, read.value?);
    let names: Vec<&str> = std::iter::once("function").chain(read.dimensions.iter().map(|(name, _)| *name)).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": name, "Unit": read.unit.as_deref().unwrap_or("Count")}],
            }],
        },
        "function": function,
    });
    let fields = line.as_object_mut()?;
    fields.insert(name, json!(value));
    fields.extend(read.dimensions.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    Some(line)
}

#[derive(Default)]
struct Read {
    name: Option<String>,
    value: Option<u64>,
    unit: Option<String>,
    dimensions: Vec<(&'static str, String)>,
}

impl Visit for Read {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "value" {
            self.value = Some(value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "value" {
            self.value = u64::try_from(value).ok();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "name" => self.name = Some(value.to_owned()),
            "unit" => self.unit = Some(value.to_owned()),
            other => {
                let known = DIMENSIONS.into_iter().find(|name| *name == other && !value.is_empty());
                self.dimensions.extend(known.map(|name| (name, value.to_owned())));
            }
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static KEPT: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
    }

    // For the whole process, with lines for each thread: a subscriber for one test alone can lose a line to which another test's
    // thread came first without one.
    struct Keep;

    impl<S: Subscriber> Layer<S> for Keep {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            KEPT.with_borrow_mut(|kept| kept.extend(line("example", event, Timestamp::UNIX_EPOCH)));
        }
    }

    #[test]
    fn a_metric_event_becomes_one_embedded_metric() {
        tracing::subscriber::set_global_default(registry().with(Keep)).unwrap();
        metric("RejectedMessages", 2);
        tracing::info!(target: "metric", name = "Published", value = 3);
        let (scope_kind, pod) = ("pod-stage", "ratio");
        tracing::info!(target: "metric", name = "Waits", unit = "Seconds", value = 4, scope_kind, pod, person = "ada");
        tracing::info!(target: "metric", name = "Waits", value = 5, scope_kind = "stage", pod = "");
        let kept = KEPT.take();
        let about = |name: &str, unit: &str, dimensions: &[&str]| {
            json!({
                "Timestamp": 0,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [dimensions],
                    "Metrics": [{"Name": name, "Unit": unit}],
                }],
            })
        };
        assert_eq!(
            kept[0],
            json!({"_aws": about("RejectedMessages", "Count", &["function"]), "function": "example", "RejectedMessages": 2})
        );
        assert_eq!(kept[1]["Published"], 3);
        let told = json!({
            "_aws": about("Waits", "Seconds", &["function", "scope_kind", "pod"]),
            "function": "example", "scope_kind": "pod-stage", "pod": "ratio", "Waits": 4,
        });
        assert_eq!(kept[2], told, "what is no dimension is left out");
        assert_eq!(kept[3]["_aws"], about("Waits", "Count", &["function", "scope_kind"]));
    }

    #[test]
    fn what_an_sdk_says_about_its_requests_is_never_logged() {
        assert_eq!(limit("aws_smithy_runtime::client", Level::TRACE), Level::WARN);
        assert_eq!(limit("aws_smithy_runtime::client", Level::ERROR), Level::ERROR);
        assert_eq!(limit("common::aws", Level::DEBUG), Level::DEBUG);
    }
}
