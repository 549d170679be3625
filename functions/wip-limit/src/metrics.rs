//! What the rows say in numbers, and what happened to them.
//!
//! Gauges are for a kind of scope and, where the kind has one, its pod: never for a person, an item, a stage or an account, so that
//! there are at most `7 + 3 × pods` groups of [`Gauge`], however much work there is. CloudWatch bills each metric of each group.

use std::collections::BTreeMap;

use common::{
    domain::{
        id::PodName,
        wip::{Scope, ScopeState, fact::Fact, limits::Limits, scope::ScopeKind, settle::Rows},
    },
    manifest::{Alarm, Missing, Statistic},
};
use jiff::Timestamp;

/// When these numbers call a person: `WIPOldestWait` over all scopes, and how many found no room within an hour.
pub const ALARMS: &[Alarm] = &[
    Alarm {
        name: "oldest-wait",
        metric: "WIPOldestWait",
        says: "Somebody has waited two days for a limit on work in progress",
        runbook: "work-in-progress",
        statistic: Statistic::Maximum,
        threshold: 2 * 24 * 60 * 60,
        period_s: 300,
        periods: 3,
        missing: Missing::NotBreaching,
    },
    Alarm {
        name: "limit-exceeded",
        metric: "WIPLimitExceeded",
        says: "Twenty items in one hour found no room under the limits on work in progress",
        runbook: "work-in-progress",
        statistic: Statistic::Sum,
        threshold: 20,
        period_s: 3_600,
        periods: 1,
        missing: Missing::NotBreaching,
    },
];

/// The numbers of a group of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Leases that hold their place, over all scopes of the group.
    pub active: u64,
    /// The limits in force, added up.
    pub limit: u64,
    /// Tickets that count.
    pub queue: u64,
    /// Scopes from the share of their limit on that `limits.yaml` warns at.
    pub near_limit: u64,
    /// How long the first in line has waited, in seconds; the longest of the group.
    pub oldest_wait: u64,
    /// How long the oldest lease has been held, in seconds; the longest of the group.
    pub oldest_lease: u64,
}

/// What a gauge is about.
pub type Group = (ScopeKind, Option<PodName>);

/// A scope that is nearly full, or full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Which.
    pub scope: Scope,
    /// How many leases hold their place.
    pub active: u64,
    /// How many may.
    pub limit: u64,
}

/// The numbers by group.
pub fn gauges(rows: &Rows, limits: &Limits, now: Timestamp) -> BTreeMap<Group, Gauge> {
    let mut groups = BTreeMap::<Group, Gauge>::new();
    for row in rows.values() {
        let (active, limit) = use_of(row, limits, now);
        let oldest = |since: Option<Timestamp>| since.map_or(0, |since| seconds(since, now));
        let gauge = groups.entry(group(&row.scope)).or_default();
        gauge.active += active;
        gauge.limit += limit;
        gauge.queue += row.live_tickets(now).count() as u64;
        gauge.near_limit += u64::from(is_near(active, limit, limits));
        gauge.oldest_wait = gauge.oldest_wait.max(oldest(row.live_tickets(now).map(|(_, ticket)| ticket.since).min()));
        gauge.oldest_lease = gauge.oldest_lease.max(oldest(row.live_leases(now).map(|(_, lease)| lease.since).min()));
    }
    groups
}

/// The scopes at or above the share of their limit from which `limits.yaml` warns.
pub fn near(rows: &Rows, limits: &Limits, now: Timestamp) -> Vec<Near> {
    let all = rows.values().map(|row| (row.scope.clone(), use_of(row, limits, now)));
    all.filter(|(_, (active, limit))| is_near(*active, *limit, limits))
        .map(|(scope, (active, limit))| Near { scope, active, limit })
        .collect()
}

fn use_of(row: &ScopeState, limits: &Limits, now: Timestamp) -> (u64, u64) {
    (row.live_leases(now).count() as u64, row.limit_in_force(limits, now).into())
}

// An empty scope is near nothing, not even where the limit is 0: that is how work is stopped, not how it piles up.
fn is_near(active: u64, limit: u64, limits: &Limits) -> bool {
    active > 0 && active * 100 >= limit * u64::from(limits.warn_at_percent)
}

fn group(scope: &Scope) -> Group {
    let pod = match scope {
        Scope::Pod(pod) | Scope::PodStage(pod, _) | Scope::PodType(pod, _) => Some(pod.clone()),
        Scope::Portfolio
        | Scope::Expedite
        | Scope::Owned(_)
        | Scope::Involved(_)
        | Scope::Stage(_)
        | Scope::Environment(_)
        | Scope::Account(_) => None,
    };
    (scope.kind(), pod)
}

fn seconds(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(since).as_secs()).unwrap_or_default()
}

/// Writes the numbers of a sweep: each group's, and for alarms, which know no groups, the longest wait of all.
pub fn record(rows: &Rows, limits: &Limits, now: Timestamp) {
    let gauges = gauges(rows, limits, now);
    let longest = gauges.values().map(|gauge| gauge.oldest_wait).max().unwrap_or_default();
    tracing::info!(target: "metric", name = "WIPOldestWait", unit = "Seconds", value = longest);
    for ((kind, pod), gauge) in &gauges {
        let (scope_kind, pod) = (kind.as_str(), pod.as_ref().map_or("", PodName::as_str));
        let count = |name, value: u64| tracing::info!(target: "metric", name, value, scope_kind, pod);
        let age = |name, value: u64| tracing::info!(target: "metric", name, unit = "Seconds", value, scope_kind, pod);
        count("WIPActive", gauge.active);
        count("WIPLimit", gauge.limit);
        count("WIPQueue", gauge.queue);
        count("WIPNearLimit", gauge.near_limit);
        age("WIPOldestWait", gauge.oldest_wait);
        age("WIPOldestLease", gauge.oldest_lease);
    }
    let near: Vec<String> =
        near(rows, limits, now).iter().map(|near| format!("{} {}/{}", near.scope, near.active, near.limit)).collect();
    if !near.is_empty() {
        tracing::warn!(scopes = near.join(", "), "at {} % of the limit or more", limits.warn_at_percent);
    }
}

/// Counts what was committed.
pub fn count(facts: &[Fact]) {
    for name in facts.iter().filter_map(Fact::metric) {
        tracing::info!(target: "metric", name, value = 1_u64);
    }
}

#[cfg(test)]
mod tests {
    use common::{
        domain::{
            id::Digest,
            wip::{
                Fence, ItemType, Lease, Ticket,
                limits::{Mode, Pattern, Rule},
            },
        },
        testing::id,
    };

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_767_603_600 + minute * 60).unwrap()
    }

    fn limits() -> Limits {
        let rule = |limit| Rule { limit, mode: Mode::Block, fair_share: false };
        Limits {
            digest: Digest::of(b"governance"),
            rules: [("portfolio", 10), ("owned:*", 2), ("pod:*", 5), ("pod-stage:*:*", 2)]
                .map(|(pattern, limit)| (Pattern::parse(pattern).unwrap(), rule(limit)))
                .into(),
            default_ttl_seconds: 3_600,
            max_ttl_seconds: 3_600,
            ticket_ttl_seconds: 3_600,
            warn_at_percent: 80,
        }
    }

    /// A row with a lease from each of these minutes that lasts an hour, and a ticket from each of those that lasts two.
    fn row(scope: &str, limit: u32, leases: &[i64], tickets: &[i64]) -> (Scope, ScopeState) {
        let mut row = ScopeState::absent(id(scope));
        (row.limit, row.digest) = (limit, Some(limits().digest));
        for (number, since) in leases.iter().enumerate() {
            let lease = Lease {
                fence: Fence(number as u64),
                holder: id("ada"),
                pod: id("ratio"),
                since: at(*since),
                expires_at: at(since + 60),
                scopes: [id(scope)].into(),
            };
            row.leases.insert(id(&format!("l-{number}")), lease);
        }
        for (number, since) in tickets.iter().enumerate() {
            let ticket = Ticket {
                number: Fence(number as u64),
                holder: id("bob"),
                pod: id("ratio"),
                item_type: ItemType::Project,
                since: at(*since),
                expires_at: at(since + 120),
                ttl_seconds: 3_600,
                scopes: [id(scope)].into(),
            };
            row.tickets.insert(id(&format!("t-{number}")), ticket);
        }
        (row.scope.clone(), row)
    }

    #[test]
    fn scopes_of_a_kind_and_pod_are_one_group_and_what_has_expired_counts_nowhere() {
        let rows = Rows::from([
            row("pod-stage:ratio:scaffold", 2, &[-90, -30, -5], &[-40, -10, -200]),
            row("pod-stage:ratio:ship", 4, &[-50], &[]),
            row("pod-stage:nanda:ship", 2, &[], &[]),
            row("owned:ada", 2, &[-1], &[]),
            row("owned:bob", 2, &[-2, -3], &[]),
        ]);
        let gauges = gauges(&rows, &limits(), at(0));
        let ratio = Gauge { active: 3, limit: 6, queue: 2, near_limit: 1, oldest_wait: 2_400, oldest_lease: 3_000 };
        let owned = Gauge { active: 3, limit: 4, queue: 0, near_limit: 1, oldest_wait: 0, oldest_lease: 180 };
        let expected = BTreeMap::from([
            ((ScopeKind::PodStage, Some(id("ratio"))), ratio),
            ((ScopeKind::PodStage, Some(id("nanda"))), Gauge { limit: 2, ..Gauge::default() }),
            ((ScopeKind::Owned, None), owned),
        ]);
        assert_eq!(gauges, expected);
    }

    #[test]
    fn a_scope_is_near_its_limit_from_the_share_that_the_file_says() {
        let near = |limit, leases: usize| {
            let rows = Rows::from([row("pod:ratio", limit, &vec![-1; leases], &[])]);
            !super::near(&rows, &limits(), at(0)).is_empty()
        };
        assert_eq!([3, 4, 5, 6].map(|leases| near(5, leases)), [false, true, true, true]);
        assert_eq!(
            [(10, 7), (10, 8), (1, 1), (0, 0), (0, 1)].map(|(limit, leases)| near(limit, leases)),
            [false, true, true, false, true]
        );
    }

    #[test]
    fn no_person_item_or_account_is_a_dimension() {
        let people = (0..50).map(|number| row(&format!("owned:person-{number}"), 2, &[-1], &[]));
        let accounts = (0..50).map(|number| row(&format!("account:0000000000{number:02}"), 2, &[-1], &[]));
        let rows: Rows = people.chain(accounts).collect();
        assert_eq!(gauges(&rows, &limits(), at(0)).len(), 2);
    }
}
