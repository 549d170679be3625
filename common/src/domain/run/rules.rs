//! What an environment asks of a run, as `environments.yaml` says.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::freeze::Freeze;
use crate::domain::id::{EnvironmentName, GroupName};

/// The rules of one environment. Without any, its gate is open as soon as it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// How many of each group approve a run, none of whom wrote its commit.
    pub approvals: BTreeMap<GroupName, u32>,
    /// Where the commit must have proved itself.
    pub promotion: Option<Promotion>,
    /// When nothing begins to deploy.
    pub freezes: Vec<Freeze>,
    /// Why nothing deploys at all, until the line is taken out.
    pub pause: Option<String>,
}

/// A commit comes here by way of another environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Which one.
    pub after: EnvironmentName,
    /// How long it must have run there without an alarm.
    pub soak: SignedDuration,
}
