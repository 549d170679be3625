//! A scope's row as an item, and back.
//!
//! Every write of a row costs by its size, and a row is written with all its leases and tickets: so each of them is one text, the limit
//! carries in its name what it is in force under, and what is empty is not there. Times are as exact as the clock's, so that a row reads
//! as it was written and the table compares as the domain does.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::{
    aws::dynamodb::{
        item::{Item, known, n, place, row, s},
        key::Key,
    },
    domain::{
        id::{Digest, ItemId, PersonName, quoted},
        wip::{Fence, Lease, Scope, ScopeState, Ticket, state::Override},
    },
    fault::Fault,
};

fn map<const N: usize>(fields: [(&str, AttributeValue); N]) -> Item {
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

/// A lease within its row: its fence, its holder, its scopes, its end, its beginning and its pod, with a space between. Both times are
/// as in RFC 3339, all of the same length, so that texts with the same words before it compare as their ends do.
pub(super) fn lease(lease: &Lease) -> AttributeValue {
    let Lease { fence, holder, pod, since, expires_at, scopes } = lease;
    s(format!("{} {expires_at:.9} {since:.9} {pod}", owner(*fence, holder, scopes)))
}

/// A ticket within its row: its number, its holder, its scopes, its end, its beginning, its pod, what the item is, and how many seconds
/// the lease will last.
pub(super) fn ticket(ticket: &Ticket) -> AttributeValue {
    let Ticket { number, holder, pod, item_type, since, expires_at, ttl_seconds, scopes } = ticket;
    let owner = owner(*number, holder, scopes);
    s(format!("{owner} {expires_at:.9} {since:.9} {pod} {} {ttl_seconds}", item_type.as_str()))
}

fn owner(number: Fence, holder: &PersonName, scopes: &BTreeSet<Scope>) -> String {
    let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
    format!("{number} {holder} {}", scopes.join(","))
}

/// Between which texts a lease stands that is this person's, has these scopes, and is live after this moment.
pub(super) fn own_lease(
    fence: Fence,
    holder: &PersonName,
    scopes: &BTreeSet<Scope>,
    now: Timestamp,
) -> (AttributeValue, AttributeValue) {
    let owner = owner(fence, holder, scopes);
    // `~` is above everything that a time begins with, and above the space behind it.
    (s(format!("{owner} {now:.9}~")), s(format!("{owner} ~")))
}

/// Under which name a row's limit stands: that of the governance bundle under which it is in force, and of its end when a person
/// set one. Whoever believes another finds no limit there, and a comparison with none never holds.
pub(super) fn limit_name(digest: Option<&Digest>, until: Option<Timestamp>) -> String {
    let digest = digest.map(|digest| format!("_{}", digest.as_str())).unwrap_or_default();
    let until = until.map(|until| format!("_{until:.9}")).unwrap_or_default();
    format!("{LIMIT}{digest}{until}")
}

const LIMIT: &str = "limit";

fn overridden(set: &Override) -> AttributeValue {
    let mut fields = map([("reason", s(&set.reason)), ("by", s(set.by.as_str()))]);
    fields.extend(set.until.map(|until| ("until".to_owned(), s(until.to_string()))));
    AttributeValue::M(fields)
}

fn by_item<T>(entries: &BTreeMap<ItemId, T>, write: impl Fn(&T) -> AttributeValue) -> AttributeValue {
    AttributeValue::M(entries.iter().map(|(item, entry)| (item.to_string(), write(entry))).collect())
}

/// A whole row, under the number that it has from now on.
pub(super) fn item(state: &ScopeState, fence: Fence) -> Item {
    let mut item = row(
        &Key::Scope(state.scope.clone()),
        [
            ("fence", n(fence)),
            ("leases", by_item(&state.leases, lease)),
            ("releases", AttributeValue::L(state.releases.iter().map(n).collect())),
        ],
    );
    item.insert(limit_name(state.digest.as_ref(), state.until()), n(state.limit));
    if !state.tickets.is_empty() {
        item.insert("tickets".to_owned(), by_item(&state.tickets, ticket));
    }
    item.extend(state.overridden.iter().map(|set| ("overridden".to_owned(), overridden(set))));
    item
}

/// What was found where this scope's row stands.
///
/// # Errors
/// `Bug`, with the row's place and what is wrong there, when it cannot be read: its leases might hold the limit.
pub(super) fn found(scope: &Scope, item: Option<&Item>) -> Result<ScopeState, Fault> {
    let Some(item) = item else { return Ok(ScopeState::absent(scope.clone())) };
    let wrong = |what: String| Fault::bug(format!("the row {} cannot be read: {what}", place(item)));
    let state = read(known(item)?, scope).map_err(wrong)?;
    if state.exists() { Ok(state) } else { Err(wrong("a row that exists has a number above 0".to_owned())) }
}

fn read(item: &Item, scope: &Scope) -> Result<ScopeState, String> {
    let overridden = optional(item, "overridden", Some)?.map(read_override).transpose()?;
    let (digest, limit) = read_limit(item, overridden.as_ref().and_then(|set| set.until))?;
    Ok(ScopeState {
        scope: field(item, "pk", |pk| match Key::parse(pk.as_s().ok()?, item.get("sk")?.as_s().ok()?)? {
            Key::Scope(named) if named == *scope => Some(named),
            _ => None,
        })?,
        fence: Fence(field(item, "fence", number)?),
        limit,
        digest,
        overridden,
        leases: read_by_item(item, "leases", read_lease)?,
        tickets: if item.contains_key("tickets") {
            read_by_item(item, "tickets", read_ticket)?
        } else {
            BTreeMap::new()
        },
        releases: field(item, "releases", |list| list.as_l().ok()?.iter().map(number).collect())?,
        readable: true,
    })
}

/// The limit, and the governance bundle in its name.
fn read_limit(item: &Item, until: Option<Timestamp>) -> Result<(Option<Digest>, u32), String> {
    let mut limits = item.keys().filter(|name| name.starts_with(LIMIT));
    let (Some(name), None) = (limits.next(), limits.next()) else {
        return Err("it has none or more than one limit".to_owned());
    };
    let digest = name.split('_').nth(1).and_then(|digest| digest.parse().ok());
    if limit_name(digest.as_ref(), until) != *name {
        return Err(format!("its limit is named {}, which is not what it is in force under", quoted(name, 120)));
    }
    Ok((digest, field(item, name, number)?))
}

fn read_lease(words: &mut Words<'_>) -> Option<Lease> {
    Some(Lease {
        fence: Fence(word(words)?),
        holder: word(words)?,
        scopes: words.next()?.split(',').map(|scope| scope.parse().ok()).collect::<Option<_>>()?,
        expires_at: word(words)?,
        since: word(words)?,
        pod: word(words)?,
    })
}

fn read_ticket(words: &mut Words<'_>) -> Option<Ticket> {
    let Lease { fence: number, holder, pod, since, expires_at, scopes } = read_lease(words)?;
    let (item_type, ttl_seconds) = (word(words)?, word(words)?);
    Some(Ticket { number, holder, pod, item_type, since, expires_at, ttl_seconds, scopes })
}

type Words<'w> = std::str::Split<'w, char>;

fn word<T: FromStr>(words: &mut Words<'_>) -> Option<T> {
    words.next()?.parse().ok()
}

fn read_override(value: &AttributeValue) -> Result<Override, String> {
    let fields = value.as_m().map_err(|_| "overridden is no map".to_owned())?;
    let set = || {
        Ok(Override {
            reason: field(fields, "reason", |text| text.as_s().ok().cloned())?,
            by: field(fields, "by", parsed)?,
            until: optional(fields, "until", parsed)?,
        })
    };
    set().map_err(|wrong: String| format!("overridden: {wrong}"))
}

fn read_by_item<T>(
    item: &Item,
    name: &str,
    read: impl Fn(&mut Words<'_>) -> Option<T>,
) -> Result<BTreeMap<ItemId, T>, String> {
    let entry = |(id, value): (&String, &AttributeValue)| {
        let place = |wrong: &str| format!("{name}, {}: {wrong}", quoted(id, 80));
        let id: ItemId = id.parse().map_err(|_| place("this is no item id"))?;
        let mut words = value.as_s().map_err(|_| place("this is no text"))?.split(' ');
        match (read(&mut words), words.next()) {
            (Some(entry), None) => Ok((id, entry)),
            _ => Err(place("the text is not what it should be")),
        }
    };
    field(item, name, |entries| entries.as_m().ok())?.iter().map(entry).collect()
}

fn field<'a, T>(fields: &'a Item, name: &str, read: impl FnOnce(&'a AttributeValue) -> Option<T>) -> Result<T, String> {
    fields.get(name).and_then(read).ok_or_else(|| format!("{name} is missing or not what it should be"))
}

fn optional<'a, T>(
    fields: &'a Item,
    name: &str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<Option<T>, String> {
    if fields.contains_key(name) { field(fields, name, read).map(Some) } else { Ok(None) }
}

fn number<T: FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_n().ok()?.parse().ok()
}

fn parsed<T: FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_s().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::{collection, option, prelude::*};

    use super::*;
    use crate::domain::wip::ItemType;

    fn times() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond())
            .prop_map(|at| Timestamp::from_nanosecond(at).unwrap())
    }

    fn names<T: FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(grammar: &'static str) -> impl Strategy<Value = T> {
        grammar.prop_map(|text: String| text.parse().unwrap())
    }

    fn person<T: FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T> {
        names("[a-z0-9][a-z0-9._-]{0,63}")
    }

    fn pod<T: FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T> {
        names("[a-z0-9][a-z0-9-]{0,31}")
    }

    fn scope() -> impl Strategy<Value = Scope> {
        prop_oneof![
            Just(Scope::Portfolio),
            (pod(), pod()).prop_map(|(pod, stage)| Scope::PodStage(pod, stage)),
            person().prop_map(Scope::Involved),
        ]
    }

    fn scope_sets() -> impl Strategy<Value = BTreeSet<Scope>> {
        collection::btree_set(scope(), 1..4)
    }

    fn leases() -> impl Strategy<Value = Lease> {
        (any::<u64>(), person(), pod(), times(), times(), scope_sets()).prop_map(
            |(fence, holder, pod, since, expires_at, scopes)| Lease {
                fence: Fence(fence),
                holder,
                pod,
                since,
                expires_at,
                scopes,
            },
        )
    }

    fn tickets() -> impl Strategy<Value = Ticket> {
        let types = proptest::sample::select(ItemType::ALL.to_vec());
        (any::<u64>(), person(), pod(), types, times(), times(), any::<u32>(), scope_sets()).prop_map(
            |(number, holder, pod, item_type, since, expires_at, ttl_seconds, scopes)| Ticket {
                number: Fence(number),
                holder,
                pod,
                item_type,
                since,
                expires_at,
                ttl_seconds,
                scopes,
            },
        )
    }

    fn overrides() -> impl Strategy<Value = Override> {
        (".{0,20}", person(), option::of(times())).prop_map(|(reason, by, until)| Override { reason, by, until })
    }

    fn states() -> impl Strategy<Value = ScopeState> {
        let heads = (scope(), 1..=u64::MAX, any::<u32>(), option::of(any::<[u8; 4]>()));
        let rest = (
            option::of(overrides()),
            collection::btree_map(person(), leases(), 0..4),
            collection::btree_map(person(), tickets(), 0..4),
            collection::vec(any::<i64>(), 0..33),
        );
        (heads, rest).prop_map(|((scope, fence, limit, seed), (overridden, leases, tickets, releases))| {
            let digest = seed.map(|seed| Digest::of(&seed));
            let fence = Fence(fence);
            ScopeState { scope, fence, limit, digest, overridden, leases, tickets, releases, readable: true }
        })
    }

    proptest! {
        #[test]
        fn a_row_reads_as_it_was_written(state in states()) {
            prop_assert_eq!(found(&state.scope, Some(&item(&state, state.fence))).unwrap(), state);
        }

        /// Whatever is taken out of a row or replaced in it: it is never read as another row without a word.
        #[test]
        fn a_damaged_row_is_named_and_never_skipped(state in states(), at in any::<prop::sample::Index>(), gone: bool) {
            let whole = item(&state, state.fence);
            let mut fields: Vec<_> = whole.keys().cloned().collect();
            fields.sort();
            let field = at.get(&fields);
            // Without these a row may be.
            prop_assume!(!(gone && (field == "tickets" || (field == "overridden" && state.until().is_none()))));
            let mut damaged = whole.clone();
            match gone {
                true => drop(damaged.remove(field)),
                false => drop(damaged.insert(field.clone(), AttributeValue::Null(true))),
            }
            let fault = found(&state.scope, Some(&damaged)).unwrap_err();
            prop_assert!(matches!(fault, Fault::Bug { .. }), "{}", fault);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let mut state = ScopeState::absent(Scope::Portfolio);
        let ticket = Ticket {
            number: Fence(1),
            holder: "ada".parse().unwrap(),
            pod: "ratio".parse().unwrap(),
            item_type: ItemType::Project,
            since: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            ttl_seconds: 60,
            scopes: [Scope::Portfolio].into(),
        };
        state.tickets.insert("p-1".parse().unwrap(), ticket);
        assert_eq!(found(&Scope::Portfolio, None).unwrap(), ScopeState::absent(Scope::Portfolio));
        let sentence = |item: &Item| found(&Scope::Portfolio, Some(item)).unwrap_err().to_string();
        assert_eq!(
            sentence(&item(&state, Fence(0))),
            "the row SCOPE#portfolio / STATE cannot be read: a row that exists has a number above 0"
        );
        let mut damaged = item(&state, Fence(1));
        let Some(AttributeValue::M(tickets)) = damaged.get_mut("tickets") else { panic!("tickets are a map") };
        let Some(AttributeValue::S(text)) = tickets.get_mut("p-1") else { panic!("a ticket is a text") };
        assert_eq!(
            text,
            "1 ada portfolio 1970-01-01T00:00:00.000000000Z 1970-01-01T00:00:00.000000000Z ratio project 60"
        );
        text.push_str(" more");
        assert_eq!(
            sentence(&damaged),
            r#"the row SCOPE#portfolio / STATE cannot be read: tickets, "p-1": the text is not what it should be"#
        );
        let other = found(&Scope::Expedite, Some(&item(&state, Fence(1)))).unwrap_err().to_string();
        assert_eq!(other, "the row SCOPE#portfolio / STATE cannot be read: pk is missing or not what it should be");
    }
}
