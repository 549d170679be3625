//! The function as it runs in AWS: every port with its adapter, everything from the environment.

use common::{
    aws::{Aws, dynamodb::Table, secrets::Secrets, ses::Ses},
    event::{Envelope, Event},
    fault::Fault,
    hosts::Hosts,
    runtime::{Config, SystemClock},
    slack::{self, Slack},
};

use crate::{
    Settings,
    asking::{Links, ask},
    handle, mail, rhythm,
};

/// The function and everything outside that it uses.
pub struct Feedback {
    github: Hosts,
    slack: Option<Slack>,
    mailer: Option<Ses>,
    links: Option<Links>,
    /// The table, which has the ledger of deliveries too.
    pub table: Table,
    settings: Settings,
}

/// Builds the function. Without a token nothing is posted in Slack, and each event says so in the log; without a sender nothing is mailed.
///
/// # Errors
/// `Retry` when AWS did not answer; `Bug` when a variable or a secret cannot be used.
pub async fn feedback(config: &Config) -> Result<Feedback, Fault> {
    let aws = Aws::new(config);
    let secrets = Secrets::new(&aws);
    let slack = match config.optional("SLACK_TOKEN_SECRET_ID") {
        Some(secret) => {
            let base = config.optional("SLACK_API_URL").unwrap_or(slack::DEFAULT_BASE_URI);
            Some(Slack::new(base, secrets.text(secret).await?)?)
        }
        None => None,
    };
    let mailer = match config.optional("EMAIL_FROM") {
        Some(_) => Some(Ses::new(&aws, config.parse("EMAIL_FROM")?)),
        None => None,
    };
    let links = match (config.optional("APPROVAL_LINK_KEY_SECRET_ID"), config.optional("APPROVAL_LINKS_URL")) {
        (Some(secret), Some(base)) => Some(Links { key: secrets.link_key(secret).await?, base: base.to_owned() }),
        _ => None,
    };
    Ok(Feedback {
        links,
        github: Hosts::of(config, &aws).await?,
        slack,
        mailer,
        table: Table::new(&aws, config.text("TABLE_NAME")?),
        settings: Settings { pipelines_url: config.text("PIPELINES_URL")?.to_owned() },
    })
}

impl Feedback {
    /// Tells people of one event: in the chat and by mail, neither of which waits for the other, or on the source host.
    ///
    /// # Errors
    /// Those of [`handle`], of [`ask`], of [`rhythm::tell`] and of [`mail::tell`].
    pub async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        if rhythm::is_told(&event.event) {
            let in_chat = rhythm::tell(self.slack.as_ref(), &self.table, &SystemClock, event).await;
            let by_mail = mail::tell(self.mailer.as_ref(), &self.table, &SystemClock, event).await;
            return in_chat.and(by_mail);
        }
        let marked = handle(&self.github, &self.table, &SystemClock, &self.settings, event).await;
        let asked = match (&event.event, &self.slack, &self.links) {
            (Event::RunGateWaiting(run), Some(slack), Some(links)) => {
                ask(slack, &self.table, &SystemClock, links, event, run).await
            }
            _ => Ok(()),
        };
        marked.and(asked)
    }
}
