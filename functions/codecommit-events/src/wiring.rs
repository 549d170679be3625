//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, dynamodb::Table, s3},
    fault::Fault,
    runtime::{Config, SystemClock},
};

use crate::CodeCommitEvents;

/// Builds the function. The governance bundle is read here, once a sandbox: the environment names it, so another bundle means another
/// deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn codecommit_events(config: &Config) -> Result<CodeCommitEvents<Table, SystemClock>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let intake = Table::new(&aws, config.text("TABLE_NAME")?);
    Ok(CodeCommitEvents { intake, clock: SystemClock, repositories: governance.repositories })
}
