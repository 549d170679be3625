//! The only place that formats or parses key strings.
//!
//! Parts are joined with `#`; a `#` or `%` inside a part is written `%23` or `%25`, so that no part can pretend to be two.
//!
//! | row | pk | sk |
//! |---|---|---|
//! | delivery | `DELIVERY#<delivery id>` | `META` |
//! | what was noted of a delivery | `DELIVERY#<delivery id>` | `NOTES` |
//! | that a delivery was accepted | `RECEIVED#<day>#<0..3>` | `<microseconds, 20 digits>#<delivery id>` |
//! | what was noted of an event | `EVENT#<event id>` | `<function>` |
//! | what was noted of another message | `MESSAGE#<message id>` | `<function>` |
//! | body | `BODY#<event name>#<sha256>` | `META` |
//! | outbox | `OUTBOX#<0..15>` | `<event id>` |
//! | fence | `FENCE#<repository id>` | `<branch>` |
//! | cluster | `CLUSTERS#<repository id>` | `<cluster key>` |
//! | audit | `AUDIT#<subject>` | `HEAD`, `E#<20 digits>` |
//! | feedback | `FEEDBACK#<subject>` | `<kind>` |
//! | scope | `SCOPE#<scope>` | `STATE` |
//! | scope's entry | `SCOPES#ALL` | `<scope>` |
//! | idea | `IDEAS#ALL` | `<item>` |
//! | certificates of a cluster | `CERTIFICATES#ALL` | `<cluster>` |
//! | item | `ITEMS#ALL` | `<item>` |
//! | what an item's gates look at | `ITEM#<item>` | `DOSSIER` |
//! | the answer to a request for a move | `ITEM#<item>` | `REQUEST#<request id>` |
//! | hold | `HOLDS#ALL` | `<hold>` |
//! | where a post in the chat stands | `CHAT#<key>` | `PLACE` |
//! | the version of the rows | `SCHEMA#ALL` | `VERSION` |
//! | post | `POSTS#<channel>#<day>` | `<kind>` |
//! | who was told of a blocker | `TOLD#ALL` | `<item>#<blocker>#<opened, seconds>#<group>` |
//! | that a task was done | `MAINTENANCE#ALL` | `<task>#<period>` |
//! | the answer to a run at its gate | `RUN#<pipeline>#<execution>` | `<person>#<approve or reject>#<commit>` |
//! | what a run's gate said last | `RUN#<pipeline>#<execution>` | `GATE` |
//! | a personal link that was used | `RUN#<pipeline>#<execution>` | `LINK#<digest>` |
//! | removals that were refused | `REMOVALS#<repository id>` | `<digest>` |
//! | a branch as a sweep saw it | `SEEN#<repository id>` | `<branch>` |
//! | how far the source host's deliveries are settled | `SWEEP#ALL` | `DELIVERIES` |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::item::Item;
use crate::domain::{
    cluster::ClusterKey,
    id::{
        BranchName, ChannelName, CommitSha, DeliveryId, Digest, EventId, ExecutionId, FunctionName, GroupName, HoldId,
        ItemId, MessageId, PersonName, PipelineName, RepositoryId, RequestId, TaskName,
    },
    rhythm::{BlockerRef, Period, PostKey, PostKind},
    run::Answer,
    wip::Scope,
};

/// What the partition keys of outbox rows start with: the stream's filter, and what the relay checks again.
pub const OUTBOX_PREFIX: &str = "OUTBOX#";

/// The partition of the scopes' entries.
pub(super) const SCOPE_ENTRIES: &str = "SCOPES#ALL";

/// The partition of the items.
pub(super) const ITEMS: &str = "ITEMS#ALL";

/// The partition of the ideas.
pub(super) const IDEAS: &str = "IDEAS#ALL";

/// The partition of what is remembered of certificates.
pub(super) const CERTIFICATES: &str = "CERTIFICATES#ALL";

/// The partition of the holds.
pub(super) const HOLDS: &str = "HOLDS#ALL";

/// The partition of who was told of blockers.
pub(super) const TOLD: &str = "TOLD#ALL";

/// The partition of tasks that were done.
pub(super) const MAINTENANCE: &str = "MAINTENANCE#ALL";

/// The row in a run's partition that is no answer.
pub(super) const GATE_ROW: &str = "GATE";

/// What the sort key of a link that was used starts with.
pub(super) const LINK_PREFIX: &str = "LINK#";

/// What the sort key of an item's request starts with.
const REQUEST_PREFIX: &str = "REQUEST#";

/// What an audit entry's sort key starts with.
pub(super) const ENTRY_PREFIX: &str = "E#";

/// Which row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A webhook delivery.
    Delivery(DeliveryId),
    /// What was noted of a webhook delivery.
    Notes(DeliveryId),
    /// That a delivery was accepted, by the moment: deliveries are listed by these. Moments are those since 1970, to the microsecond.
    Received(Timestamp, DeliveryId),
    /// What was noted of an event at a function.
    Handled(EventId, FunctionName),
    /// What was noted of a message that is no event of ours.
    Message(MessageId, FunctionName),
    /// A body that was accepted.
    Body {
        /// The event's name.
        event_name: String,
        /// The sha256 of the raw body.
        body: Digest,
    },
    /// An event that the bus has not accepted yet.
    Outbox(EventId),
    /// A branch's generation.
    Fence(RepositoryId, BranchName),
    /// A cluster's record.
    Cluster(RepositoryId, ClusterKey),
    /// The end of a subject's chain.
    AuditHead(String),
    /// An entry of a subject's chain.
    AuditEntry(String, u64),
    /// What was said last.
    Feedback {
        /// About what.
        subject: String,
        /// In which form.
        kind: String,
    },
    /// A scope's limit, leases and tickets.
    Scope(Scope),
    /// That a scope has a row: scopes are listed by these.
    ScopeEntry(Scope),
    /// An idea in the ledger.
    Idea(ItemId),
    /// What is remembered of a cluster's certificates.
    Certificate(ClusterKey),
    /// A work item.
    Item(ItemId),
    /// An item's evidence and approvals.
    Dossier(ItemId),
    /// How a request for a move of an item was answered.
    Request(ItemId, RequestId),
    /// A hold that was placed.
    Hold(HoldId),
    /// Where a post in the chat stands, by its own key.
    Chat(String),
    /// The version of the rows.
    Schema,
    /// A post of a day.
    Post(PostKey),
    /// That a group was told of a blocker.
    Told(BlockerRef, GroupName),
    /// That a task was done for a period.
    Done(TaskName, Period),
    /// What a person answered at the gate of a run at a commit.
    Answer(PipelineName, ExecutionId, PersonName, Answer, CommitSha),
    /// What the gate of a run said last.
    Gate(PipelineName, ExecutionId),
    /// A personal link to a run that was used.
    Link(PipelineName, ExecutionId, Digest),
    /// Removals that were refused of a repository.
    Removals(RepositoryId, Digest),
    /// A branch as a sweep saw it.
    Seen(RepositoryId, BranchName),
    /// How far the source host's deliveries are settled.
    Deliveries,
}

impl Key {
    /// The partition key.
    pub fn pk(&self) -> String {
        match self {
            Self::Delivery(id) | Self::Notes(id) => format!("DELIVERY#{}", escape(id.as_str())),
            Self::Received(at, id) => received_on(at.to_zoned(TimeZone::UTC).date(), received_shard(id)),
            Self::Handled(event, _) => noted_of(event),
            Self::Message(message, _) => format!("MESSAGE#{}", escape(message.as_str())),
            Self::Body { event_name, body } => format!("BODY#{}#{body}", escape(event_name)),
            Self::Outbox(id) => format!("{OUTBOX_PREFIX}{}", id.shard()),
            Self::Fence(repository, _) => format!("FENCE#{repository}"),
            Self::Cluster(repository, _) => clusters_of(*repository),
            Self::AuditHead(subject) | Self::AuditEntry(subject, _) => format!("AUDIT#{}", escape(subject)),
            Self::Feedback { subject, .. } => format!("FEEDBACK#{}", escape(subject)),
            Self::Scope(scope) => format!("SCOPE#{}", escape(&scope.to_string())),
            Self::ScopeEntry(_) => SCOPE_ENTRIES.to_owned(),
            Self::Idea(_) => IDEAS.to_owned(),
            Self::Certificate(_) => CERTIFICATES.to_owned(),
            Self::Item(_) => ITEMS.to_owned(),
            Self::Dossier(item) | Self::Request(item, _) => format!("ITEM#{}", escape(item.as_str())),
            Self::Hold(_) => HOLDS.to_owned(),
            Self::Chat(key) => format!("CHAT#{}", escape(key)),
            Self::Schema => "SCHEMA#ALL".to_owned(),
            Self::Post(key) => posts_of(&key.channel, key.date),
            Self::Told(..) => TOLD.to_owned(),
            Self::Done(..) => MAINTENANCE.to_owned(),
            Self::Answer(pipeline, execution, ..)
            | Self::Gate(pipeline, execution)
            | Self::Link(pipeline, execution, _) => run_of(pipeline, execution),
            Self::Removals(repository, _) => removals_of(*repository),
            Self::Seen(repository, _) => format!("SEEN#{repository}"),
            Self::Deliveries => "SWEEP#ALL".to_owned(),
        }
    }

    /// The sort key.
    pub fn sk(&self) -> String {
        match self {
            Self::Delivery(_) | Self::Body { .. } => "META".to_owned(),
            Self::Notes(_) => "NOTES".to_owned(),
            Self::Received(at, id) => format!("{}#{}", moment(*at), escape(id.as_str())),
            Self::Handled(_, function) | Self::Message(_, function) => escape(function.as_str()),
            Self::Outbox(id) => escape(id.as_str()),
            Self::Fence(_, branch) | Self::Seen(_, branch) => escape(branch.as_str()),
            Self::Cluster(_, cluster) | Self::Certificate(cluster) => escape(&cluster.to_string()),
            Self::AuditHead(_) => "HEAD".to_owned(),
            Self::AuditEntry(_, sequence) => format!("{ENTRY_PREFIX}{sequence:020}"),
            Self::Feedback { kind, .. } => escape(kind),
            Self::Scope(_) => "STATE".to_owned(),
            Self::ScopeEntry(scope) => escape(&scope.to_string()),
            Self::Idea(item) | Self::Item(item) => escape(item.as_str()),
            Self::Dossier(_) => "DOSSIER".to_owned(),
            Self::Request(_, request) => format!("{REQUEST_PREFIX}{}", escape(request.as_str())),
            Self::Hold(hold) => escape(hold.as_str()),
            Self::Chat(_) => "PLACE".to_owned(),
            Self::Schema => "VERSION".to_owned(),
            Self::Post(key) => key.kind.as_str().to_owned(),
            Self::Told(blocker, group) => format!("{}#{}", blocker_part(blocker), escape(group.as_str())),
            Self::Done(task, period) => format!("{}#{period}", escape(task.as_str())),
            Self::Answer(_, _, by, answer, commit) => format!("{}#{}#{commit}", escape(by.as_str()), answer.as_str()),
            Self::Gate(..) => GATE_ROW.to_owned(),
            Self::Link(_, _, digest) => format!("{LINK_PREFIX}{digest}"),
            Self::Removals(_, digest) => digest.to_string(),
            Self::Deliveries => "DELIVERIES".to_owned(),
        }
    }

    /// Both, as attributes.
    pub(super) fn attributes(&self) -> Item {
        HashMap::from([("pk".into(), AttributeValue::S(self.pk())), ("sk".into(), AttributeValue::S(self.sk()))])
    }

    /// Reads a pair of keys; nothing when no row of ours has such keys.
    pub fn parse(pk: &str, sk: &str) -> Option<Self> {
        let (area, rest) = pk.split_once('#')?;
        let key = match (area, sk) {
            ("DELIVERY", "META") => Self::Delivery(unescape(rest)?.parse().ok()?),
            ("DELIVERY", "NOTES") => Self::Notes(unescape(rest)?.parse().ok()?),
            ("RECEIVED", received) => {
                let (at, id) = received.split_once('#')?;
                Self::Received(Timestamp::from_microsecond(at.parse().ok()?).ok()?, unescape(id)?.parse().ok()?)
            }
            ("EVENT", function) => Self::Handled(unescape(rest)?.parse().ok()?, unescape(function)?.parse().ok()?),
            ("MESSAGE", function) => Self::Message(unescape(rest)?.parse().ok()?, unescape(function)?.parse().ok()?),
            ("BODY", "META") => {
                let (event_name, body) = rest.split_once('#')?;
                Self::Body { event_name: unescape(event_name)?, body: body.parse().ok()? }
            }
            ("OUTBOX", id) => Self::Outbox(unescape(id)?.parse().ok()?),
            ("FENCE", branch) => Self::Fence(repository(rest)?, unescape(branch)?.parse().ok()?),
            ("CLUSTERS", cluster) => Self::Cluster(repository(rest)?, unescape(cluster)?.parse().ok()?),
            ("AUDIT", "HEAD") => Self::AuditHead(unescape(rest)?),
            ("AUDIT", entry) => {
                let digits = entry.strip_prefix(ENTRY_PREFIX)?;
                Self::AuditEntry(unescape(rest)?, digits.parse().ok()?)
            }
            ("FEEDBACK", kind) => Self::Feedback { subject: unescape(rest)?, kind: unescape(kind)? },
            ("SCOPE", "STATE") => Self::Scope(unescape(rest)?.parse().ok()?),
            ("SCOPES", scope) => Self::ScopeEntry(unescape(scope)?.parse().ok()?),
            ("CERTIFICATES", cluster) => Self::Certificate(unescape(cluster)?.parse().ok()?),
            ("IDEAS", item) => Self::Idea(unescape(item)?.parse().ok()?),
            ("ITEMS", item) => Self::Item(unescape(item)?.parse().ok()?),
            ("ITEM", "DOSSIER") => Self::Dossier(unescape(rest)?.parse().ok()?),
            ("ITEM", request) => {
                let request = request.strip_prefix(REQUEST_PREFIX)?;
                Self::Request(unescape(rest)?.parse().ok()?, unescape(request)?.parse().ok()?)
            }
            ("HOLDS", hold) => Self::Hold(unescape(hold)?.parse().ok()?),
            ("CHAT", "PLACE") => Self::Chat(unescape(rest)?),
            ("SCHEMA", "VERSION") => Self::Schema,
            ("POSTS", kind) => {
                let (channel, date) = rest.split_once('#')?;
                let kind = PostKind::all().find(|one| one.as_str() == kind)?;
                Self::Post(PostKey { channel: unescape(channel)?.parse().ok()?, date: date.parse().ok()?, kind })
            }
            ("TOLD", told) => {
                let (blocker, group) = told.rsplit_once('#')?;
                Self::Told(blocker_of(blocker)?, unescape(group)?.parse().ok()?)
            }
            ("MAINTENANCE", done) => {
                let (task, period) = done.split_once('#')?;
                Self::Done(unescape(task)?.parse().ok()?, period.parse().ok()?)
            }
            ("REMOVALS", digest) => Self::Removals(repository(rest)?, digest.parse().ok()?),
            ("SEEN", branch) => Self::Seen(repository(rest)?, unescape(branch)?.parse().ok()?),
            ("SWEEP", "DELIVERIES") => Self::Deliveries,
            ("RUN", answer) => {
                let (pipeline, execution) = rest.split_once('#')?;
                let (pipeline, execution) = (unescape(pipeline)?.parse().ok()?, unescape(execution)?.parse().ok()?);
                if answer == GATE_ROW {
                    Self::Gate(pipeline, execution)
                } else if let Some(digest) = answer.strip_prefix(LINK_PREFIX) {
                    Self::Link(pipeline, execution, digest.parse().ok()?)
                } else {
                    let (by, (answer, commit)) =
                        answer.split_once('#').and_then(|(by, rest)| Some((by, rest.split_once('#')?)))?;
                    let answer = [Answer::Approve, Answer::Reject].into_iter().find(|one| one.as_str() == answer)?;
                    Self::Answer(pipeline, execution, unescape(by)?.parse().ok()?, answer, commit.parse().ok()?)
                }
            }
            _ => return None,
        };
        // Only the one spelling that `pk` and `sk` write is a key: 07 for 7 or shard 3 for 4 is somebody else's row.
        (key.pk() == pk && key.sk() == sk).then_some(key)
    }
}

/// The partition of what was noted of an event.
pub(super) fn noted_of(event: &EventId) -> String {
    format!("EVENT#{}", escape(event.as_str()))
}

/// How many partitions a day's deliveries have. They come in the order of time, and one partition takes a thousand write units a second: as a
/// write in a transaction is two, that is five hundred deliveries.
pub(super) const RECEIVED_SHARDS: u8 = 4;

/// A partition of a day's deliveries.
pub(super) fn received_on(day: Date, shard: u8) -> String {
    format!("RECEIVED#{day}#{shard}")
}

fn received_shard(delivery: &DeliveryId) -> u8 {
    let digest = Digest::of(delivery.as_str().as_bytes());
    digest.as_str().bytes().next_back().map_or(0, |digit| digit % RECEIVED_SHARDS)
}

/// A moment since 1970, so that texts sort as moments do.
pub(super) fn moment(at: Timestamp) -> String {
    format!("{:020}", at.as_microsecond().max(0))
}

/// The partition of what is said of a run.
pub(super) fn run_of(pipeline: &PipelineName, execution: &ExecutionId) -> String {
    format!("RUN#{}#{}", escape(pipeline.as_str()), escape(execution.as_str()))
}

/// The partition of a repository's refused removals.
pub(super) fn removals_of(repository: RepositoryId) -> String {
    format!("REMOVALS#{repository}")
}

/// The partition of a channel's posts of a day.
pub(super) fn posts_of(channel: &ChannelName, date: Date) -> String {
    format!("POSTS#{}#{date}", escape(channel.as_str()))
}

fn blocker_part(blocker: &BlockerRef) -> String {
    let (item, id) = (escape(blocker.item.as_str()), escape(blocker.blocker.as_str()));
    format!("{item}#{id}#{}", blocker.opened_at.as_second())
}

fn blocker_of(text: &str) -> Option<BlockerRef> {
    let mut parts = text.split('#');
    let (item, blocker, opened) = (parts.next()?, parts.next()?, parts.next()?);
    let opened_at = Timestamp::from_second(opened.parse().ok()?).ok()?;
    let blocker =
        BlockerRef { item: unescape(item)?.parse().ok()?, blocker: unescape(blocker)?.parse().ok()?, opened_at };
    parts.next().is_none().then_some(blocker)
}

/// The partition of a repository's cluster records.
pub(super) fn clusters_of(repository: RepositoryId) -> String {
    format!("CLUSTERS#{repository}")
}

fn repository(text: &str) -> Option<RepositoryId> {
    text.parse().ok()
}

fn escape(part: &str) -> String {
    part.replace('%', "%25").replace('#', "%23")
}

fn unescape(part: &str) -> Option<String> {
    let mut pieces = part.split('%');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (character, rest) = match piece.split_at_checked(2)? {
            ("25", rest) => ('%', rest),
            ("23", rest) => ('#', rest),
            _ => return None,
        };
        text.push(character);
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blockers() -> impl Strategy<Value = BlockerRef> {
        ("[a-z0-9][a-z0-9._-]{0,30}", "[a-z0-9][a-z0-9-]{0,8}", -9_000_000_000..9_000_000_000_i64).prop_map(
            |(item, blocker, opened)| BlockerRef {
                item: item.parse().unwrap(),
                blocker: blocker.parse().unwrap(),
                opened_at: Timestamp::from_second(opened).unwrap(),
            },
        )
    }

    fn keys() -> impl Strategy<Value = Key> {
        let text = || "[a-z#%:/.A-Z 0-9]{1,20}";
        let name = || "[a-z0-9][a-z0-9-]{0,8}[a-z0-9]";
        let token = || "[A-Za-z0-9_.:-]{1,40}";
        prop_oneof![
            token().prop_map(|id| Key::Delivery(id.parse().unwrap())),
            token().prop_map(|id| Key::Notes(id.parse().unwrap())),
            (0..9_000_000_000_000_000_i64, token())
                .prop_map(|(at, id)| Key::Received(Timestamp::from_microsecond(at).unwrap(), id.parse().unwrap())),
            (token(), name()).prop_map(|(id, function)| Key::Handled(id.parse().unwrap(), function.parse().unwrap())),
            (token(), name()).prop_map(|(id, function)| Key::Message(id.parse().unwrap(), function.parse().unwrap())),
            (text(), any::<[u8; 4]>()).prop_map(|(event_name, seed)| Key::Body { event_name, body: Digest::of(&seed) }),
            token().prop_map(|id| Key::Outbox(id.parse().unwrap())),
            (any::<u64>(), "[a-zA-Z0-9#%][a-zA-Z0-9#%-]{0,20}")
                .prop_map(|(id, branch)| Key::Fence(RepositoryId::GitHub(id), branch.parse().unwrap())),
            (any::<u64>(), "[a-zA-Z0-9#%][a-zA-Z0-9#%-]{0,20}")
                .prop_map(|(id, branch)| Key::Seen(RepositoryId::GitHub(id), branch.parse().unwrap())),
            Just(Key::Deliveries),
            (any::<u64>(), name(), name(), name()).prop_map(|(id, environment, alias, cluster)| {
                Key::Cluster(
                    RepositoryId::GitHub(id),
                    format!("{environment}/{alias}/management/{cluster}").parse().unwrap(),
                )
            }),
            (name(), name()).prop_map(|(environment, alias)| {
                Key::Certificate(format!("{environment}/{alias}/regional").parse().unwrap())
            }),
            text().prop_map(Key::AuditHead),
            (text(), any::<u64>()).prop_map(|(subject, sequence)| Key::AuditEntry(subject, sequence)),
            (text(), text()).prop_map(|(subject, kind)| Key::Feedback { subject, kind }),
            (name(), name())
                .prop_map(|(pod, stage)| Key::Scope(Scope::PodStage(pod.parse().unwrap(), stage.parse().unwrap()))),
            "[a-z0-9][a-z0-9._-]{0,63}".prop_map(|person| Key::ScopeEntry(Scope::Owned(person.parse().unwrap()))),
            "[a-z0-9][a-z0-9._-]{0,63}".prop_map(|item| Key::Item(item.parse().unwrap())),
            "[a-z0-9][a-z0-9._-]{0,63}".prop_map(|idea| Key::Idea(idea.parse().unwrap())),
            "[a-z0-9][a-z0-9._-]{0,63}".prop_map(|item| Key::Dossier(item.parse().unwrap())),
            ("[a-z0-9][a-z0-9._-]{0,63}", token())
                .prop_map(|(item, request)| Key::Request(item.parse().unwrap(), request.parse().unwrap())),
            name().prop_map(|hold| Key::Hold(hold.parse().unwrap())),
            text().prop_map(Key::Chat),
            Just(Key::Schema),
            ("[a-z0-9_-]{1,20}", 0..20_000_i32, 0..7_usize).prop_map(|(channel, days, kind)| {
                let date = jiff::civil::date(2000, 1, 1).checked_add(jiff::ToSpan::days(days)).unwrap();
                let kind = PostKind::all().nth(kind).unwrap();
                Key::Post(PostKey { channel: channel.parse().unwrap(), date, kind })
            }),
            (blockers(), name()).prop_map(|(blocker, group)| Key::Told(blocker, group.parse().unwrap())),
            (name(), 2000..2100_i16, 1..=12_i8).prop_map(|(task, year, month)| {
                let period = format!("{year}-{month:02}").parse().unwrap();
                Key::Done(task.parse().unwrap(), period)
            }),
            ("[a-zA-Z0-9.@_-]{1,40}", "[0-9a-f]{12}", name(), any::<bool>(), "[0-9a-f]{40}").prop_map(
                |(pipeline, digits, by, yes, commit)| {
                    let execution = format!("00000000-0000-4000-8000-{digits}").parse().unwrap();
                    let answer = if yes { Answer::Approve } else { Answer::Reject };
                    let (by, commit) = (by.parse().unwrap(), commit.parse().unwrap());
                    Key::Answer(pipeline.parse().unwrap(), execution, by, answer, commit)
                }
            ),
            (any::<u64>(), any::<[u8; 4]>())
                .prop_map(|(id, seed)| Key::Removals(RepositoryId::GitHub(id), Digest::of(&seed))),
            ("[a-zA-Z0-9.@_-]{1,40}", "[0-9a-f]{12}", any::<[u8; 4]>()).prop_map(|(pipeline, digits, seed)| {
                let execution = format!("00000000-0000-4000-8000-{digits}").parse().unwrap();
                Key::Link(pipeline.parse().unwrap(), execution, Digest::of(&seed))
            }),
            ("[a-zA-Z0-9.@_-]{1,40}", "[0-9a-f]{12}").prop_map(|(pipeline, digits)| {
                let execution = format!("00000000-0000-4000-8000-{digits}").parse().unwrap();
                Key::Gate(pipeline.parse().unwrap(), execution)
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_formatted_parses_to_the_same(key in keys()) {
            prop_assert_eq!(Key::parse(&key.pk(), &key.sk()), Some(key));
        }

        #[test]
        fn two_rows_never_share_keys(one in keys(), other in keys()) {
            prop_assume!(one != other);
            prop_assert_ne!((one.pk(), one.sk()), (other.pk(), other.sk()));
        }

        #[test]
        fn anything_else_is_no_key_and_never_a_panic(pk in "[A-Z]{0,9}#?.{0,20}", sk in ".{0,20}") {
            if let Some(key) = Key::parse(&pk, &sk) {
                prop_assert_eq!((key.pk(), key.sk()), (pk, sk));
            }
        }
    }

    #[test]
    fn entries_sort_as_their_numbers_and_before_the_head() {
        let sk = |sequence| Key::AuditEntry("s".into(), sequence).sk();
        assert!(sk(9) < sk(10) && sk(10) < sk(u64::MAX) && sk(u64::MAX) < Key::AuditHead("s".into()).sk());
    }
}
