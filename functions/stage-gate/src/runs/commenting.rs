//! Answers in comments. The event says where to look; what counts is the comment as the host has it at the moment of the decision: by
//! account, never edited, and about a run of the repository that it stands in. Then it is an answer like any other.

use std::collections::BTreeMap;

use common::{
    domain::{
        access,
        governance::Identity,
        id::{CorrelationId, ExecutionId},
        run::{Command, command},
    },
    event::{ChangeCommented, Repository},
    fault::Fault,
    ports::{
        Alarms, CertificateRecords, ClusterRecords, CommentNow, Committed, Pause, PipelineJobs, RunGates, RunRows,
        Sources, WipRows,
    },
};
use futures::future::join_all;

use super::{
    Cluster, ClusterGates,
    answer::nobody_waits,
    answering::{Outcome, Saying},
    telling,
};

/// How many clusters are asked side by side for a run.
const AT_ONCE: usize = 16;

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: RunRows + CertificateRecords + ClusterRecords + WipRows,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Sources,
    C: Pause,
{
    /// Somebody wrote a comment on a pull request, as an event says. Most are no commands, and nothing follows from them; of a command
    /// that is not taken its author is told why.
    ///
    /// Idempotent by the answer that it gives: who brings a comment a second time finds it given.
    ///
    /// # Errors
    /// `Retry` when something could not be read.
    pub async fn commented(&self, said: &ChangeCommented, cause: &CorrelationId) -> Result<(), Fault> {
        // The name in the event is not used: it could be another repository's.
        let Some(repository) = self.repositories().into_iter().find(|one| one.id == said.repository.id) else {
            return Ok(());
        };
        let Some(comment) = self.forge.comment(&repository, said.number, &said.comment).await? else { return Ok(()) };
        let Some(command) = command::read(&comment.body) else { return Ok(()) };
        // Programs have tokens of their own; what one writes in a person's name is not that person's word.
        if !comment.by_person || comment.number != said.number {
            tracing::info!(comment = %said.comment, "a command that no person wrote there is left alone");
            return Ok(());
        }
        let Err(why) = self.heard(&repository, &comment, command, cause).await? else { return Ok(()) };
        tracing::info!(comment = %said.comment, "a command in a comment is not taken: {why}");
        let now = self.now();
        let event = telling::not_taken(&repository, said, why, cause, now);
        match WipRows::commit(&self.rows, &BTreeMap::new(), &[event], now).await? {
            Committed::Done => Ok(()),
            Committed::Failed(_) | Committed::Conflict => Err(Fault::retry("telling that a command is not taken")),
        }
    }

    /// Takes a command; or says why not.
    async fn heard(
        &self,
        repository: &Repository,
        comment: &CommentNow,
        command: Result<Command, String>,
        cause: &CorrelationId,
    ) -> Result<Result<(), String>, Fault> {
        let Command { answer, execution, reason } = match command {
            Ok(command) => command,
            Err(why) => return Ok(Err(why)),
        };
        // Whoever may write in the repository may edit anybody's comment.
        if comment.edited {
            return Ok(Err("the comment was edited: write another one".to_owned()));
        }
        let people = &self.governance.people;
        let account = comment.author.clone().map(Identity::from);
        let Some((person, _)) = account.and_then(|account| people.who(&account)) else {
            return Ok(Err("people.yaml lists nobody with its author's account".to_owned()));
        };
        let actor = match access::named(person, people) {
            Ok(actor) => actor,
            Err(nobody) => return Ok(Err(nobody.to_string())),
        };
        let Some(cluster) = self.cluster_of(repository, &execution).await? else {
            return Ok(Err(format!("no cluster of {} has a run {execution} at its gate", repository.name)));
        };
        let saying = Saying { answer, commit: None, reason: reason.map(String::from), link: None };
        Ok(match self.answer(&cluster.key, &execution, &saying, &actor, cause).await? {
            Outcome::Decided(_) => Ok(()),
            Outcome::Forbidden(why) => Err(why),
            Outcome::NotWaiting(told) => {
                if self.given(&cluster, &execution, &saying, &actor).await? {
                    Ok(())
                } else {
                    Err(nobody_waits(&cluster.key, &execution, told.as_ref()))
                }
            }
            Outcome::Another(commit) => Err(format!("the run deploys {} now", commit.short())),
            Outcome::Used => Err("the link was used".to_owned()),
            Outcome::NoCluster => Err(nobody_waits(&cluster.key, &execution, None)),
        })
    }

    /// The cluster of a repository whose gate has spoken of a run.
    async fn cluster_of(&self, repository: &Repository, run: &ExecutionId) -> Result<Option<Cluster>, Fault> {
        let clusters = self.clusters().await?;
        let of_it: Vec<&Cluster> = clusters.values().filter(|cluster| cluster.repository.id == repository.id).collect();
        for some in of_it.chunks(AT_ONCE) {
            let looks = some.iter().map(|cluster| self.rows.run(&cluster.pipeline, run));
            for (cluster, found) in some.iter().zip(join_all(looks).await) {
                if found?.told.is_some() {
                    return Ok(Some((*cluster).clone()));
                }
            }
        }
        Ok(None)
    }
}
