//! What is said of an item whose end is considered, and of its end. Foreign text goes through [`escaped`].

use common::{
    domain::{
        id::{ItemId, PersonName},
        rhythm::{Block, escaped},
        stage::kill::{KillAction, Remedy},
    },
    event::{ItemKilled, ItemUnderKillReview, ReviewStep},
};
use jiff::{SignedDuration, Timestamp};

/// A step of a kill review, as it was at a moment.
pub(super) fn review(told: &ItemUnderKillReview, at: Timestamp) -> Vec<Block> {
    let ItemUnderKillReview { item, pod, stage, rule, .. } = told;
    let (name, found) = (name(told.title.as_deref(), item), escaped(&told.found));
    let which = format!("{name} ({item}, {pod}, {stage})");
    let follows = follows(told.action);
    let judged = told.deadline.map_or_else(String::new, |deadline| {
        format!(" The rule is judged again at {deadline:.0}; if it still holds then, {follows}.")
    });
    let grace = told.deadline.map(|deadline| days(deadline.duration_since(at)));
    match told.review {
        ReviewStep::Opened => {
            let grace = grace.map_or_else(String::new, |grace| format!(" The grace is {grace}."));
            let first = format!("{which} is under kill review by the rule {rule}: {found}.{grace}{judged}");
            [Block::Section(first)].into_iter().chain(until_then(told)).collect()
        }
        ReviewStep::Appealed => {
            let grace = grace.map_or_else(String::new, |grace| format!(" The council has {grace}."));
            let first = format!("An appeal was made for {which}, against the rule {rule}: {found}.{grace}{judged}");
            [Block::Section(first)].into_iter().chain(until_then(told)).collect()
        }
        ReviewStep::Excepted => {
            let until = told.deadline.map_or_else(String::new, |until| format!(" until {until:.0}"));
            let text = format!("Somebody took the risk of {which}: the rule {rule} ({found}) rests{until}.");
            vec![Block::Section(text), Block::Context("There is no second exception from that rule.".to_owned())]
        }
        ReviewStep::Cleared => {
            let text =
                format!("{which} is no longer under kill review: the rule {rule} ({found}) does not hold any more.");
            vec![Block::Section(text)]
        }
        ReviewStep::Due => {
            let text = format!(
                "The grace is over, and the rule {rule} still holds for {which}: {found}. What follows: {follows}."
            );
            [Block::Section(text)].into_iter().chain(until_then(told)).collect()
        }
    }
}

/// An end that no rule made.
pub(super) fn ended(told: &ItemKilled) -> Vec<Block> {
    let ItemKilled { item, pod, stage, .. } = told;
    let name = name(told.title.as_deref(), item);
    let by = told.by.as_ref().map_or_else(String::new, |by: &PersonName| format!(" {by} ended it."));
    vec![
        Block::Section(format!(
            "{name} ({item}, {pod}) has ended in the stage {stage}.{by} Why: {}",
            escaped(&told.reason)
        )),
        Block::Context(KEPT.to_owned()),
    ]
}

const KEPT: &str = "Its places are free. Where it has a repository, a branch and a tag of it are kept, and an issue asks what was learnt.";

/// What it is called, or which it is.
fn name(title: Option<&str>, item: &ItemId) -> String {
    format!("*{}*", title.map_or_else(|| item.to_string(), escaped))
}

/// What a rule does to an item whose grace is over.
fn follows(action: KillAction) -> &'static str {
    match action {
        KillAction::Archive => "it ends, and its places are given back",
        KillAction::Reject => "it goes back one stage, or aside from the first",
        KillAction::Block => "it stays in its stage, and may not move on while the rule holds",
        KillAction::Escalate => "those above it are told, and settle it with its owner",
        KillAction::Review => "the council looks at it",
        KillAction::Rollback => "what was deployed is to be taken back, by a person",
        KillAction::Incident => "an incident is to be opened, by a person",
    }
}

/// What people may do, who, and where. Nothing once the item has ended or gone back.
fn until_then(told: &ItemUnderKillReview) -> Option<Block> {
    let ItemUnderKillReview { item, pod, owner, rule, .. } = told;
    if told.review == ReviewStep::Due && matches!(told.action, KillAction::Archive | KillAction::Reject) {
        return None;
    }
    let mut text =
        format!("{owner}, or somebody of {pod}, may\n• mend what the rule finds: then the review ends by itself");
    for remedy in &told.remedies {
        text.push_str(&match remedy {
            Remedy::Pivot => {
                format!("\n• begin anew in the first stage (a pivot): `POST /v1/items/{item}/transitions`")
            }
            Remedy::Appeal => {
                format!("\n• appeal, once an item, for the same grace again: `POST /v1/items/{item}/appeals`")
            }
            Remedy::Exception => format!(
                "\nAn approver other than {owner} may take the risk of one exception from {rule}: `POST /v1/items/{item}/exceptions`"
            ),
        });
    }
    Some(Block::Section(text))
}

/// A grace in words.
fn days(time: SignedDuration) -> String {
    let (number, unit) = match time.as_hours() {
        hours if hours >= 24 && hours % 24 == 0 => (hours / 24, "day"),
        hours => (hours, "hour"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}
