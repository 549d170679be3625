//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{
        Aws,
        codepipeline::CodePipeline,
        dynamodb::Table,
        s3,
        sts::{TargetAccounts, TargetRole},
    },
    domain::certificate::{AMAZON_ROOT_CA_1, Rules, SHORTEST_OVERLAP, TopicPrefix},
    fault::Fault,
    keys,
    runtime::{Config, SystemClock},
};
use jiff::SignedDuration;

use crate::{CertificateProvisioner, MANIFEST};

/// How old a certificate becomes when nothing is said, in days.
const LIFETIME_DAYS: i64 = 90;

/// Builds the function.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when a setting cannot be used, with what was expected.
pub async fn provisioner(
    config: &Config,
) -> Result<CertificateProvisioner<Table, TargetAccounts, CodePipeline, SystemClock>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let role = TargetRole {
        name: config.text("TARGET_ROLE_NAME")?.to_owned(),
        external_id: config.optional("TARGET_EXTERNAL_ID").map(str::to_owned),
        session: MANIFEST.name.to_owned(),
    };
    Ok(CertificateProvisioner {
        rows: Table::new(&aws, config.text("TABLE_NAME")?),
        accounts: TargetAccounts::new(&aws, role),
        jobs: CodePipeline::new(&aws),
        clock: SystemClock,
        repositories: governance.repositories,
        rules: rules(config)?,
        authority: authority(config)?,
    })
}

fn rules(config: &Config) -> Result<Rules, Fault> {
    let topics = config.optional("TOPIC_PREFIX").map_or_else(|| Ok(TopicPrefix::standard()), str::parse);
    let topics = topics.map_err(|error| Fault::bug(format!("TOPIC_PREFIX: {error}")))?;
    let overlap = hours(config, "OVERLAP_HOURS", SHORTEST_OVERLAP.as_hours())?;
    let lifetime = hours(config, "LIFETIME_DAYS", LIFETIME_DAYS)?.saturating_mul(24);
    let (overlap, lifetime) = (SignedDuration::from_hours(overlap), SignedDuration::from_hours(lifetime));
    if overlap < SHORTEST_OVERLAP || lifetime <= overlap {
        return Err(Fault::bug(
            "OVERLAP_HOURS must be 24 or more, and LIFETIME_DAYS longer than that: the agent needs the time to take the new certificate",
        ));
    }
    Ok(Rules { topics, overlap, lifetime })
}

fn hours(config: &Config, name: &str, default: i64) -> Result<i64, Fault> {
    let Some(text) = config.optional(name) else { return Ok(default) };
    let found = text.parse::<i64>().ok().filter(|found| (1..=10_000).contains(found));
    found.ok_or_else(|| Fault::bug(format!("{name}: expected a whole number from 1 to 10000")))
}

/// The authority that clients trust.
fn authority(config: &Config) -> Result<String, Fault> {
    let Some(pem) = config.optional("BROKER_CA") else { return Ok(AMAZON_ROOT_CA_1.to_owned()) };
    keys::certificate(pem).map_err(|_| Fault::bug("BROKER_CA: expected one certificate as PEM"))?;
    Ok(pem.to_owned())
}
