//! Wiring: daily-unblock behind its API and its queue.

use common::{
    fault::Fault,
    runtime::{self, Desk, QueueMessage, Woken},
};
use daily_unblock::{MANIFEST, api, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let rhythm = &wiring::daily_unblock(&config).await?;
    let desk = &Desk::new(&MANIFEST, &rhythm.rows)?;
    // Each way on the heap: nested, their types are deeper than the compiler follows.
    runtime::run(|woken: Woken<_>| async move {
        let message = |message| async move {
            match message {
                QueueMessage::Schedule(name) => Box::pin(rhythm.schedule(&name)).await,
                _ => Err(Fault::bug("daily-unblock hears no events: its rules are wrong")),
            }
        };
        woken.answer(desk, message, |request| async move { Box::pin(api::serve(rhythm, &request)).await }).await
    })
    .await
}
