//! The outside world as narrow traits in the words of the domain.
//!
//! Handlers are generic over these; `aws` and `github` implement them for real, `testing` in memory, and one suite
//! (`tests/workspace/ports.rs`) holds both to the same behaviour. No SDK type appears in a signature.
//!
//! | file | traits |
//! |---|---|
//! | here | [`Clock`], [`Pause`] |
//! | `patience` | [`Patience`]: waiting between attempts at rows that others change |
//! | `mail` | [`Mailer`] |
//! | `accounts` | `Accounts`, `Broker`, `Vault`: the accounts of certificates, with the feature `keys` |
//! | `certificates` | [`CertificateRecords`], [`CertificateRows`] |
//! | `changes` | [`Changes`], [`Merging`] |
//! | `chat` | [`Chat`], [`ChatLedger`] |
//! | `intake` | [`Intake`] |
//! | `outbox` | [`Outbox`], [`Bus`] |
//! | `alarms` | [`Alarms`] |
//! | `archive` | [`Archive`] |
//! | `dead_letters` | [`DeadLetters`] |
//! | `deliveries` | [`Deliveries`] |
//! | `forge` | [`Forge`] |
//! | `onboarding` | [`Onboarding`] |
//! | `marks` | [`Marks`], [`ChangeMarks`], [`FeedbackLedger`], [`FeedbackWords`] |
//! | `gates` | [`RunGates`] |
//! | `jobs` | [`PipelineJobs`] |
//! | `pipelines` | [`Pipelines`], [`Specs`] |
//! | `ledger` | [`ClusterRecords`], [`ClusterLedger`], [`AuditTrail`] |
//! | `notes` | [`Ledger`], [`LedgerRows`]: what happened to deliveries and their events |
//! | `rhythm` | [`RhythmRows`] |
//! | `schema` | [`SchemaRows`] |
//! | `removals` | [`RemovalRows`] |
//! | `runs` | [`RunRows`] |
//! | `said` | [`SaidCommitted`]: how a write of what is said once ended |
//! | `site` | [`Site`]: a site that is looked at from outside |
//! | `sources` | [`Sources`] |
//! | `sweep` | [`SweepRows`] |
//! | `wip`, `places` | [`WipRows`], and deciding over what is read of it |
//! | `ideas` | [`IdeaRows`] |
//! | `items` | [`ItemRows`] |

use std::{future::Future, time::Duration};

use jiff::Timestamp;

#[cfg(feature = "keys")]
pub use self::accounts::*;
pub use self::{
    alarms::*, archive::*, certificates::*, changes::*, chat::*, dead_letters::*, deliveries::*, forge::*, gates::*,
    ideas::*, intake::*, items::*, jobs::*, ledger::*, mail::*, marks::*, notes::*, onboarding::*, outbox::*,
    patience::*, pipelines::*, places::*, removals::*, rhythm::*, runs::*, said::*, schema::*, site::*, sources::*,
    sweep::*, wip::*,
};

#[cfg(feature = "keys")]
mod accounts;
mod alarms;
mod archive;
mod certificates;
mod changes;
mod chat;
mod dead_letters;
mod deliveries;
mod forge;
mod gates;
mod ideas;
mod intake;
mod items;
mod jobs;
mod ledger;
mod mail;
mod marks;
mod notes;
mod onboarding;
mod outbox;
mod patience;
mod pipelines;
mod places;
mod removals;
mod rhythm;
mod runs;
mod said;
mod schema;
mod site;
mod sources;
mod sweep;
mod wip;

/// Where the present comes from: the runtime's clock, or a test's.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Now, to the microsecond that the rows of places keep: what is answered first and what is read later are the same.
    fn now_to_the_microsecond(&self) -> Timestamp {
        let now = self.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// Waiting between attempts: the runtime's timer, or a test's that only moves its clock.
pub trait Pause: Clock {
    /// Waits for a random time of at most `longest` (full jitter).
    fn pause(&self, longest: Duration) -> impl Future<Output = ()> + Send;
}
