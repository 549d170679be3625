//! Wiring: stage-gate behind its API and its queue.

use common::runtime::{self, Woken};
use stage_gate::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let gate = &wiring::gate(&config).await?;
    runtime::run(|woken: Woken<_>| async move {
        woken.answer(|message| gate.message(message), |request| async move { gate.serve(&request).await }).await
    })
    .await
}
