//! Wiring: the table, the bus, the runtime loop.

use common::{
    aws::{Aws, dynamodb::Table, eventbridge::EventBus},
    runtime::{self, SystemClock},
};
use outbox_relay::{MANIFEST, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let config = runtime::start(&MANIFEST)?;
    let aws = Aws::new(&config);
    let table = Table::new(&aws, config.text("TABLE_NAME")?);
    let bus = EventBus::new(&aws, config.text("BUS_NAME")?);
    runtime::run(|batch| handle(&table, &bus, &SystemClock, batch)).await
}
