//! What an environment asks of a run, as `environments.yaml` says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{freeze::Freeze, unmet::Unmet};
use crate::domain::id::{AlarmName, EnvironmentName, GroupName};

/// The rules of one environment. A gate without rules asks for one approval by whoever may give any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// How many of each group approve a run, none of whom wrote its commit. When nothing is said, one of [`GroupName::approvers`]; an
    /// empty mapping asks for nobody.
    pub approvals: Option<BTreeMap<GroupName, u32>>,
    /// Where the commit must have proved itself.
    pub promotion: Option<Promotion>,
    /// When nothing begins to deploy.
    pub freezes: Vec<Freeze>,
    /// Why nothing deploys at all, until the line is taken out.
    pub pause: Option<String>,
}

impl Rules {
    /// How many of each group approve a run here.
    pub fn asked(&self) -> BTreeMap<GroupName, u32> {
        self.approvals.clone().unwrap_or_else(|| BTreeMap::from([(GroupName::approvers(), 1)]))
    }

    /// What stops every run here at this moment, whoever approved it: a pause, and freezes.
    pub fn stops(&self, now: Timestamp) -> impl Iterator<Item = Unmet> {
        let paused = self.pause.iter().map(|reason| Unmet::Paused { reason: reason.clone() });
        let frozen = self.freezes.iter().filter_map(move |freeze| {
            let until = freeze.ends(now)?;
            Some(Unmet::Frozen { name: freeze.name.clone(), until, reason: freeze.reason.clone() })
        });
        paused.chain(frozen)
    }
}

/// A commit comes here by way of another environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Which one.
    pub after: EnvironmentName,
    /// How long it must have run there without an alarm.
    pub soak: SignedDuration,
    /// Which alarms say that it is not well there: those of the control plane's own account and region, by name.
    pub alarms: BTreeSet<AlarmName>,
}
