//! Queues and their dead-letter queues, in memory: what is taken is out of sight for five minutes, what is sent again is another message.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::id::FunctionName,
    fault::Fault,
    ports::{DeadLetter, DeadLetters, Queues},
    testing::{World, id},
};

/// How long a message that was taken stays out of sight.
const HIDDEN: SignedDuration = SignedDuration::from_mins(5);

/// How many are taken at once.
const BATCH: usize = 10;

#[derive(Default)]
pub(super) struct State {
    dead: BTreeMap<String, Vec<Parked>>,
    sent: BTreeMap<String, Vec<String>>,
    messages: usize,
}

struct Parked {
    letter: DeadLetter,
    hidden_until: Timestamp,
}

impl World {
    /// Parks a message of a function, which was sent now.
    pub fn park(&self, function: &str, body: &str) -> DeadLetter {
        let mut state = self.state();
        let (now, number) = (state.now, state.dead_letters.messages);
        state.dead_letters.messages += 1;
        let letter = DeadLetter {
            id: id(&format!("message-{number}")),
            receipt: format!("receipt-{number}"),
            body: body.to_owned(),
            sent_at: Some(now),
            undelivered: None,
        };
        let parked = Parked { letter: letter.clone(), hidden_until: now };
        state.dead_letters.dead.entry(function.to_owned()).or_default().push(parked);
        letter
    }

    /// The messages that are parked of a function, in sight or not.
    pub fn parked(&self, function: &str) -> Vec<DeadLetter> {
        let state = self.state();
        let parked = state.dead_letters.dead.get(function).into_iter().flatten();
        parked.map(|parked| parked.letter.clone()).collect()
    }

    /// Takes what was sent to a function's queue again, in order.
    pub fn take_sent(&self, function: &str) -> Vec<String> {
        self.state().dead_letters.sent.remove(function).unwrap_or_default()
    }
}

impl DeadLetters for World {
    async fn queues(&self, function: &FunctionName) -> Result<Option<Queues>, Fault> {
        self.call("DeadLetters.queues", function.as_str(), false, |state| {
            let work = function.to_string();
            let there = state.dead_letters.dead.contains_key(&work);
            Ok(there.then(|| Queues { dead: format!("{work}-dead"), work }))
        })
    }

    async fn take(&self, queues: &Queues) -> Result<Vec<DeadLetter>, Fault> {
        self.call("DeadLetters.take", queues.dead.as_str(), false, |state| {
            let now = state.now;
            let dead = state.dead_letters.dead.entry(queues.work.clone()).or_default();
            let seen = dead.iter_mut().filter(|parked| parked.hidden_until <= now).take(BATCH);
            Ok(seen
                .map(|parked| {
                    parked.hidden_until = now + HIDDEN;
                    parked.letter.clone()
                })
                .collect())
        })
    }

    async fn send(&self, queues: &Queues, letter: &DeadLetter) -> Result<(), Fault> {
        self.call("DeadLetters.send", letter.id.as_str(), true, |state| {
            state.dead_letters.sent.entry(queues.work.clone()).or_default().push(letter.body.clone());
            Ok(())
        })
    }

    async fn remove(&self, queues: &Queues, letter: &DeadLetter) -> Result<(), Fault> {
        self.call("DeadLetters.remove", letter.id.as_str(), true, |state| {
            let dead = state.dead_letters.dead.entry(queues.work.clone()).or_default();
            dead.retain(|parked| parked.letter.id != letter.id);
            Ok(())
        })
    }

    async fn give_back(&self, queues: &Queues, letter: &DeadLetter) -> Result<(), Fault> {
        self.call("DeadLetters.give_back", letter.id.as_str(), false, |state| {
            let now = state.now;
            let dead = state.dead_letters.dead.entry(queues.work.clone()).or_default();
            for parked in dead.iter_mut().filter(|parked| parked.letter.id == letter.id) {
                parked.hidden_until = now;
            }
            Ok(())
        })
    }
}
