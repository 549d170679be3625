//! Where it is noted how messages end.

use crate::{
    domain::{
        id::FunctionName,
        ledger::{About, Happening, Note},
    },
    fault::Fault,
    manifest::{MAX_RECEIVES, Manifest},
    ports::{Clock, Ledger},
    runtime::{SystemClock, log, queue::Ids},
};

/// Whose queue it is, and where it is noted how its messages end.
#[derive(Debug, Clone)]
pub struct Desk<'a, L, C = SystemClock> {
    function: FunctionName,
    ledger: &'a L,
    clock: C,
}

impl<'a, L: Ledger> Desk<'a, L> {
    /// The queue of the function with this manifest.
    ///
    /// # Errors
    /// `Bug` when its name is none.
    pub fn new(manifest: &Manifest, ledger: &'a L) -> Result<Self, Fault> {
        Self::of(manifest.name, ledger, SystemClock)
    }
}

impl<'a, L: Ledger, C: Clock> Desk<'a, L, C> {
    /// The queue of this function, with a clock.
    ///
    /// # Errors
    /// `Bug` when its name is none.
    pub fn of(function: &str, ledger: &'a L, clock: C) -> Result<Self, Fault> {
        let function = function.parse().map_err(|error| Fault::bug(format!("{error}")))?;
        Ok(Self { function, ledger, clock })
    }

    /// Notes that a message is handled for the last time: whoever stops in between says nothing any more, and the message is parked. That
    /// is one write more, for such a message alone; when it cannot be written, the log has it.
    pub(super) async fn begins(&self, ids: &Ids) {
        if ids.receives < MAX_RECEIVES {
            return;
        }
        let Some(about) = self.about(ids) else { return };
        let note = Note::new(Happening::LastTry, self.clock.now()).by(ids.replay.clone());
        if let Err(fault) = self.ledger.note(&about, &note).await {
            log::failed(&fault, Some(ids));
        }
    }

    /// What becomes of a message when it ended so and that is noted, or could not be.
    pub(super) async fn ended(&self, ids: &Ids, result: Result<(), Fault>) -> Result<(), Fault> {
        let note = |what| Note::new(what, self.clock.now()).by(ids.replay.clone());
        let note = match &result {
            Ok(()) => note(Happening::Processed),
            Err(fault @ Fault::Reject { .. }) => note(Happening::Rejected).because(fault),
            Err(fault) if ids.receives >= MAX_RECEIVES => note(Happening::Parked).because(fault.chain()),
            Err(fault) => note(Happening::Failed).because(fault.chain()),
        };
        let handled = matches!(note.what, Happening::Processed | Happening::Rejected);
        let about = match (&ids.event_id, &ids.redriven) {
            // What came alone and failed has its answer: it comes again only when somebody brings it.
            _ if !handled && ids.message_id.is_none() => None,
            (None, parked) if handled => {
                // A schedule that was done is no news, but for who finds the message that it was before still parked.
                parked.clone().map(|parked| About::Message(parked, self.function.clone()))
            }
            _ => self.about(ids),
        };
        let Some(about) = about else { return result };
        match (self.ledger.note(&about, &note).await, handled) {
            (Ok(()), _) => result,
            (Err(fault), true) => Err(Fault::retry_from("it was handled, and the ledger could not be written", fault)),
            (Err(fault), false) => {
                log::failed(&fault, Some(ids));
                result
            }
        }
    }

    /// Nothing of what is no event of ours and came alone.
    fn about(&self, ids: &Ids) -> Option<About> {
        match (&ids.event_id, &ids.message_id) {
            (Some(event), _) => Some(About::Event(event.clone(), self.function.clone())),
            (None, Some(id)) => Some(About::Message(id.parse().ok()?, self.function.clone())),
            (None, None) => None,
        }
    }
}
