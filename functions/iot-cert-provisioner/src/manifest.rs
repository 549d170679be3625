//! What this function is to the wiring.

use common::{
    aws::{codepipeline, dynamodb, s3, sts},
    event::EventKind,
    manifest::{Alarm, EnvVar, Manifest, Missing, Statistic, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "iot-cert-provisioner",
    purpose: "Mints, stores, rotates, revokes and sweeps the certificates of clusters.",
    idempotent_by: "the cluster: every call does what is missing; a rotation by its request",
    memory_mb: 256,
    timeout_s: 240,
    wakes: &[
        Wake::Event { event: EventKind::CertificateRequested, filter: &[] },
        Wake::Schedule { name: "sweep", rate: "rate(1 hour)", input: r#"{"schedule":"sweep"}"# },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        EnvVar::required("TARGET_ROLE_NAME", "the name of the role that it assumes in each account"),
        EnvVar::optional("TARGET_EXTERNAL_ID", "the external id that those roles want to hear"),
        EnvVar::optional(
            "TOPIC_PREFIX",
            "what topics start with: three levels (sources/maestro/consumers when it is not given), or the word older for maestro/consumers",
        ),
        EnvVar::optional("OVERLAP_HOURS", "how long the certificate before still works: 24 (the default) or more"),
        EnvVar::optional("LIFETIME_DAYS", "how old a certificate becomes: 90 when it is not given"),
        EnvVar::optional("BROKER_CA", "the authority that clients trust, as PEM, when it is not Amazon Root CA 1"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &[
        "certificate-rows",
        "certificate-targets",
        "cluster-records-read",
        "governance-read",
        "handled-write",
        "pipeline-jobs",
    ],
    calls: &[
        codepipeline::JOB_ACTIONS,
        dynamodb::CERTIFICATE_ACTIONS,
        dynamodb::CLUSTER_RECORD_ACTIONS,
        dynamodb::NOTE_ACTIONS,
        s3::GOVERNANCE_ACTIONS,
        sts::ACTIONS,
    ],
    emits: &[
        EventKind::CertificateIssued,
        EventKind::CertificateRotated,
        EventKind::CertificateRevoked,
        EventKind::CertificateOrphanRemoved,
        EventKind::CertificateFailed,
    ],
    // Three sweeps in a row: what fails once may be AWS's own.
    alarms: &[Alarm {
        name: "upkeep",
        metric: "CertificateUpkeepFailed",
        says: "The certificates of a cluster are not kept up: one may end without another in its place",
        runbook: "certificates",
        statistic: Statistic::Maximum,
        threshold: 1,
        period_s: 3600,
        periods: 3,
        missing: Missing::Breaching,
    }],
};
