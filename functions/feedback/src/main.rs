//! Wiring: feedback behind its queue.

use common::{
    aws::{Aws, dynamodb::Table, secrets::Secrets},
    fault::Fault,
    github::{DEFAULT_BASE_URI, GitHub},
    runtime::{self, QueueMessage, SystemClock},
};
use feedback::{MANIFEST, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let (aws, host) = (Aws::new(&config), config.optional("GITHUB_API_URL").unwrap_or(DEFAULT_BASE_URI));
    let key = Secrets::new(&aws).text(config.text("GITHUB_APP_KEY_SECRET_ID")?).await?;
    let github = &GitHub::new(host, config.parse("GITHUB_APP_ID")?, &key)?;
    let table = &Table::new(&aws, config.text("TABLE_NAME")?);
    let settings = &Settings { pipelines_url: config.text("PIPELINES_URL")?.to_owned() };
    runtime::run_queue(|message, _| async move {
        let QueueMessage::Event(event) = message else { return Err(Fault::bug("feedback has no schedule")) };
        handle(github, table, &SystemClock, settings, &event).await
    })
    .await
}
