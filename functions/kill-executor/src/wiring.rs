//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, dynamodb::Table, s3},
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
};

use crate::KillExecutor;

/// Builds the function. The governance bundle and the App's key are read here, once a sandbox: both are named by the environment, so
/// another bundle means another deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn executor(config: &Config) -> Result<KillExecutor<Table, Hosts, SystemClock>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    Ok(KillExecutor {
        rows: Table::new(&aws, config.text("TABLE_NAME")?),
        host: Hosts::of(config, &aws).await?,
        clock: SystemClock,
        repositories: governance.repositories,
    })
}
