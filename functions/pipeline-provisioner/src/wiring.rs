//! The provisioner as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, codepipeline::CodePipeline, dynamodb::Table, s3},
    domain::cluster::PipelineRuntime,
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
};

use crate::Provisioner;

/// Builds the provisioner. The governance bundle and the App's key are read here, once a sandbox: both are named by the
/// environment, so another bundle means another deployment.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when the configuration cannot be run by, with every finding in it.
pub async fn provisioner(
    config: &Config,
) -> Result<Provisioner<Hosts, CodePipeline, s3::SpecBucket, Table, SystemClock>, Fault> {
    let aws = Aws::new(config);
    let governance =
        s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &config.parse("GOVERNANCE_DIGEST")?).await?;
    let text = |name| config.text(name).map(str::to_owned);
    Ok(Provisioner {
        forge: Hosts::of(config, &aws).await?,
        pipelines: CodePipeline::new(&aws),
        specs: s3::SpecBucket::new(&aws, config.text("ARTIFACT_BUCKET")?),
        ledger: Table::new(&aws, config.text("TABLE_NAME")?),
        clock: SystemClock,
        governance,
        runtime: PipelineRuntime {
            pipeline_role_arn: text("PIPELINE_ROLE_ARN")?,
            artifact_bucket: text("ARTIFACT_BUCKET")?,
            artifact_key_arn: config.optional("ARTIFACT_KEY_ARN").map(str::to_owned),
            connection_arn: config.optional("CONNECTION_ARN").map(str::to_owned),
            project_prefix: text("PROJECT_PREFIX")?,
            gate_function: text("GATE_FUNCTION")?,
            certificate_function: text("CERTIFICATE_FUNCTION")?,
        },
        invoked_by: config
            .optional("PROVISION_PIPELINES")
            .into_iter()
            .flat_map(|names| names.split(','))
            .map(str::to_owned)
            .collect(),
    })
}
