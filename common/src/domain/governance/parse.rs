//! Reads the bundle: strict, because a misspelt rule must not become an absent one. Every error names file, line and column.
//!
//! All three files must be there and say all they must; `unlisted` has no default, `gate` is on unless it says `false`. Other files
//! of the bundle belong to other readers and are left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use super::{Accounts, Environment, Environments, Governance, Repositories, RepositoryEntry, RepositoryKind, Unlisted};
use crate::domain::{
    cluster::{Finding, Place},
    id::{AccountId, Digest, IdError, RepositoryId, quoted},
    yaml::{self, Entry, Limits, Node},
};

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
        let mut findings = Vec::new();
        let environments = part(&files, "environments.yaml", &mut findings, environments);
        let accounts = part(&files, "accounts.yaml", &mut findings, accounts);
        let repositories = part(&files, "repositories.yaml", &mut findings, repositories);
        match (environments, accounts, repositories, findings.is_empty()) {
            (Some(environments), Some(accounts), Some(repositories), true) => {
                Ok(Self { digest: Digest::of(bundle), environments, accounts, repositories })
            }
            _ => Err(findings),
        }
    }
}

fn part<T>(
    files: &BTreeMap<String, String>,
    name: &'static str,
    findings: &mut Vec<Finding>,
    read: impl Fn(&mut File, &[Entry]) -> Option<T>,
) -> Option<T> {
    let Some(text) = files.get(name) else {
        findings.push(Finding::error(name, Place::START, "missing-file", "no such file in the bundle", "the file"));
        return None;
    };
    match yaml::parse(name, text.as_bytes(), &Limits::GOVERNANCE) {
        Err(errors) => {
            findings.extend(errors);
            None
        }
        Ok(entries) => {
            let mut file = File { name, findings: Vec::new() };
            let value = read(&mut file, &entries);
            findings.extend(file.findings);
            value
        }
    }
}

struct File {
    name: &'static str,
    findings: Vec<Finding>,
}

impl File {
    fn find(&mut self, place: Place, rule: &str, key: &str, found: String, expected: &str) {
        self.findings.push(Finding::error(self.name, place, rule, found, expected).key(key));
    }

    /// Refuses every key but these; answers them in this order.
    fn keys<'e, const N: usize>(&mut self, entries: &'e [Entry], known: [&str; N]) -> [Option<&'e Node>; N] {
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let found = format!("the key {}", quoted(&entry.key, 80));
            let expected = format!("one of {}", known.join(", "));
            let finding = Finding::error(self.name, entry.place, "unknown-key", found, expected);
            self.findings.push(finding.nearest(&entry.key, known));
        }
        known.map(|name| entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value))
    }

    fn required<'e>(&mut self, node: Option<&'e Node>, place: Place, key: &str, expected: &str) -> Option<&'e Node> {
        if node.is_none() {
            self.find(place, "missing-key", key, "nothing".to_owned(), expected);
        }
        node
    }

    fn parsed<T: FromStr<Err = IdError>>(&mut self, node: &Node, key: &str) -> Option<T> {
        let error = match node.text().map(str::parse) {
            Some(Ok(value)) => return Some(value),
            Some(Err(error)) => Some(error),
            None => "".parse::<T>().err(),
        };
        let expected = error.map_or("text", |error| error.expected);
        self.find(node.place, "value", key, node.found(), expected);
        None
    }

    fn mapping<'e>(&mut self, node: &'e Node, key: &str) -> Option<&'e [Entry]> {
        if node.mapping().is_none() {
            self.find(node.place, "value", key, node.found(), "a mapping");
        }
        node.mapping()
    }

    /// A list of account ids. After a finding it is what was good in it: the whole file is refused then.
    fn accounts(&mut self, node: &Node, key: &str) -> BTreeSet<AccountId> {
        let Some(items) = node.sequence() else {
            self.find(node.place, "value", key, node.found(), "a list of account ids, in quotes");
            return BTreeSet::new();
        };
        items.iter().filter_map(|item| self.parsed(item, key)).collect()
    }

    fn unlisted(&mut self, node: Option<&Node>) -> Option<Unlisted> {
        let node = self.required(node, Place::START, "unlisted", "refuse or admit: there is no default")?;
        match node.text() {
            Some("refuse") => Some(Unlisted::Refuse),
            Some("admit") => Some(Unlisted::Admit),
            other => {
                let finding =
                    Finding::error(self.name, node.place, "value", node.found(), "refuse or admit").key("unlisted");
                self.findings.push(finding.nearest(other.unwrap_or_default(), ["refuse", "admit"]));
                None
            }
        }
    }
}

fn environments(file: &mut File, entries: &[Entry]) -> Option<Environments> {
    let [environments, unlisted] = file.keys(entries, ["environments", "unlisted"]);
    let unlisted = file.unlisted(unlisted);
    let environments = file.required(environments, Place::START, "environments", "a mapping of environments")?;
    let mut listed = BTreeMap::new();
    for entry in file.mapping(environments, "environments")? {
        let key = format!("environments.{}", entry.key);
        let Ok(name) = entry.key.parse() else {
            let expected = "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit";
            file.find(entry.place, "value", "environments", quoted(&entry.key, 80), expected);
            continue;
        };
        let Some(rules) = file.mapping(&entry.value, &key) else { continue };
        let [branch, gate, accounts] = file.keys(rules, ["branch", "gate", "accounts"]);
        let branch = branch.and_then(|node| file.parsed(node, &format!("{key}.branch")));
        let gate = match gate.map(|node| (node, node.bool())) {
            None => true,
            Some((_, Some(gate))) => gate,
            Some((node, None)) => {
                file.find(node.place, "value", &format!("{key}.gate"), node.found(), "true or false");
                true
            }
        };
        let accounts = accounts.map(|node| file.accounts(node, &format!("{key}.accounts")));
        listed.insert(name, Environment { branch, gate, accounts });
    }
    Some(Environments { listed, unlisted: unlisted? })
}

fn accounts(file: &mut File, entries: &[Entry]) -> Option<Accounts> {
    let [accounts, unlisted] = file.keys(entries, ["accounts", "unlisted"]);
    let unlisted = file.unlisted(unlisted);
    let accounts =
        file.required(accounts, Place::START, "accounts", "a mapping of account ids, in quotes, to names")?;
    let mut listed = BTreeMap::new();
    for entry in file.mapping(accounts, "accounts")? {
        match (entry.key.parse(), entry.value.text()) {
            (Ok(id), Some(name)) => drop(listed.insert(id, name.to_owned())),
            (Err(_), _) => file.find(entry.place, "value", "accounts", quoted(&entry.key, 80), "12 digits, in quotes"),
            (Ok(_), None) => {
                file.find(entry.value.place, "value", "accounts", entry.value.found(), "a name for people, as text");
            }
        }
    }
    Some(Accounts { listed, unlisted: unlisted? })
}

fn repositories(file: &mut File, entries: &[Entry]) -> Option<Repositories> {
    let [repositories] = file.keys(entries, ["repositories"]);
    let list = file.required(repositories, Place::START, "repositories", "a list of repositories")?;
    let Some(items) = list.sequence() else {
        file.find(list.place, "value", "repositories", list.found(), "a list of repositories");
        return None;
    };
    let mut listed = BTreeMap::new();
    for item in items {
        let Some((id, entry)) = repository(file, item) else { continue };
        if listed.insert(id, entry).is_some() {
            file.find(item.place, "duplicate", "id", format!("repository {id} a second time"), "each repository once");
        }
    }
    Some(Repositories { listed })
}

fn repository(file: &mut File, item: &Node) -> Option<(RepositoryId, RepositoryEntry)> {
    let entries = file.mapping(item, "repositories")?;
    let [id, name, kind, default_branch] = file.keys(entries, ["id", "name", "kind", "default_branch"]);
    let id = file.required(id, item.place, "id", "the source host's number of the repository").and_then(|node| {
        let number = node.int().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
        if number.is_none() {
            file.find(node.place, "value", "id", node.found(), "the source host's number of the repository");
        }
        number
    });
    let name = file.required(name, item.place, "name", "owner/name").and_then(|node| file.parsed(node, "name"));
    let default_branch = file
        .required(default_branch, item.place, "default_branch", "a branch")
        .and_then(|node| file.parsed(node, "default_branch"));
    let kind = file.required(kind, item.place, "kind", "cluster").and_then(|node| match node.text() {
        Some("cluster") => Some(RepositoryKind::Cluster),
        _ => {
            file.find(node.place, "value", "kind", node.found(), "cluster");
            None
        }
    });
    Some((RepositoryId(id?), RepositoryEntry { name: name?, kind: kind?, default_branch: default_branch? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 3] = [
        (
            "environments.yaml",
            "environments: {a: {branch: release/a, accounts: [\"000000000012\"]}, b: {gate: false}}\nunlisted: refuse\n",
        ),
        ("accounts.yaml", "accounts: {\"000000000012\": one}\nunlisted: admit\n"),
        ("repositories.yaml", "repositories: [{id: 42, name: o/r, kind: cluster, default_branch: main}]\n"),
    ];

    fn parse(changed: &[(&str, &str)]) -> Result<Governance, String> {
        let files: BTreeMap<&str, &str> = GOOD.into_iter().chain(changed.iter().copied()).collect();
        Governance::parse(&serde_json::to_vec(&files).unwrap())
            .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_good_bundle_is_read_and_the_gate_is_on_unless_switched_off() {
        let governance = parse(&[("limits.yaml", "not ours: [")]).unwrap();
        let environments = &governance.environments;
        let gate = |name: &str| environments.get(&name.parse().unwrap()).map(|environment| environment.gate);
        assert_eq!((gate("a"), gate("b"), gate("c")), (Some(true), Some(false), None));
        assert_eq!(environments.listed[&"a".parse().unwrap()].branch.as_ref().unwrap().as_str(), "release/a");
        assert_eq!(governance.accounts.unlisted, Unlisted::Admit);
        let accounts = |name: &str| environments.listed[&name.parse().unwrap()].accounts.clone();
        assert_eq!((accounts("a").map(|accounts| accounts.len()), accounts("b")), (Some(1), None));
        assert_eq!(governance.repositories.listed[&RepositoryId(42)].name.as_str(), "o/r");
    }

    #[test]
    fn an_environment_s_accounts_are_ids_in_a_list() {
        for (accounts, expected) in [
            ("\"000000000012\"", "a list of account ids, in quotes"),
            ("[12]", "12 digits, in quotes"),
            ("[one]", "12 digits, in quotes"),
            ("{}", "a list of account ids, in quotes"),
        ] {
            let file = format!("environments:\n  a:\n    accounts: {accounts}\nunlisted: refuse\n");
            let found = parse(&[("environments.yaml", &file)]).unwrap_err();
            assert!(found.starts_with("environments.yaml:3:") && found.ends_with(expected), "{found}");
        }
    }

    #[test]
    fn every_error_names_file_line_and_column() {
        let bad = parse(&[
            (
                "environments.yaml",
                "environments:\n  Prod: {}\n  a: {gate: no, brunch: main}\n  b: {branch: 'a..b'}\nunlistet: refuse\n",
            ),
            ("accounts.yaml", "accounts:\n  123456789012: one\n  \"12\": two\nunlisted: admitt\n"),
            ("repositories.yaml", "repositories:\n  - {id: \"42\", name: or, kind: clustre}\n"),
        ]);
        insta::assert_snapshot!(bad.unwrap_err(), @r#"
        environments.yaml:5:1: error: found the key "unlistet", expected one of environments, unlisted; did you mean unlisted?
        environments.yaml:1:1: error: unlisted: found nothing, expected refuse or admit: there is no default
        environments.yaml:2:3: error: environments: found "Prod", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
        environments.yaml:3:17: error: found the key "brunch", expected one of branch, gate, accounts; did you mean branch?
        environments.yaml:3:13: error: environments.a.gate: found "no" without quotes, which YAML may not read as text, expected true or false
        environments.yaml:4:15: error: environments.b.branch: found "a..b", expected a git branch name of printable ASCII
        accounts.yaml:2:3: error: found 123456789012 (a number, not in quotes), expected a key that is text
        repositories.yaml:2:10: error: id: found "42", expected the source host's number of the repository
        repositories.yaml:2:22: error: name: found "or", expected owner/name of letters, digits, '.', '_' and '-'
        repositories.yaml:2:5: error: default_branch: found nothing, expected a branch
        repositories.yaml:2:32: error: kind: found "clustre", expected cluster
        "#);
    }

    #[test]
    fn a_bundle_without_a_file_or_with_a_repository_twice_is_refused() {
        let twice = "repositories:\n  - &a {id: 1, name: o/r, kind: cluster, default_branch: main}\n";
        assert!(parse(&[("repositories.yaml", twice)]).unwrap_err().contains("anchor"));
        let twice = "repositories:\n- {id: 1, name: o/r, kind: cluster, default_branch: main}\n- {id: 1, name: o/s, kind: cluster, default_branch: main}\n";
        assert!(
            parse(&[("repositories.yaml", twice)])
                .unwrap_err()
                .starts_with("repositories.yaml:3:3: error: id: found repository 1 a second time")
        );
        let missing = Governance::parse(b"{}").unwrap_err();
        assert_eq!(missing.len(), 3);
        assert!(
            Governance::parse(b"[]").unwrap_err()[0].to_string().starts_with("\"governance bundle\":1:1: error: found")
        );
    }
}
