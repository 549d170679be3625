//! Removals that are refused together are kept, so that people can let them through: see `common::domain::cluster::removals`.

use common::{
    domain::{
        audit::Phase,
        cluster::{Plan, RefusedRemovals, Removals},
    },
    event::RemovalsRefused,
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, Pipelines, RemovalsChange, SaidCommitted, Specs},
};

use crate::{handler::Provisioner, telling::Telling};

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// The removals of a branch's repository that people have let through, as far as that is good still.
    ///
    /// # Errors
    /// Those of the table: removals are then neither done nor refused.
    pub(crate) async fn approved(&self, refused: &Removals) -> Result<Vec<Removals>, Fault> {
        let now = self.clock.now();
        let kept = self.ledger.removals(refused.repository).await?;
        Ok(kept.into_iter().filter(|one| one.approved_until(now).is_some()).map(|one| one.removals).collect())
    }

    /// Keeps what a plan refused, once, with its audit entry; answers what to tell of it.
    ///
    /// # Errors
    /// Those of the table: nobody could approve what is not kept, so the run comes again.
    pub(crate) async fn keep_refused(&self, telling: &Telling, plan: &Plan) -> Result<Option<RemovalsRefused>, Fault> {
        let Some((removals, why)) = &plan.refused else { return Ok(None) };
        let at = self.clock.now();
        let now = RefusedRemovals {
            removals: removals.clone(),
            why: why.clone(),
            at,
            approvals: Vec::new(),
            approved_at: None,
        };
        let entry =
            telling.about(at, removals.subject(), "removals.refuse", Phase::Decision, std::slice::from_ref(why));
        let change = RemovalsChange { before: None, now, events: Vec::new(), entry };
        match self.ledger.commit_removals(&change).await? {
            SaidCommitted::Done | SaidCommitted::Already => {}
            SaidCommitted::Conflict => return Err(Fault::retry("keeping refused removals")),
        }
        let count = u32::try_from(removals.clusters.len()).unwrap_or(u32::MAX);
        Ok(Some(RemovalsRefused { digest: removals.digest(), count }))
    }
}
