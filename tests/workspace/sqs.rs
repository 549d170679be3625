//! The dead-letter queues: one suite for the in-memory world and for the adapter over HTTP. The server answers as SQS documents it
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>); the local stack's journey does the same with an emulator.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::HeaderMap,
    response::Response,
};
use common::{
    aws::{Aws, sqs::FunctionQueues},
    domain::id::FunctionName,
    fault::Fault,
    ports::{DeadLetters, Queues},
    runtime::AwsSettings,
    testing::{World, id},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The two queues of `feedback`, and what was asked for.
#[derive(Default)]
struct Sqs {
    dead: Vec<Message>,
    work: Vec<Value>,
    seen: Vec<(String, Value)>,
    /// An error's name, for every call.
    fails: Option<&'static str>,
}

struct Message {
    id: String,
    body: String,
    attributes: Value,
    hidden: bool,
}

type Shared = Arc<Mutex<Sqs>>;

const DEAD: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/penstock-feedback-dead";
const WORK: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/penstock-feedback";

impl Sqs {
    fn park(&mut self, body: &str, attributes: Value) {
        let id = format!("00000000-0000-4000-8000-{:012}", self.dead.len());
        self.dead.push(Message { id, body: body.to_owned(), attributes, hidden: false });
    }

    fn call(&mut self, name: &str, asked: &Value) -> Result<Value, &'static str> {
        if let Some(error) = self.fails {
            return Err(error);
        }
        let receipt = asked["ReceiptHandle"].as_str().map(|receipt| receipt.trim_start_matches("receipt-").to_owned());
        match name {
            "GetQueueUrl" => match asked["QueueName"].as_str() {
                Some("penstock-feedback") => Ok(json!({"QueueUrl": WORK})),
                Some("penstock-feedback-dead") => Ok(json!({"QueueUrl": DEAD})),
                // Another installation, `penstock-development`, in the same account.
                Some(theirs) if theirs.starts_with("penstock-development-feedback") => {
                    Ok(json!({"QueueUrl": format!("{WORK}-of-others")}))
                }
                _ => Err("QueueDoesNotExist"),
            },
            "ReceiveMessage" => {
                let most = asked["MaxNumberOfMessages"].as_u64().unwrap() as usize;
                let seen = self.dead.iter_mut().filter(|message| !message.hidden).take(most);
                let messages = seen.map(|message| {
                    message.hidden = true;
                    json!({
                        "MessageId": message.id, "ReceiptHandle": format!("receipt-{}", message.id), "Body": message.body,
                        "Attributes": {"SentTimestamp": "1767603600123"}, "MessageAttributes": message.attributes,
                    })
                });
                Ok(json!({"Messages": messages.collect::<Vec<_>>()}))
            }
            "SendMessage" => {
                self.work.push(asked.clone());
                Ok(json!({"MessageId": "new"}))
            }
            "DeleteMessage" => {
                self.dead.retain(|message| Some(&message.id) != receipt.as_ref());
                Ok(json!({}))
            }
            "ChangeMessageVisibility" => {
                let message = self.dead.iter_mut().find(|message| Some(&message.id) == receipt.as_ref());
                message.map(|message| message.hidden = false).ok_or("ReceiptHandleIsInvalid")?;
                Ok(json!({}))
            }
            _ => Err("UnsupportedOperation"),
        }
    }
}

async fn answer(State(sqs): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let name = headers["x-amz-target"].to_str().unwrap().trim_start_matches("AmazonSQS.").to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let mut sqs = sqs.lock().unwrap();
    sqs.seen.push((name.clone(), asked.clone()));
    let built = Response::builder().header("content-type", "application/x-amz-json-1.0");
    match sqs.call(&name, &asked) {
        Ok(answer) => built.body(Body::from(answer.to_string())),
        Err(error) => {
            let body = json!({"__type": format!("com.amazonaws.sqs#{error}"), "message": "as documented"});
            let built = built.status(400);
            let old = [("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender")];
            let old = old.iter().find(|(name, _)| *name == error).map(|(_, old)| *old);
            let built = old.into_iter().fold(built, |built, old| built.header("x-amzn-query-error", old));
            built.body(Body::from(body.to_string()))
        }
    }
    .unwrap()
}

async fn adapter() -> (FunctionQueues, Shared) {
    let sqs = Shared::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&sqs));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let functions = ["feedback", "wip-limit"].map(id).into();
    (FunctionQueues::new(&Aws::with(AwsSettings::emulator(&address)), "penstock", functions), sqs)
}

/// What both must do, over a queue with 23 messages.
async fn holds<Q: DeadLetters>(queues: Q, sent: impl Fn() -> Vec<String>) {
    assert_eq!(queues.queues(&id::<FunctionName>("nobody")).await.unwrap(), None);
    let ours: Queues = queues.queues(&id::<FunctionName>("feedback")).await.unwrap().unwrap();
    let mut taken = BTreeMap::new();
    for wanted in [10, 10, 3, 0] {
        let letters = queues.take(&ours).await.unwrap();
        assert_eq!(letters.len(), wanted, "what was taken is out of sight");
        taken.extend(letters.into_iter().map(|letter| (letter.body.clone(), letter)));
    }
    assert_eq!(taken.len(), 23);
    assert!(taken.values().all(|letter| letter.sent_at == Some("2026-01-05T09:00:00.123Z".parse().unwrap())));
    queues.give_back(&ours, &taken["m7"]).await.unwrap();
    let again = queues.take(&ours).await.unwrap();
    assert_eq!(again.iter().map(|letter| letter.body.as_str()).collect::<Vec<_>>(), ["m7"]);
    queues.send(&ours, &taken["m3"]).await.unwrap();
    assert_eq!(sent(), ["m3"]);
    queues.remove(&ours, &taken["m3"]).await.unwrap();
    queues.remove(&ours, &taken["m3"]).await.unwrap();
    for letter in taken.values().filter(|letter| letter.body != "m3") {
        queues.give_back(&ours, letter).await.unwrap();
    }
    let mut left = 0;
    loop {
        match queues.take(&ours).await.unwrap().len() {
            0 => break,
            count => left += count,
        }
    }
    assert_eq!((left, sent().len()), (22, 1), "one is gone, and sent once");
}

#[tokio::test]
async fn the_world_and_the_adapter_do_the_same() {
    let (queues, sqs) = adapter().await;
    (0..23).for_each(|number| sqs.lock().unwrap().park(&format!("m{number}"), json!({})));
    let work = Arc::clone(&sqs);
    holds(queues, move || {
        let work = work.lock().unwrap();
        work.work.iter().map(|message| message["MessageBody"].as_str().unwrap().to_owned()).collect()
    })
    .await;

    let world = World::new();
    world.pass(jiff::SignedDuration::from_millis(123));
    (0..23).for_each(|number| drop(world.park("feedback", &format!("m{number}"))));
    let seen = Mutex::new(Vec::new());
    holds(world.clone(), || {
        seen.lock().unwrap().extend(world.take_sent("feedback"));
        seen.lock().unwrap().clone()
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_again_is_marked_and_what_was_never_delivered_says_why() {
    let (queues, sqs) = adapter().await;
    let said = |text: &str| json!({"DataType": "String", "StringValue": text});
    let why = json!({"ERROR_CODE": said("NO_PERMISSIONS"), "ERROR_MESSAGE": said("not allowed\n\u{202e}")});
    sqs.lock().unwrap().park("body", why);
    let ours = queues.queues(&id("feedback")).await.unwrap().unwrap();
    let letters = queues.take(&ours).await.unwrap();
    assert_eq!(letters[0].undelivered.as_deref(), Some(r"NO_PERMISSIONS: not allowed\n\u{202e}"));
    queues.send(&ours, &letters[0]).await.unwrap();
    let sent = sqs.lock().unwrap().work[0].clone();
    assert_eq!((&sent["QueueUrl"], &sent["MessageBody"]), (&json!(WORK), &json!("body")));
    assert_eq!(sent["MessageAttributes"]["redriven"], said("00000000-0000-4000-8000-000000000000"));
    let taken = sqs.lock().unwrap().seen.iter().find(|(name, _)| name == "ReceiveMessage").unwrap().1.clone();
    assert_eq!((&taken["VisibilityTimeout"], &taken["WaitTimeSeconds"]), (&json!(300), &json!(1)));
}

#[tokio::test]
async fn only_queues_of_functions_that_are_ours_are_looked_for() {
    let (queues, sqs) = adapter().await;
    assert_eq!(queues.queues(&id("development-feedback")).await.unwrap(), None);
    assert_eq!(sqs.lock().unwrap().seen, [], "nobody is asked");
    assert_eq!(queues.queues(&id("wip-limit")).await.unwrap(), None, "it has none yet");
    assert_eq!(sqs.lock().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn a_queue_that_is_not_ours_to_use_is_a_bug_and_one_that_does_not_answer_is_asked_again() {
    for (error, retry) in [("AccessDeniedException", false), ("RequestThrottled", true)] {
        let (queues, sqs) = adapter().await;
        sqs.lock().unwrap().fails = Some(error);
        let fault = queues.queues(&id("feedback")).await.unwrap_err();
        assert_eq!((fault.is_retry(), matches!(fault, Fault::Bug { .. })), (retry, !retry), "{fault}");
    }
}
