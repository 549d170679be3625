//! One transaction: what cancelled it, and when to try it again.
//!
//! The SDK does not retry a cancelled transaction, whatever the reason, so conflicts and throttling are retried here with full
//! jitter. A reply that was lost is safe: the SDK's own retries of one call share its client request token.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use jiff::SignedDuration;

use super::{Table, item::Item};
use crate::{aws::fault, domain::id::quoted, fault::Fault, ports::Pause};

/// The most items that a transaction takes.
pub(super) const MAX_ITEMS: usize = 100;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// How an attempt at a transaction ended, without a fault.
#[derive(Debug, PartialEq)]
pub(super) enum Attempt<T> {
    /// It is decided.
    Done(T),
    /// Somebody else was at the same items: the same may pass in a moment.
    Again,
}

/// A condition that did not hold: which item of the transaction, and what stands in the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failed {
    pub(super) at: usize,
    pub(super) found: Option<Item>,
}

/// Repeats attempts until one is decided, for at most `budget` from now, with rising pauses of random length.
pub(super) async fn retry<T, P, A, F>(pause: &P, budget: SignedDuration, what: &str, mut attempt: A) -> Result<T, Fault>
where
    P: Pause,
    A: FnMut() -> F + Send,
    F: Future<Output = Result<Attempt<T>, Fault>> + Send,
{
    let start = pause.now();
    let mut longest = FIRST_PAUSE;
    loop {
        if let Attempt::Done(result) = attempt().await? {
            return Ok(result);
        }
        let spent = pause.now().duration_since(start);
        let next = SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX);
        if spent.saturating_add(next) > budget {
            return Err(Fault::retry(format!("{what}: others were at the same rows for {} ms", spent.as_millis())));
        }
        pause.pause(longest).await;
        longest = (longest * 2).min(LONGEST_PAUSE);
    }
}

impl Table {
    /// Puts an item, when the condition holds: names and values are bound by the caller.
    pub(super) fn put(&self, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Deletes an item.
    pub(super) fn delete(&self, keys: Item) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        Delete::builder().table_name(&self.name).set_key(Some(keys))
    }

    /// One attempt at a transaction: `None` when it is committed, else every condition that did not hold.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    pub(super) async fn transact(
        &self,
        what: &str,
        items: Vec<TransactWriteItem>,
    ) -> Result<Attempt<Vec<Failed>>, Fault> {
        let error = match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => return Ok(Attempt::Done(Vec::new())),
            Err(error) => error,
        };
        let decided = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                decide(cancelled.cancellation_reasons())
            }
            _ => Err(None),
        };
        decided.map_err(|refused| match refused {
            Some(refused) => Fault::bug(format!("{what}: {refused}")),
            None => fault(what, error),
        })
    }
}

/// What the cancellation reasons mean.
///
/// # Errors
/// In words, the first item that is refused for what it is, such as a row that has grown too large; nothing when no reason is given.
fn decide(reasons: &[CancellationReason]) -> Result<Attempt<Vec<Failed>>, Option<String>> {
    let mut failed = Vec::new();
    let mut again = false;
    for (at, reason) in reasons.iter().enumerate() {
        match reason.code() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => failed.push(Failed { at, found: reason.item().cloned() }),
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => again = true,
            Some(code) => {
                let message = quoted(reason.message().unwrap_or_default(), 200);
                return Err(Some(format!("item {at} of the transaction was refused with {code}: {message}")));
            }
        }
    }
    // A condition that failed beside a conflict was still read from a committed row: that answer is as good as any.
    match (failed.is_empty(), again) {
        (false, _) => Ok(Attempt::Done(failed)),
        (true, true) => Ok(Attempt::Again),
        (true, false) => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::executor::block_on;
    use jiff::Timestamp;

    use super::*;
    use crate::ports::Clock;

    /// Waits the longest it may, and only in its own time.
    #[derive(Default)]
    struct Time(Mutex<(Timestamp, Vec<Duration>)>);

    impl Clock for Time {
        fn now(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }
    }

    impl Pause for Time {
        async fn pause(&self, longest: Duration) {
            let mut state = self.0.lock().unwrap();
            state.0 += longest;
            state.1.push(longest);
        }
    }

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    #[test]
    fn a_conflict_is_tried_again_and_ends_with_the_first_answer() {
        let time = Time::default();
        let mut left = 3;
        let result = block_on(retry(&time, SignedDuration::from_secs(2), "recording", || {
            left -= 1;
            let attempt = if left == 0 { Attempt::Done("in") } else { Attempt::Again };
            async { Ok(attempt) }
        }));
        assert_eq!(result.unwrap(), "in");
        assert_eq!(time.0.lock().unwrap().1, [25, 50].map(Duration::from_millis));
    }

    #[test]
    fn a_conflict_that_lasts_is_given_up_within_two_seconds_as_retry() {
        let time = Time::default();
        let result: Result<(), _> =
            block_on(retry(&time, SignedDuration::from_secs(2), "recording", || async { Ok(Attempt::Again) }));
        let fault = result.unwrap_err();
        assert!(fault.is_retry(), "{fault}");
        let (now, pauses) = &*time.0.lock().unwrap();
        let spent = now.duration_since(Timestamp::UNIX_EPOCH);
        assert!(spent <= SignedDuration::from_secs(2) && spent > SignedDuration::from_millis(1500), "{spent}");
        assert!(pauses.len() >= 6 && pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));
    }

    #[test]
    fn a_fault_ends_it_at_once() {
        let time = Time::default();
        let result: Result<(), _> =
            block_on(retry(&time, SignedDuration::from_secs(2), "recording", || async { Err(Fault::bug("no table")) }));
        assert_eq!(result.unwrap_err().to_string(), "no table");
        assert!(time.0.lock().unwrap().1.is_empty());
    }

    #[test]
    fn reasons_are_sorted_into_conditions_time_and_the_rest() {
        assert_eq!(decide(&[reason("None"), reason("TransactionConflict")]), Ok(Attempt::Again));
        assert_eq!(decide(&[reason("ThrottlingError")]), Ok(Attempt::Again));
        assert_eq!(
            decide(&[reason("TransactionConflict"), reason("ConditionalCheckFailed")]),
            Ok(Attempt::Done(vec![Failed { at: 1, found: None }]))
        );
        let large = CancellationReason::builder().code("ValidationError").message("Item size is too large").build();
        let refused = r#"item 1 of the transaction was refused with ValidationError: "Item size is too large""#;
        assert_eq!(decide(&[reason("TransactionConflict"), large]), Err(Some(refused.to_owned())));
        assert_eq!(decide(&[]), Err(None));
    }
}
