//! The HTTP API of runs and holds: a request to a call, the call to the service, its answer to a response.

use common::{
    domain::{access::Actor, id::CorrelationId},
    fault::Fault,
    http::{Request, Response},
    ports::{Alarms, CertificateRecords, ClusterRecords, Forge, Pause, PipelineJobs, RemovalRows, RunGates, RunRows},
};

use super::{
    ClusterGates, answer,
    http::{Call, call},
};
use crate::api::answered;

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: RunRows + CertificateRecords + ClusterRecords + RemovalRows,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Answers one request. Total: every failure is an HTTP status.
    pub async fn serve(&self, request: &Request) -> Response {
        answered(request, async {
            let (actor, call) = call(request, &self.governance, self.now())?;
            let (person, role) = (actor.person.as_str(), actor.role.as_str());
            tracing::info!(person, role, call = call.name(), "asked");
            Ok(self.done(&actor, call, &request.correlation(self.now())).await)
        })
        .await
    }

    async fn done(&self, actor: &Actor, call: Call, cause: &CorrelationId) -> Result<Response, Fault> {
        Ok(match call {
            Call::Place(new) => answer::placed(&self.place(&new, actor, cause).await?),
            Call::Holds => answer::holds(&self.what_holds_stop().await?),
            Call::Lift(hold) => answer::lifted(&hold, &self.lift(&hold, actor, cause).await?),
            Call::Explain(cluster) => answer::explained(&cluster, self.explain(&cluster).await?.as_ref()),
            Call::Answer(cluster, execution, saying) => {
                let answered = self.answer(&cluster, &execution, &saying, actor, cause).await?;
                answer::answered(&cluster, &execution, &answered)
            }
            Call::Removals => answer::removals(&self.removals().await?),
            Call::ApproveRemovals(digest, reason) => {
                let approved = self.approve_removals(&digest, reason.as_deref(), &actor.person, cause).await?;
                answer::removals_approved(&digest, &approved)
            }
        })
    }
}
