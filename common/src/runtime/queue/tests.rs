//! What becomes of messages, and what is noted of it.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use futures::executor::block_on;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::{
    domain::ledger::{About, Note, Notes, State},
    manifest::MAX_RECEIVES,
};

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
    let fault =
        block_on(process(&desk(&Book::default()), bare(json!({"scheduled": 1})), |_| async { Ok(()) })).unwrap_err();
    assert!(fault.to_string().contains("neither an event"), "{fault}");
}

#[test]
fn a_function_with_two_doors_tells_them_apart() {
    #[derive(Debug, Default, serde::Deserialize)]
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
    last at example: last-try
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
fn a_last_try_that_never_ends_is_parked_and_one_that_ends_says_how() {
    let notes = |book: &Book| {
        let mut notes = Notes::default();
        book.notes.lock().unwrap().iter().for_each(|(_, note)| notes.add(note.clone()));
        notes
    };
    for (receive, state) in [(MAX_RECEIVES - 1, State::Waiting), (MAX_RECEIVES, State::Parked)] {
        let book = Book::default();
        // The second message is never reached, as Lambda ends the function in the first.
        let records = ["e", "behind"].map(|id| record(id, &event(id), receive));
        let (desk, input) = (desk(&book), batch(records));
        let mut running = Box::pin(process(&desk, input, |_| std::future::pending()));
        assert!(futures::FutureExt::now_or_never(&mut running).is_none());
        drop(running);
        let parked =
            if state == State::Parked { vec!["e at example: last-try", "behind at example: last-try"] } else { vec![] };
        assert_eq!((book.read(), notes(&book).state()), (parked.into_iter().map(str::to_owned).collect(), state));
    }
    for (ended, state) in [
        (Ok(()), State::Processed),
        (Err(Fault::reject("no")), State::Rejected),
        (Err(Fault::bug("row 7")), State::Parked),
    ] {
        let book = Book::default();
        let ended = Mutex::new(Some(ended));
        let input = batch([record("m", &event("e"), MAX_RECEIVES)]);
        block_on(process(&desk(&book), input, |_| {
            let ended = ended.lock().unwrap().take().unwrap();
            async { ended }
        }))
        .unwrap();
        assert_eq!(notes(&book).state(), state);
        assert!(state != State::Parked || notes(&book).parked_because() == Some("row 7"));
    }
    let away = Book::default();
    away.away.store(true, Ordering::SeqCst);
    let input = batch([record("m", &json!({"schedule": "sweep"}), MAX_RECEIVES)]);
    let reply = block_on(process(&desk(&away), input, |_| async { Ok(()) })).unwrap();
    assert_eq!(reply, QueueReply::Batch(SqsBatchResponse::default()), "that it could not be noted changes nothing");
}

#[test]
fn what_was_parked_and_sent_again_is_noted_as_done_where_the_next_redrive_looks() {
    let mark = |mut record: Value| {
        record["messageAttributes"] = json!({"redriven": {"dataType": "String", "stringValue": "parked-1"}});
        record
    };
    let sweep = json!({"schedule": "sweep"});
    let handled = |result: fn() -> Result<(), Fault>, body: &Value| {
        let book = Book::default();
        block_on(process(&desk(&book), batch([mark(record("m", body, 1))]), |_| async move { result() })).unwrap();
        book.read().join("; ")
    };
    assert_eq!(handled(|| Ok(()), &sweep), "message parked-1 at example: processed");
    assert_eq!(handled(|| Err(Fault::reject("no")), &sweep), "message parked-1 at example: rejected no");
    assert_eq!(
        handled(|| Err(Fault::bug("x")), &sweep),
        "message m at example: failed x",
        "it will be parked as itself"
    );
    assert_eq!(handled(|| Ok(()), &event("e")), "e at example: processed");
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
