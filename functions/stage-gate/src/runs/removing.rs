//! Removals that the provisioner refused, let through by people: see `common::domain::cluster::removals`. The same groups are asked as for
//! runs of the environments concerned, by the same rule, and somebody is always asked.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        cluster::{RefusedRemovals, RemovalApproval},
        id::{CommitSha, CorrelationId, Digest, GroupName, PersonName},
        run::{Answer, Authors, Quorum, Unmet},
    },
    event::Repository,
    fault::Fault,
    ports::{
        Alarms, CertificateRecords, ClusterRecords, CommitAuthors, Forge, Patience, Pause, RemovalRows, RemovalsChange,
        RunGates, RunRows, SaidCommitted,
    },
};
use jiff::Timestamp;

use super::{ClusterGates, telling};

/// Refused removals as they stand now.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where.
    pub repository: Repository,
    /// Which, and what was said of them.
    pub refused: RefusedRemovals,
    /// What is missing.
    pub unmet: Vec<Unmet>,
    /// Until when they may be done; nothing: they may not.
    pub until: Option<Timestamp>,
    /// When that was.
    pub at: Timestamp,
}

impl Asked {
    /// Who approved them, as far as that is good still.
    pub fn approved_by(&self) -> Vec<PersonName> {
        self.refused.standing(self.at).map(|approval| approval.by.clone()).collect()
    }
}

/// What became of an approval.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It counts; this is how they stand now.
    Taken(Box<Asked>),
    /// It is not theirs to give; why.
    Forbidden(String),
    /// They are asked for no more: the branch has another head, or none.
    Moved(Option<CommitSha>),
    /// Nothing of that digest was refused.
    Nothing,
}

/// Whose approval is asked for.
struct Circle {
    asked: BTreeMap<GroupName, u32>,
    groups: BTreeMap<GroupName, BTreeSet<PersonName>>,
    authors: Authors,
    unlisted: Vec<Unmet>,
}

impl Circle {
    fn quorum(&self) -> Quorum<'_> {
        Quorum { asked: &self.asked, groups: &self.groups, authors: &self.authors }
    }

    fn unmet(&self, refused: &RefusedRemovals, now: Timestamp) -> Vec<Unmet> {
        let yes = refused.standing(now).map(|approval| &approval.by).collect();
        let lacks = self.quorum().lacks(&yes, &BTreeSet::new());
        self.unlisted.iter().cloned().chain(lacks).collect()
    }
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: RunRows + CertificateRecords + ClusterRecords + RemovalRows,
    G: RunGates,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Every removal that waits for people, or that they have let through.
    ///
    /// # Errors
    /// Whatever could not be read: part of them is never all.
    pub async fn removals(&self) -> Result<Vec<Asked>, Fault> {
        let mut asked = Vec::new();
        for repository in self.repositories() {
            let kept = self.rows.removals(repository.id).await?;
            let branches: BTreeSet<_> = kept.iter().map(|refused| refused.removals.branch.clone()).collect();
            for branch in branches {
                let head = self.forge.branch_head(&repository, &branch).await?;
                let here = |refused: &&RefusedRemovals| {
                    refused.removals.branch == branch && Some(&refused.removals.head) == head.as_ref()
                };
                for refused in kept.iter().filter(here) {
                    let circle = self.circle(&repository, refused, &kept).await?;
                    asked.push(self.stands(&repository, refused.clone(), &circle));
                }
            }
        }
        Ok(asked)
    }

    /// Takes somebody's approval of exactly these removals.
    ///
    /// Idempotent by (digest, person): while an approval is good the same again is answered the same, and writes nothing.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: the same approval finds it out.
    pub async fn approve_removals(
        &self,
        digest: &Digest,
        reason: Option<&str>,
        by: &PersonName,
        cause: &CorrelationId,
    ) -> Result<Outcome, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Some((repository, refused, kept)) = self.refused(digest).await? else { return Ok(Outcome::Nothing) };
            let head = self.forge.branch_head(&repository, &refused.removals.branch).await?;
            if head.as_ref() != Some(&refused.removals.head) {
                return Ok(Outcome::Moved(head));
            }
            let circle = self.circle(&repository, &refused, &kept).await?;
            let places: Vec<String> = refused.removals.environments().iter().map(ToString::to_string).collect();
            if let Err(why) = circle.quorum().counts(&places.join(" or "), by, Answer::Approve) {
                return Ok(Outcome::Forbidden(why));
            }
            let at = self.now();
            let decided = refused.approved_until(at).is_some() || !circle.unmet(&refused, at).is_empty();
            if decided && refused.standing(at).any(|approval| approval.by == *by) {
                return Ok(Outcome::Taken(Box::new(self.stands(&repository, refused, &circle))));
            }
            let mut after = refused.clone();
            after.approvals.retain(|approval| approval.by != *by);
            after.approvals.push(RemovalApproval { by: by.clone(), at, reason: reason.map(str::to_owned) });
            let open = circle.unmet(&after, at);
            if open.is_empty() && after.approved_until(at).is_none() {
                after.approved_at = Some(at);
            }
            let asked = self.stands(&repository, after.clone(), &circle);
            let news = refused.approved_until(at).is_none() && asked.until.is_some();
            let change = RemovalsChange {
                before: Some(refused),
                entry: telling::removals_answered(&asked, by, reason, news, cause),
                events: if news { vec![telling::removals_approved(&asked, cause)] } else { Vec::new() },
                now: after,
            };
            match self.rows.commit_removals(&change).await? {
                SaidCommitted::Done => return Ok(Outcome::Taken(Box::new(asked))),
                SaidCommitted::Already | SaidCommitted::Conflict => {
                    self.again(&mut patience, "approving removals").await?;
                }
            }
        }
    }

    /// The removals of a digest, where they are, and all others of the repository.
    async fn refused(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Repository, RefusedRemovals, Vec<RefusedRemovals>)>, Fault> {
        for repository in self.repositories() {
            let kept = self.rows.removals(repository.id).await?;
            if let Some(refused) = kept.iter().find(|one| one.removals.digest() == *digest).cloned() {
                return Ok(Some((repository, refused, kept)));
            }
        }
        Ok(None)
    }

    /// Who is asked: the groups of every environment concerned, and one of the approvers where none asks anybody. Who wrote an earlier head
    /// that was refused for some of the same wrote this as well: a commit on top of one's own makes nobody a stranger to it.
    async fn circle(
        &self,
        repository: &Repository,
        refused: &RefusedRemovals,
        kept: &[RefusedRemovals],
    ) -> Result<Circle, Fault> {
        let people = &self.governance.people;
        let (mut asked, mut unlisted): (BTreeMap<GroupName, u32>, _) = (BTreeMap::new(), Vec::new());
        for name in refused.removals.environments() {
            match self.governance.environments.get(name) {
                Some(environment) => {
                    for (group, least) in environment.rules.asked() {
                        let most = asked.entry(group).or_default();
                        *most = least.max(*most);
                    }
                }
                None => unlisted.push(Unmet::NoRules { environment: name.clone() }),
            }
        }
        if asked.is_empty() {
            asked.insert(GroupName::approvers(), 1);
        }
        let groups = asked.keys().map(|group| (group.clone(), people.group(group).cloned().collect())).collect();
        let removals = &refused.removals;
        let mut made = self.forge.authors(repository, &removals.branch, &removals.head).await?;
        let earlier = kept.iter().filter(|one| one.removals.overlap(removals) && one.removals.head != removals.head);
        let earlier: BTreeSet<&CommitSha> = earlier.map(|one| &one.removals.head).collect();
        for head in earlier {
            match self.forge.authors(repository, &removals.branch, head).await {
                Ok(CommitAuthors { accounts, unknown }) => {
                    made.accounts.extend(accounts);
                    made.unknown = made.unknown.max(unknown);
                }
                Err(fault) if fault.is_retry() => return Err(fault),
                // It was pushed away: whoever made it may be anybody.
                Err(_) => made.unknown = made.unknown.max(1),
            }
        }
        let authors = Authors::listed(&made.accounts, made.unknown, people);
        Ok(Circle { asked, groups, authors, unlisted })
    }

    fn stands(&self, repository: &Repository, refused: RefusedRemovals, circle: &Circle) -> Asked {
        let at = self.now();
        let until = refused.approved_until(at);
        let unmet = if until.is_some() { Vec::new() } else { circle.unmet(&refused, at) };
        Asked { repository: repository.clone(), refused, unmet, until, at }
    }
}
