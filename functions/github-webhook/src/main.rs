//! Wiring of `github-webhook`; what it is and does stands in `lib.rs`.

use common::{
    aws::{Aws, dynamodb::Table, secrets::Secrets},
    ports::Clock,
    runtime::{self, SystemClock},
    webhook_secret::StoredSecret,
};
use github_webhook::{MANIFEST, Webhook, handle_in_time, handler::LIMIT, secret::Keyring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = runtime::start(&MANIFEST)?;
    let aws = Aws::new(&config);
    let secret = StoredSecret { secrets: Secrets::new(&aws), id: config.text("WEBHOOK_SECRET_ID")?.to_owned() };
    let intake = Table::new(&aws, config.text("TABLE_NAME")?);
    let webhook = Webhook { intake, keyring: Keyring::new(secret), governance: config.parse("GOVERNANCE_DIGEST")? };
    webhook.keyring.warm_up(SystemClock.now()).await;
    let answer = |request| {
        let webhook = &webhook;
        async move { Ok(handle_in_time(webhook, &request, SystemClock.now(), LIMIT).await) }
    };
    runtime::run(answer).await.map_err(anyhow::Error::from_boxed)
}
