//! The adapter of CloudWatch over HTTP: what it asks, and what it makes of each answer. The server speaks the protocol that the client
//! does (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>) and answers as CloudWatch documents it
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>, API_DescribeAlarmHistory); what a change of
//! a state says is the example of `aws cloudwatch describe-alarm-history`.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::Uri,
    response::Response,
};
use common::{
    aws::{Aws, cloudwatch::CloudWatch},
    domain::{
        id::AlarmName,
        run::{Unwatched, Watched},
    },
    fault::Fault,
    ports::Alarms as _,
    runtime::AwsSettings,
    testing::id,
};
use jiff::Timestamp;
use minicbor::{Encoder, data::IanaTag};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What to answer to an operation and its request (CBOR's diagnostic notation), with which status.
type Answers = fn(&str, &str) -> (u16, Value);

#[derive(Clone)]
struct Server {
    answers: Answers,
    seen: Arc<Mutex<Vec<String>>>,
}

/// JSON as CBOR; `{"at": <seconds>}` is a moment.
fn cbor(to: &mut Encoder<Vec<u8>>, value: &Value) {
    match value {
        Value::Null => drop(to.null().unwrap()),
        Value::Bool(bool) => drop(to.bool(*bool).unwrap()),
        Value::Number(number) => drop(to.f64(number.as_f64().unwrap()).unwrap()),
        Value::String(text) => drop(to.str(text).unwrap()),
        Value::Array(all) => {
            to.array(all.len() as u64).unwrap();
            all.iter().for_each(|one| cbor(to, one));
        }
        Value::Object(all) if all.contains_key("at") => {
            to.tag(IanaTag::Timestamp).unwrap();
            cbor(to, &all["at"]);
        }
        Value::Object(all) => {
            to.map(all.len() as u64).unwrap();
            for (name, value) in all {
                to.str(name).unwrap();
                cbor(to, value);
            }
        }
    }
}

async fn answer(State(server): State<Server>, uri: Uri, body: Bytes) -> Response {
    let operation = uri.path().strip_prefix("/service/GraniteServiceVersion20100801/operation/").unwrap();
    let request = minicbor::display(&body).to_string();
    server.seen.lock().unwrap().push(format!("{operation} {request}"));
    let (status, value) = (server.answers)(operation, &request);
    let mut encoder = Encoder::new(Vec::new());
    cbor(&mut encoder, &value);
    let built = Response::builder().status(status).header("content-type", "application/cbor");
    built.header("smithy-protocol", "rpc-v2-cbor").body(Body::from(encoder.into_writer())).unwrap()
}

/// A minute of the day that the tests are on.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_571_200 + minute * 60).unwrap()
}

fn moment(minute: i64) -> Value {
    json!({"at": at(minute).as_second()})
}

/// Asks for a period from minute 10 to minute 20, at minute 30. What each said, and what was asked.
async fn watched(names: &[&str], answers: Answers) -> (Result<Vec<(String, Watched)>, Fault>, Vec<String>) {
    let server = Server { answers, seen: Arc::default() };
    let seen = Arc::clone(&server.seen);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer).with_state(server)).await });
    let cloudwatch = CloudWatch::new(&Aws::with(AwsSettings::emulator(&address)));
    let names: BTreeSet<AlarmName> = names.iter().map(|name| id(name)).collect();
    let said = cloudwatch.watched(&names, at(10), at(20), at(30)).await;
    let said = said.map(|said| said.into_iter().map(|(name, said)| (name.to_string(), said)).collect());
    let seen = seen.lock().unwrap().clone();
    (said, seen)
}

/// A change of a state in an alarm's history.
fn change(minute: i64, from: &str, to: &str) -> Value {
    let state = |value: &str| json!({"stateValue": value, "stateReason": "Threshold Crossed: 1 datapoint [7.0]"});
    json!({
        "AlarmName": "p95", "AlarmType": "MetricAlarm", "HistoryItemType": "StateUpdate", "Timestamp": moment(minute),
        "HistorySummary": format!("Alarm updated from {from} to {to}"),
        "HistoryData": json!({"version": "1.0", "oldState": state(from), "newState": state(to)}).to_string(),
    })
}

#[tokio::test]
async fn quiet_alarms_of_every_kind_cost_one_call() {
    let (said, seen) = watched(&["all", "logs", "p95"], |operation, _| {
        assert_eq!(operation, "DescribeAlarms");
        let quiet =
            |name: &str| json!({"AlarmName": name, "StateValue": "OK", "StateTransitionedTimestamp": moment(3)});
        let alarms =
            json!({"CompositeAlarms": [quiet("all")], "LogAlarms": [quiet("logs")], "MetricAlarms": [quiet("p95")]});
        (200, alarms)
    })
    .await;
    let all = ["all", "logs", "p95"].map(|name| (name.to_owned(), Watched::Ok));
    assert_eq!(said.unwrap(), all);
    insta::assert_snapshot!(seen.join("\n"), @r#"DescribeAlarms {_ "AlarmNames": ["all", "logs", "p95"], "AlarmTypes": ["CompositeAlarm", "LogAlarm", "MetricAlarm"], "MaxRecords": 100}"#);
}

#[tokio::test]
async fn the_history_of_one_that_changed_is_read_page_by_page() {
    let (said, seen) = watched(&["all", "p95"], |operation, request| match operation {
        "DescribeAlarms" => {
            let on = json!({"AlarmName": "all", "StateValue": "ALARM", "StateTransitionedTimestamp": moment(15)});
            let recovered = json!({"AlarmName": "p95", "StateValue": "OK", "StateTransitionedTimestamp": moment(13)});
            (200, json!({"CompositeAlarms": [on], "MetricAlarms": [recovered]}))
        }
        _ if request.contains("\"all\"") => (200, json!({"AlarmHistoryItems": [change(15, "OK", "ALARM")]})),
        _ if request.contains("NextToken") => (200, json!({"AlarmHistoryItems": [change(13, "ALARM", "OK")]})),
        _ => (200, json!({"AlarmHistoryItems": [change(12, "OK", "ALARM")], "NextToken": "more"})),
    })
    .await;
    let recovered = Watched::WasInAlarm { at: at(12), until: at(13) };
    let on = Watched::InAlarm { since: at(15) };
    assert_eq!(said.unwrap(), [("all".to_owned(), on), ("p95".to_owned(), recovered)]);
    insta::assert_snapshot!(seen[1..].join("\n"), @r#"
    DescribeAlarmHistory {_ "AlarmName": "all", "AlarmTypes": ["CompositeAlarm"], "HistoryItemType": "StateUpdate", "StartDate": 1(1.7675718e9), "MaxRecords": 100, "ScanBy": "TimestampAscending"}
    DescribeAlarmHistory {_ "AlarmName": "p95", "AlarmTypes": ["MetricAlarm"], "HistoryItemType": "StateUpdate", "StartDate": 1(1.7675718e9), "MaxRecords": 100, "ScanBy": "TimestampAscending"}
    DescribeAlarmHistory {_ "AlarmName": "p95", "AlarmTypes": ["MetricAlarm"], "HistoryItemType": "StateUpdate", "StartDate": 1(1.7675718e9), "MaxRecords": 100, "NextToken": "more", "ScanBy": "TimestampAscending"}
    "#);
}

#[tokio::test]
async fn what_says_nothing_is_not_fine() {
    let names = ["broken", "gone", "new", "odd", "strange"];
    let (said, _) = watched(&names, |operation, request| match operation {
        "DescribeAlarms" => {
            let alarm = |name: &str, state: &str, minute: i64| {
                json!({"AlarmName": name, "StateValue": state, "StateTransitionedTimestamp": moment(minute)})
            };
            let mut broken = alarm("broken", "OK", 3);
            broken["EvaluationState"] = json!("EVALUATION_FAILURE");
            let new = alarm("new", "INSUFFICIENT_DATA", 3);
            (200, json!({"MetricAlarms": [broken, new, alarm("odd", "MAYBE", 3), alarm("strange", "OK", 12)]}))
        }
        _ => {
            assert!(request.contains("strange"), "{request}");
            let item = json!({"HistoryItemType": "StateUpdate", "Timestamp": moment(12), "HistoryData": "{}"});
            (200, json!({"AlarmHistoryItems": [item]}))
        }
    })
    .await;
    let said = said.unwrap().into_iter().map(|(_, said)| said).collect::<Vec<_>>();
    let unknown = [Unwatched::NoData, Unwatched::Missing, Unwatched::NoData, Unwatched::Unread, Unwatched::Unread];
    assert_eq!(said, unknown.map(Watched::Unknown));
}

#[tokio::test]
async fn a_history_without_an_end_is_not_read_to_it_and_not_fine() {
    let (said, seen) = watched(&["p95"], |operation, _| match operation {
        "DescribeAlarms" => {
            let alarm = json!({"AlarmName": "p95", "StateValue": "OK", "StateTransitionedTimestamp": moment(19)});
            (200, json!({"MetricAlarms": [alarm]}))
        }
        _ => {
            let item = change(12, "INSUFFICIENT_DATA", "OK");
            (200, json!({"AlarmHistoryItems": [item], "NextToken": "more"}))
        }
    })
    .await;
    assert_eq!(said.unwrap(), [("p95".to_owned(), Watched::Unknown(Unwatched::Unread))]);
    assert_eq!(seen.len(), 21);
}

#[tokio::test]
async fn an_error_of_the_service_is_one_of_all_alarms() {
    let (said, _) =
        watched(&["p95"], |_, _| (400, json!({"__type": "AccessDeniedException", "message": "not authorized"}))).await;
    let fault = said.unwrap_err();
    assert!(!fault.is_retry());
    insta::assert_snapshot!(fault.chain(), @r#"reading alarms: AWS answered AccessDeniedException: AccessDeniedException: "not authorized""#);
    let (said, seen) =
        watched(&["p95"], |_, _| (400, json!({"__type": "Throttling", "message": "Rate exceeded"}))).await;
    assert!(said.unwrap_err().is_retry());
    assert_eq!(seen.len(), 3, "the SDK's own attempts");
}
