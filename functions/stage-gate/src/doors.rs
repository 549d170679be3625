//! The function's doors: what comes in goes to the gates of items or to those of runs. Each way is a future of its own on the heap: only
//! one of them is taken, and together they would be as large as all.

use common::{
    domain::id::{CorrelationId, quoted},
    event::{AwsEvent, Envelope, Event},
    fault::Fault,
    http::{Request, Response},
    ports::{
        Alarms, CertificateRecords, ClusterRecords, ItemRows, Pause, PipelineJobs, RemovalRows, RunGates, RunRows,
        Sources, WipRows,
    },
    runtime::QueueMessage,
};

use crate::{
    ItemGates, api, ideas,
    runs::{ClusterGates, http::is_ours, visiting::is_link},
};

/// Both kinds of gate.
pub struct StageGate<R, G, A, F, C> {
    /// Those of work items.
    pub items: ItemGates<R, C, F>,
    /// Those of the clusters' pipelines.
    pub runs: ClusterGates<R, G, A, F, C>,
}

impl<R, G, A, F, C> StageGate<R, G, A, F, C>
where
    R: ItemRows + WipRows + RunRows + CertificateRecords + ClusterRecords + RemovalRows,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Sources,
    C: Pause,
{
    /// Handles one message of the queue.
    ///
    /// # Errors
    /// `Retry` when something did not answer; `Bug` for what no rule of this function asks for.
    pub async fn message(&self, message: QueueMessage) -> Result<(), Fault> {
        match message {
            QueueMessage::Event(event) => self.event(&event).await,
            QueueMessage::Aws(event) => self.aws(&event).await,
            QueueMessage::Schedule(name) if name == "gates" => Box::pin(self.runs.sweep(&self.woken("gates"))).await,
            QueueMessage::Schedule(name) => Box::pin(self.items.schedule(&name)).await,
            QueueMessage::Job(job) => Box::pin(self.runs.job(&job)).await,
        }
    }

    async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        let cause = &event.meta.correlation_id;
        match &event.event {
            Event::HoldPlaced(placed) => Box::pin(self.runs.hold_changed(&placed.scope, cause)).await,
            Event::HoldLifted(lifted) => Box::pin(self.runs.hold_changed(&lifted.scope, cause)).await,
            Event::ChangeCommented(said) => Box::pin(self.runs.commented(said, cause)).await,
            _ => Box::pin(self.items.event(event)).await,
        }
    }

    /// A run came to a gate, as CodePipeline says.
    async fn aws(&self, event: &AwsEvent) -> Result<(), Fault> {
        match (event.source.as_str(), event.text("pipeline")) {
            ("aws.codepipeline", Some(pipeline)) => {
                let cause = event.text("execution-id").unwrap_or_default();
                let cause = CorrelationId::derived(["stage-gate", pipeline, cause]);
                Box::pin(self.runs.came_to_gate(pipeline, &cause)).await
            }
            ("aws.codepipeline", None) => {
                let found = quoted(&event.detail.to_string(), 120);
                Err(Fault::bug(format!("an event of CodePipeline names no pipeline: {found}")))
            }
            _ => Err(event.unexpected("stage-gate")),
        }
    }

    fn woken(&self, name: &str) -> CorrelationId {
        CorrelationId::derived(["stage-gate", name, &self.runs.now().to_string()])
    }

    /// Answers one request.
    pub async fn serve(&self, request: &Request) -> Response {
        if is_link(request.path()) {
            return Box::pin(self.runs.visit(request)).await;
        }
        if is_ours(request.path()) {
            return Box::pin(self.runs.serve(request)).await;
        }
        if ideas::http::is_ours(request.path()) {
            return Box::pin(ideas::api::serve(&self.items, request)).await;
        }
        Box::pin(api::serve(&self.items, request)).await
    }
}
