//! Everything that a decision over a run rests on, read at one moment, and the decision.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        cluster::ClusterKey,
        id::{CommitSha, GroupName, PersonName},
        run::{
            Answer, Authors, Certificate, Decision, Facts, Hold, PastRun, Precedent, Promotion, Rules, Run, Told,
            Unmet, counts, decide,
        },
    },
    fault::Fault,
    ports::{Alarms, CertificateRecords, ClusterRecords, Forge, Pause, RunGates, RunRecord, RunRows, WaitingRun},
};
use jiff::Timestamp;

use super::{Cluster, ClusterGates, unread};

/// One run at its gate.
#[derive(Debug, Clone)]
pub struct Case {
    /// The run as CodePipeline has it.
    pub waiting: WaitingRun,
    /// What was answered, and what was said of it last.
    pub record: RunRecord,
    /// What the gate says of it.
    pub decision: Decision,
    /// When that was.
    pub at: Timestamp,
    basis: Option<Basis>,
}

/// What can be decided over: a run whose commit and rules are known.
#[derive(Debug, Clone)]
struct Basis {
    run: Run,
    rules: Rules,
    groups: BTreeMap<GroupName, BTreeSet<PersonName>>,
    holds: Vec<Hold>,
    precedent: Option<Precedent>,
    certificate: Certificate,
}

impl Basis {
    fn facts<'f>(&'f self, record: &'f RunRecord) -> Facts<'f> {
        Facts {
            run: &self.run,
            rules: &self.rules,
            approvals: &record.approvals,
            groups: &self.groups,
            holds: &self.holds,
            precedent: self.precedent.as_ref(),
            certificate: self.certificate,
        }
    }
}

impl Case {
    /// Whether somebody's answer would count; why not.
    ///
    /// # Errors
    /// The reason, for them.
    pub fn counts(&self, by: &PersonName, answer: Answer) -> Result<(), String> {
        match &self.basis {
            Some(basis) => counts(basis.facts(&self.record), by, answer),
            None => Err(self.decision.unmet.iter().map(Unmet::sentence).collect::<Vec<_>>().join("; ")),
        }
    }

    /// What it says, to be kept.
    pub fn told(&self) -> Told {
        let WaitingRun { execution, commit, .. } = &self.waiting;
        Told::of(execution, commit.as_ref(), &self.decision, self.at)
    }

    /// Who approved it, as far as it counts.
    pub fn approved_by(&self) -> Vec<PersonName> {
        let of_run = |approval: &&common::domain::run::Approval| {
            approval.answer == Answer::Approve && Some(&approval.commit) == self.waiting.commit.as_ref()
        };
        let approvals = self.record.approvals.iter().filter(of_run);
        let counted = approvals.filter(|approval| self.counts(&approval.by, Answer::Approve).is_ok());
        counted.map(|approval| approval.by.clone()).collect()
    }
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// The runs that wait at a cluster's gate now.
    ///
    /// # Errors
    /// Those of CodePipeline.
    pub async fn waiting(&self, cluster: &Cluster) -> Result<Vec<WaitingRun>, Fault> {
        let at_gate = self.gates.at_gate(&cluster.pipeline).await.map_err(|error| unread(cluster, error))?;
        Ok(at_gate.waiting)
    }

    /// Reads what a decision over a run rests on, and decides. Nothing is written.
    ///
    /// # Errors
    /// Whatever could not be read: then nothing is decided, and the run waits.
    pub async fn look_at(
        &self,
        cluster: &Cluster,
        clusters: &BTreeMap<ClusterKey, Cluster>,
        waiting: WaitingRun,
    ) -> Result<Case, Fault> {
        let closed = match (&cluster.undisputed()?.environment, &waiting.commit) {
            (None, _) => Unmet::NoRules { environment: cluster.key.environment.clone() },
            (_, None) => Unmet::CommitUnknown,
            (Some(environment), Some(commit)) => {
                let (rules, commit) = (environment.rules.clone(), commit.clone());
                return self.decided(cluster, clusters, waiting, rules, commit).await;
            }
        };
        let record = self.rows.run(&cluster.pipeline, &waiting.execution).await?;
        Ok(Case { waiting, record, decision: Decision::closed(closed), at: self.now(), basis: None })
    }

    async fn decided(
        &self,
        cluster: &Cluster,
        clusters: &BTreeMap<ClusterKey, Cluster>,
        waiting: WaitingRun,
        rules: Rules,
        commit: CommitSha,
    ) -> Result<Case, Fault> {
        let people = &self.governance.people;
        let made = self.forge.authors(&cluster.repository, &cluster.branch, &commit).await?;
        let run = Run {
            cluster: cluster.key.clone(),
            execution: waiting.execution.clone(),
            authors: Authors::listed(&made.accounts, made.unknown, people),
            since: waiting.since,
            // One that was superseded or stopped waits at no gate.
            superseded: false,
            commit,
        };
        let precedent = match &rules.promotion {
            Some(promotion) => Some(self.precedent(promotion, clusters, &run.commit).await?),
            None => None,
        };
        let groups = rules.asked().into_keys().map(|group| {
            let members = people.group(&group).cloned().collect();
            (group, members)
        });
        let groups = groups.collect();
        // Last: a hold that is placed while the rest is read counts.
        let record = self.rows.run(&cluster.pipeline, &waiting.execution).await?;
        let holds = self.rows.holds().await?;
        let certificate = self.certificate(cluster).await?;
        let basis = Basis { run, rules, groups, holds, precedent, certificate };
        let at = self.now();
        let decision = decide(basis.facts(&record), at);
        Ok(Case { waiting, record, decision, at, basis: Some(basis) })
    }

    /// The cluster's certificate. One that has none yet needs none at its gate: the run makes it, right behind.
    async fn certificate(&self, cluster: &Cluster) -> Result<Certificate, Fault> {
        let wanted = cluster.environment.as_ref().is_some_and(|environment| environment.certificates);
        if !wanted || cluster.key.cluster().is_none() {
            return Ok(Certificate::NotNeeded);
        }
        let current = self.rows.certificate(&cluster.key).await?.and_then(|record| record.current);
        Ok(current.map_or(Certificate::NotNeeded, |current| Certificate::Until(current.ends)))
    }

    /// What became of a commit in the environment before.
    async fn precedent(
        &self,
        promotion: &Promotion,
        clusters: &BTreeMap<ClusterKey, Cluster>,
        commit: &CommitSha,
    ) -> Result<Precedent, Fault> {
        let mut histories: Vec<Vec<PastRun>> = Vec::new();
        for cluster in clusters.values().filter(|cluster| cluster.key.environment == promotion.after) {
            let history = self.gates.history(&cluster.undisputed()?.pipeline).await;
            histories.push(history.map_err(|error| unread(cluster, error))?);
        }
        let precedent = Precedent::of(commit, histories.iter().map(Vec::as_slice));
        Ok(match precedent.soaks(promotion.soak) {
            Some((from, until)) if !promotion.alarms.is_empty() => self.watch(precedent, promotion, from, until).await,
            _ => precedent,
        })
    }

    /// Looks at the alarms of a soak. Those that cannot be read keep the run, and the gate says so; the next look asks again.
    async fn watch(&self, precedent: Precedent, promotion: &Promotion, from: Timestamp, until: Timestamp) -> Precedent {
        let now = self.now();
        let alarms = self.alarms.watched(&promotion.alarms, from, until, now).await.unwrap_or_else(|fault| {
            tracing::error!(environment = promotion.after.as_str(), fault = fault.chain(), "alarms could not be read");
            BTreeMap::new()
        });
        Precedent { alarms, watched_at: Some(now), ..precedent }
    }
}
