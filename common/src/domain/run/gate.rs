//! The decision over a run, with everything that is missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    approval::{Answer, Approval, Authors},
    hold::Hold,
    rules::Rules,
    unmet::Unmet,
};
use crate::domain::{
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

/// What became of the same commit in the environment before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Precedent {
    /// When the first cluster there began to take the commit.
    pub began_at: Option<Timestamp>,
    /// When every cluster there that the commit concerns had it: the last of them. It soaks from then on.
    pub succeeded_at: Option<Timestamp>,
    /// When another commit began to take its place there: it soaks no more from then on.
    pub replaced_at: Option<Timestamp>,
    /// Alarms there, by name, with when each was raised last and when it ended; one that goes on has no end.
    pub alarms: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
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

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Decides over a run. Nothing that is missing is left out, whatever else is.
pub fn decide(facts: Facts<'_>, now: Timestamp) -> Decision {
    let mut unmet = Vec::new();
    let Facts { run, rules, .. } = facts;
    let asked = rules.asked();
    if run.superseded {
        unmet.push(Unmet::Superseded);
    }
    let of_run = |approval: &&Approval| approval.execution == run.execution && approval.commit == run.commit;
    let entitled: BTreeSet<&PersonName> = asked.keys().filter_map(|group| facts.groups.get(group)).flatten().collect();
    let rejected = facts.approvals.iter().filter(of_run).filter(|approval| approval.answer == Answer::Reject);
    for approval in rejected.filter(|approval| entitled.contains(&approval.by)) {
        unmet.push(Unmet::Rejected { by: approval.by.clone(), at: approval.at, reason: approval.reason.clone() });
    }
    for (group, least) in &asked {
        unmet.extend(approved(facts, group, *least));
    }
    unmet.extend(rules.pause.iter().map(|reason| Unmet::Paused { reason: reason.clone() }));
    let holds = facts.holds.iter().filter(|hold| hold.stops(&run.cluster, now));
    unmet.extend(holds.map(|hold| Unmet::Held(hold.clone())));
    for freeze in &rules.freezes {
        let frozen = |until| Unmet::Frozen { name: freeze.name.clone(), until, reason: freeze.reason.clone() };
        unmet.extend(freeze.ends(now).map(frozen));
    }
    unmet.extend(promoted(facts, now));
    match facts.certificate {
        Certificate::Missing => unmet.push(Unmet::NoCertificate),
        Certificate::Until(end) if end <= now => unmet.push(Unmet::CertificateExpired { at: end }),
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

/// What a group's approval still lacks. One counts when it is a member's, about this execution at this commit, and the member wrote
/// none of it; whoever rejects does not approve as well.
fn approved(facts: Facts<'_>, group: &GroupName, least: u32) -> Option<Unmet> {
    let run = facts.run;
    let none = BTreeSet::new();
    let members = facts.groups.get(group).unwrap_or(&none);
    let may: BTreeSet<&PersonName> = members.difference(&run.authors.known).collect();
    let about = |approval: &&Approval| approval.execution == run.execution && approval.commit == run.commit;
    let said = |answer| {
        facts.approvals.iter().filter(about).filter(move |approval| approval.answer == answer).map(|one| &one.by)
    };
    let against: BTreeSet<&PersonName> = said(Answer::Reject).collect();
    let have: BTreeSet<PersonName> =
        said(Answer::Approve).filter(|by| may.contains(by) && !against.contains(by)).cloned().collect();
    let need = least.saturating_add(run.authors.unknown) as usize;
    (have.len() < need).then(|| Unmet::NotApproved {
        group: group.clone(),
        need,
        could: may.into_iter().filter(|person| !have.contains(*person)).cloned().collect(),
        wrote_it: members.intersection(&run.authors.known).cloned().collect(),
        unknown_authors: run.authors.unknown,
        have,
    })
}

/// What the environment before still lacks.
fn promoted(facts: Facts<'_>, now: Timestamp) -> Vec<Unmet> {
    let Some(promotion) = &facts.rules.promotion else { return Vec::new() };
    let environment = promotion.after.clone();
    let Some((precedent, since)) = facts.precedent.and_then(|found| Some((found, found.succeeded_at?))) else {
        return vec![Unmet::NotSucceededBefore { environment, commit: facts.run.commit.clone() }];
    };
    let mut unmet = Vec::new();
    let until = since.saturating_add(promotion.soak).unwrap_or(Timestamp::MAX);
    match precedent.replaced_at.filter(|at| *at < until) {
        Some(at) => unmet.push(Unmet::ReplacedBefore { environment: environment.clone(), at }),
        None if now < until => unmet.push(Unmet::Soaking { environment: environment.clone(), until }),
        None => {}
    }
    // From when its first cluster had it; one that was raised before and went on then says as much.
    let began = precedent.began_at.unwrap_or(since).min(since);
    let counts =
        |(raised, ended): &(Timestamp, Option<Timestamp>)| *raised < until && ended.is_none_or(|ended| ended >= began);
    for (name, (at, _)) in precedent.alarms.iter().filter(|(_, alarm)| counts(alarm)) {
        unmet.push(Unmet::AlarmDuringSoak { environment: environment.clone(), name: name.clone(), at: *at });
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
