//! The decision over a run, with everything that is missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alarm::Watched,
    approval::{Answer, Approval, Authors},
    hold::Hold,
    precedent::Precedent,
    quorum::Quorum,
    rules::Rules,
    unmet::Unmet,
};
use crate::domain::{
    certificate::EXPIRY_WARNING,
    cluster::ClusterKey,
    id::{CommitSha, ExecutionId, GroupName, PersonName},
};

/// One execution of a cluster's pipeline that waits at its gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Whose pipeline.
    pub cluster: ClusterKey,
    /// Which execution.
    pub execution: ExecutionId,
    /// What it deploys.
    pub commit: CommitSha,
    /// Who wrote that.
    pub authors: Authors,
    /// Since when it waits.
    pub since: Timestamp,
    /// Whether another execution of the pipeline has taken its place, or it has been stopped.
    pub superseded: bool,
}

/// The certificate of a management cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// The cluster needs none.
    NotNeeded,
    /// It has one, until then.
    Until(Timestamp),
    /// It has none that is active.
    Missing,
}

/// What was read at the moment of the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The run.
    pub run: &'f Run,
    /// What its environment asks.
    pub rules: &'f Rules,
    /// Everything that was answered about this pipeline's runs.
    pub approvals: &'f [Approval],
    /// Who is in each group. A group that is not there has nobody.
    pub groups: &'f BTreeMap<GroupName, BTreeSet<PersonName>>,
    /// Every hold that was placed and not lifted.
    pub holds: &'f [Hold],
    /// The commit in the environment before; nothing when the rules ask for none, or it is not known.
    pub precedent: Option<&'f Precedent>,
    /// Its cluster's certificate.
    pub certificate: Certificate,
}

impl<'f> Facts<'f> {
    fn quorum(self, asked: &'f BTreeMap<GroupName, u32>) -> Quorum<'f> {
        Quorum { asked, groups: self.groups, authors: &self.run.authors }
    }
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It goes on.
    Admit,
    /// It waits.
    Hold,
    /// It ends here.
    Reject,
}

/// The answer, with all its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it goes on.
    pub verdict: Verdict,
    /// Everything that is missing. Nothing: it goes on.
    pub unmet: Vec<Unmet>,
    /// When it could go on at the earliest, if everybody who is asked said yes now; nothing when no time alone leads there.
    pub earliest: Option<Timestamp>,
}

impl Decision {
    /// It waits: what a decision rests on is not known, so nothing more can be said.
    pub fn closed(unmet: Unmet) -> Self {
        Self { verdict: Verdict::Hold, unmet: vec![unmet], earliest: None }
    }
}

/// Whether somebody's answer to a run would count: they are in a group that is asked, and approve nothing that they wrote.
///
/// # Errors
/// Why it would not, and whose does.
pub fn counts(facts: Facts<'_>, by: &PersonName, answer: Answer) -> Result<(), String> {
    let asked = facts.rules.asked();
    facts.quorum(&asked).counts(facts.run.cluster.environment.as_str(), by, answer)
}

/// Decides over a run. Nothing that is missing is left out, whatever else is.
pub fn decide(facts: Facts<'_>, now: Timestamp) -> Decision {
    let mut unmet = Vec::new();
    let Facts { run, rules, .. } = facts;
    let asked = rules.asked();
    if run.superseded {
        unmet.push(Unmet::Superseded);
    }
    let of_run = |approval: &&Approval| approval.execution == run.execution && approval.commit == run.commit;
    let quorum = facts.quorum(&asked);
    let entitled = quorum.entitled();
    let said = |answer| facts.approvals.iter().filter(of_run).filter(move |approval| approval.answer == answer);
    for approval in said(Answer::Reject).filter(|approval| entitled.contains(&approval.by)) {
        unmet.push(Unmet::Rejected { by: approval.by.clone(), at: approval.at, reason: approval.reason.clone() });
    }
    let who = |answer| said(answer).map(|approval| &approval.by).collect::<BTreeSet<&PersonName>>();
    unmet.extend(quorum.lacks(&who(Answer::Approve), &who(Answer::Reject)));
    let holds = facts.holds.iter().filter(|hold| hold.stops(&run.cluster, now));
    unmet.extend(holds.map(|hold| Unmet::Held(hold.clone())));
    unmet.extend(rules.stops(now));
    unmet.extend(promoted(facts, now));
    match facts.certificate {
        Certificate::Missing => unmet.push(Unmet::NoCertificate),
        Certificate::Until(end) if end.duration_since(now) <= EXPIRY_WARNING => {
            unmet.push(Unmet::CertificateExpires { at: end, over: end <= now });
        }
        Certificate::NotNeeded | Certificate::Until(_) => {}
    }
    let verdict = match unmet.as_slice() {
        [] => Verdict::Admit,
        some if some.iter().any(Unmet::is_final) => Verdict::Reject,
        _ => Verdict::Hold,
    };
    let earliest = earliest(&unmet, rules, now);
    Decision { verdict, unmet, earliest }
}

/// What the environment before still lacks.
fn promoted(facts: Facts<'_>, now: Timestamp) -> Vec<Unmet> {
    let Some(promotion) = &facts.rules.promotion else { return Vec::new() };
    let environment = promotion.after.clone();
    let soaks = facts.precedent.and_then(|found| Some((found, found.soaks(promotion.soak)?)));
    let Some((precedent, (_, until))) = soaks else {
        return vec![Unmet::NotSucceededBefore { environment, commit: facts.run.commit.clone() }];
    };
    let mut unmet = Vec::new();
    let looked_at = precedent.watched_at.map_or(now, |at| at.min(now));
    match precedent.replaced_at.filter(|at| *at < until) {
        Some(at) => unmet.push(Unmet::ReplacedBefore { environment: environment.clone(), at }),
        None if looked_at < until => unmet.push(Unmet::Soaking { environment: environment.clone(), until }),
        None => {}
    }
    for name in &promotion.alarms {
        let (environment, name) = (environment.clone(), name.clone());
        match precedent.said(&name) {
            Watched::Ok => {}
            Watched::InAlarm { since } => {
                unmet.push(Unmet::AlarmDuringSoak { environment, name, at: since, until: None });
            }
            Watched::WasInAlarm { at, until } => {
                unmet.push(Unmet::AlarmDuringSoak { environment, name, at, until: Some(until) });
            }
            Watched::Unknown(why) => unmet.push(Unmet::AlarmUnknown { environment, name, why }),
        }
    }
    unmet
}

/// How often windows may follow on one another before it is said that they do not end.
const WINDOWS: usize = 1_000;

/// The first moment at which no time stands against the run: behind every hold, the soak, and all freezes that follow on one another.
fn earliest(unmet: &[Unmet], rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    if unmet.iter().any(|one| one.is_final() || one.waits_for_a_change()) {
        return None;
    }
    let mut at = unmet.iter().filter_map(Unmet::until).max().unwrap_or(now);
    for _ in 0..WINDOWS {
        match rules.freezes.iter().filter_map(|freeze| freeze.ends(at)).max() {
            Some(end) if end > at => at = end,
            _ => return Some(at),
        }
    }
    None
}
