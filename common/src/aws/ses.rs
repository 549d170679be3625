//! SES: letters to persons, from one address.

use aws_sdk_sesv2::{
    Client,
    types::{Body, Content, Destination, EmailContent, Message},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::{Aws, config, fault};
use crate::{
    domain::id::EmailAddress,
    fault::Fault,
    ports::{Letter, Mailer},
};

/// The IAM actions that [`Ses`] needs.
pub const ACTIONS: &[&str] = &["ses:SendEmail"];

/// SES, and the address that letters come from: that address, or its domain, is verified there.
#[derive(Debug, Clone)]
pub struct Ses {
    client: Client,
    from: EmailAddress,
}

impl Ses {
    /// An adapter for one sender.
    pub fn new(aws: &Aws, from: EmailAddress) -> Self {
        Self { client: Client::from_conf(config!(aws_sdk_sesv2, aws, "SESV2").build()), from }
    }
}

fn content(text: &str, what: &str) -> Result<Content, Fault> {
    let content = Content::builder().data(text).charset("UTF-8").build();
    content.map_err(|error| Fault::bug_from(format!("{what}: it cannot be written"), error))
}

impl Mailer for Ses {
    async fn send(&self, letter: &Letter) -> Result<String, Fault> {
        let what = format!("a letter to {}", letter.to);
        let message = Message::builder()
            .subject(content(&letter.subject, &what)?)
            .body(Body::builder().text(content(&letter.text, &what)?).build())
            .build();
        let request = self
            .client
            .send_email()
            .from_email_address(self.from.as_str())
            .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
            .content(EmailContent::builder().simple(message).build());
        match request.send().await {
            Ok(answer) => Ok(answer.message_id.unwrap_or_default()),
            // https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
            Err(error) => Err(match error.code() {
                Some("MessageRejected" | "BadRequestException") => {
                    let why = super::chain(&error);
                    Fault::reject(format!("{what}: SES does not take it ({why})"))
                }
                Some(
                    code @ ("AccountSuspendedException"
                    | "MailFromDomainNotVerifiedException"
                    | "NotFoundException"
                    | "SendingPausedException"),
                ) => {
                    let (code, why) = (code.to_owned(), super::chain(&error));
                    Fault::bug_from(
                        format!("{what}: SES answered {code}: is {} verified, and may the account send?", self.from),
                        why,
                    )
                }
                _ => fault(&what, error),
            }),
        }
    }
}
