//! Wiring: iot-cert-provisioner behind its queue, its jobs and direct calls.

use common::runtime::{self, Desk, QueueMessage, Woken};
use iot_cert_provisioner::{MANIFEST, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let provisioner = &wiring::provisioner(&config).await?;
    let desk = &Desk::new(&MANIFEST, &provisioner.rows)?;
    runtime::run(|woken: Woken<_>| async move {
        let message = |message| async move {
            match message {
                QueueMessage::Event(event) => provisioner.event(&event).await,
                QueueMessage::Schedule(name) => provisioner.schedule(&name).await,
                QueueMessage::Job(id) => provisioner.job(&id).await,
                other => Err(other.unexpected(MANIFEST.name)),
            }
        };
        woken.answer_or_fail(desk, message, |call| provisioner.call(call)).await
    })
    .await
}
