//! Wiring: kill-executor behind its queue.

use common::{
    fault::Fault,
    runtime::{self, QueueMessage},
};
use kill_executor::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let executor = &wiring::executor(&config).await?;
    runtime::run_queue(&MANIFEST, &executor.rows, |message, _| async move {
        let QueueMessage::Event(event) = message else { return Err(Fault::bug("kill-executor has no schedule")) };
        executor.event(&event).await
    })
    .await
}
