//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, cloudwatch::CloudWatch, codepipeline::CodePipeline, dynamodb::Table, s3, secrets::Secrets},
    event::telling::Telling,
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
};

use crate::{ItemGates, doors::StageGate, runs::ClusterGates};

/// Builds the function. The governance bundle and the App's key are read here, once a sandbox: both are named by the environment, so
/// another bundle means another deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn gate(config: &Config) -> Result<StageGate<Table, CodePipeline, CloudWatch, Hosts, SystemClock>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let telling = Telling::of(&governance);
    let links = match config.optional("APPROVAL_LINK_KEY_SECRET_ID") {
        Some(secret) => Some(Secrets::new(&aws).link_key(secret).await?),
        None => None,
    };
    let host = Hosts::of(config, &aws).await?;
    let rows = Table::new(&aws, config.text("TABLE_NAME")?);
    Ok(StageGate {
        runs: ClusterGates {
            rows: rows.clone(),
            gates: CodePipeline::new(&aws),
            alarms: CloudWatch::new(&aws),
            forge: host.clone(),
            clock: SystemClock,
            governance: governance.clone(),
            links,
        },
        items: ItemGates { rows, host, clock: SystemClock, governance, telling },
    })
}
