//! `repositories.yaml` as a text that people wrote: one entry is put at its end, and every byte before it stays.

use super::{Address, NewEntry};
use crate::domain::{
    cluster::{Finding, Place},
    governance::RepositoryKind,
    id::RepositoryId,
    yaml::{self, Entry, Limits, Node},
};

/// The file's name.
pub const FILE: &str = "repositories.yaml";

/// Where the file lists the repository already: by its id, or by its name or ARN.
///
/// # Errors
/// What is wrong with the file.
pub fn listed(text: &str, entry: &NewEntry) -> Result<Option<String>, Vec<Finding>> {
    let entries = yaml::parse(FILE, text.as_bytes(), &Limits::GOVERNANCE)?;
    for item in list(&entries).and_then(Node::sequence).unwrap_or_default() {
        let value = |key: &str| {
            let found = item.mapping()?.iter().find(|entry| entry.key == key)?;
            let text = found.value.text().map(str::to_owned);
            Some((found.place, text.or_else(|| found.value.int().map(|number| number.to_string()))?))
        };
        let at = |place: Place| format!("{FILE}:{}:{}", place.line, place.column);
        if let Some((place, _)) = value("id").filter(|(_, id)| *id == entry.id.to_string()) {
            return Ok(Some(format!(
                "{}: repository {} is listed already; whatever its name is now, it is the same one. Change that entry",
                at(place),
                entry.id
            )));
        }
        let (key, same) = match &entry.address {
            // GitHub's names differ in more than the case of their letters.
            Address::GitHub(name) => {
                ("name", value("name").filter(|(_, text)| text.eq_ignore_ascii_case(name.as_str())))
            }
            Address::CodeCommit(arn) => ("arn", value("arn").filter(|(_, text)| *text == arn.to_string())),
        };
        if let Some((place, text)) = same {
            return Ok(Some(format!(
                "{}: {key} {text} is listed with another id than {}: that was another repository, or another has that place now. Mend or remove that entry first",
                at(place),
                entry.id
            )));
        }
    }
    Ok(None)
}

/// The file with the entry at the end of its list. What was before it is as it was, byte for byte; of an empty list `[]` only those two
/// brackets go.
///
/// # Errors
/// A sentence that says why the file cannot be added to, and what to do.
pub fn append(text: &str, entry: &NewEntry) -> Result<String, String> {
    let by_hand = |why: &str| format!("{FILE} {why}: write the entry into it by hand");
    let before = yaml::parse(FILE, text.as_bytes(), &Limits::GOVERNANCE).map_err(|_| by_hand("cannot be read"))?;
    let list = list(&before).ok_or_else(|| by_hand("has no list of repositories"))?;
    let items = list.sequence().ok_or_else(|| by_hand("has no list of repositories"))?;
    let (mut result, indent) = if let Some(first) = items.first() {
        let above = before_of(text, first.place).and_then(|head| head.rsplit('\n').next()).unwrap_or_default();
        let indent = above.trim_end().strip_suffix('-').filter(|indent| indent.trim().is_empty());
        let indent = indent.ok_or_else(|| by_hand("does not have its list as one entry below the other"))?;
        (text.to_owned(), indent.to_owned())
    } else {
        let head = before_of(text, list.place).ok_or_else(|| by_hand("cannot be read"))?;
        let rest = text.strip_prefix(head).and_then(|rest| rest.strip_prefix('['));
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(']'));
        let rest = rest.ok_or_else(|| by_hand("does not have its empty list as []"))?;
        (format!("{head}{rest}"), "  ".to_owned())
    };
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !result.ends_with('\n') {
        result.push_str(end);
    }
    for line in entry.lines(&indent) {
        result.push_str(&line);
        result.push_str(end);
    }
    // Whatever else stands in the file: exactly one entry more, and the others as they were.
    let after = yaml::parse(FILE, result.as_bytes(), &Limits::GOVERNANCE).ok();
    let after = after.as_deref().and_then(self::list).and_then(Node::sequence);
    match after.and_then(<[Node]>::split_last) {
        Some((_, others)) if others == items => Ok(result),
        _ => Err(by_hand("ends in something that nothing can be added to")),
    }
}

impl NewEntry {
    /// The entry as lines of YAML, at the place of the others.
    pub fn lines(&self, indent: &str) -> Vec<String> {
        let kind = RepositoryKind::ALL.into_iter().find(|(_, kind)| *kind == self.kind);
        let (key, address) = match &self.address {
            Address::GitHub(name) => ("name", name.to_string()),
            Address::CodeCommit(arn) => ("arn", arn.to_string()),
        };
        let id = match self.id {
            RepositoryId::GitHub(number) => number.to_string(),
            RepositoryId::CodeCommit(id) => scalar(&id.to_string()),
        };
        let fields = [
            Some(("id", id)),
            Some((key, scalar(&address))),
            Some(("pod", scalar(self.pod.as_str()))),
            kind.map(|(word, _)| ("kind", word.to_owned())),
            self.path.as_ref().map(|path| ("path", scalar(path.as_str()))),
            Some(("default_branch", scalar(self.default_branch.as_str()))),
        ];
        let fields = fields.into_iter().flatten().enumerate();
        fields.map(|(at, (key, value))| format!("{indent}{} {key}: {value}", if at == 0 { "-" } else { " " })).collect()
    }
}

/// A text as a YAML scalar that is read as that text, whatever it looks like: `true`, `1e3` and `a #b` are quoted.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(':')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b':'))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && text.len() > 1;
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

fn list(entries: &[Entry]) -> Option<&Node> {
    entries.iter().find(|entry| entry.key == "repositories").map(|entry| &entry.value)
}

/// The text before a place. Columns count characters.
fn before_of(text: &str, place: Place) -> Option<&str> {
    let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let above: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let within = text.get(above..)?.char_indices().nth(column).map(|(at, _)| at)?;
    text.get(..above + within)
}
