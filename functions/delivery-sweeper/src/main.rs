//! Wiring: delivery-sweeper behind its queue and direct calls.

use common::runtime::{self, Desk, QueueMessage, Woken};
use delivery_sweeper::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let sweeper = &wiring::delivery_sweeper(&config).await?;
    let desk = &Desk::new(&MANIFEST, &sweeper.rows)?;
    runtime::run(|woken: Woken<_>| async move {
        let message = |message| async move {
            match message {
                QueueMessage::Schedule(name) => sweeper.schedule(&name).await,
                other => Err(other.unexpected(MANIFEST.name)),
            }
        };
        woken.answer_or_fail(desk, message, |call| sweeper.call(call)).await
    })
    .await
}
