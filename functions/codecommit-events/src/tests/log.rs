//! What is logged: the alarm hangs on it.
//!
//! One subscriber for the whole process, each thread with its own lines: with one for a test only, another test that comes first to a log
//! line, on a thread without one, can switch that line off for all.

use std::{
    cell::RefCell,
    io::{self, Write},
    sync::LazyLock,
};

use serde_json::json;

use super::support::*;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static STARTED: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(|| Lines);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
});

/// Before the first log line of the process: every case does it.
pub(super) fn start() {
    LazyLock::force(&STARTED);
}

fn taken() -> String {
    String::from_utf8(LINES.take()).unwrap()
}

#[tokio::test]
async fn a_forged_event_warns_and_counts_for_the_alarm() {
    let case = Case::new();
    let mut forged = reference("referenceUpdated", Some("7f01"), Some("3e59"));
    forged["account"] = json!("99\n9");
    taken();
    case.say(&forged).await;
    let lines = taken();
    assert!(lines.contains(r#""name":"ForeignEvents","value":1"#), "{lines}");
    let warned = lines.lines().find(|line| line.contains(r#""level":"WARN""#)).unwrap();
    assert!(warned.contains(r#"99\\n9"#) && warned.contains("it had no effect"), "{warned}");
}

#[tokio::test]
async fn of_what_is_told_no_free_text_is_logged() {
    taken();
    for event in all_told() {
        Case::new().say(&with(event, "title", json!("SECRET-TITLE"))).await;
    }
    let lines = taken();
    assert!(lines.contains(r#""name":"CodeCommitAccepted","value":1"#), "{lines}");
    for text in ["SECRET-TITLE", "An example description", "saanvi_sarkar@example.com", "occurred"] {
        assert!(!lines.contains(text), "{text}");
    }
}
