//! Open changes that nobody has touched for days: whose turn it is follows from whether somebody was asked to review.

use jiff::{SignedDuration, Timestamp};

use super::{
    report::{Entry, Kind},
    schedules::Schedules,
};
use crate::domain::{
    governance::People,
    id::{HostAccount, PersonName, PodName, RepositoryId, RepositoryName},
};

/// An open pull request, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChange {
    /// Its number.
    pub number: u64,
    /// Whether it is a draft: that is its author's to go on with.
    pub draft: bool,
    /// The account that opened it; nothing when it is gone.
    pub author: Option<HostAccount>,
    /// The accounts that were asked to review it, and have not yet.
    pub reviewers: Vec<HostAccount>,
    /// When something last happened to it.
    pub updated_at: Timestamp,
}

/// The changes of one repository that stand still. `pod`: whose work they are.
pub fn changes(
    (id, name, pod): (RepositoryId, &RepositoryName, &PodName),
    open: &[OpenChange],
    schedules: &Schedules,
    people: &People,
    now: Timestamp,
) -> Vec<Entry> {
    let calendar = &schedules.room_of(pod).calendar;
    let quiet = SignedDuration::from_hours(24 * i64::from(schedules.stale_change_after_days));
    let still = open.iter().filter(|change| calendar.age(change.updated_at, now) >= quiet);
    still
        .map(|change| {
            let who = |account: HostAccount| people.who(&account.into()).map(|(name, _)| name.clone());
            let reviewer: Option<PersonName> = change.reviewers.iter().cloned().find_map(who);
            let author = change.author.clone().and_then(who);
            let (action, owner) = match (change.draft, reviewer) {
                (true, _) => ("go on with it, or close it", author),
                (false, Some(reviewer)) => ("review it, or say who will", Some(reviewer)),
                (false, None) if change.reviewers.is_empty() => {
                    ("ask somebody to review it, merge it, or close it", author)
                }
                (false, None) => ("ask somebody of people.yaml to review it: nobody who was asked is in it", author),
            };
            Entry {
                kind: Kind::StaleChange,
                subject: format!("change:{id}/{}", change.number),
                title: format!("{name}#{}", change.number),
                pod: Some(pod.clone()),
                since: change.updated_at,
                reason: "nobody has touched this pull request".to_owned(),
                action: action.to_owned(),
                owner,
            }
        })
        .collect()
}
