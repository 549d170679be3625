//! What stands in a function's queue: an event of ours, an event of an AWS service, or a schedule's word.
//!
//! EventBridge adds `replay-name` to an event that it sends again from an archive
//! (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html>): it changes nothing of what the event means.

use serde::Deserialize as _;
use serde_json::Value;

use super::{AwsEvent, Envelope};
use crate::{
    domain::id::{JobId, ReplayName, quoted},
    fault::Fault,
};

/// What a function behind a queue is woken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueMessage {
    /// An event of ours from the bus.
    Event(Box<Envelope>),
    /// An event of an AWS service.
    Aws(AwsEvent),
    /// A schedule, by the word in its input: `reconcile`.
    Schedule(String),
    /// A job of an action that invokes this function: it wakes, and CodePipeline says what it is about.
    Job(JobId),
}

impl QueueMessage {
    /// The fault of a function that no such message should wake.
    pub fn unexpected(&self, function: &str) -> Fault {
        let what = match self {
            Self::Event(event) => event.event.kind().name().to_owned(),
            Self::Aws(event) => return event.unexpected(function),
            Self::Schedule(name) => format!("the schedule {}", quoted(name, 80)),
            Self::Job(id) => format!("the job {id} of a pipeline"),
        };
        Fault::bug(format!("{function} was sent {what}: its rules are wrong"))
    }

    /// Reads a message.
    ///
    /// # Errors
    /// `Bug` when it is neither an event of the contract nor one of an AWS service nor a schedule message: a rule or schedule is wired wrong.
    pub fn parse(message: &Value) -> Result<Self, Fault> {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        match (text("source"), text("detail-type"), message.get("detail"), text("schedule")) {
            (Some(source), Some(_), Some(_), None) if source.starts_with("aws.") => {
                let read = AwsEvent::deserialize(message);
                read.map(Self::Aws)
                    .map_err(|error| Fault::bug_from("an event of an AWS service has another form", error))
            }
            (Some(source), Some(detail_type), Some(detail), None) => {
                Envelope::parse(source, detail_type, detail.clone()).map(|event| Self::Event(Box::new(event))).map_err(
                    |fault| Fault::bug_from("a message in the queue is no event that this function knows", fault),
                )
            }
            (None, None, None, Some(name)) => Ok(Self::Schedule(name.to_owned())),
            _ => Err(Fault::bug(format!(
                "a message in the queue is neither an event (source, detail-type, detail) nor a schedule: {}",
                quoted(&message.to_string(), 120)
            ))),
        }
    }
}

/// The replay by which an event came, when it came by one.
///
/// # Errors
/// `Bug` when it has a name that EventBridge gives no replay.
pub fn replay(message: &Value) -> Result<Option<ReplayName>, Fault> {
    let name = message.get("replay-name").filter(|name| !name.is_null());
    name.map(|name| name.as_str().unwrap_or_default().parse())
        .transpose()
        .map_err(|error| Fault::bug(format!("replay-name: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_of_a_service_is_told_apart_and_only_whoever_asked_for_it_takes_it() {
        let message = json!({
            "version": "0", "id": "1", "source": "aws.codepipeline", "detail-type": "CodePipeline Action Execution State Change",
            "account": "000011112222", "detail": {"pipeline": "p", "state": "STARTED"},
        });
        let QueueMessage::Aws(event) = QueueMessage::parse(&message).unwrap() else { panic!("{message}") };
        assert_eq!(
            (event.source.as_str(), event.text("pipeline"), event.text("none")),
            ("aws.codepipeline", Some("p"), None)
        );
        assert_eq!((event.id.as_str(), event.account.as_str(), event.region.as_str()), ("1", "000011112222", ""));
        let said = event.unexpected("feedback").to_string();
        assert!(said.contains("feedback was sent") && said.contains("its rules are wrong"), "{said}");
    }

    #[test]
    fn a_replay_is_known_by_its_name_and_the_event_is_the_same() {
        let message = |name: Value| json!({"source": "aws.x", "detail-type": "y", "detail": {}, "replay-name": name});
        assert_eq!(
            replay(&message(json!("after-the-outage_1.2"))).unwrap(),
            Some("after-the-outage_1.2".parse().unwrap())
        );
        assert_eq!(replay(&message(Value::Null)).unwrap(), None);
        assert_eq!(replay(&json!({"schedule": "sweep"})).unwrap(), None);
        for wrong in [json!(""), json!("a b"), json!(7), json!("a".repeat(65))] {
            assert!(replay(&message(wrong.clone())).unwrap_err().to_string().starts_with("replay-name: "), "{wrong}");
        }
        let plain = json!({"source": "aws.x", "detail-type": "y", "detail": {}});
        assert_eq!(QueueMessage::parse(&message(json!("r"))).unwrap(), QueueMessage::parse(&plain).unwrap());
    }
}
