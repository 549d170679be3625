//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, dynamodb::Table, secrets::Secrets},
    event::Envelope,
    fault::Fault,
    github::{self, GitHub},
    runtime::{Config, SystemClock},
    slack::{self, Slack},
};

use crate::{Settings, handle, rhythm};

/// The function and everything outside that it uses.
pub struct Feedback {
    github: GitHub,
    slack: Option<Slack>,
    table: Table,
    settings: Settings,
}

/// Builds the function. Without a token nothing is posted in Slack, and each event says so in the log.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when a variable or a secret cannot be used.
pub async fn feedback(config: &Config) -> Result<Feedback, Fault> {
    let aws = Aws::new(config);
    let secrets = Secrets::new(&aws);
    let key = secrets.text(config.text("GITHUB_APP_KEY_SECRET_ID")?).await?;
    let host = config.optional("GITHUB_API_URL").unwrap_or(github::DEFAULT_BASE_URI);
    let slack = match config.optional("SLACK_TOKEN_SECRET_ID") {
        Some(secret) => {
            let base = config.optional("SLACK_API_URL").unwrap_or(slack::DEFAULT_BASE_URI);
            Some(Slack::new(base, secrets.text(secret).await?)?)
        }
        None => None,
    };
    Ok(Feedback {
        github: GitHub::new(host, config.parse("GITHUB_APP_ID")?, &key)?,
        slack,
        table: Table::new(&aws, config.text("TABLE_NAME")?),
        settings: Settings { pipelines_url: config.text("PIPELINES_URL")?.to_owned() },
    })
}

impl Feedback {
    /// Tells people of one event: in the chat, or on the source host.
    ///
    /// # Errors
    /// Those of [`handle`] and of [`rhythm::tell`].
    pub async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        if rhythm::is_told(&event.event) {
            return rhythm::tell(self.slack.as_ref(), &self.table, &SystemClock, event).await;
        }
        handle(&self.github, &self.table, &SystemClock, &self.settings, event).await
    }
}
