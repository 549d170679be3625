//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, dynamodb::Table, s3, sqs::FunctionQueues},
    domain::id::IdError,
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
};

use crate::DeliverySweeper;

/// Builds the function. The governance bundle and the App's key are read here, once a sandbox: both are named by the environment, so
/// another bundle means another deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn delivery_sweeper(
    config: &Config,
) -> Result<DeliverySweeper<Table, Hosts, SystemClock, FunctionQueues>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let functions = config.text("QUEUE_FUNCTIONS")?.split(',').map(str::parse).collect::<Result<_, IdError>>();
    let functions = functions.map_err(|error| Fault::bug(format!("QUEUE_FUNCTIONS: {error}")))?;
    Ok(DeliverySweeper {
        rows: Table::new(&aws, config.text("TABLE_NAME")?),
        host: Hosts::of(config, &aws).await?,
        queues: FunctionQueues::new(&aws, config.text("QUEUE_PREFIX")?, functions),
        clock: SystemClock,
        governance,
    })
}
