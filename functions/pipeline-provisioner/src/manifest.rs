//! What this function is to the wiring.

use common::{
    aws::{codecommit, codepipeline, dynamodb, s3, secrets},
    event::EventKind,
    hosts,
    manifest::{Alarm, EnvVar, Manifest, Missing, Statistic, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "pipeline-provisioner",
    purpose: "Reconciles cluster pipelines with the deploy tree at the branch head.",
    idempotent_by: "(cluster, generation): every run compares what is wanted with what is there",
    memory_mb: 512,
    timeout_s: 900,
    wakes: &[
        Wake::Event { event: EventKind::BranchPushed, filter: &[("touched_roots", &["deploy", "*"])] },
        Wake::Event { event: EventKind::RemovalsApproved, filter: &[] },
        Wake::Event { event: EventKind::ChangeOpened, filter: &[] },
        Wake::Event { event: EventKind::ChangeUpdated, filter: &[] },
        Wake::Schedule { name: "reconcile", rate: "rate(15 minutes)", input: r#"{"schedule":"reconcile"}"# },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        hosts::GITHUB_APP_ID,
        hosts::GITHUB_APP_KEY,
        hosts::GITHUB_API_URL,
        EnvVar::required("PIPELINE_ROLE_ARN", "the role that CodePipeline assumes"),
        EnvVar::required("ARTIFACT_BUCKET", "the bucket of artifacts and compiled specifications"),
        EnvVar::optional("ARTIFACT_KEY_ARN", "the KMS key of the artifacts, when it is not the bucket's default"),
        EnvVar::optional(
            "CONNECTION_ARN",
            "the one connection to GitHub that all pipelines share; none where no repository is there",
        ),
        EnvVar::required("PROJECT_PREFIX", "what the names of the CodeBuild projects start with"),
        EnvVar::required("GATE_FUNCTION", "the name of stage-gate's function, which a gate that invokes calls"),
        EnvVar::required(
            "CERTIFICATE_FUNCTION",
            "the name of iot-cert-provisioner's function, which runs call for certificates",
        ),
        EnvVar::optional(
            "PROVISION_PIPELINES",
            "the pipelines that may invoke it, by name, with commas between; none when it is not given",
        ),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &[
        "cluster-ledger",
        "cluster-pipelines",
        "codecommit-read",
        "github-app-key-read",
        "governance-read",
        "pipeline-jobs",
        "specs-write",
    ],
    calls: &[
        codecommit::ACTIONS,
        codepipeline::ACTIONS,
        codepipeline::JOB_ACTIONS,
        dynamodb::CLUSTER_LEDGER_ACTIONS,
        dynamodb::REMOVAL_ACTIONS,
        s3::GOVERNANCE_ACTIONS,
        s3::SPECS_ACTIONS,
        secrets::ACTIONS,
    ],
    emits: &[
        EventKind::ProvisioningStarted,
        EventKind::ProvisioningFinished,
        EventKind::PipelineCreated,
        EventKind::PipelineUpdated,
        EventKind::PipelineRetired,
        EventKind::PipelineRefused,
        EventKind::PipelineFailed,
        EventKind::PipelineOrphaned,
        EventKind::PipelineDrifted,
        EventKind::PipelineUnchanged,
        EventKind::ConfigurationRejected,
    ],
    // The schedule looks each quarter of an hour: it stays on while one is left so, and goes off half an hour after the last is set right.
    alarms: &[Alarm {
        name: "unsafe-pipelines",
        metric: "PipelinesWeakened",
        says: "somebody changed a cluster's pipeline by hand so that its runs are not safe: its gate, source, role or stages",
        runbook: "unsafe-pipelines",
        statistic: Statistic::Maximum,
        threshold: 1,
        period_s: 1_800,
        periods: 1,
        missing: Missing::NotBreaching,
    }],
};
