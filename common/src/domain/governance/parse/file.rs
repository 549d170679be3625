//! One file while it is read: what was found in it, and the questions that every file asks of its nodes.

use std::{collections::BTreeSet, fmt::Display, ops::RangeInclusive, str::FromStr};

use crate::domain::{
    cluster::{Finding, Place},
    governance::Unlisted,
    id::{AccountId, IdError, quoted},
    yaml::{Entry, Node},
};

/// The names that another file lists. Nothing when that file could not be read, which is a finding already, or admits any name.
pub(super) type Names = Option<BTreeSet<String>>;

pub(super) struct File {
    pub(super) name: String,
    pub(super) findings: Vec<Finding>,
}

impl File {
    pub(super) fn find(&mut self, place: Place, rule: &str, key: &str, found: String, expected: &str) {
        self.findings.push(Finding::error(&self.name, place, rule, found, expected).key(key));
    }

    /// Refuses every key but these; answers them in this order.
    pub(super) fn keys<'e, const N: usize>(&mut self, entries: &'e [Entry], known: [&str; N]) -> [Option<&'e Node>; N] {
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let found = format!("the key {}", quoted(&entry.key, 80));
            let expected = format!("one of {}", known.join(", "));
            let finding = Finding::error(&self.name, entry.place, "unknown-key", found, expected);
            self.findings.push(finding.nearest(&entry.key, known));
        }
        known.map(|name| entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value))
    }

    pub(super) fn required<'e>(
        &mut self,
        node: Option<&'e Node>,
        place: Place,
        key: &str,
        expected: &str,
    ) -> Option<&'e Node> {
        if node.is_none() {
            self.find(place, "missing-key", key, "nothing".to_owned(), expected);
        }
        node
    }

    pub(super) fn parsed<T: FromStr<Err = IdError>>(&mut self, node: &Node, key: &str) -> Option<T> {
        let error = match node.text().map(str::parse) {
            Some(Ok(value)) => return Some(value),
            Some(Err(error)) => Some(error),
            None => "".parse::<T>().err(),
        };
        let expected = error.map_or("text", |error| error.expected);
        self.find(node.place, "value", key, node.found(), expected);
        None
    }

    /// A key that is an id.
    pub(super) fn parsed_key<T: FromStr<Err = IdError>>(&mut self, entry: &Entry, key: &str) -> Option<T> {
        let parsed = entry.key.parse();
        if let Err(IdError { expected, .. }) = &parsed {
            self.find(entry.place, "value", key, quoted(&entry.key, 80), expected);
        }
        parsed.ok()
    }

    pub(super) fn mapping<'e>(&mut self, node: &'e Node, key: &str) -> Option<&'e [Entry]> {
        if node.mapping().is_none() {
            self.find(node.place, "value", key, node.found(), "a mapping");
        }
        node.mapping()
    }

    pub(super) fn bool(&mut self, node: &Node, key: &str) -> Option<bool> {
        if node.bool().is_none() {
            self.find(node.place, "value", key, node.found(), "true or false");
        }
        node.bool()
    }

    /// A whole number within these bounds.
    pub(super) fn number(&mut self, node: &Node, key: &str, bounds: RangeInclusive<u32>) -> Option<u32> {
        let number = node.int().and_then(|number| u32::try_from(number).ok()).filter(|number| bounds.contains(number));
        if number.is_none() {
            let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
            self.find(node.place, "value", key, node.found(), &expected);
        }
        number
    }

    /// One of a few words.
    pub(super) fn word<T: Copy, const N: usize>(&mut self, node: &Node, key: &str, words: [(&str, T); N]) -> Option<T> {
        let text = node.text().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names = words.map(|(word, _)| word);
            let expected = match names.split_last() {
                Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                _ => names.concat(),
            };
            let finding = Finding::error(&self.name, node.place, "value", node.found(), expected).key(key);
            self.findings.push(finding.nearest(text, names));
        }
        found
    }

    /// A list in which nothing stands twice. After a finding it is what was good in it: the whole file is refused then.
    pub(super) fn set<T: Ord>(
        &mut self,
        node: &Node,
        key: &str,
        expected: &str,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> BTreeSet<T> {
        let mut set = BTreeSet::new();
        let Some(items) = node.sequence() else {
            self.find(node.place, "value", key, node.found(), expected);
            return set;
        };
        for item in items {
            let Some(value) = read(self, item) else { continue };
            if !set.insert(value) {
                self.find(item.place, "duplicate", key, format!("{} a second time", item.found()), "each once");
            }
        }
        set
    }

    pub(super) fn accounts(&mut self, node: &Node, key: &str) -> BTreeSet<AccountId> {
        self.set(node, key, "a list of account ids, in quotes", |file, item| file.parsed(item, key))
    }

    /// Refuses a name that the file which lists its kind does not list. `kind`: `a pod of pods.yaml`.
    pub(super) fn known(&mut self, place: Place, key: &str, name: &str, kind: &str, names: &Names) {
        let Some(names) = names else { return };
        if !names.contains(name) {
            let finding = Finding::error(&self.name, place, "unknown-name", quoted(name, 80), kind).key(key);
            self.findings.push(finding.nearest(name, names.iter().map(String::as_str)));
        }
    }

    /// A name that another file lists.
    pub(super) fn listed<T>(&mut self, node: &Node, key: &str, kind: &str, names: &Names) -> Option<T>
    where
        T: FromStr<Err = IdError> + Display,
    {
        let name: T = self.parsed(node, key)?;
        self.known(node.place, key, &name.to_string(), kind, names);
        Some(name)
    }

    pub(super) fn unlisted(&mut self, node: Option<&Node>) -> Option<Unlisted> {
        let node = self.required(node, Place::START, "unlisted", "refuse or admit: there is no default")?;
        self.word(node, "unlisted", [("refuse", Unlisted::Refuse), ("admit", Unlisted::Admit)])
    }
}
