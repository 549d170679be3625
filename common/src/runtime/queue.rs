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
//!
//! How each message ended is noted in the ledger. A message counts as handled once that is written: when it cannot be, the message
//! comes again, which costs nothing, as every handler is idempotent. So the ledger never says less was done than was done. That a
//! message failed is noted too; when *that* cannot be written, the log alone has it.

use std::future::Future;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument as _;

use super::{SystemClock, log};
use crate::{
    domain::{
        id::{EventId, FunctionName, JobId, MessageId, ReplayName, quoted},
        ledger::{About, Happening, MARK, Note},
    },
    event::{
        Meta,
        message::{QueueMessage, replay},
    },
    fault::Fault,
    manifest::{MAX_RECEIVES, Manifest},
    ports::{Clock, Ledger},
};

/// Whose queue it is, and where it is noted how its messages end.
#[derive(Debug, Clone)]
pub struct Desk<'a, L, C = SystemClock> {
    function: FunctionName,
    ledger: &'a L,
    clock: C,
}

impl<'a, L: Ledger> Desk<'a, L> {
    /// The queue of the function with this manifest.
    ///
    /// # Errors
    /// `Bug` when its name is none.
    pub fn new(manifest: &Manifest, ledger: &'a L) -> Result<Self, Fault> {
        Self::of(manifest.name, ledger, SystemClock)
    }
}

impl<'a, L: Ledger, C: Clock> Desk<'a, L, C> {
    /// The queue of this function, with a clock.
    ///
    /// # Errors
    /// `Bug` when its name is none.
    pub fn of(function: &str, ledger: &'a L, clock: C) -> Result<Self, Fault> {
        let function = function.parse().map_err(|error| Fault::bug(format!("{error}")))?;
        Ok(Self { function, ledger, clock })
    }

    /// What becomes of a message when it ended so and that is noted, or could not be.
    async fn ended(&self, ids: &Ids, result: Result<(), Fault>) -> Result<(), Fault> {
        let note = |what| Note::new(what, self.clock.now()).by(ids.replay.clone());
        let note = match &result {
            Ok(()) => note(Happening::Processed),
            Err(fault @ Fault::Reject { .. }) => note(Happening::Rejected).because(fault),
            Err(fault) if ids.receives >= MAX_RECEIVES => note(Happening::Parked).because(fault.chain()),
            Err(fault) => note(Happening::Failed).because(fault.chain()),
        };
        let handled = matches!(note.what, Happening::Processed | Happening::Rejected);
        let about = match (&ids.event_id, &ids.message_id) {
            (Some(event), _) if handled || ids.message_id.is_some() => {
                About::Event(event.clone(), self.function.clone())
            }
            // A schedule that was done is no news: only what failed is looked for.
            (None, Some(id)) if !handled => match id.parse::<MessageId>() {
                Ok(id) => About::Message(id, self.function.clone()),
                Err(_) => return result,
            },
            // What came alone and failed has its answer: it comes again only when somebody brings it.
            _ => return result,
        };
        let written = self.ledger.note(&about, &note).await;
        match (written, handled) {
            (Ok(()), _) => result,
            (Err(fault), true) => Err(Fault::retry_from("it was handled, and the ledger could not be written", fault)),
            (Err(fault), false) => {
                log::failed(&fault, Some(ids));
                result
            }
        }
    }
}

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
    pub async fn answer<R, L, K, M, F, C, G>(
        self,
        desk: &Desk<'_, L, K>,
        message: M,
        call: C,
    ) -> Result<Reply<R>, Fault>
    where
        L: Ledger,
        K: Clock,
        M: Fn(QueueMessage) -> F,
        F: Future<Output = Result<(), Fault>>,
        C: FnOnce(T) -> G,
        G: Future<Output = R>,
    {
        self.answer_or_fail(desk, message, |request| async move { Ok(call(request).await) }).await
    }

    /// As [`answer`](Self::answer), where a call may fail as a message may: whoever called is told by Lambda.
    ///
    /// # Errors
    /// As [`process`], and those of the call.
    pub async fn answer_or_fail<R, L, K, M, F, C, G>(
        self,
        desk: &Desk<'_, L, K>,
        message: M,
        call: C,
    ) -> Result<Reply<R>, Fault>
    where
        L: Ledger,
        K: Clock,
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
        process(desk, input, message).await.map(Reply::Queue)
    }
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

/// What a log line about a message carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) message_id: Option<String>,
    pub(super) event_id: Option<EventId>,
    pub(super) correlation_id: Option<String>,
    /// The replay by which it came.
    pub(super) replay: Option<ReplayName>,
    /// Whether it was in the dead-letter queue before.
    pub(super) redriven: bool,
    /// How often it was received, this time included; 0 when it came alone.
    pub(super) receives: u32,
}

impl Ids {
    fn of(record: &SqsMessage) -> Self {
        let attribute = |name| record.attributes.get(name).map(String::as_str);
        Self {
            message_id: record.message_id.clone(),
            redriven: record.message_attributes.contains_key(MARK),
            receives: attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1),
            ..Self::default()
        }
    }

    fn add(&mut self, meta: &Meta) {
        self.event_id = Some(meta.event_id.clone());
        self.correlation_id = Some(meta.correlation_id.to_string());
    }
}

/// Hands every message to the handler, in order; a bad one never keeps a good one from being handled.
///
/// # Errors
/// Only for a bare message: its own fault. In a batch each fault becomes that message's fate.
pub async fn process<L, C, H, F>(desk: &Desk<'_, L, C>, input: QueueInput, handler: H) -> Result<QueueReply, Fault>
where
    L: Ledger,
    C: Clock,
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
            return alone(desk.ended(&ids, answered).await, &ids);
        }
    };
    let mut reply = SqsBatchResponse::default();
    for record in records {
        let mut ids = Ids::of(&record);
        // Without an id the failure could not be named, and SQS would take the message as done. SQS always sends one.
        let message_id = record.message_id.ok_or_else(|| Fault::bug("a record of the batch has no messageId"))?;
        let result = match serde_json::from_str(&record.body.unwrap_or_default()) {
            Ok(message) => one(&message, &mut ids, &handler).await,
            Err(error) => Err(Fault::bug_from("a message in the queue is not JSON", error)),
        };
        if let Err(fault) = desk.ended(&ids, result).await {
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
    ids.replay = replay(message)?;
    let message = QueueMessage::parse(message)?;
    if let QueueMessage::Event(event) = &message {
        ids.add(&event.meta);
    }
    let handled = handler(message);
    // What comes for a second reason says so in each of its lines.
    match (&ids.replay, ids.redriven) {
        (None, false) => handled.await,
        (replay, redriven) => {
            let replay = replay.as_ref().map(ReplayName::as_str);
            handled.instrument(tracing::info_span!("message", replay, redriven)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    };

    use futures::executor::block_on;
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::domain::ledger::{Notes, State};

    /// A ledger that keeps all notes in order, and can be out of reach.
    #[derive(Default)]
    struct Book {
        notes: Mutex<Vec<(About, Note)>>,
        away: AtomicBool,
    }

    impl Book {
        /// What was noted, in short: about what, what, why.
        fn read(&self) -> Vec<String> {
            let notes = self.notes.lock().unwrap();
            let line = |(about, note): &(About, Note)| {
                let about = match about {
                    About::Event(event, function) => format!("{event} at {function}"),
                    About::Message(message, function) => format!("message {message} at {function}"),
                    About::Delivery(delivery) => format!("delivery {delivery}"),
                };
                let replay = note.replay.as_ref().map_or(String::new(), |replay| format!(" by {replay}"));
                format!("{about}: {}{replay} {}", note.what.as_str(), note.reason).trim_end().to_owned()
            };
            notes.iter().map(line).collect()
        }
    }

    impl Ledger for Book {
        async fn note(&self, about: &About, note: &Note) -> Result<(), Fault> {
            if self.away.load(Ordering::SeqCst) {
                return Err(Fault::retry("the table"));
            }
            self.notes.lock().unwrap().push((about.clone(), note.clone()));
            Ok(())
        }
    }

    struct At;

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    fn desk(book: &Book) -> Desk<'_, Book, At> {
        Desk::of("example", book, At).unwrap()
    }

    fn record(id: &str, body: &Value, receives: u32) -> Value {
        json!({"messageId": id, "body": body.to_string(), "attributes": {"ApproximateReceiveCount": receives.to_string()}})
    }

    fn batch(records: impl IntoIterator<Item = Value>) -> QueueInput {
        serde_json::from_value(json!({"Records": records.into_iter().collect::<Vec<_>>()})).unwrap()
    }

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
        let reply = block_on(process(&desk(&Book::default()), input, |message| {
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
        let reply = block_on(process(&desk(&Book::default()), input, |message| async move {
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
        let done = block_on(process(&desk(&Book::default()), bare(event("e")), |_| async { Ok(()) }));
        assert_eq!(done.unwrap(), QueueReply::One { result: "done" });
        let fault = block_on(process(&desk(&Book::default()), bare(json!({"schedule": "reconcile"})), |_| async {
            Err(Fault::reject("no"))
        }));
        assert_eq!(fault.unwrap_err().to_string(), "no");
        let fault = block_on(process(&desk(&Book::default()), bare(json!({"scheduled": 1})), |_| async { Ok(()) }))
            .unwrap_err();
        assert!(fault.to_string().contains("neither an event"), "{fault}");
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
            match block_on(woken.answer(&desk(&Book::default()), message, call)) {
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
        let reply = block_on(process(&desk(&Book::default()), serde_json::from_value(event).unwrap(), |message| {
            seen.lock().unwrap().push(message);
            async { Ok(()) }
        }));
        assert_eq!(*seen.lock().unwrap(), [QueueMessage::Job("11111111-abcd-1111-abcd-111111abcdef".parse().unwrap())]);
        assert_eq!(serde_json::to_value(reply.unwrap()).unwrap(), json!({"result": "done"}));
    }

    #[test]
    fn a_job_that_fails_fails_its_invocation_so_that_lambda_brings_it_again() {
        let process = |event| {
            block_on(process(&desk(&Book::default()), event, |_| async {
                Err(Fault::retry("CodePipeline did not answer"))
            }))
        };
        let input = |id| serde_json::from_value(job(id)).unwrap();
        assert!(process(input("11111111-abcd-1111-abcd-111111abcdef")).unwrap_err().is_retry());
        let wrong = process(input("../x")).unwrap_err().to_string();
        assert_eq!(wrong, r#"a job of CodePipeline has a UUID, not "../x""#);
    }

    #[test]
    fn how_each_message_ended_is_noted() {
        let events = ["done", "refused", "again", "last", "bug"].map(event);
        let sweep = json!({"schedule": "sweep"});
        let mut records: Vec<Value> = events.iter().map(|body| record("m", body, 1)).collect();
        records[3] = record("m", &events[3], MAX_RECEIVES);
        records.extend([record("s1", &sweep, 2), record("s2", &json!({"schedule": "fine"}), 1)]);
        records.push(json!({"messageId": "x", "body": "{not json", "attributes": {"ApproximateReceiveCount": "5"}}));
        let book = Book::default();
        block_on(process(&desk(&book), batch(records), |message| async move {
            match message {
                QueueMessage::Event(event) => match event.meta.event_id.as_str() {
                    "done" => Ok(()),
                    "refused" => Err(Fault::reject("there is no such branch")),
                    "bug" => Err(Fault::bug_from("reading a row", "no text\u{202e}")),
                    _ => Err(Fault::retry_from("calling GitHub", "503")),
                },
                QueueMessage::Schedule(name) if name == "sweep" => Err(Fault::retry("listing")),
                _ => Ok(()),
            }
        }))
        .unwrap();
        insta::assert_snapshot!(book.read().join("\n"), @r"
        done at example: processed
        refused at example: rejected there is no such branch
        again at example: failed calling GitHub: try again later: 503
        last at example: parked calling GitHub: try again later: 503
        bug at example: failed reading a row: no text\u{202e}
        message s1 at example: failed listing: try again later
        message x at example: parked a message in the queue is not JSON: key must be a string at line 1 column 2
        ");
    }

    #[test]
    fn what_was_handled_and_could_not_be_noted_comes_again_and_what_failed_comes_again_anyway() {
        let book = Book::default();
        book.away.store(true, Ordering::SeqCst);
        let records = ["done", "refused", "again"].map(|id| record(id, &event(id), 1));
        let reply = block_on(process(&desk(&book), batch(records), |message| async move {
            let QueueMessage::Event(event) = message else { return Ok(()) };
            match event.meta.event_id.as_str() {
                "done" => Ok(()),
                "refused" => Err(Fault::reject("no")),
                _ => Err(Fault::retry("x")),
            }
        }));
        let mut expected = SqsBatchResponse::default();
        expected.set_failures(["done", "refused", "again"]);
        assert_eq!(reply.unwrap(), QueueReply::Batch(expected));
        let bare = serde_json::from_value(event("done")).unwrap();
        let fault = block_on(process(&desk(&book), bare, |_| async { Ok(()) })).unwrap_err();
        assert!(fault.is_retry(), "{fault}");
        assert_eq!(book.read(), [""; 0]);
    }

    #[test]
    fn a_replay_is_marked_and_what_came_alone_and_failed_is_no_parked_message() {
        let mut replayed = event("e");
        replayed["replay-name"] = json!("after-the-outage");
        let book = Book::default();
        let one = |message: &Value, result: fn() -> Result<(), Fault>| {
            let input = serde_json::from_value(message.clone()).unwrap();
            block_on(process(&desk(&book), input, |_| async move { result() })).is_ok()
        };
        assert!(one(&replayed, || Ok(())));
        assert!(!one(&event("e"), || Err(Fault::bug("x"))));
        assert!(!one(&event("e"), || Err(Fault::reject("no"))));
        assert_eq!(book.read(), ["e at example: processed by after-the-outage", "e at example: rejected no"]);
        replayed["replay-name"] = json!("not a name");
        assert!(!one(&replayed, || Ok(())), "nobody but EventBridge names replays");
    }

    #[test]
    fn a_message_that_fails_until_it_is_parked_is_parked_at_its_last_receive() {
        let book = Book::default();
        for receive in 1..=MAX_RECEIVES {
            let input = batch([record("m", &event("e"), receive)]);
            block_on(process(&desk(&book), input, |_| async { Err(Fault::retry("x")) })).unwrap();
            let mut notes = Notes::default();
            book.notes.lock().unwrap().iter().for_each(|(_, note)| notes.add(note.clone()));
            let parked = if receive < MAX_RECEIVES { State::Waiting } else { State::Parked };
            assert_eq!(notes.state(), parked, "receive {receive}");
        }
    }
}
