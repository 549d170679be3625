//! What the comment on a waiting pull request says.

use common::event::{FullScope, Holding, RefusedCause, TicketTold, WipLimitExceeded, WipLockAcquired, WipLockRefused};
use jiff::Timestamp;

use common::domain::{id::HostAccount, markdown::code};

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

const THEN: &str = "Once the pull request has its place, or waits for one, this comment says so by itself.";

/// It gets no place: why, and who can mend it.
pub(super) fn refused(refused: &WipLockRefused) -> String {
    let (why, what) = match (refused.cause, &refused.author) {
        (RefusedCause::UnknownAuthor, Some(author)) => {
            let (called, key) = match author {
                HostAccount::GitHub(_) => ("GitHub id", "github_id"),
                HostAccount::Iam(_) => ("IAM ARN", "iam_arn"),
            };
            (
                format!(
                    "Penstock does not know who opened it: `people.yaml` lists nobody with the {called} {author}, so the limits of \
                     persons cannot be kept."
                ),
                format!("Ask an admin of Penstock to list the author in `people.yaml`, with `{key}: {author}`. {THEN}"),
            )
        }
        (RefusedCause::UnknownAuthor, None) => (
            "The account that opened it is gone, so nobody stands for it.".to_owned(),
            "Open it again, from an account of somebody whom `people.yaml` lists.".to_owned(),
        ),
        (RefusedCause::NoRule, _) => {
            let scopes: Vec<String> = refused.scopes.iter().map(|scope| code(&scope.to_string())).collect();
            let scopes = scopes.join(", ");
            (
                format!("It would count in {scopes}, and `limits.yaml` has no rule for that."),
                format!("Ask an admin of Penstock to set a limit there in `limits.yaml`. {THEN}"),
            )
        }
        (RefusedCause::NotAdmissible | RefusedCause::HeldOtherwise, _) => {
            let reasons: Vec<String> = refused.reasons.iter().map(|reason| code(reason)).collect();
            (reasons.join("; "), THEN.to_owned())
        }
    };
    format!("**This pull request gets no place under the limits on work in progress.** {why}\n\n**What to do.** {what}")
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
