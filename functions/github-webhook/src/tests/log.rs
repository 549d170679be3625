//! What is logged while a test runs.
//!
//! One subscriber for the whole process, each thread with its own lines. With a subscriber for one test only, another test that comes
//! first to a log line, on a thread without one, can switch that line off for all.

use std::{
    cell::RefCell,
    io::{self, Write},
    sync::LazyLock,
};

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

/// Before the first log line of the process: every rig does it.
pub(super) fn start() {
    LazyLock::force(&STARTED);
}

/// Everything that is logged at the lowest level while `work` runs, one line an entry.
pub(super) fn logged(work: impl Future<Output = ()>) -> Vec<String> {
    start();
    LINES.with_borrow_mut(Vec::clear);
    // On this thread alone.
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
    String::from_utf8(LINES.take()).unwrap().lines().map(str::to_owned).collect()
}
