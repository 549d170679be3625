//! Why an item waits: which scopes have no room, who holds them since when, its place in the queue, and how long it may take.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    admission::held,
    limits::Limits,
    scope::Scope,
    settle::Rows,
    state::{Fence, ScopeState, Ticket},
};
use crate::domain::id::{ItemId, PersonName, PodName};

/// The fewest releases from which an estimate is made.
const ENOUGH_RELEASES: usize = 5;

/// Everything that keeps an item from beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// The item.
    pub item: ItemId,
    /// Its ticket; none when the queues are as long as they may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketView>,
    /// Its place in the longest of its queues: 1 is the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// The scopes that keep it, all of them.
    pub full: Vec<FullScope>,
    /// How long it may take; none while too little has been seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// The same for people, a sentence each.
    pub reasons: Vec<String>,
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketView {
    /// The lowest is served first.
    pub number: Fence,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// From this moment it counts no more; asking again moves it.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// A scope that keeps an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FullScope {
    /// Which.
    pub scope: Scope,
    /// Its limit.
    pub limit: u32,
    /// Who has a place there, longest first.
    pub holders: Vec<Holder>,
    /// The item's place in the scope's queue: 1 is the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// How many wait there.
    pub queue: usize,
}

/// Who has a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// The item.
    pub item: ItemId,
    /// Who asked for it.
    pub holder: PersonName,
    /// Whose pod.
    pub pod: PodName,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Until when, when it is not renewed.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// How long it may take, from how often places came free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// In half of the cases it took at most this long, in seconds from now.
    pub p50_seconds: i64,
    /// In 85 of 100 cases.
    pub p85_seconds: i64,
    /// What it rests on.
    pub basis: String,
}

/// The same for an item that is known to wait: without a reason the answer is still that it does.
pub fn waiting(item: &ItemId, rows: &Rows, limits: &Limits, now: Timestamp) -> Waiting {
    explain(item, rows, limits, now).unwrap_or_else(|| Waiting {
        item: item.clone(),
        ticket: None,
        position: None,
        full: Vec::new(),
        estimate: None,
        reasons: Vec::new(),
    })
}

/// Explains over the rows of an item's scopes. An item that holds its place is kept by nothing, unless it waits to move.
pub fn explain(item: &ItemId, rows: &Rows, limits: &Limits, now: Timestamp) -> Option<Waiting> {
    let main = held(item, rows, now);
    let tickets = rows.values().filter_map(|row| row.tickets.get(item)).filter(|ticket| ticket.is_live(now));
    // Who holds its place waits for another only with a ticket that it took since, to move there.
    let counts = |ticket: &&Ticket| main.is_none_or(|main| ticket.is_reservation() && main.fence < ticket.number);
    let ticket = tickets.filter(counts).min_by_key(|ticket| ticket.number);
    if main.is_some() && ticket.is_none() {
        return None;
    }
    let keeps = |row: &&ScopeState| {
        row.tickets.contains_key(item)
            || (ticket.is_none() && row.live_leases(now).count() >= row.limit_in_force(limits, now) as usize)
    };
    let full: Vec<FullScope> = rows.values().filter(keeps).map(|row| full_scope(item, row, limits, now)).collect();
    let position = full.iter().filter_map(|scope| scope.position).max();
    let estimate = rows
        .values()
        .filter_map(|row| {
            let position = full.iter().find(|full| full.scope == row.scope)?.position?;
            estimate(row, position, now)
        })
        .max_by_key(|estimate| estimate.p85_seconds);
    let ticket =
        ticket.map(|ticket| TicketView { number: ticket.number, since: ticket.since, expires_at: ticket.expires_at });
    let reasons = reasons(item, &full, ticket.as_ref(), rows, limits, now);
    Some(Waiting { item: item.clone(), ticket, position, full, estimate, reasons })
}

/// A scope as everybody may see it: who holds, who waits.
pub fn holders(row: &ScopeState, now: Timestamp) -> Vec<Holder> {
    let mut holders: Vec<Holder> = row
        .live_leases(now)
        .map(|(item, lease)| Holder {
            item: item.clone(),
            holder: lease.holder.clone(),
            pod: lease.pod.clone(),
            since: lease.since,
            expires_at: lease.expires_at,
        })
        .collect();
    holders.sort_by(|one, other| (one.since, &one.item).cmp(&(other.since, &other.item)));
    holders
}

fn full_scope(item: &ItemId, row: &ScopeState, limits: &Limits, now: Timestamp) -> FullScope {
    let mut line: Vec<_> = row.live_tickets(now).map(|(item, ticket)| (ticket.number, item)).collect();
    line.sort();
    FullScope {
        scope: row.scope.clone(),
        limit: row.limit_in_force(limits, now),
        holders: holders(row, now),
        position: line.iter().position(|(_, waiting)| *waiting == item).map(|at| at + 1),
        queue: line.len(),
    }
}

/// From the intervals between the last releases: their median and 85th percentile, once for each place in the queue.
fn estimate(row: &ScopeState, position: usize, now: Timestamp) -> Option<Estimate> {
    let mut ends: Vec<i64> = row.releases.iter().copied().filter(|at| *at <= now.as_second()).collect();
    ends.sort_unstable();
    if ends.len() < ENOUGH_RELEASES {
        return None;
    }
    let mut between: Vec<i64> = ends.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?)).collect();
    between.sort_unstable();
    let percentile = |percent: usize| between.get((between.len() - 1) * percent / 100).copied();
    let times = i64::try_from(position).ok()?;
    let first = Timestamp::from_second(*ends.first()?).ok()?;
    Some(Estimate {
        p50_seconds: percentile(50)?.saturating_mul(times),
        p85_seconds: percentile(85)?.saturating_mul(times),
        basis: format!(
            "{} places in {} came free since {first}; the time between them, {position} times",
            ends.len(),
            row.scope
        ),
    })
}

fn reasons(
    item: &ItemId,
    full: &[FullScope],
    ticket: Option<&TicketView>,
    rows: &Rows,
    limits: &Limits,
    now: Timestamp,
) -> Vec<String> {
    let mut reasons: Vec<String> = full.iter().map(|full| sentence(full, now)).collect();
    for full in full.iter().filter(|full| full.position == Some(1)) {
        let room = full.holders.len() < full.limit as usize;
        let others = rows.values().filter(|row| {
            row.scope != full.scope
                && row.tickets.contains_key(item)
                && row.live_leases(now).count() >= row.limit_in_force(limits, now) as usize
        });
        let others: Vec<String> = others.map(|row| row.scope.to_string()).collect();
        if room && !others.is_empty() {
            reasons.push(format!(
                "It is the first in line for {}, where there is room, but {} keeps it; until then others may pass it there, and it \
                 stays the first.",
                full.scope,
                others.join(" and ")
            ));
        }
    }
    if ticket.is_none() {
        reasons.push("The queue is as long as it may be, so there is no ticket: ask again later.".to_owned());
    }
    reasons
}

fn sentence(full: &FullScope, now: Timestamp) -> String {
    let mut text = format!("{} has {} of {} places taken", full.scope, full.holders.len(), full.limit);
    for (at, holder) in full.holders.iter().take(5).enumerate() {
        let between = if at == 0 { ": " } else { ", " };
        let _ = write!(text, "{between}{} ({}, {})", holder.item, holder.holder, age(now.duration_since(holder.since)));
    }
    match full.holders.len() {
        0..=5 => {}
        more => {
            let _ = write!(text, " and {} more", more - 5);
        }
    }
    match (full.position, full.holders.iter().map(|holder| holder.expires_at).min()) {
        (Some(position), Some(until)) => {
            let _ = write!(
                text,
                "; place {position} of {} in its queue. A release frees a place, or {until} if its holder does not renew.",
                full.queue
            );
        }
        (Some(position), None) => {
            let _ = write!(text, "; place {position} of {} in its queue.", full.queue);
        }
        (None, _) => text.push('.'),
    }
    text
}

/// A duration as people say it: `3 d 4 h`, `2 h 5 min`, `40 s`.
pub fn age(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, _) => format!("{minutes} min"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}
