//! Wiring: feedback behind its queue.

use common::{
    aws::{Aws, dynamodb::Table, secrets::Secrets},
    github::{DEFAULT_BASE_URI, GitHub},
    runtime::{self, QueueMessage, SystemClock},
};
use feedback::{MANIFEST, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let (aws, base) = (Aws::new(&config), config.optional("GITHUB_API_URL").unwrap_or(DEFAULT_BASE_URI));
    let key = Secrets::new(&aws).text(config.text("GITHUB_APP_KEY_SECRET_ID")?).await?;
    let (github, table) =
        (&GitHub::new(base, config.parse("GITHUB_APP_ID")?, &key)?, &Table::new(&aws, config.text("TABLE_NAME")?));
    let settings = &Settings { pipelines_url: config.text("PIPELINES_URL")?.to_owned() };
    runtime::run_queue(|message, _| async move {
        match message {
            QueueMessage::Event(event) => handle(github, table, &SystemClock, settings, &event).await,
            QueueMessage::Schedule(name) => {
                Err(common::fault::Fault::bug(format!("feedback has no schedule: {name:?}")))
            }
        }
    })
    .await
}
