//! Wiring: wip-limit behind its API and its queue.

use common::runtime::{self, Desk, QueueMessage, Woken};
use wip_limit::{MANIFEST, api, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let wip_limit = &wiring::wip_limit(&config).await?;
    let desk = &Desk::new(&MANIFEST, &wip_limit.limiter.rows)?;
    runtime::run(|woken: Woken<_>| async move {
        let message = |message| async move {
            match message {
                QueueMessage::Event(event) => wip_limit.event(&event).await,
                QueueMessage::Schedule(name) => wip_limit.schedule(&name).await,
                other => Err(other.unexpected(MANIFEST.name)),
            }
        };
        let call = |request| async move { api::serve(&wip_limit.limiter, &wip_limit.governance, &request).await };
        woken.answer(desk, message, call).await
    })
    .await
}
