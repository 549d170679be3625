//! The alarms that watch an environment.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use jiff::Timestamp;

use crate::{
    domain::{id::AlarmName, run::Watched},
    fault::Fault,
};

/// The alarms of the control plane's own account and region.
pub trait Alarms: Sync {
    /// What each of these said from `from` to `until`, or to `now` while that is to come: an answer for every name, and one that nobody can
    /// give says so ([`Watched::Unknown`]). Nothing is written.
    ///
    /// # Errors
    /// Those of the service: then nothing is known of any of them.
    fn watched(
        &self,
        names: &BTreeSet<AlarmName>,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<BTreeMap<AlarmName, Watched>, Fault>> + Send;
}
