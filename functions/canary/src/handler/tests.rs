use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

use common::{
    domain::id::Digest,
    ports::{SiteAnswer, SiteRequest},
    testing::World,
};
use secrecy::SecretString;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry,
};

use super::*;

/// A site that answers everything with one status, in half a second of the world's time.
struct Flat {
    world: World,
    status: u16,
    asked: Mutex<Vec<SiteRequest>>,
}

impl Site for Flat {
    async fn ask(&self, request: &SiteRequest) -> Result<SiteAnswer, Fault> {
        self.asked.lock().unwrap().push(request.clone());
        self.world.pass(SignedDuration::from_millis(500));
        match self.status {
            0 => Err(Fault::retry_from("GET /health", "connection refused")),
            status => Ok(SiteAnswer { status, body: Vec::new() }),
        }
    }
}

struct Vault(Result<&'static str, ()>);

impl SecretSource for Vault {
    async fn fetch(&self) -> Result<SecretString, Fault> {
        self.0.map(SecretString::from).map_err(|()| Fault::retry("reading the secret webhook"))
    }
}

fn canary(status: u16, secret: Result<&'static str, ()>) -> Canary<Flat, Vault, World> {
    LazyLock::force(&STARTED);
    let world = World::new();
    Canary {
        site: Flat { world: world.clone(), status, asked: Mutex::default() },
        secret: Vault(secret),
        clock: world,
        expected: Expected { version: "0.1.0", governance: Digest::of(b"governance"), issuer: true },
    }
}

const SECRET: Result<&str, ()> = Ok(r#"{"current":"It's a Secret to Everybody"}"#);

#[tokio::test]
async fn all_findings_of_one_look_are_told_together() {
    let fault = canary(401, SECRET).look().await.unwrap_err();
    insta::assert_snapshot!(
        fault.chain(),
        @r#"2 of 5 checks from outside failed: health: answered 401, not 200: ""; ping: answered 401, not 200: """#
    );
    let fault = canary(0, SECRET).schedule("look").await.unwrap_err();
    assert!(matches!(fault, Fault::Bug { .. }) && fault.chain().starts_with("5 of 5 checks"), "{}", fault.chain());
}

#[tokio::test]
async fn without_the_secret_the_other_checks_are_made() {
    for secret in [Err(()), Ok("{}")] {
        let canary = canary(401, secret);
        let said = canary.look().await.unwrap_err().chain();
        assert!(said.starts_with("3 of 5 checks") && said.contains("forged-ping: not asked: "), "{said}");
        assert_eq!(canary.site.asked.lock().unwrap().len(), 3, "nothing is signed with nothing");
    }
}

#[tokio::test]
async fn each_look_has_a_delivery_of_its_own_and_another_schedule_is_none() {
    let canary = canary(401, SECRET);
    for _ in 0..2 {
        canary.look().await.unwrap_err();
    }
    assert!(canary.schedule("sweep").await.is_err());
    let asked = canary.site.asked.lock().unwrap();
    let deliveries: Vec<&str> = asked
        .iter()
        .flat_map(|request| &request.headers)
        .filter(|(name, _)| *name == "x-github-delivery")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!((deliveries.len(), deliveries[0] == deliveries[1], deliveries[1] == deliveries[2]), (4, true, false));
}

thread_local! {
    /// The values of this thread's metrics, by name and check.
    static METRICS: RefCell<BTreeMap<(String, String), u64>> = const { RefCell::new(BTreeMap::new()) };
}

// For the whole process, with values for each thread: a subscriber for one test alone can lose a line to which another test's thread
// came first without one.
static STARTED: LazyLock<()> =
    LazyLock::new(|| tracing::subscriber::set_global_default(registry().with(Metrics)).unwrap());

struct Metrics;

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let text = |name: &str| fields.0.get(name).cloned().unwrap_or_default();
        if event.metadata().target() == "metric" {
            let key = (text("name"), text("check"));
            METRICS.with_borrow_mut(|values| values.insert(key, text("value").parse().unwrap()));
        }
    }
}

#[tokio::test]
async fn each_check_is_counted_and_timed_and_all_are_counted_for_the_alarm() {
    canary(401, SECRET).look().await.unwrap_err();
    let found = METRICS.take();
    let value = |name: &str, check: &str| found.get(&(name.to_owned(), check.to_owned())).copied();
    assert_eq!(value("CanaryFailed", ""), Some(2));
    for (check, failed) in [("health", 1), ("items-closed", 0), ("scopes-closed", 0), ("ping", 1), ("forged-ping", 0)] {
        assert_eq!(
            (value("CanaryFailed", check), value("CanaryDuration", check)),
            (Some(failed), Some(500)),
            "{check}"
        );
    }
}
