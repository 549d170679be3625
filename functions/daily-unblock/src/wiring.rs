//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, codepipeline::CodePipeline, dynamodb::Table, s3},
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
};

use crate::DailyUnblock;

/// Builds the function. The governance bundle and the App's key are read here, once a sandbox: both are named by the environment, so
/// another bundle means another deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn daily_unblock(config: &Config) -> Result<DailyUnblock<Table, CodePipeline, Hosts, SystemClock>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let host = Hosts::of(config, &aws).await?;
    Ok(DailyUnblock {
        rows: Table::new(&aws, config.text("TABLE_NAME")?),
        gates: CodePipeline::new(&aws),
        host,
        clock: SystemClock,
        governance,
    })
}
