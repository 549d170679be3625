//! What happens to the rows without anybody asking: the sweep, the repair; and looking at them.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::CorrelationId,
        wip::{
            Scope, ScopeState, holding, repair,
            settle::{MAX_ROWS, Rows},
        },
    },
    fault::Fault,
    ports::{Pause, WipRows},
};
use jiff::Timestamp;

use super::{Limiter, busy};

/// What one sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// The rows as they are now.
    pub rows: Rows,
    /// How many scopes changed.
    pub changed: usize,
    /// Scopes that others kept changing: the next sweep comes to them.
    pub left: Vec<Scope>,
}

impl<R: WipRows, C: Pause> Limiter<R, C> {
    /// The rows of these scopes, or of all.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn view(&self, scope: Option<&Scope>) -> Result<Rows, Fault> {
        let scopes = match scope {
            Some(scope) => BTreeSet::from([scope.clone()]),
            None => self.rows.scopes().await?,
        };
        let mut rows = Rows::new();
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        for chunk in scopes.chunks(MAX_ROWS) {
            rows.extend(self.rows.load(&chunk.iter().cloned().collect()).await?);
        }
        Ok(rows)
    }

    /// Brings every scope up to now without anybody asking: expired leases go, places that are free are handed over, limits that
    /// changed are taken over.
    ///
    /// # Errors
    /// Those of the table; a scope that others kept changing is no error.
    pub async fn sweep(&self, cause: &CorrelationId) -> Result<Swept, Fault> {
        let mut swept = Swept { rows: self.view(None).await?, ..Swept::default() };
        let now = self.now();
        let due: Vec<Scope> =
            swept.rows.values().filter(|row| self.is_due(row, now)).map(|row| row.scope.clone()).collect();
        for scope in due {
            let only = BTreeSet::from([scope.clone()]);
            match self.decide(&only, |rows, now| holding::sweep(rows, &self.limits, now), cause).await? {
                Some(_) => swept.changed += 1,
                None => swept.left.push(scope),
            }
        }
        if swept.changed > 0 {
            swept.rows = self.view(None).await?;
        }
        Ok(swept)
    }

    /// Mends leases that do not stand in all their scopes, and answers how many: what a restored table or an edit by hand leaves.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn mend(&self, cause: &CorrelationId) -> Result<usize, Fault> {
        let rows = self.view(None).await?;
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
        Ok(mended)
    }

    /// Whether a sweep could find something to do in a row.
    fn is_due(&self, row: &ScopeState, now: Timestamp) -> bool {
        let expired = row.leases.values().any(|lease| !lease.is_live(now));
        expired || !row.tickets.is_empty() || !row.is_current(&self.limits.digest, now)
    }
}
