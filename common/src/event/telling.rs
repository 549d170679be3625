//! What happened to leases, tickets and limits, as events of the contract: the same for every attempt to write it, so that copies
//! share their ids. Every function that gives or takes places tells it so.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    ChangeRef, Envelope, Event, ExceededCause, ExceededScope, FullScope, Holding, LimitCause, MAX_HOLDERS_TOLD, Meta,
    Repository, SCHEMA_VERSION, TicketTold, WipCapacityAvailable, WipLimitChanged, WipLimitExceeded, WipLockAcquired,
    WipLockExpired, WipLockRefused, WipLockReleased,
};
use crate::domain::{
    governance::Governance,
    id::{CorrelationId, EventId, ItemId, RepositoryId, RepositoryName},
    wip::{
        ScopeState, Ticket,
        admission::Step,
        explain::holders,
        fact::{self, Fact, Over},
        limits::Limits,
        operation::Operation,
        settle::Rows,
    },
};

/// What events need to know beside what happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telling {
    /// What the listed repositories are called: an item that is a pull request carries only the id. Those that are limited no more
    /// are among them, because their pull requests may still hold places.
    names: BTreeMap<RepositoryId, RepositoryName>,
}

impl Telling {
    /// What the governance files say of it.
    pub fn of(governance: &Governance) -> Self {
        let listed = governance.repositories.listed.iter();
        Self { names: listed.map(|(id, entry)| (*id, entry.name.clone())).collect() }
    }

    /// The events of a step. `before` are the rows that it was decided over; none for a step that was taken without reading.
    pub fn events<A>(
        &self,
        step: &Step<A>,
        before: &Rows,
        cause: &CorrelationId,
        limits: &Limits,
        now: Timestamp,
    ) -> Vec<Envelope> {
        let after = after(step, before, now);
        let told = step.facts.iter().flat_map(|fact| {
            let mut identity = fact.identity();
            let fence = limit_fence(fact, before);
            identity.extend(fence);
            let at = moment(fact, now);
            self.fact(fact, &after, limits, now)
                .into_iter()
                .map(move |(subject, event)| envelope(subject, event, &identity, cause, at))
        });
        told.collect()
    }

    /// The event that an item gets no place: for a pull request the same id as long as it is the same refusal, else one a request.
    pub fn refused(&self, refused: WipLockRefused, cause: &CorrelationId, now: Timestamp) -> Envelope {
        let mut identity = vec![refused.item.to_string(), format!("{:?}", refused.cause)];
        identity.extend(refused.author.as_ref().map(ToString::to_string));
        identity.extend(refused.scopes.iter().map(ToString::to_string));
        if refused.change.is_none() {
            identity.push(cause.to_string());
            // One cause may hold several requests for an item, each wrong in its own way.
            identity.extend(refused.reasons.iter().cloned());
        }
        envelope(format!("item:{}", refused.item), Event::WipLockRefused(refused), &identity, cause, now)
    }

    fn fact(&self, fact: &Fact, after: &Rows, limits: &Limits, now: Timestamp) -> Vec<(String, Event)> {
        let about = |item: &ItemId| format!("item:{item}");
        match fact {
            Fact::Acquired { item, item_type, lease, waited, over } => {
                let waited_for = |ticket: &Ticket| seconds(now, ticket.since);
                let acquired = WipLockAcquired {
                    item: item.clone(),
                    holder: lease.holder.clone(),
                    pod: lease.pod.clone(),
                    item_type: *item_type,
                    fence: lease.fence,
                    scopes: lease.scopes.clone(),
                    since: lease.since,
                    expires_at: lease.expires_at,
                    handed_over: waited.is_some(),
                    waited_seconds: waited.as_ref().map(waited_for),
                    exceeded: over.iter().map(exceeded).collect(),
                    change: self.change(item),
                };
                let mut events = vec![(about(item), Event::WipLockAcquired(acquired))];
                if waited.is_some() {
                    let available = WipCapacityAvailable { scopes: lease.scopes.clone(), item: Some(item.clone()) };
                    events.push((about(item), Event::WipCapacityAvailable(available)));
                }
                if !over.is_empty() {
                    let full =
                        over.iter().filter_map(|over| Some(full(after.get(&over.scope)?, limits, now))).collect();
                    let told = WipLimitExceeded {
                        cause: ExceededCause::AdmittedOver,
                        full,
                        item: Some(item.clone()),
                        holder: Some(lease.holder.clone()),
                        pod: Some(lease.pod.clone()),
                        ticket: None,
                        change: self.change(item),
                    };
                    events.push((about(item), Event::WipLimitExceeded(told)));
                }
                events
            }
            Fact::Released { item, lease, by } => {
                let released = WipLockReleased {
                    item: item.clone(),
                    holder: lease.holder.clone(),
                    pod: lease.pod.clone(),
                    fence: lease.fence,
                    scopes: lease.scopes.clone(),
                    held_seconds: seconds(now, lease.since),
                    by: by.clone(),
                    change: self.change(item),
                };
                vec![(about(item), Event::WipLockReleased(released))]
            }
            Fact::Expired { item, lease } => {
                let expired = WipLockExpired {
                    item: item.clone(),
                    holder: lease.holder.clone(),
                    pod: lease.pod.clone(),
                    fence: lease.fence,
                    scopes: lease.scopes.clone(),
                    held_seconds: seconds(lease.expires_at, lease.since),
                    expired_at: lease.expires_at,
                    change: self.change(item),
                };
                vec![(about(item), Event::WipLockExpired(expired))]
            }
            Fact::Waits { item, ticket, full: scopes } => {
                let position = scopes.iter().filter_map(|scope| Some(place(after.get(scope)?, ticket, now))).max();
                let told = WipLimitExceeded {
                    cause: ExceededCause::Waiting,
                    full: scopes.iter().filter_map(|scope| Some(full(after.get(scope)?, limits, now))).collect(),
                    item: Some(item.clone()),
                    holder: Some(ticket.holder.clone()),
                    pod: Some(ticket.pod.clone()),
                    ticket: Some(TicketTold {
                        number: ticket.number,
                        position: position.unwrap_or(1),
                        expires_at: ticket.expires_at,
                    }),
                    change: self.change(item),
                };
                vec![(about(item), Event::WipLimitExceeded(told))]
            }
            Fact::LimitChanged { scope, from, to, cause } => {
                let (cause, by, reason, until) = match cause.clone() {
                    fact::LimitCause::Governance => (LimitCause::Governance, None, None, None),
                    fact::LimitCause::Expiry => (LimitCause::Expiry, None, None, None),
                    fact::LimitCause::Person { by, reason, until } => {
                        (LimitCause::Person, Some(by), Some(reason), until)
                    }
                };
                let changed = WipLimitChanged { scope: scope.clone(), from: *from, to: *to, cause, by, reason, until };
                vec![(format!("scope:{scope}"), Event::WipLimitChanged(changed))]
            }
            Fact::LimitBelowUse { over } => {
                let told = WipLimitExceeded {
                    cause: ExceededCause::LimitLowered,
                    full: after.get(&over.scope).map(|row| full(row, limits, now)).into_iter().collect(),
                    item: None,
                    holder: None,
                    pod: None,
                    ticket: None,
                    change: None,
                };
                vec![(format!("scope:{}", over.scope), Event::WipLimitExceeded(told))]
            }
        }
    }

    /// The pull request that an item is, when its repository is listed.
    fn change(&self, item: &ItemId) -> Option<ChangeRef> {
        let (id, number) = item.pull_request()?;
        let name = self.names.get(&id)?.clone();
        Some(ChangeRef { repository: Repository::new(id, name), number })
    }
}

fn envelope(
    subject: String,
    event: Event,
    identity: &[String],
    cause: &CorrelationId,
    occurred_at: Timestamp,
) -> Envelope {
    let parts = ["wip-limit", event.kind().name()].into_iter().chain(identity.iter().map(String::as_str));
    let (event_id, correlation_id) = (EventId::derived(parts), cause.clone());
    Envelope { meta: Meta { schema_version: SCHEMA_VERSION, event_id, occurred_at, correlation_id, subject }, event }
}

/// When it happened, for those who follow that order: a place is never given before its ticket was, even by a server whose clock is
/// behind that of the one that gave the ticket.
fn moment(fact: &Fact, now: Timestamp) -> Timestamp {
    match fact {
        Fact::Acquired { waited: Some(ticket), .. } => now.max(ticket.since),
        _ => now,
    }
}

/// The rows as the step leaves them.
fn after<A>(step: &Step<A>, before: &Rows, now: Timestamp) -> Rows {
    let mut rows = before.clone();
    for (scope, operation) in &step.writes {
        if let Some(row) = rows
            .get(scope)
            .cloned()
            .or_else(|| matches!(operation, Operation::Replace { .. }).then(|| ScopeState::absent(scope.clone())))
        {
            rows.insert(scope.clone(), operation.apply(row, now));
        }
    }
    rows
}

/// A limit may go to and fro between the same numbers: the row's own number tells one change from the next.
fn limit_fence(fact: &Fact, before: &Rows) -> Option<String> {
    match fact {
        Fact::LimitChanged { scope, .. } => before.get(scope).map(|row| row.fence.to_string()),
        Fact::LimitBelowUse { over } => before.get(&over.scope).map(|row| row.fence.to_string()),
        _ => None,
    }
}

fn exceeded(over: &Over) -> ExceededScope {
    ExceededScope { scope: over.scope.clone(), limit: over.limit, active: count(over.active) }
}

fn full(row: &ScopeState, limits: &Limits, now: Timestamp) -> FullScope {
    let all = holders(row, now);
    let told = all.iter().take(MAX_HOLDERS_TOLD);
    FullScope {
        scope: row.scope.clone(),
        limit: row.limit_in_force(limits, now),
        active: count(all.len()),
        holders: told
            .map(|holder| Holding { item: holder.item.clone(), holder: holder.holder.clone(), since: holder.since })
            .collect(),
        holders_omitted: count(all.len().saturating_sub(MAX_HOLDERS_TOLD)),
    }
}

fn place(row: &ScopeState, ticket: &Ticket, now: Timestamp) -> u32 {
    count(row.live_tickets(now).filter(|(_, other)| other.number <= ticket.number).count().max(1))
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn seconds(until: Timestamp, since: Timestamp) -> u64 {
    u64::try_from(until.duration_since(since).as_secs()).unwrap_or_default()
}
