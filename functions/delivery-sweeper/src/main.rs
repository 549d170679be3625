//! Wiring: delivery-sweeper behind its queue.

use common::runtime::{self, QueueMessage};
use delivery_sweeper::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let sweeper = &wiring::delivery_sweeper(&config).await?;
    runtime::run_queue(|message, _| async move {
        match message {
            QueueMessage::Schedule(name) => sweeper.schedule(&name).await,
            other => Err(other.unexpected(MANIFEST.name)),
        }
    })
    .await
}
