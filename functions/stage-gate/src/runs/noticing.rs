//! Runs that left their gate without us: somebody answered in the console, or the run was stopped or waited too long. Nobody asked the
//! gate; it says what it sees. The right to answer is stage-gate's alone where the account's guard is attached
//! (`terraform/config/control-plane/guard.tf`); where it is not, this is how it comes to light.

use common::{
    domain::{
        id::{CorrelationId, quoted},
        run::{Told, Verdict},
    },
    event::RunObstacle,
    fault::Fault,
    ports::{
        Alarms, CertificateRecords, ClusterRecords, Forge, LeftRun, Pause, RunChange, RunGates, RunRows, RunSaid,
        SaidCommitted,
    },
};

use super::{Cluster, ClusterGates, telling};

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Compares how a run left its gate with what the gate said of it last, and says where they differ. A run of which it said nothing
    /// came and went before it looked, or before there was a gate of ours: nothing is known of it.
    pub(super) async fn notice(&self, cluster: &Cluster, left: &LeftRun, cause: &CorrelationId) -> Result<(), Fault> {
        let Some(before) = self.rows.run(&cluster.pipeline, &left.execution).await?.told else { return Ok(()) };
        let verdict = if left.went_on { Verdict::Admit } else { Verdict::Reject };
        if before.verdict == verdict {
            return Ok(());
        }
        let who = left.by.as_deref().map_or_else(|| "somebody".to_owned(), |by| quoted(by, 120));
        let missing = match (left.went_on, before.reasons.as_slice()) {
            (true, reasons) => format!("{who} let it go on, and not Penstock, which said: {}", reasons.join("; ")),
            (false, _) => {
                format!("it was stopped, rejected outside of Penstock, or waited too long (last changed by {who})")
            }
        };
        let (reason, now) = (obstacle(missing, left.went_on), self.now());
        let after = Told { verdict, reasons: vec![reason.missing.clone()], at: now, ..before.clone() };
        let change = RunChange {
            events: vec![telling::left(cluster, &before, reason, left.went_on, cause, now)],
            entry: telling::noticed(cluster, &after, left.went_on, cause),
            said: RunSaid::Gate { pipeline: cluster.pipeline.clone(), before: Some(before), now: after.clone() },
        };
        // Whoever was faster said the same.
        if self.rows.commit_run(&change).await? == SaidCommitted::Done && left.went_on {
            tracing::error!(cluster = %cluster.key, execution = left.execution.as_str(), "{}", after.reasons.join("; "));
            tracing::info!(target: "metric", name = "RunGatesBypassed", value = 1_u64);
        }
        Ok(())
    }
}

fn obstacle(missing: String, went_on: bool) -> RunObstacle {
    let (who, how) = match went_on {
        true => (
            "an administrator",
            "looks into it, and takes the right to answer from everybody but Penstock (gate_guard)",
        ),
        false => ("its author", "pushes another commit, or runs it again"),
    };
    RunObstacle { missing, who: who.to_owned(), how: how.to_owned(), until: None }
}
