//! YAML as a tree whose every node knows its place and how it was written.
//!
//! A deserialiser hides what matters here: whether `001234567012` was quoted, which of two equal keys came second, on which line.
//! So this reads the events of a parser library and keeps the style of each scalar. It accepts a small, unambiguous part of YAML:
//! one document, no anchors, aliases, tags, merge keys or directives, no duplicate keys, keys that are text. Plain scalars that
//! YAML 1.1 and 1.2 type differently (`no`, `010`, `2024-01-01`) are marked [`ScalarKind::Ambiguous`]: whoever wants text asks for quotes.
//!
//! Bounds are checked while reading, before anything is built: bytes, depth, nodes. No input makes it panic.

use std::collections::BTreeSet;

use granit_parser::{Event, Marker, Parser, ScalarStyle};

use crate::domain::{
    cluster::{Finding, Place},
    id::quoted,
};

/// What a text may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Nodes, keys included.
    pub nodes: usize,
    /// Levels of nesting.
    pub depth: usize,
}

impl Limits {
    /// For a cluster file.
    pub const CLUSTER: Self = Self { bytes: 64 * 1024, nodes: 5_000, depth: 16 };
    /// For a file of the control plane's own configuration.
    pub const GOVERNANCE: Self = Self { bytes: 1024 * 1024, nodes: 100_000, depth: 16 };
}

/// A value and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where.
    pub place: Place,
    /// What.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the text.
    Mapping(Vec<Entry>),
}

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Its text, escapes resolved.
    pub text: String,
    /// What YAML makes of it.
    pub kind: ScalarKind,
}

/// What YAML makes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    /// Quoted, or plain and text by every version of YAML.
    Text,
    /// A plain whole number without leading zeros.
    Int,
    /// A plain number with a fraction or exponent.
    Float,
    /// Plain `true` or `false`.
    Bool,
    /// Nothing, `~` or `null`.
    Null,
    /// Plain, and typed differently by different versions of YAML: `no`, `010`, `0x1f`, `2024-01-01`.
    Ambiguous,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What this is, for a sentence: `"text"`, `12 (a number)`, `a list`.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(Scalar { text, kind }) => match kind {
                ScalarKind::Text => quoted(text, 80),
                ScalarKind::Int | ScalarKind::Float => {
                    // Digits, signs and dots: nothing to escape, and quotes would show what is missing.
                    format!("{} (a number, not in quotes)", text.chars().take(80).collect::<String>())
                }
                ScalarKind::Bool => format!("{text} (true or false, not text)"),
                ScalarKind::Null => "nothing".to_owned(),
                ScalarKind::Ambiguous => {
                    format!("{} without quotes, which YAML may not read as text", quoted(text, 80))
                }
            },
        }
    }

    /// The text, when it is one and can be nothing else.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Text }) => Some(text),
            _ => None,
        }
    }

    /// The truth value, when it is one.
    pub fn bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Bool }) => Some(text.eq_ignore_ascii_case("true")),
            _ => None,
        }
    }

    /// The whole number, when it is one.
    pub fn int(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Int }) => text.parse().ok(),
            _ => None,
        }
    }

    /// The entries, when it is a mapping.
    pub fn mapping(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, when it is a sequence.
    pub fn sequence(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }
}

/// Reads a text whose top is a mapping.
///
/// # Errors
/// Everything that is wrong with its form; a syntax error or a broken bound ends the reading, other findings are collected.
pub fn parse(path: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Entry>, Vec<Finding>> {
    let error = |place, rule: &str, found: String, expected: &str| Finding::error(path, place, rule, found, expected);
    if bytes.len() > limits.bytes {
        let expected = format!("at most {} bytes", limits.bytes);
        return Err(vec![error(Place::START, "size", format!("{} bytes", bytes.len()), &expected)]);
    }
    let text = std::str::from_utf8(bytes).map_err(|not_utf8| {
        let place = place_after(bytes.get(..not_utf8.valid_up_to()).unwrap_or_default());
        vec![error(place, "encoding", "bytes that are not UTF-8".to_owned(), "UTF-8 text")]
    })?;
    let mut tree = Tree { path, limits, open: Vec::new(), root: None, nodes: 0, documents: 0, findings: Vec::new() };
    let options = granit_parser::options! { disallow_directives: true, emit_comments: false };
    for event in Parser::new_from_str_with_options(text, options) {
        let done = match event {
            Ok((event, span)) => tree.event(event, place(span.start)),
            Err(syntax) => {
                let found = quoted(&syntax.info(), 160);
                tree.findings.push(error(place(*syntax.marker()), "yaml", found, "YAML that can be read"));
                true
            }
        };
        if done {
            break;
        }
    }
    match (tree.root, tree.findings.is_empty()) {
        (Some(Node { value: Value::Mapping(entries), .. }), true) => Ok(entries),
        (_, false) => Err(tree.findings),
        (Some(node), true) => Err(vec![error(node.place, "yaml", node.found(), "a mapping of keys to values")]),
        (None, true) => {
            Err(vec![error(Place::START, "yaml", "an empty file".to_owned(), "a mapping of keys to values")])
        }
    }
}

fn place(marker: Marker) -> Place {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(marker.line()).max(1), column: number(marker.col()).saturating_add(1) }
}

fn place_after(valid: &[u8]) -> Place {
    let text = String::from_utf8_lossy(valid);
    let last = text.rsplit('\n').next().unwrap_or_default();
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(text.matches('\n').count() + 1), column: number(last.chars().count() + 1) }
}

/// A collection that is not closed yet.
struct Open {
    place: Place,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, seen: BTreeSet<String>, key: Option<(String, Place)> },
}

struct Tree<'a> {
    path: &'a str,
    limits: &'a Limits,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    findings: Vec<Finding>,
}

/// More findings than this in one file help nobody.
const MAX_FINDINGS: usize = 50;

impl Tree<'_> {
    /// Takes one event; answers whether reading is over.
    fn event(&mut self, event: Event<'_>, place: Place) -> bool {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.find(place, "documents", "a second document", "one document in a file");
                    return true;
                }
            }
            Event::Alias(_) => {
                self.find(place, "alias", "an alias (*name)", "the value itself: aliases are not read");
                self.value(place, Value::Scalar(Scalar { text: String::new(), kind: ScalarKind::Text }));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.properties(place, anchor, tag.is_some());
                let kind = if style == ScalarStyle::Plain { plain(&text) } else { ScalarKind::Text };
                self.value(place, Value::Scalar(Scalar { text: text.into_owned(), kind }));
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.properties(place, anchor, tag.is_some());
                self.open.push(Open { place, kind: OpenKind::Sequence(Vec::new()) });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.properties(place, anchor, tag.is_some());
                let kind = OpenKind::Mapping { entries: Vec::new(), seen: BTreeSet::new(), key: None };
                self.open.push(Open { place, kind });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => {}
        }
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            let expected = format!("at most {} values", self.limits.nodes);
            self.find(place, "size", "more values than a file may have", &expected);
            return true;
        }
        if self.open.len() > self.limits.depth {
            let expected = format!("at most {} levels", self.limits.depth);
            self.find(place, "depth", "values nested too deeply", &expected);
            return true;
        }
        self.findings.len() >= MAX_FINDINGS
    }

    fn find(&mut self, place: Place, rule: &str, found: &str, expected: &str) {
        self.findings.push(Finding::error(self.path, place, rule, found, expected));
    }

    fn properties(&mut self, place: Place, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.find(place, "anchor", "an anchor (&name)", "the value alone: anchors are not read");
        }
        if tagged {
            self.find(place, "tag", "a tag (!type)", "the value alone: tags are not read");
        }
    }

    fn close(&mut self) {
        let Some(Open { place, kind }) = self.open.pop() else { return };
        let value = match kind {
            OpenKind::Sequence(items) => Value::Sequence(items),
            OpenKind::Mapping { entries, .. } => Value::Mapping(entries),
        };
        self.value(place, value);
    }

    fn value(&mut self, place: Place, value: Value) {
        let node = Node { place, value };
        let mut problem = None;
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::Sequence(items)) => items.push(node),
            Some(OpenKind::Mapping { entries, seen, key }) => match key.take() {
                Some((key, place)) => entries.push(Entry { key, place, value: node }),
                None => {
                    let text = match &node.value {
                        Value::Scalar(Scalar { text, .. }) => text.clone(),
                        Value::Sequence(_) | Value::Mapping(_) => String::new(),
                    };
                    if text == "<<" {
                        problem =
                            Some(("merge", "a merge key (<<)".to_owned(), "the keys themselves: merges are not read"));
                    } else if node.text().is_none() {
                        problem = Some(("key", node.found(), "a key that is text"));
                    } else if !seen.insert(text.clone()) {
                        problem =
                            Some(("duplicate-key", format!("{} a second time", quoted(&text, 80)), "each key once"));
                    }
                    *key = Some((text, place));
                }
            },
        }
        if let Some((rule, found, expected)) = problem {
            self.find(place, rule, &found, expected);
        }
    }
}

/// What every version of YAML makes of a plain scalar, or that they differ.
fn plain(text: &str) -> ScalarKind {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return ScalarKind::Null;
    }
    if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
        return ScalarKind::Bool;
    }
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "yes" | "no" | "on" | "off" | "y" | "n" | ".nan" | ".inf" | "+.inf" | "-.inf" | "=") {
        return ScalarKind::Ambiguous;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if digits(unsigned) {
        let leading_zero = unsigned.len() > 1 && unsigned.starts_with('0');
        return if leading_zero { ScalarKind::Ambiguous } else { ScalarKind::Int };
    }
    let numeric = text.bytes().any(|byte| byte.is_ascii_digit());
    let first = unsigned.trim_start_matches(['+', '.']);
    if !numeric || !first.starts_with(|character: char| character.is_ascii_digit()) {
        return ScalarKind::Text;
    }
    if let Ok(number) = text.parse::<f64>()
        && number.is_finite()
        && !text.starts_with('+')
    {
        return ScalarKind::Float;
    }
    // 0x1f, 0o17, 0b1, 1_000, 1:30, 2024-01-01, +1: a number or a date to some version of YAML.
    let radix = ["0x", "0o", "0b"].iter().any(|prefix| lower.starts_with(prefix))
        && lower.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit() || byte == b'_');
    let date_like = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b':' | b'-' | b'+' | b'.'))
        || (text.len() >= 10
            && text.bytes().take(10).enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            }));
    if radix || date_like { ScalarKind::Ambiguous } else { ScalarKind::Text }
}

#[cfg(test)]
mod tests;
