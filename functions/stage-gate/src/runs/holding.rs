//! Holds: placed by whoever works, lifted by whoever placed them and by admins. The event of each wakes the gates that it concerns.

use common::{
    domain::{
        access::{self, Action, Actor},
        cluster::{ClusterKey, nearest},
        id::{CorrelationId, HoldId},
        run::{Hold, HoldScope, Lifted},
        wip::vet::Misfit,
    },
    fault::Fault,
    ports::{
        Alarms, CertificateRecords, ClusterRecords, Forge, Patience, Pause, RunChange, RunGates, RunRows, RunSaid,
        SaidCommitted,
    },
};
use jiff::Timestamp;

use super::{ClusterGates, telling};

/// A hold to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// Its id: the same one again is the same hold.
    pub id: HoldId,
    /// What it stops.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

/// What became of a hold that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It stands from now on.
    New(Hold),
    /// It was placed before, and stands.
    Same(Hold),
    /// There is another hold of this id, or this one was lifted or has ended.
    Another(Hold),
    /// It would stop nothing that there is.
    Nothing(Misfit),
}

/// What became of lifting a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifting {
    /// It is lifted: now, or by somebody before.
    Lifted(Hold),
    /// It is not theirs to lift; whose it is.
    Forbidden(String),
    /// There is no such hold.
    NoHold,
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Places a hold. It keeps every run that has not passed its gate.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: the same request finds it out.
    pub async fn place(&self, new: &NewHold, actor: &Actor, cause: &CorrelationId) -> Result<Placed, Fault> {
        if let Some(misfit) = self.stops_nothing(&new.scope).await? {
            return Ok(Placed::Nothing(misfit));
        }
        let mut patience = Patience::new(&self.clock);
        loop {
            let now = self.now();
            if let Some(there) = self.hold(&new.id).await? {
                let asked = (&new.scope, &new.reason, new.until, &actor.person);
                let same = (&there.scope, &there.reason, there.until, &there.by) == asked && there.stands(now);
                return Ok(if same { Placed::Same(there) } else { Placed::Another(there) });
            }
            let NewHold { id, scope, reason, until } = new.clone();
            let hold = Hold { id, scope, reason, by: actor.person.clone(), at: now, until, lifted: None };
            let change = RunChange {
                events: vec![telling::placed(&hold, cause)],
                entry: telling::hold_entry(&hold, "hold.place", &hold.by, cause, now),
                said: RunSaid::Hold(hold.clone()),
            };
            match self.rows.commit_run(&change).await? {
                SaidCommitted::Done => return Ok(Placed::New(hold)),
                SaidCommitted::Already | SaidCommitted::Conflict => {
                    self.again(&mut patience, &format!("placing the hold {}", new.id)).await?;
                }
            }
        }
    }

    /// Lifts a hold: what it kept goes on by itself.
    ///
    /// # Errors
    /// As [`place`](Self::place).
    pub async fn lift(&self, id: &HoldId, actor: &Actor, cause: &CorrelationId) -> Result<Lifting, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Some(hold) = self.hold(id).await? else { return Ok(Lifting::NoHold) };
            if hold.lifted.is_some() {
                return Ok(Lifting::Lifted(hold));
            }
            if let Err(forbidden) = access::may(actor, Action::LiftHold { by: &hold.by }) {
                return Ok(Lifting::Forbidden(forbidden.reason));
            }
            let now = self.now();
            let lifted = Lifted { by: actor.person.clone(), at: now };
            let change = RunChange {
                events: vec![telling::lifted(&hold, &lifted, cause)],
                entry: telling::hold_entry(&hold, "hold.lift", &lifted.by, cause, now),
                said: RunSaid::Lift(hold.clone(), lifted.clone()),
            };
            match self.rows.commit_run(&change).await? {
                SaidCommitted::Done => return Ok(Lifting::Lifted(Hold { lifted: Some(lifted), ..hold })),
                SaidCommitted::Already | SaidCommitted::Conflict => {
                    self.again(&mut patience, &format!("lifting the hold {id}")).await?;
                }
            }
        }
    }

    /// Every hold that stands now.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn standing(&self) -> Result<Vec<Hold>, Fault> {
        let now = self.now();
        Ok(self.rows.holds().await?.into_iter().filter(|hold| hold.stands(now)).collect())
    }

    /// The same, each with the clusters that it stops.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn what_holds_stop(&self) -> Result<Vec<(Hold, Vec<ClusterKey>)>, Fault> {
        let clusters = self.clusters().await?;
        let stops = |hold: &Hold| clusters.keys().filter(|cluster| hold.scope.covers(cluster)).cloned().collect();
        Ok(self.standing().await?.into_iter().map(|hold| (hold.clone(), stops(&hold))).collect())
    }

    async fn hold(&self, id: &HoldId) -> Result<Option<Hold>, Fault> {
        Ok(self.rows.holds().await?.into_iter().find(|hold| hold.id == *id))
    }

    /// A hold on a name that nothing has would calm whoever placed it, and stop nothing.
    async fn stops_nothing(&self, scope: &HoldScope) -> Result<Option<Misfit>, Fault> {
        let environments = &self.governance.environments.listed;
        let listed = match scope {
            HoldScope::All => true,
            HoldScope::Environment(environment) => environments.contains_key(environment),
            HoldScope::Region(..) | HoldScope::Cluster(_) => false,
        };
        if listed {
            return Ok(None);
        }
        let clusters = self.clusters().await?;
        if clusters.keys().any(|cluster| scope.covers(cluster)) {
            return Ok(None);
        }
        let scopes = clusters.keys().flat_map(|cluster| {
            let environment = cluster.environment.clone();
            let region = HoldScope::Region(environment.clone(), cluster.region_alias.clone());
            [HoldScope::Environment(environment), region, HoldScope::Cluster(cluster.clone())]
        });
        let listed = environments.keys().cloned().map(HoldScope::Environment);
        let names: Vec<String> = scopes.chain(listed).map(|scope| scope.to_string()).collect();
        let found = scope.to_string();
        Ok(Some(Misfit {
            field: "scope".to_owned(),
            nearest: nearest(&found, names.iter().map(String::as_str)),
            found,
            expected: "a scope with a cluster in it".to_owned(),
        }))
    }
}
