//! Deciding over the rows of the limits on work in progress: a decision says what it needs to see, and sees it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Clock, WipRows};
use crate::{
    domain::wip::{
        Scope, ScopeState,
        settle::{Next, Rows},
    },
    fault::Fault,
};

/// Rows, as far as they can be read.
#[derive(Debug, Default)]
pub struct View {
    /// Those that can.
    pub rows: Rows,
    /// Those that cannot, and why.
    pub unreadable: Vec<(Scope, Fault)>,
}

/// A decision over rows, and what it was made over.
#[derive(Debug)]
pub struct Decided<A> {
    /// The decision.
    pub answer: A,
    /// The rows that it was made over.
    pub rows: Rows,
    /// The moment that it was made at: none of the rows was read after it.
    pub now: Timestamp,
    /// Rows that it asked for and that cannot be read. They were closed to it.
    pub unreadable: Vec<(Scope, Fault)>,
}

impl View {
    /// These rows at one moment; when one of them cannot be read, each by itself.
    ///
    /// # Errors
    /// Those of the table, but for rows that cannot be read.
    pub async fn read(table: &impl WipRows, scopes: &BTreeSet<Scope>) -> Result<Self, Fault> {
        let mut view = Self::default();
        match table.load(scopes).await {
            Ok(rows) => view.rows = rows,
            Err(Fault::Bug { .. }) => {
                for scope in scopes {
                    match table.load(&BTreeSet::from([scope.clone()])).await {
                        Ok(rows) => view.rows.extend(rows),
                        Err(fault @ Fault::Bug { .. }) => view.unreadable.push((scope.clone(), fault)),
                        Err(fault) => return Err(fault),
                    }
                }
            }
            Err(fault) => return Err(fault),
        }
        Ok(view)
    }
}

/// Reads what a decision needs, until it has everything. Whoever asks is refused where a row of theirs (`scopes`) cannot be read. What else
/// the decision needs are others' rows: one that cannot be read gives nobody a place, and keeps nobody from theirs.
///
/// # Errors
/// Those of the table.
pub async fn decide_over<A>(
    table: &impl WipRows,
    clock: &impl Clock,
    scopes: &BTreeSet<Scope>,
    decide: impl Fn(&Rows, Timestamp) -> Next<A>,
) -> Result<Decided<A>, Fault> {
    let mut rows = table.load(scopes).await?;
    let mut unreadable = Vec::new();
    loop {
        let now = clock.now_to_the_microsecond();
        match decide(&rows, now) {
            Next::Ready(answer) => return Ok(Decided { answer, rows, now, unreadable }),
            Next::Need(more) => {
                let others = View::read(table, &more).await?;
                rows.extend(others.rows);
                rows.extend(
                    others.unreadable.iter().map(|(scope, _)| (scope.clone(), ScopeState::unreadable(scope.clone()))),
                );
                unreadable.extend(others.unreadable);
            }
        }
    }
}
