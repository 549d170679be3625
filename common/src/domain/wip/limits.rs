//! `limits.yaml`: how much may be in progress where, and what happens when it is full.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::scope::{Scope, ScopeKind, Work};
use crate::domain::id::Digest;

/// What happens to a request when a scope is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It waits.
    Block,
    /// It is admitted, and the answer says that the limit is exceeded.
    Warn,
}

/// The rule for one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many leases at once: 0 to [`super::state::MAX_LEASES`].
    pub limit: u32,
    /// What happens when that many are held.
    pub mode: Mode,
    /// Whether a pod that has its share of this scope lets waiting pods that have not go first.
    pub fair_share: bool,
}

impl Rule {
    /// For a scope that the governance files have no rule for any more: nobody begins there.
    pub const CLOSED: Self = Self { limit: 0, mode: Mode::Block, fair_share: false };
}

/// The whole file, under the digest of the bundle it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The bundle.
    pub digest: Digest,
    /// The rules by pattern: a scope, or one with `*` for a part. Every kind that has a pattern applies; the others do not.
    pub rules: BTreeMap<Pattern, Rule>,
    /// How long a lease lasts when the request does not say, in seconds.
    pub default_ttl_seconds: u32,
    /// The longest a lease may be asked for, in seconds.
    pub max_ttl_seconds: u32,
    /// How long a ticket lasts without being asked for again, in seconds.
    pub ticket_ttl_seconds: u32,
    /// From which share of the limit on a scope is reported as nearly full, in percent.
    pub warn_at_percent: u32,
}

/// A scope in which parts may be `*`: `pod-stage:*:scaffold`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

/// The scopes of one request with their rules.
pub type Terms = BTreeMap<Scope, Rule>;

impl Pattern {
    /// Reads a pattern; nothing when no scope could match it.
    pub fn parse(text: &str) -> Option<Self> {
        let kind = ScopeKind::ALL.into_iter().find(|kind| Some(kind.as_str()) == text.split(':').next())?;
        // A part that is `*` stands for any name: with a plain name in its place it must read as a scope.
        let plain = |with: &str| {
            text.split(':').map(|part| if part == "*" { with } else { part }).collect::<Vec<_>>().join(":")
        };
        let any = match kind {
            ScopeKind::Account => "000000000000",
            // Either part may be the star, and a type is one of a few words, which are names too.
            _ => "idea",
        };
        plain(any).parse::<Scope>().is_ok().then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which kind of scope it is about.
    pub fn kind(&self) -> Option<ScopeKind> {
        ScopeKind::ALL.into_iter().find(|kind| Some(kind.as_str()) == self.0.split(':').next())
    }

    fn matches(&self, scope: &str) -> bool {
        let (mine, theirs) = (self.0.split(':'), scope.split(':'));
        self.0.split(':').count() == scope.split(':').count()
            && mine.zip(theirs).all(|(one, other)| one == "*" || one == other)
    }

    /// How much it says: with more named parts first, then with the earlier part named.
    fn weight(&self) -> (usize, Vec<bool>) {
        let named: Vec<bool> = self.0.split(':').map(|part| part != "*").collect();
        (named.iter().filter(|named| **named).count(), named)
    }
}

impl Limits {
    /// The kinds of scope that apply: those that have a rule.
    pub fn kinds(&self) -> BTreeSet<ScopeKind> {
        self.rules.keys().filter_map(Pattern::kind).collect()
    }

    /// The rule for a scope: the pattern that says the most decides. Nothing when none matches: then nothing begins there.
    pub fn rule(&self, scope: &Scope) -> Option<Rule> {
        let text = scope.to_string();
        let matching = self.rules.iter().filter(|(pattern, _)| pattern.matches(&text));
        matching.max_by_key(|(pattern, _)| pattern.weight()).map(|(_, rule)| *rule)
    }

    /// The scopes that apply to an item, with their rules.
    ///
    /// # Errors
    /// The scopes for which there is no rule: an unknown scope is refused, never unlimited.
    pub fn terms(&self, work: &Work) -> Result<Terms, Vec<Scope>> {
        let mut terms = Terms::new();
        let mut unknown = Vec::new();
        for scope in work.scopes(&self.kinds()) {
            match self.rule(&scope) {
                Some(rule) => drop(terms.insert(scope, rule)),
                None => unknown.push(scope),
            }
        }
        // A lane that no rule opens is no lane; and the portfolio is where an item's lease is looked up.
        let lane = work.expedite.then_some(Scope::Expedite);
        unknown.extend(lane.into_iter().chain([Scope::Portfolio]).filter(|scope| !terms.contains_key(scope)));
        unknown.dedup();
        if unknown.is_empty() { Ok(terms) } else { Err(unknown) }
    }
}
