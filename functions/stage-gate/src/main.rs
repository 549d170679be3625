//! Wiring: stage-gate behind its API and its queue.

use common::runtime::{self, Desk, Woken};
use stage_gate::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let gate = &wiring::gate(&config).await?;
    let desk = &Desk::new(&MANIFEST, &gate.items.rows)?;
    runtime::run(|woken: Woken<_>| async move {
        woken.answer(desk, |message| gate.message(message), |request| async move { gate.serve(&request).await }).await
    })
    .await
}
