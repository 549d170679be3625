//! Messages behind a function's queue: events of ours and schedules, one at a time, each with its own failure.
//!
//! | the handler or the parser says | what becomes of the message |
//! |---|---|
//! | done | deleted |
//! | `Retry` | comes again after the visibility timeout; to the dead-letter queue after its last receive |
//! | `Reject` | logged with its reason, counted (`RejectedMessages`), deleted: it could never be accepted |
//! | `Bug`, and a body that is no message | stays, so that it ends in the dead-letter queue where a person sees it |
//!
//! A bare event (`{"source", "detail-type", "detail"}`) or schedule message (`{"schedule": "reconcile"}`) is taken too: that is
//! what the samples under `events/` are, and what a person types. Its fault is the answer. So is a job with which CodePipeline invokes a
//! function: the invocation is asynchronous, and Lambda brings one that failed again.

use std::future::Future;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log;
use crate::{
    domain::id::{JobId, quoted},
    event::{AwsEvent, Envelope, Meta},
    fault::Fault,
};

/// What Lambda brings: a batch from SQS, a job, or one bare message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum QueueInput {
    /// From SQS.
    Batch(SqsEvent),
    /// From CodePipeline.
    Job(JobEvent),
    /// By hand or from a test.
    One(Value),
}

/// What Lambda brings to a function that is called directly and has a queue: told apart by shape.
///
/// `T` is the direct call. It stands last, because a request has no field that it must have: what is neither a batch nor a bare message
/// is one, and is answered as such.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Woken<T> {
    /// From SQS.
    Batch(SqsEvent),
    /// From CodePipeline.
    Job(JobEvent),
    /// By hand or from a test.
    Bare(Bare),
    /// A direct call.
    Call(T),
}

/// A job that CodePipeline hands to a function. Of all that comes with it only its id is read, for two reasons: the rest holds credentials
/// for the pipeline's artifacts, which so are in no value of ours and in no log; and whoever may invoke the function can write anything
/// there. What the job is about says CodePipeline itself, asked by this id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobEvent {
    #[serde(rename = "CodePipeline.job")]
    job: JobName,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct JobName {
    id: String,
}

impl JobEvent {
    /// The job's id.
    ///
    /// # Errors
    /// `Bug`: it is no id of CodePipeline's, so somebody else invoked the function.
    fn id(&self) -> Result<JobId, Fault> {
        let id = self.job.id.parse();
        id.map_err(|_| Fault::bug(format!("a job of CodePipeline has a UUID, not {}", quoted(&self.job.id, 80))))
    }
}

/// A bare message: see the head of this file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Bare {
    /// An event of the bus.
    Event {
        /// Its source.
        source: String,
        /// Its name.
        #[serde(rename = "detail-type")]
        detail_type: String,
        /// What it says.
        detail: Value,
    },
    /// A schedule.
    Schedule {
        /// Which.
        schedule: String,
    },
}

/// The answer to Lambda of a function that is called directly and has a queue.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply<R> {
    /// Of the queue.
    Queue(QueueReply),
    /// Of the call.
    Call(R),
}

impl<T> Woken<T> {
    /// Hands messages to one handler, one at a time, and a call to another.
    ///
    /// # Errors
    /// As [`process`]; a call answers its own failures.
    pub async fn answer<R, M, F, C, G>(self, message: M, call: C) -> Result<Reply<R>, Fault>
    where
        M: Fn(QueueMessage) -> F,
        F: Future<Output = Result<(), Fault>>,
        C: FnOnce(T) -> G,
        G: Future<Output = R>,
    {
        self.answer_or_fail(message, |request| async move { Ok(call(request).await) }).await
    }

    /// As [`answer`](Self::answer), where a call may fail as a message may: whoever called is told by Lambda.
    ///
    /// # Errors
    /// As [`process`], and those of the call.
    pub async fn answer_or_fail<R, M, F, C, G>(self, message: M, call: C) -> Result<Reply<R>, Fault>
    where
        M: Fn(QueueMessage) -> F,
        F: Future<Output = Result<(), Fault>>,
        C: FnOnce(T) -> G,
        G: Future<Output = Result<R, Fault>>,
    {
        let input = match self {
            Self::Call(request) => return call(request).await.map(Reply::Call),
            Self::Batch(batch) => QueueInput::Batch(batch),
            Self::Job(job) => QueueInput::Job(job),
            Self::Bare(bare) => QueueInput::One(
                serde_json::to_value(bare).map_err(|error| Fault::bug_from("reading a bare message", error))?,
            ),
        };
        process(input, message).await.map(Reply::Queue)
    }
}

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

/// The answer to Lambda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum QueueReply {
    /// To SQS: the messages to bring again; none when all are done.
    Batch(SqsBatchResponse),
    /// To whoever brought one bare message.
    One {
        /// `done`.
        result: &'static str,
    },
}

/// The ids that a log line about a message carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) message_id: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) correlation_id: Option<String>,
}

impl Ids {
    fn add(&mut self, meta: &Meta) {
        self.event_id = Some(meta.event_id.to_string());
        self.correlation_id = Some(meta.correlation_id.to_string());
    }
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

/// Hands every message to the handler, in order; a bad one never keeps a good one from being handled.
///
/// # Errors
/// Only for a bare message: its own fault. In a batch each fault becomes that message's fate.
pub async fn process<H, F>(input: QueueInput, handler: H) -> Result<QueueReply, Fault>
where
    H: Fn(QueueMessage) -> F,
    F: Future<Output = Result<(), Fault>>,
{
    let records = match input {
        QueueInput::Batch(batch) => batch.records,
        QueueInput::Job(job) => {
            let answered = match job.id() {
                Ok(id) => handler(QueueMessage::Job(id)).await,
                Err(fault) => Err(fault),
            };
            return alone(answered, &Ids::default());
        }
        QueueInput::One(message) => {
            let mut ids = Ids::default();
            let answered = one(&message, &mut ids, &handler).await;
            return alone(answered, &ids);
        }
    };
    let mut reply = SqsBatchResponse::default();
    for record in records {
        // Without an id the failure could not be named, and SQS would take the message as done. SQS always sends one.
        let message_id = record.message_id.ok_or_else(|| Fault::bug("a record of the batch has no messageId"))?;
        let mut ids = Ids { message_id: Some(message_id.clone()), ..Ids::default() };
        let result = match serde_json::from_str(&record.body.unwrap_or_default()) {
            Ok(message) => one(&message, &mut ids, &handler).await,
            Err(error) => Err(Fault::bug_from("a message in the queue is not JSON", error)),
        };
        if let Err(fault) = result {
            log::failed(&fault, Some(&ids));
            match fault {
                Fault::Reject { .. } => log::metric("RejectedMessages", 1),
                Fault::Retry { .. } | Fault::Bug { .. } => reply.add_failure(message_id),
            }
        }
    }
    Ok(QueueReply::Batch(reply))
}

/// What became of one that came alone: its fault is the answer.
fn alone(answered: Result<(), Fault>, ids: &Ids) -> Result<QueueReply, Fault> {
    answered.inspect_err(|fault| log::failed(fault, Some(ids)))?;
    Ok(QueueReply::One { result: "done" })
}

async fn one<H, F>(message: &Value, ids: &mut Ids, handler: &H) -> Result<(), Fault>
where
    H: Fn(QueueMessage) -> F,
    F: Future<Output = Result<(), Fault>>,
{
    let message = QueueMessage::parse(message)?;
    if let QueueMessage::Event(event) = &message {
        ids.add(&event.meta);
    }
    handler(message).await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::executor::block_on;
    use serde_json::json;

    use super::*;

    fn event(id: &str) -> Value {
        json!({"source": "penstock.scm", "detail-type": "Branch Deleted", "detail": {
            "schema_version": 1, "event_id": id, "occurred_at": "2026-01-01T00:00:00Z", "correlation_id": "c", "subject": "repository:1",
            "repository": {"host": "github", "id": 1, "name": "o/r"}, "branch": "b", "before": "0a".repeat(20),
            "sender": {"id": 1, "login": "l"}
        }})
    }

    #[test]
    fn of_ten_messages_two_bad_ones_come_again_and_eight_are_handled_once() {
        let mut bodies: Vec<String> = (0..8).map(|number| event(&format!("e{number}")).to_string()).collect();
        bodies.insert(3, "{not json".into());
        bodies.insert(5, json!({"source": "elsewhere", "detail-type": "x", "detail": {}}).to_string());
        let records = bodies.iter().enumerate().map(|(at, body)| json!({"messageId": format!("m{at}"), "body": body}));
        let input = serde_json::from_value(json!({"Records": records.collect::<Vec<_>>()})).unwrap();

        let handled = Mutex::new(Vec::new());
        let reply = block_on(process(input, |message| {
            let QueueMessage::Event(event) = message else { panic!("no schedule was sent") };
            handled.lock().unwrap().push(event.meta.event_id.to_string());
            async { Ok(()) }
        }));

        assert_eq!(*handled.lock().unwrap(), ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
        let reply = serde_json::to_value(reply.unwrap()).unwrap();
        assert_eq!(reply, json!({"batchItemFailures": [{"itemIdentifier": "m3"}, {"itemIdentifier": "m5"}]}));
    }

    #[test]
    fn a_fault_decides_whether_its_message_comes_again() {
        let records = ["retry", "reject", "bug", "fine"]
            .map(|word| json!({"messageId": word, "body": json!({"schedule": word}).to_string()}));
        let input = serde_json::from_value(json!({"Records": records})).unwrap();
        let reply = block_on(process(input, |message| async move {
            match message {
                QueueMessage::Schedule(word) if word == "retry" => Err(Fault::retry("x")),
                QueueMessage::Schedule(word) if word == "reject" => Err(Fault::reject("x")),
                QueueMessage::Schedule(word) if word == "bug" => Err(Fault::bug("x")),
                _ => Ok(()),
            }
        }));
        let mut expected = SqsBatchResponse::default();
        expected.set_failures(["retry", "bug"]);
        assert_eq!(reply.unwrap(), QueueReply::Batch(expected));
    }

    #[test]
    fn a_bare_message_is_answered_with_its_own_fault() {
        let bare = |message: Value| serde_json::from_value::<QueueInput>(message).unwrap();
        let done = block_on(process(bare(event("e")), |_| async { Ok(()) }));
        assert_eq!(done.unwrap(), QueueReply::One { result: "done" });
        let fault = block_on(process(bare(json!({"schedule": "reconcile"})), |_| async { Err(Fault::reject("no")) }));
        assert_eq!(fault.unwrap_err().to_string(), "no");
        let fault = block_on(process(bare(json!({"scheduled": 1})), |_| async { Ok(()) })).unwrap_err();
        assert!(fault.to_string().contains("neither an event"), "{fault}");
    }

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
    fn a_function_with_two_doors_tells_them_apart() {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Call {
            raw_path: Option<String>,
        }
        fn answer(input: Value) -> String {
            let woken: Woken<Call> = serde_json::from_value(input).unwrap();
            let message = |message| async move {
                match message {
                    QueueMessage::Schedule(name) if name == "sweep" => Ok(()),
                    other => Err(Fault::retry(format!("{other:?}"))),
                }
            };
            let call = |call: Call| async move { call.raw_path.unwrap_or_default() };
            match block_on(woken.answer(message, call)) {
                Ok(reply) => serde_json::to_string(&reply).unwrap(),
                Err(fault) => fault.to_string(),
            }
        }
        let batch = |body: &str| json!({"Records": [{"messageId": "1", "body": body}]});
        assert_eq!(answer(json!({"schedule": "sweep"})), r#"{"result":"done"}"#);
        assert_eq!(answer(batch(r#"{"schedule":"sweep"}"#)), r#"{"batchItemFailures":[]}"#);
        let failed = answer(batch(r#"{"schedule":"other"}"#));
        assert_eq!(failed, r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#);
        let event = json!({"source": "a", "detail-type": "b", "detail": {}, "id": "x"});
        assert!(answer(event).contains("no event that this function knows"));
        assert_eq!(answer(json!({"rawPath": "/v1", "version": "2.0", "body": "{}"})), r#""/v1""#);
        assert_eq!(answer(json!({"schedule": 5})), r#""""#, "no message: a request without a path");
    }
    /// As the user guide shows it ("Invoke an AWS Lambda function in a pipeline", example JSON event), with other secrets.
    fn job(id: &str) -> Value {
        json!({"CodePipeline.job": {"id": id, "accountId": "111111111111", "data": {
            "actionConfiguration": {"configuration": {"FunctionName": "f", "UserParameters": "some-input"}},
            "inputArtifacts": [{"location": {"s3Location": {"bucketName": "b", "objectKey": "k"}, "type": "S3"}, "revision": null, "name": "a"}],
            "outputArtifacts": [],
            "artifactCredentials": {"secretAccessKey": "SECRET-KEY", "sessionToken": "SECRET-TOKEN", "accessKeyId": "SECRET-ID"},
            "continuationToken": "A continuation token if continuing job", "encryptionKey": {"id": "key", "type": "KMS"}
        }}})
    }

    #[test]
    fn of_a_job_only_its_id_is_taken() {
        let event = job("11111111-abcd-1111-abcd-111111abcdef");
        for shown in [
            format!("{:?}", serde_json::from_value::<Woken<Value>>(event.clone()).unwrap()),
            format!("{:?}", serde_json::from_value::<QueueInput>(event.clone()).unwrap()),
        ] {
            assert!(shown.contains("11111111-abcd") && !shown.contains("SECRET"), "{shown}");
        }
        let seen = Mutex::new(Vec::new());
        let reply = block_on(process(serde_json::from_value(event).unwrap(), |message| {
            seen.lock().unwrap().push(message);
            async { Ok(()) }
        }));
        assert_eq!(*seen.lock().unwrap(), [QueueMessage::Job("11111111-abcd-1111-abcd-111111abcdef".parse().unwrap())]);
        assert_eq!(serde_json::to_value(reply.unwrap()).unwrap(), json!({"result": "done"}));
    }

    #[test]
    fn a_job_that_fails_fails_its_invocation_so_that_lambda_brings_it_again() {
        let process = |event| block_on(process(event, |_| async { Err(Fault::retry("CodePipeline did not answer")) }));
        let input = |id| serde_json::from_value(job(id)).unwrap();
        assert!(process(input("11111111-abcd-1111-abcd-111111abcdef")).unwrap_err().is_retry());
        let wrong = process(input("../x")).unwrap_err().to_string();
        assert_eq!(wrong, r#"a job of CodePipeline has a UUID, not "../x""#);
    }
}
