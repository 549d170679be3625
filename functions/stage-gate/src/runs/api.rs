//! The HTTP API of runs and holds: a request to a call, the call to the service, its answer to a response.

use common::{
    domain::{
        access::Actor,
        id::{CorrelationId, quoted},
    },
    fault::Fault,
    http::{Request, Response, failed},
    ports::{ClusterRecords, Forge, Pause, PipelineJobs, RemovalRows, RunGates, RunRows},
};

use super::{
    ClusterGates, answer,
    http::{Call, call},
};

impl<R, G, F, C> ClusterGates<R, G, F, C>
where
    R: RunRows + ClusterRecords + RemovalRows,
    G: RunGates + PipelineJobs,
    F: Forge,
    C: Pause,
{
    /// Answers one request. Total: every failure is an HTTP status.
    pub async fn serve(&self, request: &Request) -> Response {
        let response = match call(request, &self.governance, self.now()) {
            Err(refusal) => (&refusal).into(),
            Ok((actor, call)) => {
                let (person, role) = (actor.person.as_str(), actor.role.as_str());
                tracing::info!(person, role, call = call.name(), "asked");
                self.done(&actor, call, &request.correlation(self.now())).await.unwrap_or_else(|fault| {
                    let chain = fault.chain();
                    match &fault {
                        Fault::Retry { .. } | Fault::Reject { .. } => {
                            tracing::warn!(fault = chain, "it could not be done");
                        }
                        Fault::Bug { .. } => tracing::error!(fault = chain, "it could not be done"),
                    }
                    failed(&fault, "stage-gate")
                })
            }
        };
        // One line a request. Neither the token nor the body is in it; the path is foreign text, quoted and cut.
        let (method, path) = (quoted(request.method(), 10), quoted(request.path(), 160));
        tracing::info!(status = response.status_code, method, path, request_id = request.id(), "answered");
        response
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
