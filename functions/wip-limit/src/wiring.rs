//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, dynamodb::Table, s3},
    event::telling::Telling,
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
};

use crate::{Limiter, handler::WipLimit};

/// Builds the function. The governance bundle and the App's key are read here, once a sandbox: both are named by the environment,
/// so another bundle means another deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn wip_limit(config: &Config) -> Result<WipLimit<Table, SystemClock, Hosts>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let limiter = Limiter {
        rows: Table::new(&aws, config.text("TABLE_NAME")?),
        clock: SystemClock,
        limits: governance.limits.clone(),
        telling: Telling::of(&governance),
    };
    Ok(WipLimit { limiter, governance, forge: Hosts::of(config, &aws).await? })
}
