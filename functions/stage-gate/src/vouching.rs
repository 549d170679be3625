//! Evidence by somebody's word, and approvals. What either is worth, the gate says at the moment of a move; here is only taken what
//! could be worth something: for a criterion that there is, from somebody whose word or approval it asks for.

use std::collections::BTreeSet;

use common::{
    domain::{
        cluster::nearest,
        id::{CommitSha, CorrelationId, CriterionKey, GroupName, ItemId, PersonName, StageName, quoted},
        stage::{
            Approval, Criterion, Destination, Dossier, Evidence, Position, Provenance, Source, StagePipeline, Value,
        },
        wip::vet::Misfit,
    },
    fault::Fault,
    ports::{ItemRows, Pause, Sources, WipRows},
};

use crate::{
    service::ItemGates,
    telling,
    writing::{Said, Seen, Written},
};

/// Evidence that somebody gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// For what.
    pub key: CriterionKey,
    /// What they say.
    pub value: Value,
    /// The commit that they speak of; the item as a whole without it.
    pub head: Option<CommitSha>,
}

/// An approval that somebody gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// From which stage.
    pub from: StageName,
    /// To which, or out of the last one.
    pub to: Destination,
    /// The item's commit that they saw.
    pub head: Option<CommitSha>,
    /// The item's version that they saw, when they say it: of another one, with other evidence, nothing is approved.
    pub version: Option<u64>,
}

/// The answer to evidence or an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouched {
    /// It is taken.
    Taken(Box<Dossier>),
    /// It was there already: nothing changed.
    Same(Box<Dossier>),
    /// There is no such item.
    NoItem,
    /// It is not theirs to give; whose it is.
    Forbidden(String),
    /// The item is not where or what they believe it is.
    Otherwise(String),
    /// There is no such thing to give.
    Misfit(Misfit),
}

impl Vouched {
    fn of(written: Written<Self>) -> Self {
        match written {
            Written::Done(after) => Self::Taken(after),
            Written::Not(answer) => answer,
            Written::NoItem => Self::NoItem,
        }
    }
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Takes somebody's word for a criterion, in the place of what was said before.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn attest(
        &self,
        id: &ItemId,
        word: &Word,
        by: &PersonName,
        cause: &CorrelationId,
    ) -> Result<Vouched, Fault> {
        let facts = || {
            let head = word.head.as_ref().map_or("", |head| head.as_str()).to_owned();
            [("by", by.to_string()), ("key", word.key.to_string()), ("value", word.value.found()), ("head", head)]
        };
        self.write(id, cause, |dossier, pipeline, now| {
            let criteria: Vec<&Criterion> = criteria(pipeline).filter(|criterion| criterion.key == word.key).collect();
            if let Some(misfit) = misfit(&word.key, &criteria, pipeline) {
                return Err(Vouched::Misfit(misfit));
            }
            if let Position::Killed { .. } = dossier.item.position {
                return Err(Vouched::Otherwise(format!("{id} has ended: begin a new item")));
            }
            let groups: BTreeSet<&GroupName> = criteria.iter().flat_map(|criterion| &criterion.attested_by).collect();
            if let Some(reason) = self.not_in(&groups, dossier, by, &format!("the word for {}", word.key)) {
                return Err(Vouched::Forbidden(reason));
            }
            let provenance = Provenance::Attestation { by: by.clone() };
            let there = dossier
                .evidence
                .get(&word.key)
                .filter(|there| there.value == word.value && there.provenance == provenance && there.head == word.head);
            // What must be fresh is said again.
            if there.is_some() && criteria.iter().all(|criterion| criterion.fresh_for.is_none()) {
                return Err(Vouched::Same(Box::new(dossier.clone())));
            }
            let evidence = Evidence { value: word.value.clone(), provenance, head: word.head.clone(), at: now };
            let entry = telling::entry(id, "item.attest", facts(), cause, now);
            Ok(Said { after: dossier.clone().with_evidence(word.key.clone(), evidence), entry, events: Vec::new() })
        })
        .await
        .map(Vouched::of)
    }

    /// Takes somebody's approval of an item's next move, as the item is now.
    ///
    /// # Errors
    /// As [`attest`](Self::attest).
    pub async fn approve(
        &self,
        id: &ItemId,
        consent: &Consent,
        by: &PersonName,
        cause: &CorrelationId,
    ) -> Result<Vouched, Fault> {
        let facts = || {
            let head = consent.head.as_ref().map_or("", |head| head.as_str()).to_owned();
            [("by", by.to_string()), ("from", consent.from.to_string()), ("to", consent.to.to_string()), ("head", head)]
        };
        self.write_as(Seen::AtItsHead, id, cause, |dossier, pipeline, now| {
            if let Some(otherwise) = otherwise(dossier, pipeline, consent) {
                return Err(Vouched::Otherwise(otherwise));
            }
            let reviews = pipeline.stage(&consent.from).map(|stage| stage.reviews.as_slice()).unwrap_or_default();
            let groups: BTreeSet<&GroupName> = reviews.iter().map(|review| &review.group).collect();
            let what = format!("an approval of {id} from {} to {}", consent.from, consent.to);
            if let Some(reason) = self.not_in(&groups, dossier, by, &what) {
                return Err(Vouched::Forbidden(reason));
            }
            let same = |other: &Approval| {
                (&other.by, &other.from, &other.to, &other.head) == (by, &consent.from, &consent.to, &consent.head)
                    && other.at >= dossier.item.since
            };
            if dossier.approvals.iter().any(same) {
                return Err(Vouched::Same(Box::new(dossier.clone())));
            }
            // Their own approval raised the version: asking again is answered above.
            if let Some(seen) = consent.version.filter(|seen| *seen != dossier.item.version) {
                let present = dossier.item.version;
                let what =
                    format!("{id} is of version {present} now, and you saw {seen}: look at it again, then approve");
                return Err(Vouched::Otherwise(what));
            }
            let Consent { from, to, head, .. } = consent.clone();
            let approval = Approval { by: by.clone(), from, to, head, at: now };
            let entry = telling::entry(id, "item.approve", facts(), cause, now);
            Ok(Said { after: dossier.clone().with_approval(approval), entry, events: Vec::new() })
        })
        .await
        .map(Vouched::of)
    }

    /// Why somebody may not give something that takes one of these groups.
    fn not_in(&self, groups: &BTreeSet<&GroupName>, dossier: &Dossier, by: &PersonName, what: &str) -> Option<String> {
        let all = self.governance.people.groups_of(&dossier.item, &self.governance.pods);
        let members: BTreeSet<&PersonName> = groups.iter().filter_map(|group| all.get(*group)).flatten().collect();
        if members.contains(by) {
            return None;
        }
        if groups.is_empty() {
            return Some(format!("{what} is asked of nobody"));
        }
        let list = |names: Vec<String>| names.join(", ");
        let groups = list(groups.iter().map(ToString::to_string).collect());
        let who = if members.is_empty() {
            "nobody is in it: an administrator adds somebody".to_owned()
        } else {
            list(members.iter().map(ToString::to_string).collect())
        };
        Some(format!("{what} takes somebody in {groups}, and {by} is not: {who}"))
    }
}

fn criteria(pipeline: &StagePipeline) -> impl Iterator<Item = &Criterion> {
    pipeline.stages.iter().flat_map(|stage| stage.entry.iter().chain(&stage.exit))
}

/// Why nobody's word can be given for a criterion: there is none, or it asks for something else.
fn misfit(key: &CriterionKey, found: &[&Criterion], pipeline: &StagePipeline) -> Option<Misfit> {
    if found.iter().any(|criterion| criterion.sources.contains(&Source::Attestation)) {
        return None;
    }
    let by_word = |criterion: &&Criterion| criterion.sources.contains(&Source::Attestation);
    let expected = match found.first() {
        None => format!("a criterion of the pipeline {} that takes somebody's word", pipeline.name),
        Some(criterion) => {
            let sources: Vec<&str> = criterion.sources.iter().map(|source| source.words()).collect();
            format!("a criterion that takes somebody's word: this one takes {}", sources.join(" or "))
        }
    };
    let nearest = match found.first() {
        None => nearest(key.as_str(), criteria(pipeline).filter(by_word).map(|criterion| criterion.key.as_str())),
        Some(_) => None,
    };
    Some(Misfit { field: "key".to_owned(), found: quoted(key.as_str(), 80), expected, nearest })
}

/// Why an approval would not be one of the item's next move as it is now.
fn otherwise(dossier: &Dossier, pipeline: &StagePipeline, consent: &Consent) -> Option<String> {
    let item = &dossier.item;
    let (id, stage) = (&item.id, item.position.stage());
    match &item.position {
        Position::Killed { .. } => return Some(format!("{id} has ended: begin a new item")),
        Position::Parked { .. } => {
            return Some(format!("{id} is parked, and goes back to {stage} without an approval"));
        }
        Position::Done { .. } => return Some(format!("{id} is done: it goes back to a stage without an approval")),
        Position::Active { .. } => {}
    }
    if consent.from != *stage {
        return Some(format!("{id} is in {stage}, not in {}: look at it again", consent.from));
    }
    match item.next(pipeline) {
        Some(next) if next == consent.to => {}
        Some(next) => return Some(format!("{id} goes from {stage} to {next} next: approve that move")),
        None => return Some(format!("{stage} is not in {} any more: there is nothing to approve", pipeline.name)),
    }
    if consent.head != item.head {
        let words =
            |head: &Option<CommitSha>| head.as_ref().map_or("no commit".to_owned(), |head| head.short().to_owned());
        return Some(format!(
            "{id} is at {}, and the approval is for {}: look at it again",
            words(&item.head),
            words(&consent.head)
        ));
    }
    None
}
