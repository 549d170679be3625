//! What counts in a file that is evidence: `measure`, and the `sections` that it looks for.

use std::collections::BTreeSet;

use super::super::file::File;
use crate::domain::{
    cluster::Place,
    id::quoted,
    stage::{Measure, Requirement},
    yaml::Node,
};

/// The longest name of a section.
const LONGEST: usize = 80;

/// What counts; the outer nothing: it was not said so that it can be read, and the file is refused. `requirement`: what the file's value must
/// be; nothing where no file gives it. A measure gives a value of one type, so it must be the type that is asked for.
pub(super) fn measure(
    file: &mut File,
    (place, key): (Place, &impl Fn(&str) -> String),
    (measure, sections): (Option<&Node>, Option<&Node>),
    requirement: Option<&Requirement>,
) -> Option<Option<Measure>> {
    let key = |field: &str| key(field);
    let names = sections.map(|node| self::sections(file, node, &key("sections")));
    let Some(node) = measure else {
        return match (sections, names) {
            (Some(node), Some(names)) => {
                if !matches!(requirement, Some(Requirement::Is(_))) {
                    let expected = "no sections: nothing that is true or false is read from a file here";
                    file.find(node.place, "value", &key("sections"), node.found(), expected);
                }
                names.map(|names| Some(Measure::Sections(names)))
            }
            _ => Some(None),
        };
    };
    let word = file.word(node, &key("measure"), [("characters", 0), ("unchecked", 1), ("checklist", 2)])?;
    let fits = match word {
        2 => matches!(requirement, Some(Requirement::OneOf(_))),
        _ => matches!(requirement, Some(Requirement::Number(..))),
    };
    if !fits {
        let expected = match word {
            2 => "no measure: no text (one_of) is read from a file here",
            _ => "no measure: no number is read from a file here",
        };
        file.find(node.place, "value", &key("measure"), node.found(), expected);
    }
    match (word, names) {
        (0, None) => Some(Some(Measure::Characters)),
        (1, None) => Some(Some(Measure::Unchecked)),
        (2, Some(names)) => names.map(|names| Some(Measure::Checklist(names))),
        (2, None) => {
            let expected = "the sections of the checklist";
            file.find(place, "missing-key", &key("sections"), "nothing".to_owned(), expected);
            None
        }
        (_, Some(_)) => {
            let found = sections.map(Node::found).unwrap_or_default();
            file.find(place, "value", &key("sections"), found, "no sections: this measure looks at the whole file");
            None
        }
        (_, None) => None,
    }
}

/// A list of names, each once.
fn sections(file: &mut File, node: &Node, key: &str) -> Option<Vec<String>> {
    let expected = "a list of headings, each of 1 to 80 characters";
    let Some(items) = node.sequence().filter(|items| !items.is_empty()) else {
        file.find(node.place, "value", key, node.found(), expected);
        return None;
    };
    let mut names: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for item in items {
        let text = item.text().map(str::trim).filter(|text| (1..=LONGEST).contains(&text.chars().count()));
        let Some(text) = text else {
            file.find(item.place, "value", key, item.found(), expected);
            return None;
        };
        if !seen.insert(text.to_lowercase()) {
            file.find(item.place, "duplicate", key, format!("{} a second time", quoted(text, 80)), "each section once");
        }
        names.push(text.to_owned());
    }
    Some(names)
}
