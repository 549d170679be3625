//! The sentences of the rhythm that are not the report's own. Foreign text goes through [`escaped`].

use std::collections::BTreeSet;

use common::{
    domain::{
        id::SlackUserId,
        rhythm::{Block, Candidate, PostKind, Preparation, Report, SlotKind, escaped},
    },
    event::{Addressee, ItemEscalated, WeeklyDemoPreparation},
};

/// Somebody, so that the chat tells them; by name when they are not known there.
fn mention(one: &Addressee) -> String {
    one.slack_id.as_ref().map_or_else(|| one.person.to_string(), |id| format!("<@{id}>"))
}

fn mentions<'a>(people: impl IntoIterator<Item = &'a Addressee>) -> String {
    people.into_iter().map(mention).collect::<Vec<_>>().join(", ")
}

/// Those who have not posted. Whoever has no id in the chat cannot be seen posting there, and is left out.
fn missing<'p>(people: &'p [Addressee], posted: &BTreeSet<SlackUserId>) -> Vec<&'p Addressee> {
    people.iter().filter(|one| one.slack_id.as_ref().is_some_and(|id| !posted.contains(id))).collect()
}

/// The reminder; nothing when everybody has posted.
pub fn reminder(people: &[Addressee], posted: Option<&BTreeSet<SlackUserId>>) -> Vec<Block> {
    const ASK: &str = "what you completed, what blocks you, and one to three things that you commit to";
    let text = match posted {
        None => format!("Whoever has not posted yet: {ASK}. (The token may not read this thread, so nobody is named.)"),
        Some(posted) => match missing(people, posted) {
            missing if missing.is_empty() => return Vec::new(),
            missing => format!("{}: {ASK}.", mentions(missing)),
        },
    };
    vec![Block::Section(text)]
}

/// The end of the morning.
pub fn summary(report: &Report, people: &[Addressee], posted: Option<&BTreeSet<SlackUserId>>) -> Vec<Block> {
    let mut blocks = vec![Block::Section(match report.total() {
        0 => "Summary: nothing stands still.".to_owned(),
        1 => "Summary: 1 thing stands still.".to_owned(),
        total => format!("Summary: {total} things stand still."),
    })];
    if let Some(first) = report.entries.first() {
        let owner = first.entry.owner.as_ref().map_or("whoever takes it".to_owned(), ToString::to_string);
        blocks.push(Block::Section(format!(
            "The oldest: {}\n→ {owner}: {}",
            escaped(&first.entry.title),
            escaped(&first.entry.action)
        )));
    }
    if !report.incomplete.is_empty() {
        let words: Vec<&str> = report.incomplete.iter().map(|unread| unread.source.words()).collect();
        blocks.push(Block::Section(format!("⚠️ *Incomplete:* {} could not be read.", words.join(", "))));
    }
    blocks.push(Block::Context(match posted {
        None => "Who has posted is not known: the token may not read this thread (scope channels:history).".to_owned(),
        Some(posted) => match missing(people, posted) {
            missing if missing.is_empty() => "Everybody has posted.".to_owned(),
            missing => format!("Not heard from: {}", mentions(missing)),
        },
    }));
    blocks
}

/// The whole report, after one that was incomplete.
pub fn whole(report: &Report) -> Vec<Block> {
    let mut blocks = vec![Block::Section("Everything can be read again. The whole report:".to_owned())];
    blocks.extend(report.blocks());
    blocks
}

/// The council's agenda: what keeps happening, and how much stands still.
pub fn council(report: &Report) -> Vec<Block> {
    let mut blocks = vec![
        Block::Header(format!("Council {}", report.date)),
        Block::Section("One decision, three paths, what would take it back.".to_owned()),
    ];
    // The report's own header says how much there is of the day; here it is one line among others.
    blocks.extend(report.blocks().into_iter().map(|block| match block {
        Block::Header(text) => Block::Section(text),
        other => other,
    }));
    blocks
}

fn line(one: &Candidate) -> String {
    format!("{} ({}, {}): {}", escaped(&one.title), one.pod, one.stage, one.owner)
}

/// The weekly demo: the call to sign up, or its programme.
pub fn demo(told: &WeeklyDemoPreparation) -> Vec<Block> {
    let Preparation { week_ending, candidates, later, moved, pods, incomplete } = &told.preparation;
    let sign_up = told.kind == PostKind::Slot(SlotKind::SignUp);
    let title = if sign_up { "sign up" } else { "programme" };
    let mut blocks = vec![Block::Header(format!("Weekly demo, week ending {week_ending}: {title}"))];
    for unread in incomplete {
        blocks.push(Block::Section(format!(
            "⚠️ *Incomplete:* {} could not be read ({}).",
            unread.source.words(),
            escaped(&unread.why)
        )));
    }
    if sign_up {
        let text = "Seven demos of at most seven minutes, of software that runs. Say here what you show:";
        blocks.push(Block::Section(text.to_owned()));
    }
    if candidates.is_empty() {
        let text = if incomplete.is_empty() { "There is nothing to show." } else { "What can be shown is not known." };
        blocks.push(Block::Section(text.to_owned()));
    }
    blocks.extend(
        candidates.iter().zip(1..).map(|(one, number): (_, u32)| Block::Section(format!("{number}. {}", line(one)))),
    );
    if !later.is_empty() {
        let later: Vec<String> = later.iter().map(ToString::to_string).collect();
        blocks.push(Block::Context(format!("Next week: {}", later.join(", "))));
    }
    if !sign_up {
        if !moved.is_empty() {
            let moved: Vec<String> = moved.iter().map(|one| format!("{} → {}", one.item, one.stage)).collect();
            blocks.push(Block::Section(format!("Moved this week: {}", moved.join(", "))));
        }
        let weeks = pods.iter().map(|week| {
            let (pod, active, moved, finished, blocked) =
                (&week.pod, week.active, week.moved, week.finished, week.blocked);
            format!("{pod}: {active} under way, {moved} moved, {finished} finished, {blocked} blocked")
        });
        blocks.push(Block::Context(weeks.collect::<Vec<_>>().join("\n")));
    }
    blocks
}

/// A blocker that lasts.
pub fn escalation(told: &ItemEscalated) -> Vec<Block> {
    let days = told.working_hours / 24;
    let age = if days == 1 { "1 working day".to_owned() } else { format!("{days} working days") };
    vec![
        Block::Section(format!(
            "*{}* ({}, {}) has been blocked for {age}. It waits for {}: {}",
            escaped(&told.title),
            told.item,
            told.pod,
            told.cause.words(),
            escaped(&told.text)
        )),
        Block::Context(format!(
            "You are told as {}. Next: settle it with {}, or take it on until a moment that you name (blocker {}).",
            told.group, told.owner, told.blocker
        )),
    ]
}
