//! JSON log lines, and metrics in CloudWatch's embedded metric format.
//!
//! A metric is a log event with target `metric`, a field `name` and a field `value`: code without this feature can write one with
//! `tracing::info!(target: "metric", name = "OutboxPublished", value = 3u64)`, and it becomes one line that CloudWatch counts.
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
    let (message_id, event_id, correlation_id) = (ids.message_id, ids.event_id, ids.correlation_id);
    match fault {
        Fault::Retry { .. } => {
            tracing::warn!(function, message_id, event_id, correlation_id, fault = "retry", "{}", fault.chain())
        }
        Fault::Reject { .. } => {
            tracing::warn!(function, message_id, event_id, correlation_id, fault = "reject", "{}", fault.chain())
        }
        Fault::Bug { .. } => {
            tracing::error!(function, message_id, event_id, correlation_id, fault = "bug", "{}", fault.chain())
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
    Some(embedded(function, &read.name?, read.value?, now))
}

fn embedded(function: &str, name: &str, value: u64, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["function"]],
                "Metrics": [{"Name": name, "Unit": "Count"}],
            }],
        },
        "function": function,
        name: value,
    })
}

#[derive(Default)]
struct Read {
    name: Option<String>,
    value: Option<u64>,
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
        if field.name() == "name" {
            self.name = Some(value.to_owned());
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
        let kept = KEPT.take();
        assert_eq!(kept[0], embedded("example", "RejectedMessages", 2, Timestamp::UNIX_EPOCH));
        assert_eq!(kept[1]["Published"], 3);
        assert_eq!(kept[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], "RejectedMessages");
    }

    #[test]
    fn what_an_sdk_says_about_its_requests_is_never_logged() {
        assert_eq!(limit("aws_smithy_runtime::client", Level::TRACE), Level::WARN);
        assert_eq!(limit("aws_smithy_runtime::client", Level::ERROR), Level::ERROR);
        assert_eq!(limit("common::aws", Level::DEBUG), Level::DEBUG);
    }
}
