//! What a function is, beside its code: why it wakes, what it emits, what it needs, what it may call.
//!
//! `events/contract.json` is generated from these. Terraform makes queues, rules, routes, schedules and roles from that file; the
//! local stack does the same with the same file; so neither spells an event's name, and adding a function adds no wiring code.

use serde::Serialize;

use crate::event::EventKind;

/// How often a message is received before it goes to the dead-letter queue: the `maxReceiveCount` of every function's queue.
pub const MAX_RECEIVES: u32 = 5;

/// One function.
#[derive(Debug, Clone, Copy)]
pub struct Manifest {
    /// Crate, directory, Lambda suffix and folder of samples.
    pub name: &'static str,
    /// One line for people.
    pub purpose: &'static str,
    /// What makes it idempotent, one line.
    pub idempotent_by: &'static str,
    /// Memory in MB.
    pub memory_mb: u16,
    /// Timeout in seconds.
    pub timeout_s: u16,
    /// What wakes it.
    pub wakes: &'static [Wake],
    /// The environment variables it reads.
    pub env: &'static [EnvVar],
    /// The names of its grants: `terraform/grants/<name>.json`.
    pub grants: &'static [&'static str],
    /// Every AWS action that its code calls; the grants must allow exactly these.
    pub calls: &'static [&'static [&'static str]],
    /// The events that it puts into the outbox (the relay alone talks to the bus).
    pub emits: &'static [EventKind],
    /// What of its own metrics calls a person; errors, throttles, queues and streams have their alarms without being named.
    pub alarms: &'static [Alarm],
}

/// When a metric that the function writes without dimensions calls a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Its name after the function's: `oldest-wait`.
    pub name: &'static str,
    /// The metric.
    pub metric: &'static str,
    /// What is the matter, in words.
    pub says: &'static str,
    /// The section of `docs/runbooks.md` that says what to do.
    pub runbook: &'static str,
    /// How the values of a period become one.
    pub statistic: Statistic,
    /// From which value on.
    pub threshold: u32,
    /// How long a period is, in seconds: a multiple of 60.
    pub period_s: u32,
    /// For how many periods in a row.
    pub periods: u16,
    /// What a period without any value is taken as.
    pub missing: Missing,
}

/// What a period without any value is taken as, in CloudWatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Missing {
    /// All is well: of what is only told when there is something to tell.
    NotBreaching,
    /// As bad as a value above the threshold: of what has to be told again and again.
    Breaching,
}

/// How the values of a period become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Statistic {
    /// The highest: of a gauge.
    Maximum,
    /// All added up: of a counter.
    Sum,
}

/// Why a function wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Wake {
    /// A route of the HTTP API.
    Route {
        /// `POST`.
        method: &'static str,
        /// `/webhooks/github`.
        path: &'static str,
        /// Whether it needs no JWT.
        public: bool,
    },
    /// The table's stream, filtered by partition key prefix.
    Stream {
        /// `OUTBOX#`.
        prefix: &'static str,
        /// Records a batch.
        batch_size: u16,
        /// Attempts before the on-failure queue.
        attempts: u16,
        /// Age in seconds before the on-failure queue.
        max_age_s: u32,
    },
    /// An event of ours from the bus, through the function's queue.
    Event {
        /// Which.
        #[serde(serialize_with = "kind_name")]
        event: EventKind,
        /// Equality filters on the detail: field, accepted values.
        filter: &'static [(&'static str, &'static [&'static str])],
    },
    /// An event of an AWS service from the account's default bus, through the function's queue. It only wakes: what happened is read
    /// from the service.
    Aws {
        /// The service: `aws.codepipeline`.
        source: &'static str,
        /// What happened, in the service's words.
        detail_type: &'static str,
        /// Equality filters on the detail: field, accepted values.
        filter: &'static [(&'static str, &'static [&'static str])],
    },
    /// The clock, through the function's queue.
    Schedule {
        /// Its name.
        name: &'static str,
        /// An EventBridge Scheduler expression: `rate(15 minutes)`.
        rate: &'static str,
        /// The message that arrives, as JSON text.
        input: &'static str,
    },
    /// Each deployment calls it, with an empty object, and fails when it does.
    Deploy,
    /// The local times that `schedules.yaml` names, through the function's queue: one wake-up each day at each of them, in its time zone.
    /// Which days count, the function knows. It makes the function punctual and no more: a [`Wake::Schedule`] beside it does the same
    /// work without it, as on the local stack, whose scheduler knows no time zones.
    Timetable {
        /// The message that arrives, as JSON text.
        input: &'static str,
    },
}

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// What it holds, for people.
    pub meaning: &'static str,
    /// Whether the function refuses to start without it.
    pub required: bool,
}

fn kind_name<S: serde::Serializer>(kind: &EventKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

impl EnvVar {
    /// A required variable.
    pub const fn required(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, required: true }
    }

    /// An optional variable.
    pub const fn optional(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning, required: false }
    }
}
