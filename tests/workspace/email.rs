//! The adapter of SES over HTTP: what it sends, and what it makes of each answer. The server answers as SES documents it
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>).

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Method, Uri},
    response::Response,
};
use common::{
    aws::{Aws, ses::Ses},
    fault::Fault,
    ports::{Letter, Mailer as _},
    runtime::AwsSettings,
    testing::id,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

/// A server with one answer: an error's name, or nothing for success.
#[derive(Clone)]
struct Server {
    error: Option<&'static str>,
    seen: Seen,
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, body: Bytes) -> Response {
    server.seen.lock().unwrap().push((format!("{method} {uri}"), serde_json::from_slice(&body).unwrap()));
    let built = Response::builder().header("content-type", "application/json");
    match server.error {
        None => built.body(Body::from(json!({"MessageId": "letter-1"}).to_string())),
        Some(name) => {
            let status = if name == "TooManyRequestsException" { 429 } else { 400 };
            let text = json!({"message": "as documented"}).to_string();
            built.status(status).header("x-amzn-errortype", name).body(Body::from(text))
        }
    }
    .unwrap()
}

async fn ses(error: Option<&'static str>) -> (Ses, Seen) {
    let server = Server { error, seen: Seen::default() };
    let seen = Arc::clone(&server.seen);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer).with_state(server)).await });
    (Ses::new(&Aws::with(AwsSettings::emulator(&address)), id("penstock@example.org")), seen)
}

fn letter() -> Letter {
    Letter { to: id("ada@example.org"), subject: "Daily unblock".into(), text: "Nothing stands still → good.".into() }
}

#[tokio::test]
async fn a_letter_is_plain_text_from_one_address_to_one_person() {
    let (ses, seen) = ses(None).await;
    assert_eq!(ses.send(&letter()).await.unwrap(), "letter-1");
    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        seen,
        [(
            "POST /v2/email/outbound-emails".to_owned(),
            json!({
                "FromEmailAddress": "penstock@example.org",
                "Destination": {"ToAddresses": ["ada@example.org"]},
                "Content": {"Simple": {
                    "Subject": {"Data": "Daily unblock", "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": "Nothing stands still → good.", "Charset": "UTF-8"}},
                }},
            })
        )]
    );
}

#[tokio::test]
async fn each_answer_of_the_service_means_wait_give_up_or_mend() {
    let mut page = String::new();
    for name in [
        "TooManyRequestsException",
        "LimitExceededException",
        "MessageRejected",
        "BadRequestException",
        "MailFromDomainNotVerifiedException",
        "SendingPausedException",
        "AccountSuspendedException",
        "NotFoundException",
        "AccessDeniedException",
    ] {
        let (ses, _) = ses(Some(name)).await;
        let fault = ses.send(&letter()).await.unwrap_err();
        let kind = match fault {
            Fault::Retry { .. } => "retry",
            Fault::Reject { .. } => "reject",
            Fault::Bug { .. } => "bug",
        };
        page.push_str(&format!("{kind}: {}\n", fault.chain()));
    }
    insta::assert_snapshot!(page, @r#"
    retry: a letter to ada@example.org: try again later: TooManyRequestsException: "as documented"
    retry: a letter to ada@example.org: try again later: LimitExceededException: "as documented"
    reject: a letter to ada@example.org: SES does not take it (MessageRejected: "as documented")
    reject: a letter to ada@example.org: SES does not take it (BadRequestException: "as documented")
    bug: a letter to ada@example.org: SES answered MailFromDomainNotVerifiedException: is penstock@example.org verified, and may the account send?: MailFromDomainNotVerifiedException: "as documented"
    bug: a letter to ada@example.org: SES answered SendingPausedException: is penstock@example.org verified, and may the account send?: SendingPausedException: "as documented"
    bug: a letter to ada@example.org: SES answered AccountSuspendedException: is penstock@example.org verified, and may the account send?: AccountSuspendedException: "as documented"
    bug: a letter to ada@example.org: SES answered NotFoundException: is penstock@example.org verified, and may the account send?: NotFoundException: "as documented"
    bug: a letter to ada@example.org: AWS answered AccessDeniedException: AccessDeniedException: "as documented"
    "#);
}
