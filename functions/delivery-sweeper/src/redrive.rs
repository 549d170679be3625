//! What is parked: each message looked at, and sent to its function again where that can help.
//!
//! A message is sent first, and removed after that. Whoever stops in between leaves a copy: the function does nothing twice, and the next
//! redrive finds that it was processed, and removes the copy: an event by its own notes; of anything else, the function notes at the id of
//! the parked message that the one which was sent from it is done. Messages that stay are put back into sight at the end; what could not be
//! comes back by itself after five minutes. Who asked for it stands in CloudTrail (`Invoke`), as of every direct call.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::{FunctionName, quoted},
        ledger::{About, Fate, Happening, Note, fate},
    },
    event::message::{QueueMessage, replay},
    fault::Fault,
    ports::{Clock, DeadLetter, DeadLetters, Deliveries, Forge, LedgerRows, Queues, SweepRows},
};
use serde_json::Value;

use crate::{
    call::{Counts, MessageAnswer, Redrive, RedriveAnswer},
    handler::DeliverySweeper,
};

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Goes through what is parked of a function. A dry run sends and removes nothing.
    ///
    /// # Errors
    /// `Reject` when the function has no queue; `Retry` when SQS could not be asked for it. What fails later stops it, and the answer says
    /// so, beside all that was done.
    pub(crate) async fn redrive(&self, asked: Redrive) -> Result<RedriveAnswer, Fault> {
        let Redrive { function, dry_run, most } = asked;
        let queues = self.queues.queues(&function).await?;
        let queues = queues.ok_or_else(|| Fault::reject(format!("{function} is no function with a queue")))?;
        let (counts, messages) = (Counts::default(), Vec::new());
        let mut answer = RedriveAnswer { function, dry_run, counts, messages, more: false, stopped: None };
        let mut stays = Vec::new();
        if let Err(fault) = self.go_through(&queues, most, &mut answer, &mut stays).await {
            tracing::error!(function = %answer.function, fault = fault.chain(), "a redrive was stopped");
            answer.stopped = Some(fault.to_string());
        }
        for letter in &stays {
            if let Err(fault) = self.queues.give_back(&queues, letter).await {
                tracing::warn!(fault = fault.chain(), "a message comes back into sight by itself, in five minutes");
            }
        }
        let (Counts { sent, removed, left }, function) = (answer.counts, &answer.function);
        tracing::info!(%function, dry_run, sent, removed, left, "parked messages were gone through");
        Ok(answer)
    }

    async fn go_through(
        &self,
        queues: &Queues,
        most: usize,
        answer: &mut RedriveAnswer,
        stays: &mut Vec<DeadLetter>,
    ) -> Result<(), Fault> {
        let mut seen = BTreeSet::new();
        loop {
            let letters = self.queues.take(queues).await?;
            if letters.is_empty() {
                return Ok(());
            }
            // All that was taken stays, unless it is removed below.
            let from = stays.len();
            stays.extend(letters.iter().cloned());
            for letter in letters {
                // SQS may bring a message twice.
                if !seen.insert(letter.id.clone()) {
                    continue;
                }
                if answer.messages.len() == most {
                    answer.more = true;
                    return Ok(());
                }
                let (looked, about, fate) = self.look(&answer.function, &letter).await?;
                if !answer.dry_run && self.carry_out(queues, &letter, &about, &fate).await? {
                    let at = stays.iter().skip(from).position(|stays| stays.receipt == letter.receipt);
                    at.map(|at| stays.remove(from + at));
                }
                match fate {
                    Fate::Send => answer.counts.sent += 1,
                    Fate::Remove { .. } => answer.counts.removed += 1,
                    Fate::Leave { .. } => answer.counts.left += 1,
                }
                answer.messages.push(looked);
            }
        }
    }

    async fn look(&self, function: &FunctionName, letter: &DeadLetter) -> Result<(MessageAnswer, About, Fate), Fault> {
        let read = read(&letter.body);
        let (what, event) = match &read {
            Ok(QueueMessage::Event(event)) => (event.event.kind().name().to_owned(), Some(event.meta.event_id.clone())),
            Ok(QueueMessage::Aws(event)) => (quoted(&event.detail_type, 80), None),
            Ok(QueueMessage::Schedule(name)) => (format!("the schedule {}", quoted(name, 80)), None),
            Ok(QueueMessage::Job(job)) => (format!("the job {job}"), None),
            Err(_) => ("nothing that can be read".to_owned(), None),
        };
        let about = match &event {
            Some(event) => About::Event(event.clone(), function.clone()),
            None => About::Message(letter.id.clone(), function.clone()),
        };
        let notes = self.rows.notes(&about).await?;
        let fate = fate(read.map(drop).map_err(|fault| fault.chain()), &notes, letter.sent_at);
        let why = letter.undelivered.clone().or_else(|| notes.parked_because().map(str::to_owned));
        let age_s = letter.sent_at.map(|sent_at| self.clock.now().duration_since(sent_at).as_secs());
        let looked = MessageAnswer { message: letter.id.clone(), what, event, age_s, why, fate: fate.to_string() };
        Ok((looked, about, fate))
    }

    /// Answers whether the message is gone.
    async fn carry_out(&self, queues: &Queues, letter: &DeadLetter, about: &About, fate: &Fate) -> Result<bool, Fault> {
        match fate {
            Fate::Leave { .. } => return Ok(false),
            Fate::Remove { .. } => {}
            Fate::Send => {
                // The moment before: its function may have ended before the answer is here, and what it notes is to be the later.
                let note = Note::new(Happening::Redriven, self.clock.now());
                self.queues.send(queues, letter).await?;
                if let Err(fault) = self.rows.note(about, &note).await {
                    // It is on its way, so it must go from here: that it was sent stands in the log.
                    tracing::warn!(message = %letter.id, fault = fault.chain(), "a redrive was not noted in the ledger");
                }
            }
        }
        self.queues.remove(queues, letter).await.map(|()| true)
    }
}

fn read(body: &str) -> Result<QueueMessage, Fault> {
    let message: Value = serde_json::from_str(body).map_err(|error| Fault::bug_from("it is not JSON", error))?;
    replay(&message)?;
    QueueMessage::parse(&message)
}

#[cfg(test)]
mod tests;
