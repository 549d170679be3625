//! Reads the bundle: strict, because a misspelt rule must not become an absent one. Every error names file, line and column.
//!
//! All files must be there and say all they must; `unlisted` has no default, `gate` is on unless it says `false`. A name that one
//! file lists and another uses is checked. Other files of the bundle belong to other readers and are left alone.

use std::collections::{BTreeMap, BTreeSet};

use self::file::{File, Names};
use super::{Governance, Person, Unlisted};
use crate::domain::{
    access::Role,
    cluster::{Finding, Place},
    id::{Digest, StagePipelineName, quoted},
    stage::StagePipeline,
    yaml::{self, Entry, Limits},
};

mod accounts;
mod environments;
mod file;
mod limits;
mod people;
mod repositories;
mod rules;
mod schedules;
mod stages;

#[cfg(test)]
mod tests;

/// The names that files list for one another.
struct Known {
    pods: Names,
    people: Names,
    environments: Names,
    accounts: Names,
}

impl Governance {
    /// Parses a bundle: a JSON object of file name to file text. The digest is of these bytes.
    ///
    /// # Errors
    /// Everything that is wrong in any of the files.
    pub fn parse(bundle: &[u8]) -> Result<Self, Vec<Finding>> {
        let files: BTreeMap<String, String> = serde_json::from_slice(bundle).map_err(|error| {
            let found = quoted(&error.to_string(), 160);
            vec![Finding::error(
                "governance bundle",
                Place::START,
                "bundle",
                found,
                "a JSON object of file names to texts",
            )]
        })?;
        let digest = Digest::of(bundle);
        let mut reader = Reader { files, findings: Vec::new() };
        let groups = reader.listed("people.yaml", "groups");
        let environments =
            reader.read("environments.yaml", |file, entries| environments::environments(file, entries, &groups));
        let accounts = reader.read("accounts.yaml", accounts::accounts);
        let listed = |unlisted: Unlisted, names: Vec<String>| {
            (unlisted == Unlisted::Refuse).then(|| names.into_iter().collect())
        };
        let known = Known {
            pods: reader.names("pods.yaml", "pods"),
            people: reader.names("people.yaml", "people"),
            environments: environments.as_ref().and_then(|environments| {
                listed(environments.unlisted, environments.listed.keys().map(ToString::to_string).collect())
            }),
            accounts: accounts.as_ref().and_then(|accounts| {
                listed(accounts.unlisted, accounts.listed.keys().map(ToString::to_string).collect())
            }),
        };
        let repositories =
            reader.read("repositories.yaml", |file, entries| repositories::repositories(file, entries, &known.pods));
        let people = reader.read("people.yaml", |file, entries| people::people(file, entries, &known.pods));
        let pods = reader.read("pods.yaml", |file, entries| people::pods(file, entries, &known.people));
        let limits = reader.read("limits.yaml", |file, entries| limits::limits(file, entries, digest.clone(), &known));
        let schedules =
            reader.read("schedules.yaml", |file, entries| schedules::schedules(file, entries, &known, &groups));
        let stages = reader.stages(&groups);
        let files = (environments, accounts, repositories, people, pods, limits, schedules, reader.findings.is_empty());
        match files {
            (
                Some(environments),
                Some(accounts),
                Some(repositories),
                Some(people),
                Some(pods),
                Some(limits),
                Some(schedules),
                true,
            ) => {
                let whole =
                    Self { digest, environments, accounts, repositories, people, pods, limits, schedules, stages };
                let mute = mute(&whole);
                if mute.is_empty() { Ok(whole) } else { Err(mute) }
            }
            _ => Err(reader.findings),
        }
    }
}

/// People whose approval a review waits for, because it asks everybody in their group, and who have no role that may give one: it would wait for ever.
fn mute(governance: &Governance) -> Vec<Finding> {
    if governance.people.roles_from_token {
        return Vec::new();
    }
    let stages = governance.stages.values().flat_map(|pipeline| &pipeline.stages);
    let everybody: BTreeSet<_> = stages
        .flat_map(|stage| &stage.reviews)
        .filter(|review| review.at_least.is_none())
        .map(|review| &review.group)
        .collect();
    let mut findings = Vec::new();
    for group in everybody {
        for name in governance.people.group(group) {
            let may = |person: &Person| person.roles.iter().any(|role| *role >= Role::Member);
            if governance.people.listed.get(name).is_some_and(may) {
                continue;
            }
            let found = format!("no role with which {name} could approve");
            let expected = format!("member, approver or admin: a review in stages/ asks everybody in {group}");
            let finding = Finding::error("people.yaml", Place::START, "value", found, &expected);
            findings.push(finding.key(format!("people.{name}.roles")));
        }
    }
    findings
}

/// The files, and what was found in those that were read.
struct Reader {
    files: BTreeMap<String, String>,
    findings: Vec<Finding>,
}

impl Reader {
    /// Every stage pipeline: there may be any number.
    fn stages(&mut self, groups: &Names) -> BTreeMap<StagePipelineName, StagePipeline> {
        let mut pipelines = BTreeMap::new();
        let names: Vec<String> = self.files.keys().filter(|name| name.starts_with("stages/")).cloned().collect();
        for file in names {
            match stages::name_of(&file) {
                Some(Ok(name)) => {
                    let read =
                        |file: &mut File, entries: &[Entry]| stages::pipeline(file, entries, name.clone(), groups);
                    pipelines.extend(self.read(&file, read).map(|pipeline| (name.clone(), pipeline)));
                }
                Some(Err(finding)) => self.findings.push(finding),
                None => {}
            }
        }
        pipelines
    }

    fn read<T>(&mut self, name: &str, read: impl Fn(&mut File, &[Entry]) -> Option<T>) -> Option<T> {
        let Some(text) = self.files.get(name) else {
            let finding = Finding::error(name, Place::START, "missing-file", "no such file in the bundle", "the file");
            self.findings.push(finding);
            return None;
        };
        match yaml::parse(name, text.as_bytes(), &Limits::GOVERNANCE) {
            Err(errors) => {
                self.findings.extend(errors);
                None
            }
            Ok(entries) => {
                let mut file = File { name: name.to_owned(), findings: Vec::new() };
                let value = read(&mut file, &entries);
                self.findings.extend(file.findings);
                value
            }
        }
    }

    /// The texts in one list of a file, before it is read.
    fn listed(&self, name: &str, key: &str) -> Names {
        let entries = yaml::parse(name, self.files.get(name)?.as_bytes(), &Limits::GOVERNANCE).ok()?;
        let Some(list) = entries.iter().find(|entry| entry.key == key) else { return Some(Default::default()) };
        Some(list.value.sequence()?.iter().filter_map(|item| item.text().map(str::to_owned)).collect())
    }

    /// The keys below one key of a file, before it is read. A file that cannot be parsed lists nothing, and says so when it is read.
    fn names(&self, name: &str, key: &str) -> Names {
        let entries = yaml::parse(name, self.files.get(name)?.as_bytes(), &Limits::GOVERNANCE).ok()?;
        let listed = entries.iter().find(|entry| entry.key == key)?.value.mapping()?;
        Some(listed.iter().map(|entry| entry.key.clone()).collect())
    }
}
