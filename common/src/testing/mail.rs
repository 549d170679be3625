//! The mail service, in memory: what was sent to whom.

use crate::{
    fault::Fault,
    ports::{Letter, Mailer},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    letters: Vec<Letter>,
    refused: Vec<String>,
}

impl World {
    /// What was sent, in order.
    pub fn letters(&self) -> Vec<Letter> {
        self.state().mail.letters.clone()
    }

    /// The service takes no letter for this address any more.
    pub fn refuse_mail_for(&self, address: &str) {
        self.state().mail.refused.push(address.to_owned());
    }
}

impl Mailer for World {
    async fn send(&self, letter: &Letter) -> Result<String, Fault> {
        self.call("Mailer.send", letter.to.as_str(), true, |state| {
            if state.mail.refused.iter().any(|refused| refused == letter.to.as_str()) {
                return Err(Fault::reject(format!("a letter to {}: the service does not take it", letter.to)));
            }
            state.mail.letters.push(letter.clone());
            Ok(format!("letter-{}", state.mail.letters.len()))
        })
    }
}
