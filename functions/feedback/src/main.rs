//! Wiring: feedback behind its queue.

use common::{
    fault::Fault,
    runtime::{self, QueueMessage},
};
use feedback::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let feedback = &wiring::feedback(&config).await?;
    runtime::run_queue(&MANIFEST, &feedback.table, |message, _| async move {
        let QueueMessage::Event(event) = message else { return Err(Fault::bug("feedback has no schedule")) };
        feedback.event(&event).await
    })
    .await
}
