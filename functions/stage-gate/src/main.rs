//! Wiring: stage-gate behind its API and its queue.

use common::runtime::{self, QueueMessage, Woken};
use stage_gate::{MANIFEST, api, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let gates = &wiring::gates(&config).await?;
    runtime::run(|woken: Woken<_>| async move {
        woken
            .answer(
                |message| async move {
                    match message {
                        QueueMessage::Event(event) => gates.event(&event).await,
                        QueueMessage::Aws(event) => Err(event.unexpected(MANIFEST.name)),
                        QueueMessage::Schedule(name) => gates.schedule(&name).await,
                    }
                },
                |request| async move { api::serve(gates, &request).await },
            )
            .await
    })
    .await
}
