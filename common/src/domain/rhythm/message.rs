//! A report as a message: blocks as Slack shows them, and the same as text.
//!
//! Foreign text is escaped where it is put in: `&`, `<` and `>` (Slack, "Formatting text for app surfaces"), so that no title mentions a
//! channel or hides a link; and it stands on one line.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};

use super::report::{Aged, Report, Urgency};
use crate::domain::id::is_hidden;

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A title: plain text, at most 150 characters.
    Header(String),
    /// A paragraph in Slack's `mrkdwn`, at most 3,000 characters.
    Section(String),
    /// Small print in `mrkdwn`.
    Context(String),
}

/// The longest header and section that Slack takes (Block Kit reference).
const HEADER: usize = 150;
const SECTION: usize = 3_000;

/// How many entries are told one by one: a message has 50 blocks at most, and nobody reads so many.
const SHOWN: usize = 15;

/// How many patterns are told: the commonest.
const PATTERNS: usize = 5;

/// The longest foreign text in a line.
const TEXT: usize = 120;

/// Foreign text for Slack: one line, cut, with its three characters escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == TEXT {
            out.push('…');
            break;
        }
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            hidden if is_hidden(hidden) || hidden.is_control() => out.push(' '),
            shown => out.push(shown),
        }
    }
    out.trim().to_owned()
}

/// Working time in words: days of 24 working hours.
fn age(time: SignedDuration) -> String {
    match (time.as_hours() / 24, time.as_hours() % 24) {
        (0, 0) => format!("{} min", time.as_mins()),
        (0, hours) => format!("{hours} h"),
        (1, _) => "1 working day".to_owned(),
        (days, _) => format!("{days} working days"),
    }
}

impl Block {
    /// As Slack's Block Kit writes it.
    pub fn to_slack(&self) -> Value {
        match self {
            Self::Header(text) => json!({"type": "header", "text": {"type": "plain_text", "text": text}}),
            Self::Section(text) => json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}),
            Self::Context(text) => json!({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}),
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Self::Header(text) | Self::Section(text) | Self::Context(text) => text,
        }
    }
}

fn cut(text: String, most: usize) -> String {
    if text.chars().count() <= most { text } else { text.chars().take(most - 1).chain(['…']).collect() }
}

fn line(aged: &Aged) -> String {
    let Aged { entry, .. } = aged;
    let owner = entry.owner.as_ref().map_or("whoever takes it".to_owned(), ToString::to_string);
    let pod = entry.pod.as_ref().map_or(String::new(), |pod| format!(" ({pod})"));
    format!(
        "{}{pod}, for *{}*: {}\n→ {owner}: {}",
        escaped(&entry.title),
        age(aged.age()),
        escaped(&entry.reason),
        escaped(&entry.action),
    )
}

impl Report {
    /// The message of the day.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Header(cut(self.header(), HEADER))];
        for unread in &self.incomplete {
            let text = format!(
                "⚠️ *Incomplete:* {} could not be read ({}). What stands still there is not below.",
                unread.source.words(),
                escaped(&unread.why)
            );
            blocks.push(Block::Section(cut(text, SECTION)));
        }
        if self.entries.is_empty() {
            let text = if self.incomplete.is_empty() {
                "Nothing stands still."
            } else {
                "Nothing that could be read stands still."
            };
            blocks.push(Block::Section(text.to_owned()));
        }
        blocks.extend(self.entries.iter().take(SHOWN).map(|entry| Block::Section(cut(line(entry), SECTION))));
        if let Some(more) = self.total().checked_sub(SHOWN).filter(|more| *more > 0) {
            blocks.push(Block::Context(format!("and {more} more: the board has all of them")));
        }
        for pattern in self.patterns.iter().take(PATTERNS) {
            let items: Vec<String> = pattern.items.iter().map(ToString::to_string).collect();
            let text = format!(
                "🔁 {} items wait for {}: {}. Settle the cause once.",
                items.len(),
                pattern.cause.words(),
                items.join(", ")
            );
            blocks.push(Block::Section(cut(text, SECTION)));
        }
        blocks
    }

    /// The same as text, for the console and for whoever has no Slack.
    pub fn text(&self) -> String {
        self.blocks().iter().map(Block::text).collect::<Vec<_>>().join("\n\n")
    }

    fn header(&self) -> String {
        let urgency = match self.urgency {
            Urgency::Low => "low",
            Urgency::Medium => "medium",
            Urgency::High => "high",
        };
        let incomplete = if self.incomplete.is_empty() { "" } else { ", incomplete" };
        match self.total() {
            0 => format!("Daily unblock {}: nothing{incomplete}", self.date),
            1 => format!("Daily unblock {}: 1 thing, urgency {urgency}{incomplete}", self.date),
            count => format!("Daily unblock {}: {count} things, urgency {urgency}{incomplete}", self.date),
        }
    }
}
