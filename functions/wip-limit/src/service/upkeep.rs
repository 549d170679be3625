//! What happens to the rows without anybody asking: the sweep, the repair; and looking at them.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::CorrelationId,
        wip::{Scope, ScopeState, holding, repair, settle::Rows},
    },
    fault::Fault,
    ports::{Pause, View, WipRows},
};
use jiff::Timestamp;

use super::{Limiter, busy};

/// How many rows one read takes here: it need not be one moment, and an answer of DynamoDB ends at 4 MB.
const ROWS_AT_ONCE: usize = 10;

/// What one sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// The rows as they are now.
    pub rows: Rows,
    /// How many scopes changed.
    pub changed: usize,
    /// Scopes that others kept changing: the next sweep comes to them.
    pub left: Vec<Scope>,
    /// What could not be read or swept.
    pub failed: Vec<Fault>,
}

/// One row that cannot be read hides none of the others, and a person sees it.
pub(super) fn log_unreadable(unreadable: &[(Scope, Fault)]) {
    for (scope, fault) in unreadable {
        tracing::error!(%scope, fault = fault.chain(), "this row cannot be read, and is left out");
    }
}

impl<R: WipRows, C: Pause> Limiter<R, C> {
    /// The rows of this scope, or of all.
    ///
    /// A row that cannot be read hides none of the others: it is named, and logged as an error.
    ///
    /// # Errors
    /// Those of the table, and that of the one row that was asked for.
    pub async fn view(&self, scope: Option<&Scope>) -> Result<View, Fault> {
        let mut view = View::default();
        let scopes: Vec<Scope> = match scope {
            Some(scope) => {
                view.rows = self.rows.load(&BTreeSet::from([scope.clone()])).await?;
                return Ok(view);
            }
            None => self.rows.scopes().await?.into_iter().collect(),
        };
        for chunk in scopes.chunks(ROWS_AT_ONCE) {
            let part = View::read(&self.rows, &chunk.iter().cloned().collect()).await?;
            log_unreadable(&part.unreadable);
            view.rows.extend(part.rows);
            view.unreadable.extend(part.unreadable);
        }
        Ok(view)
    }

    /// Brings every scope up to now without anybody asking: expired leases go, places that are free are handed over, limits that
    /// changed are taken over. What fails in one scope keeps no other from being looked at; it is among what was done.
    ///
    /// # Errors
    /// Those of the table when the rows cannot be listed or read; a scope that others kept changing is no error.
    pub async fn sweep(&self, cause: &CorrelationId) -> Result<Swept, Fault> {
        let View { rows, unreadable } = self.view(None).await?;
        let mut swept =
            Swept { rows, failed: unreadable.into_iter().map(|(_, fault)| fault).collect(), ..Swept::default() };
        let now = self.now();
        let due: Vec<Scope> =
            swept.rows.values().filter(|row| self.is_due(row, now)).map(|row| row.scope.clone()).collect();
        for scope in due {
            let only = BTreeSet::from([scope.clone()]);
            match self.decide(&only, |rows, now| holding::sweep(rows, &self.limits, now), cause).await {
                Ok(Some(_)) => swept.changed += 1,
                Ok(None) => swept.left.push(scope),
                Err(fault) => {
                    tracing::error!(%scope, fault = fault.chain(), "this scope could not be swept");
                    swept.failed.push(fault);
                }
            }
        }
        if swept.changed > 0 {
            swept.rows = self.view(None).await?.rows;
        }
        Ok(swept)
    }

    /// Mends leases that do not stand in all their scopes, and answers how many: what a restored table or an edit by hand leaves.
    ///
    /// # Errors
    /// Those of the table; that of a row that cannot be read, after the others were mended.
    pub async fn mend(&self, cause: &CorrelationId) -> Result<usize, Fault> {
        let View { rows, unreadable } = self.view(None).await?;
        let mut mended = 0;
        // Rows of different moments may only seem to disagree: each suspect is decided over rows of one moment.
        for item in repair::torn(&rows, self.now()) {
            let scopes = repair::suspected_scopes(&item, &rows);
            let decide = |rows: &Rows, now| repair::repair(&item, rows, &self.limits, now);
            match self.decide(&scopes, decide, cause).await? {
                Some((true, _)) => {
                    mended += 1;
                    tracing::warn!(%item, "its lease did not stand in all its scopes, and does now");
                }
                Some((false, _)) => {}
                None => return Err(busy("mending", &item)),
            }
        }
        unreadable.into_iter().next().map_or(Ok(mended), |(_, fault)| Err(fault))
    }

    /// Whether a sweep could find something to do in a row.
    fn is_due(&self, row: &ScopeState, now: Timestamp) -> bool {
        // A reservation may have lost the lease that it was made beside: that stands in another row.
        let ended = row.leases.values().any(|lease| !lease.is_live(now) || lease.is_reservation());
        ended || !row.tickets.is_empty() || !row.is_current(&self.limits.digest, now)
    }
}
