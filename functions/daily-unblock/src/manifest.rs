//! What this function is to the wiring.

use common::{
    aws::{codecommit, codepipeline, dynamodb, s3, secrets},
    event::EventKind,
    hosts,
    manifest::{Alarm, EnvVar, Manifest, Missing, Statistic, Wake},
};

/// The message of the sweep, whoever sends it.
const SWEEP: &str = r#"{"schedule":"sweep"}"#;

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "daily-unblock",
    purpose: "Says each working day what stands still and who does what next; escalates blockers; prepares the weekly demo.",
    idempotent_by: "(kind, channel, local day); (blocker, group); (task, period)",
    memory_mb: 256,
    timeout_s: 120,
    wakes: &[
        Wake::Timetable { input: SWEEP },
        Wake::Schedule { name: "sweep", rate: "rate(5 minutes)", input: SWEEP },
        Wake::Route { method: "POST", path: "/v1/maintenance/{task}", public: false },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        hosts::GITHUB_APP_ID,
        hosts::GITHUB_APP_KEY,
        hosts::GITHUB_API_URL,
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &[
        "cluster-gates-read",
        "codecommit-read",
        "github-app-key-read",
        "governance-read",
        "handled-write",
        "rhythm-rows",
        "rhythm-sources-read",
    ],
    calls: &[
        codecommit::ACTIONS,
        codepipeline::GATE_READ_ACTIONS,
        dynamodb::CERTIFICATE_RECORD_ACTIONS,
        dynamodb::NOTE_ACTIONS,
        dynamodb::RHYTHM_ACTIONS,
        s3::GOVERNANCE_ACTIONS,
        secrets::ACTIONS,
    ],
    emits: &[EventKind::ItemEscalated, EventKind::DailyUnblockReport, EventKind::WeeklyDemoPreparation],
    alarms: &[Alarm {
        name: "sources-unreadable",
        metric: "RhythmSourcesUnreadable",
        says: "The daily unblock cannot read some of its sources: its report is incomplete",
        runbook: "daily-unblock",
        statistic: Statistic::Sum,
        threshold: 1,
        period_s: 900,
        periods: 1,
        missing: Missing::NotBreaching,
    }],
};
