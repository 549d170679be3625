//! Wiring: canary behind its queue.

use canary::{MANIFEST, wiring};
use common::{
    fault::Fault,
    ports::NoLedger,
    runtime::{self, QueueMessage},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let canary = &wiring::canary(&config)?;
    runtime::run_queue(&MANIFEST, &NoLedger, |message, _| async move {
        let QueueMessage::Schedule(name) = message else { return Err(Fault::bug("canary hears no events")) };
        canary.schedule(&name).await
    })
    .await
}
