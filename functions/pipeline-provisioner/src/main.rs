//! Wiring: the provisioner behind its queue.

use common::runtime::{self, QueueMessage};
use pipeline_provisioner::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let provisioner = &wiring::provisioner(&config).await?;
    runtime::run_queue(&MANIFEST, &provisioner.ledger, |message, deadline| async move {
        match message {
            QueueMessage::Event(event) => provisioner.event(&event, deadline).await,
            QueueMessage::Schedule(name) => provisioner.schedule(&name, deadline).await,
            QueueMessage::Job(id) => provisioner.job(&id, deadline).await,
            other => Err(other.unexpected(MANIFEST.name)),
        }
    })
    .await
}
