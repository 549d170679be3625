//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use std::time::Duration;

use common::{
    aws::{Aws, secrets::Secrets},
    fault::Fault,
    runtime::{Config, SystemClock},
    web::Web,
    webhook_secret::StoredSecret,
};

use crate::{Canary, check::Expected};

/// How long one check may take: five of them, and the secret before, are done well before the function's time is over.
const LIMIT: Duration = Duration::from_secs(8);

/// Builds the function.
///
/// # Errors
/// `Bug` when a setting cannot be used.
pub fn canary(config: &Config) -> Result<Canary<Web, StoredSecret, SystemClock>, Fault> {
    let aws = Aws::new(config);
    Ok(Canary {
        site: Web::new("API_URL", config.text("API_URL")?, "https://penstock.example.org", LIMIT)?,
        secret: StoredSecret { secrets: Secrets::new(&aws), id: config.text("WEBHOOK_SECRET_ID")?.to_owned() },
        clock: SystemClock,
        expected: Expected {
            version: env!("CARGO_PKG_VERSION"),
            governance: config.parse("GOVERNANCE_DIGEST")?,
            issuer: config.optional("API_ISSUER").is_some(),
        },
    })
}
