//! Wiring: db-init, called directly.

use common::{
    aws::{Aws, dynamodb::Table, s3},
    runtime,
};
use db_init::{MANIFEST, prepare};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let aws = Aws::new(&config);
    let digest = config.parse("GOVERNANCE_DIGEST")?;
    let governance = &s3::governance(&aws, config.text("GOVERNANCE_BUCKET")?, &digest).await?;
    let table = &Table::new(&aws, config.text("TABLE_NAME")?);
    runtime::run(|_: Value| async move { prepare(table, governance).await }).await
}
