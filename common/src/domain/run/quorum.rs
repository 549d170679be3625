//! Whose approvals are asked for, and whose count: the one rule for everything that people let through, a run or removals, and
//! however they answer.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    approval::{Answer, Authors},
    unmet::Unmet,
};
use crate::domain::id::{GroupName, PersonName};

/// Who is asked about one commit.
#[derive(Debug, Clone, Copy)]
pub struct Quorum<'q> {
    /// How many of each group.
    pub asked: &'q BTreeMap<GroupName, u32>,
    /// Who is in each group. A group that is not there has nobody.
    pub groups: &'q BTreeMap<GroupName, BTreeSet<PersonName>>,
    /// Who wrote the commit: nobody approves what they wrote.
    pub authors: &'q Authors,
}

impl Quorum<'_> {
    fn members(&self, group: &GroupName) -> BTreeSet<PersonName> {
        self.groups.get(group).cloned().unwrap_or_default()
    }

    /// Everybody who is asked.
    pub fn entitled(&self) -> BTreeSet<PersonName> {
        self.asked.keys().flat_map(|group| self.members(group)).collect()
    }

    /// Whether somebody's answer would count: they are in a group that `place` asks, and approve nothing that they wrote.
    ///
    /// # Errors
    /// Why it would not, and whose does.
    pub fn counts(&self, place: &str, by: &PersonName, answer: Answer) -> Result<(), String> {
        if !self.entitled().contains(by) {
            let groups = self.asked.keys().map(|group| {
                let names: Vec<String> = self.members(group).iter().map(ToString::to_string).collect();
                let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
                format!("{group} ({names})")
            });
            let groups: Vec<String> = groups.collect();
            return Err(match groups.as_slice() {
                [] => format!("{place} asks nobody for an approval: environments.yaml says so"),
                groups => format!("{by} is in no group that {place} asks: {}", groups.join(", ")),
            });
        }
        if answer == Answer::Approve && self.authors.known.contains(by) {
            return Err(format!("{by} wrote what it deploys: somebody else who is asked approves it"));
        }
        Ok(())
    }

    /// What the approvals lack, each group for itself. One counts when it is a member's who wrote none of it and does not reject it;
    /// each author whom nobody knows costs one more.
    pub fn lacks(&self, yes: &BTreeSet<&PersonName>, no: &BTreeSet<&PersonName>) -> Vec<Unmet> {
        let lack = |(group, least): (&GroupName, &u32)| {
            let (members, authors) = (self.members(group), self.authors);
            let may: BTreeSet<&PersonName> = members.difference(&authors.known).collect();
            let have: BTreeSet<PersonName> =
                yes.iter().filter(|by| may.contains(*by) && !no.contains(*by)).map(|by| (*by).clone()).collect();
            let need = least.saturating_add(authors.unknown) as usize;
            (have.len() < need).then(|| Unmet::NotApproved {
                group: group.clone(),
                need,
                could: may.into_iter().filter(|person| !have.contains(*person)).cloned().collect(),
                wrote_it: members.intersection(&authors.known).cloned().collect(),
                unknown_authors: authors.unknown,
                have,
            })
        };
        self.asked.iter().filter_map(lack).collect()
    }
}
