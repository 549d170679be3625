//! EventBridge: the one place that puts events on the bus.

use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};

use super::{Aws, config, fault};
use crate::{
    domain::id::{EventId, quoted},
    fault::Fault,
    ports::{Bus, OutboxRow},
};

/// The IAM actions that [`EventBus`] needs.
pub const ACTIONS: &[&str] = &["events:PutEvents"];

/// The most entries that `PutEvents` takes.
const MAX_ENTRIES: usize = 10;

/// The most bytes we put in one call, except for a single larger entry. The service takes 1 MB since January 2026; the old limit
/// of 256 KB costs an extra call now and then and holds everywhere.
const MAX_BYTES: usize = 256 * 1024;

/// A bus.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    /// The bus of this name.
    pub fn new(aws: &Aws, name: &str) -> Self {
        let config = config!(aws_sdk_eventbridge, aws, "EVENTBRIDGE").build();
        Self { client: Client::from_conf(config), name: name.to_owned() }
    }

    fn entry(&self, row: &OutboxRow) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(&row.source)
            .detail_type(&row.detail_type)
            .detail(&row.detail)
            .time(DateTime::from_secs(row.occurred_at.as_second()))
            .build()
    }
}

impl Bus for EventBus {
    async fn publish(&self, rows: &[OutboxRow]) -> Result<Vec<(EventId, String)>, Fault> {
        let mut refused = Vec::new();
        for call in calls(rows) {
            let entries = call.iter().map(|row| self.entry(row)).collect();
            let answer = self.client.put_events().set_entries(Some(entries)).send().await;
            match answer {
                Ok(answer) => refused.extend(failures(call, answer.failed_entry_count, answer.entries.as_deref())),
                // What earlier calls of this batch brought in stays in: only this call's rows are not accepted.
                Err(error) => {
                    let fault = fault(&format!("putting events on the bus {}", self.name), error);
                    if call.len() == rows.len() {
                        return Err(fault);
                    }
                    refused.extend(call.iter().map(|row| (row.event_id.clone(), fault.chain())));
                }
            }
        }
        Ok(refused)
    }
}

/// Cuts rows into calls, in order.
fn calls(rows: &[OutboxRow]) -> impl Iterator<Item = &[OutboxRow]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take(MAX_ENTRIES).take_while(|row| {
            // As EventBridge counts: 14 bytes for the time, and the texts.
            bytes += 14 + row.source.len() + row.detail_type.len() + row.detail.len();
            bytes <= MAX_BYTES
        });
        let (call, after) = rest.split_at_checked(fits.count().max(1))?;
        rest = after;
        Some(call)
    })
}

/// Which rows of a call were not accepted. `PutEvents` answers 200 even when it refused every entry: results stand in the order of
/// the entries, and one without an event id and with an error code was refused.
fn failures<'a>(
    rows: &'a [OutboxRow],
    failed_entry_count: i32,
    results: Option<&'a [PutEventsResultEntry]>,
) -> impl Iterator<Item = (EventId, String)> + 'a {
    let results = results.unwrap_or_default();
    let refused = results.iter().filter(|result| result.error_code.is_some()).count();
    // An answer that does not match the question, or itself: nothing in it counts as accepted. A copy does less harm than a loss.
    let confused = results.len() != rows.len() || usize::try_from(failed_entry_count) != Ok(refused);
    rows.iter().enumerate().filter_map(move |(at, row)| {
        let reason = match results.get(at) {
            Some(result) if !confused => {
                let code = result.error_code.as_deref()?;
                format!("{code}: {}", quoted(result.error_message.as_deref().unwrap_or_default(), 200))
            }
            _ => format!("{} results and {failed_entry_count} failures for {} events", results.len(), rows.len()),
        };
        Some((row.event_id.clone(), reason))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, bytes: usize) -> OutboxRow {
        OutboxRow {
            event_id: id.parse().unwrap(),
            source: "penstock.scm".into(),
            detail_type: "Branch Pushed".into(),
            detail: "x".repeat(bytes),
            occurred_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn calls_hold_ten_entries_and_the_byte_limit_and_lose_nothing() {
        let sizes = |rows: &[OutboxRow]| calls(rows).map(<[_]>::len).collect::<Vec<_>>();
        let many: Vec<_> = (0..23).map(|number| row(&number.to_string(), 10)).collect();
        assert_eq!(sizes(&many), [10, 10, 3]);
        assert_eq!(sizes(&[]), [0usize; 0]);
        let heavy = [row("a", 200_000), row("b", 100_000), row("c", 100_000), row("d", 300_000), row("e", 1)];
        assert_eq!(sizes(&heavy), [1, 2, 1, 1]);
    }

    #[test]
    fn a_200_with_refused_entries_names_exactly_those() {
        let rows = [row("a", 1), row("b", 1), row("c", 1)];
        let accepted = || PutEventsResultEntry::builder().event_id("1").build();
        let refused =
            PutEventsResultEntry::builder().error_code("ThrottlingException").error_message("slow\ndown").build();
        let found: Vec<_> = failures(&rows, 1, Some(&[accepted(), refused, accepted()])).collect();
        assert_eq!(found, [("b".parse().unwrap(), r#"ThrottlingException: "slow\ndown""#.to_owned())]);

        assert_eq!(failures(&rows, 0, Some(&[accepted(), accepted(), accepted()])).count(), 0);
        assert_eq!(failures(&rows, 3, None).count(), 3, "a count without entries accepts nothing");
        assert_eq!(failures(&rows, 0, Some(&[accepted()])).count(), 3, "a short answer accepts nothing");
        assert_eq!(
            failures(&rows, 1, Some(&[accepted(), accepted(), accepted()])).count(),
            3,
            "nor does one at odds with itself"
        );
    }
}
