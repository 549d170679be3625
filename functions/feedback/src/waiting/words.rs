//! What the comment on a waiting pull request says.

use common::event::{FullScope, Holding, TicketTold, WipLimitExceeded, WipLockAcquired};
use jiff::Timestamp;

use crate::markdown::code;

/// It is over, and the pull request holds no place.
pub(super) const NEEDS_NONE: &str =
    "This pull request no longer waits, and it holds no place under the limits on work in progress.";

/// It must wait: where, for whom, and what to do.
pub(super) fn waits(exceeded: &WipLimitExceeded) -> String {
    let mut text = String::from(
        "**This pull request waits: there is no room for it under the limits on work in progress.**\n\n\
         | scope | in progress | limit | held by |\n|---|---|---|---|",
    );
    for scope in &exceeded.full {
        text.push_str(&format!(
            "\n| {} | {} | {} | {} |",
            code(&scope.scope.to_string()),
            scope.active,
            scope.limit,
            holders(scope)
        ));
    }
    text.push_str("\n\n");
    text.push_str(&place(exceeded.ticket.as_ref()));
    text.push_str(
        "\n\n**What to do.** Finish something above, or ask who holds it. The next in line then gets the place by itself: Penstock takes \
         the label off, and marks the pull request ready for review if it was Penstock that made it a draft.",
    );
    text
}

fn holders(scope: &FullScope) -> String {
    let mut all: Vec<String> = scope.holders.iter().map(holder).collect();
    if scope.holders_omitted > 0 {
        all.push(format!("and {} more", scope.holders_omitted));
    }
    if all.is_empty() { "nobody: others wait before it, or its limit is 0".to_owned() } else { all.join("<br>") }
}

fn holder(holding: &Holding) -> String {
    format!("{} ({}, since {})", code(holding.item.as_str()), code(holding.holder.as_str()), moment(holding.since))
}

fn place(ticket: Option<&TicketTold>) -> String {
    match ticket {
        Some(ticket) => format!(
            "It is number {} in the queue, with ticket {}. The ticket counts until {}, and longer while the pull request stays open.",
            ticket.position,
            ticket.number,
            moment(ticket.expires_at)
        ),
        None => {
            "The queue is as long as it may be, so it has no place in it yet: push again, or mark it ready for review \
                 again, once something is finished."
                .to_owned()
        }
    }
}

/// It waited, and has its place now.
pub(super) fn has_its_place(acquired: &WipLockAcquired) -> String {
    let waited = acquired.waited_seconds.map_or(String::new(), |seconds| format!(" after {}", duration(seconds)));
    format!(
        "This pull request has its place under the limits on work in progress since {}{waited}. It keeps it until it is merged \
         or closed.",
        moment(acquired.since)
    )
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn duration(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
