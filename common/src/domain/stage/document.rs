//! What a Markdown document says as evidence: which of its sections have something in them, and which tasks are done.
//!
//! CommonMark with the task lists of GitHub (GitHub Flavored Markdown, 5.3). A heading inside a code block is no heading, as in what people see.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A section: its heading and everything up to the next heading of the same or a higher level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    level: HeadingLevel,
    title: String,
    filled: bool,
    undone: usize,
}

/// How many tasks are not done.
pub(super) fn undone(text: &str) -> usize {
    events(text).filter(|event| matches!(event, Event::TaskListMarker(false))).count()
}

/// The sections of a list that are not there, or have nothing in them. Letter case and blanks around a heading do not matter.
pub(super) fn lacking<'s>(text: &str, wanted: &'s [String]) -> Vec<&'s String> {
    let sections = sections(text);
    let has = |title: &String| sections.iter().any(|section| section.filled && same(&section.title, title));
    wanted.iter().filter(|title| !has(title)).collect()
}

/// The colour of a checklist with these sections, by the rules of the Minimum Remarkable: green when everything is done; yellow when at most
/// two tasks are left, no two of them in one section; else red, and red when a section is not there or has nothing in it.
pub(super) fn colour(text: &str, wanted: &[String]) -> &'static str {
    let sections = sections(text);
    let undone = undone(text);
    // A task counts for every section that its heading is in; the document's title is none of those that are asked for.
    let asked = |section: &&Section| wanted.iter().any(|title| same(title, &section.title));
    let crowded = sections.iter().filter(asked).any(|section| section.undone > 1);
    match undone {
        _ if !lacking(text, wanted).is_empty() => "red",
        0 => "green",
        1 | 2 if !crowded => "yellow",
        _ => "red",
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn events(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TASKLISTS)
}

fn sections(text: &str) -> Vec<Section> {
    let mut closed = Vec::new();
    let mut open: Vec<Section> = Vec::new();
    let mut heading = false;
    for event in events(text) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                // Level one is the highest, and the least.
                let over = open.iter().position(|section| section.level >= level).unwrap_or(open.len());
                closed.extend(open.drain(over..));
                open.push(Section { level, title: String::new(), filled: false, undone: 0 });
                heading = true;
            }
            Event::End(TagEnd::Heading(_)) => heading = false,
            Event::Text(part) | Event::Code(part) if heading => {
                if let Some(section) = open.last_mut() {
                    section.title.push_str(&part);
                }
            }
            // A comment is not shown to anybody: `<!-- describe the risks -->` of a template fills nothing.
            Event::Text(part) | Event::Code(part) if !part.trim().is_empty() => {
                open.iter_mut().for_each(|section| section.filled = true);
            }
            Event::TaskListMarker(false) => open.iter_mut().for_each(|section| section.undone += 1),
            _ => {}
        }
    }
    closed.extend(open);
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(of: &[&str]) -> Vec<String> {
        of.iter().map(|&title| title.to_owned()).collect()
    }

    #[test]
    fn a_section_is_there_when_something_is_in_it() {
        let memo = "# Memo\n\n## Context\n```\n## Costs\n```\n\n## Three paths\n### First\none\n\n## Risks\n<!-- describe them -->\n";
        let wanted = titles(&["context", "Three Paths", "Risks", "Costs", "Reversibility"]);
        let lacking: Vec<&str> = lacking(memo, &wanted).into_iter().map(String::as_str).collect();
        assert_eq!(lacking, ["Risks", "Costs", "Reversibility"]);
    }

    #[test]
    fn a_checklist_is_red_with_three_undone_or_two_in_a_section_or_an_empty_section() {
        let wanted = titles(&["Speed", "Access"]);
        let list = |speed: &str, access: &str| format!("# Checklist\n\n## Speed\n{speed}\n\n## Access\n{access}\n");
        let colour = |speed: &str, access: &str| super::colour(&list(speed, access), &wanted);
        let (done, open) = ("- [x] done", "- [ ] not done");
        assert_eq!(colour(done, done), "green");
        assert_eq!(colour(&format!("{done}\n{open}"), done), "yellow");
        assert_eq!(colour(open, open), "yellow");
        assert_eq!(colour(&format!("{open}\n{open}"), done), "red");
        assert_eq!(colour(&format!("{open}\n{open}"), open), "red");
        assert_eq!(colour("", done), "red");
        assert_eq!(super::colour("## Speed\n- [x] done\n", &wanted), "red", "a section is not there");
    }
}
