//! The rows of the model, small: what the code can tell apart, and nothing else.
//!
//! A board becomes real rows before each step, and is read off them after it. What it leaves out, and why that loses nothing:
//! - **Times** are ages against the end of a lease: still running, ended with the last tick, ended before. No decision looks further.
//! - **Fences and ticket numbers** are ranks, among all that somebody still knows. Code compares them, and makes new ones from a clock that
//!   is beyond all of them. (Clocks that step back are played in `clocks.rs`.)
//! - **A row's number** says only whether the row has changed since it was read: a number never comes back.
//! - **Releases, since, holder, reason** are words and estimates; they decide nothing where shares are not fair.

use super::*;
use crate::domain::wip::{admission, state::Ticket};

/// As many items as the largest world has.
pub(super) const ITEMS: usize = 4;

/// The portfolio, and two pods.
pub(super) const SCOPES: usize = 3;

/// How long a lease lasts: one tick of the clock.
pub(super) const TICK: SignedDuration = SignedDuration::from_mins(1);

/// A row's number: above those of all leases on the board, below those that are made from the clock.
const NUMBER: Fence = Fence(900);

/// The number of a row that has been written since.
const OLDER: Fence = Fence(899);

/// A lease against the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Age {
    Live,
    /// It ended with the last tick: for a server that read the clock before it, it is live.
    JustExpired,
    Expired,
}

/// One item in all rows. Numbers begin at 1; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub(super) lease: Option<(u64, Age)>,
    /// Its number in each scope where it stands.
    pub(super) tickets: [u64; SCOPES],
}

/// All rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Board {
    /// The limit of each row; nothing while the row does not exist.
    pub(super) limits: [Option<u8>; SCOPES],
    pub(super) slots: [Slot; ITEMS],
}

/// What does not change in a world.
#[derive(Clone)]
pub(super) struct Layout {
    /// The scope of each item's pod.
    pub(super) pods: Vec<usize>,
    pub(super) limits: Limits,
    /// The limits that a person may set.
    pub(super) settable: Vec<(usize, u8)>,
    /// How one item may stand for another: those that keep every item in its pod.
    pub(super) renamings: Vec<[usize; ITEMS]>,
    scopes: [Scope; SCOPES],
    items: Vec<ItemId>,
    requests: Vec<admission::Request>,
}

/// The present: what it is called makes no difference.
pub(super) fn present() -> Timestamp {
    Timestamp::from_second(1_767_603_600).unwrap()
}

impl Age {
    fn end(self) -> Timestamp {
        match self {
            Self::Live => present() + TICK,
            Self::JustExpired => present(),
            Self::Expired => present() - TICK,
        }
    }

    pub(super) fn of(end: Timestamp) -> Self {
        match end.cmp(&present()) {
            std::cmp::Ordering::Greater => Self::Live,
            std::cmp::Ordering::Equal => Self::JustExpired,
            std::cmp::Ordering::Less => Self::Expired,
        }
    }

    fn older(self) -> Self {
        match self {
            Self::Live => Self::JustExpired,
            Self::JustExpired | Self::Expired => Self::Expired,
        }
    }
}

impl Layout {
    pub(super) fn new(pods: &[usize], rules: &[(&str, u32)], settable: &[(usize, u8)]) -> Self {
        let limits = Limits { default_ttl_seconds: 60, ticket_ttl_seconds: 6_000, ..limits(rules) };
        let mut renamings = vec![[0, 1, 2, 3]];
        for (one, other) in [(0, 1), (1, 2), (2, 3), (0, 1), (1, 2), (0, 1)] {
            // All orders of four, by neighbours that change places; kept where pods stay.
            let swapped: Vec<[usize; ITEMS]> = renamings
                .iter()
                .map(|order| {
                    let mut order = *order;
                    order.swap(one, other);
                    order
                })
                .collect();
            renamings.extend(swapped);
        }
        let pod = |at: usize| pods.get(at);
        renamings.retain(|order| (0..ITEMS).all(|at| pod(order[at]) == pod(at)));
        renamings.sort_unstable();
        renamings.dedup();
        let names = ["portfolio", "pod:ratio", "pod:nanda"];
        let request = |(at, pod): (usize, &usize)| {
            let work = work(&format!("i-{at}"), names[*pod].trim_start_matches("pod:"), "scaffold");
            let holder = work.owner.clone();
            admission::Request::new(work, holder, None, &limits).unwrap()
        };
        let requests: Vec<_> = pods.iter().enumerate().map(request).collect();
        Self {
            pods: pods.to_vec(),
            settable: settable.to_vec(),
            renamings,
            scopes: names.map(scope),
            items: requests.iter().map(|request| request.work.item.clone()).collect(),
            requests,
            limits,
        }
    }

    pub(super) fn scope(&self, at: usize) -> &Scope {
        &self.scopes[at]
    }

    pub(super) fn item(&self, at: usize) -> &ItemId {
        &self.items[at]
    }

    /// The scopes of an item.
    pub(super) fn needs(&self, at: usize) -> [usize; 2] {
        [0, self.pods[at]]
    }

    pub(super) fn scopes_of(&self, at: usize) -> &BTreeSet<Scope> {
        &self.requests[at].scopes
    }

    /// What a fence of the board is called in rows: another one for each item.
    pub(super) fn fence(at: usize, rank: u64) -> Fence {
        Fence(if rank == 0 { 0 } else { rank * 10 + at as u64 })
    }

    pub(super) fn request(&self, at: usize) -> &admission::Request {
        &self.requests[at]
    }

    /// A ticket of the board as it stands in a row.
    pub(super) fn ticket(&self, at: usize, number: u64) -> Ticket {
        let request = self.request(at);
        Ticket {
            number: Fence(number),
            holder: request.holder.clone(),
            pod: request.work.pod.clone(),
            item_type: request.work.item_type,
            since: present(),
            expires_at: present() + TICK * 10,
            ttl_seconds: request.ttl_seconds,
            scopes: request.scopes.clone(),
        }
    }
}

impl Board {
    pub(super) const EMPTY: Self =
        Self { limits: [None; SCOPES], slots: [Slot { lease: None, tickets: [0; SCOPES] }; ITEMS] };

    /// As rows; those among `stale` have an older number than the others.
    pub(super) fn rows(&self, layout: &Layout, stale: u8) -> Rows {
        let mut rows = Rows::new();
        for (place, scope) in layout.scopes.iter().enumerate() {
            let mut row = ScopeState::absent(scope.clone());
            if let Some(limit) = self.limits[place] {
                row.fence = if stale >> place & 1 == 1 { OLDER } else { NUMBER };
                row.limit = limit.into();
                row.digest = Some(layout.limits.digest.clone());
            }
            for (at, slot) in self.slots.iter().enumerate().take(layout.items.len()) {
                let request = layout.request(at);
                if let Some((fence, age)) = slot.lease.filter(|_| layout.needs(at).contains(&place)) {
                    let fence = Layout::fence(at, fence);
                    let lease = Lease {
                        fence,
                        holder: request.holder.clone(),
                        pod: request.work.pod.clone(),
                        since: present(),
                        expires_at: age.end(),
                        scopes: request.scopes.clone(),
                    };
                    row.leases.insert(layout.items[at].clone(), lease);
                }
                if slot.tickets[place] > 0 {
                    row.tickets.insert(layout.items[at].clone(), layout.ticket(at, slot.tickets[place]));
                }
            }
            rows.insert(scope.clone(), row);
        }
        rows
    }

    /// Reads rows; with the scope of a lease that is not the same in all its scopes, when there is one.
    pub(super) fn read(rows: &Rows, layout: &Layout) -> Result<Self, usize> {
        let mut board = Self::EMPTY;
        for (place, scope) in layout.scopes.iter().enumerate() {
            let row = &rows[scope];
            board.limits[place] = row.exists().then(|| u8::try_from(row.limit).unwrap());
            for (at, item) in layout.items.iter().enumerate() {
                board.slots[at].tickets[place] = row.tickets.get(item).map_or(0, |ticket| ticket.number.0);
                let home = rows[&layout.scopes[0]].leases.get(item);
                if row.leases.get(item) != home.filter(|_| layout.needs(at).contains(&place)) {
                    return Err(place);
                }
                board.slots[at].lease = home.map(|lease| {
                    let known = lease.fence.0 % 10 == at as u64 && lease.fence.0 < 1_000;
                    (if known { lease.fence.0 / 10 } else { lease.fence.0 }, Age::of(lease.expires_at))
                });
            }
        }
        Ok(board)
    }

    pub(super) fn tick(&mut self) {
        for slot in &mut self.slots {
            slot.lease = slot.lease.map(|(fence, age)| (fence, age.older()));
        }
    }

    pub(super) fn renamed(&self, order: &[usize; ITEMS]) -> Self {
        Self { limits: self.limits, slots: order.map(|at| self.slots[at]) }
    }

    /// Whether an item would find room in all its scopes, whatever stands there: expired leases too.
    pub(super) fn has_room(&self, at: usize, layout: &Layout) -> bool {
        layout.needs(at).iter().all(|place| {
            let held = (0..layout.pods.len()).filter(|other| layout.needs(*other).contains(place));
            let held = held.filter(|other| self.slots[*other].lease.is_some()).count();
            self.limits[*place].is_some_and(|limit| held < limit.into())
        })
    }

    pub(super) fn live(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot.lease, Some((_, Age::Live)))).count()
    }
}
