//! Wiring: codecommit-events behind its queue and as the target of a repository's trigger.

use codecommit_events::{MANIFEST, doors::Input, wiring};
use common::runtime::{self, Desk};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let events = &wiring::codecommit_events(&config).await?;
    let desk = &Desk::new(&MANIFEST, &events.intake)?;
    runtime::run(|input: Input| input.answer(desk, events)).await
}
