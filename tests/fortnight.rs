//! A fortnight of work items in a minute: the real handlers of `stage-gate`, `wip-limit`, `daily-unblock` and `feedback`, one in-memory world,
//! virtual time. Twelve items, a full stage, a blocker that reaches the integrators, two items that end, one exception, and the clocks
//! change in the middle.
//!
//! The relay between table and bus is the world's own here. Whatever people do goes through the HTTP API, with their roles.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use common::{
    domain::{governance::Governance, id::CorrelationId},
    event::{Event, telling::Telling},
    http::Request,
    ports::{ChatPost, Clock as _, ItemRows as _},
    testing::{GovernanceFiles, World, api_request, id},
};
use daily_unblock::DailyUnblock;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use stage_gate::ItemGates;
use wip_limit::Limiter;

const PEOPLE: &str = "groups: [integrator, executive]
people:
  ada: {slack_id: U0000ADA, jwt_subject: sub|ada, roles: [admin], pods: [ratio], groups: [executive]}
  bob: {slack_id: U0000BOB, jwt_subject: sub|bob, roles: [approver], pods: [ratio], groups: [integrator]}
  cy: {slack_id: U00000CY, jwt_subject: sub|cy, roles: [member], pods: [ratio]}
  dan: {slack_id: U0000DAN, jwt_subject: sub|dan, roles: [member], pods: [ratio]}
  finn: {slack_id: U000FINN, jwt_subject: sub|finn, roles: [member], pods: [nanda]}
";

const SCHEDULES: &str = "time_zone: America/Los_Angeles
working_days: [monday, tuesday, wednesday, thursday, friday]
daily: {channel: unblock-and-commit, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}
demo: {channel: demos, sign_up: thursday 10:00, at: friday 13:00}
council: {channel: portfolio-council, first: monday 11:00}
stale_after_days: 3
escalation:
  - {after_hours: 24, group: integrator}
  - {after_hours: 48, group: executive, channel: incidents}
";

const STAGES: &str = "parked_review_days: 30
stages:
  - name: spark
    exit:
      feasible: {is: true, from: [attestation], by: [owner]}
    kill_rules:
      no-update: {when: {days_since_update: {more_than: 4}}, action: archive, grace_days: 3, notify: [owner, pod-lead]}
  - name: build
    exit:
      coverage_percent: {at_least: 60, from: [attestation], by: [owner]}
    reviews:
      - {group: integrator, at_least: 1}
  - name: ship
  - name: scale
";

const LIMITS: &str = "default_ttl_seconds: 86400
max_ttl_seconds: 604800
ticket_ttl_seconds: 86400
warn_at_percent: 80
limits:
  portfolio: {limit: 20}
  \"pod-stage:*:*\": {limit: 12}
  \"pod-stage:*:build\": {limit: 3}
";

/// How far time goes in one step: the sweep's, and the minutes at which something is due are among its steps.
const STEP: SignedDuration = SignedDuration::from_mins(5);

/// What happened, in numbers and in words.
pub struct Fortnight {
    /// Everything that people and the control plane did, a line each.
    pub journal: Vec<String>,
    /// The chat, in order, each post with its local time.
    pub chat: Vec<(String, ChatPost)>,
    /// Events by name.
    pub events: BTreeMap<&'static str, usize>,
    /// How many items there were.
    pub items: usize,
    /// Those that ended.
    pub killed: BTreeSet<String>,
}

struct Office {
    world: World,
    gates: ItemGates<World, World, World>,
    limiter: Limiter<World, World>,
    rhythm: DailyUnblock<World, World, World, World>,
    zone: TimeZone,
    told: Fortnight,
}

/// What somebody does at a local time.
struct Act {
    at: &'static str,
    who: &'static str,
    does: &'static str,
    route: &'static str,
    body: Value,
    status: u16,
}

fn act(at: &'static str, who: &'static str, does: &'static str, route: &'static str, body: Value, status: u16) -> Act {
    Act { at, who, does, route, body, status }
}

fn attest(at: &'static str, who: &'static str, route: &'static str, key: &str, value: Value) -> Act {
    act(at, who, "says what is so", route, json!({"key": key, "value": value}), 201)
}

fn moves(at: &'static str, who: &'static str, route: &'static str, from: &str, to: &str, status: u16) -> Act {
    let request = format!("{route}:{to}:{at}").replace(['/', ' '], "-");
    let does = if status == 200 { "moves it on" } else { "asks to move it on: no room, a place in line" };
    act(at, who, does, route, json!({"request_id": request, "from": from, "to": to}), status)
}

/// The fortnight's acts, in order of time. Times are those of Los Angeles; the clocks change on Sunday, March 8.
fn acts() -> Vec<Act> {
    let mut acts = vec![
        attest("2026-03-02 09:30", "cy", "/v1/items/p-01/evidence", "feasible", json!(true)),
        moves("2026-03-02 09:35", "cy", "/v1/items/p-01/transitions", "spark", "build", 200),
        attest("2026-03-02 09:40", "cy", "/v1/items/p-02/evidence", "feasible", json!(true)),
        moves("2026-03-02 09:45", "cy", "/v1/items/p-02/transitions", "spark", "build", 200),
        attest("2026-03-02 09:50", "dan", "/v1/items/p-03/evidence", "feasible", json!(true)),
        moves("2026-03-02 09:55", "dan", "/v1/items/p-03/transitions", "spark", "build", 200),
        attest("2026-03-02 11:00", "dan", "/v1/items/p-04/evidence", "feasible", json!(true)),
        moves("2026-03-02 11:05", "dan", "/v1/items/p-04/transitions", "spark", "build", 409),
        act(
            "2026-03-03 11:00",
            "cy",
            "is blocked",
            "/v1/items/p-02/blockers",
            json!({"id": "vendor", "text": "the vendor <!here> does not answer", "cause": {"outside": "vendor-api"}}),
            201,
        ),
        attest("2026-03-04 14:00", "cy", "/v1/items/p-01/evidence", "coverage_percent", json!(81)),
        act(
            "2026-03-04 14:10",
            "bob",
            "approves",
            "/v1/items/p-01/approvals",
            json!({"from": "build", "to": "ship"}),
            201,
        ),
        moves("2026-03-04 14:20", "cy", "/v1/items/p-01/transitions", "build", "ship", 200),
        moves("2026-03-04 14:30", "dan", "/v1/items/p-04/transitions", "spark", "build", 200),
        act("2026-03-05 09:00", "cy", "is free again", "DELETE /v1/items/p-02/blockers/vendor", Value::Null, 200),
        act(
            "2026-03-09 09:00",
            "ada",
            "gives an exception",
            "/v1/items/p-08/exceptions",
            json!({"rule": "no-update", "until": "2026-03-20T00:00:00Z", "plan": "the customer decides on the 18th; until then it costs nothing"}),
            200,
        ),
    ];
    // Those who go on with theirs say so every few days.
    for (at, value) in [("2026-03-05 15:00", 10), ("2026-03-09 15:00", 20), ("2026-03-12 15:00", 30)] {
        for (who, item) in [
            ("cy", "/v1/items/p-02/evidence"),
            ("dan", "/v1/items/p-03/evidence"),
            ("dan", "/v1/items/p-04/evidence"),
            ("cy", "/v1/items/p-05/evidence"),
            ("finn", "/v1/items/p-09/evidence"),
            ("finn", "/v1/items/p-10/evidence"),
            ("finn", "/v1/items/p-11/evidence"),
            ("finn", "/v1/items/p-12/evidence"),
        ] {
            acts.push(attest(at, who, item, "coverage_percent", json!(value)));
        }
    }
    acts.sort_by_key(|act| act.at);
    acts
}

/// Runs it.
///
/// # Errors
/// The first thing that is not as it is told.
pub async fn fortnight() -> Result<Fortnight> {
    let mut office = Office::open()?;
    office.go_to("2026-03-02 09:00").await?;
    for number in 1..=12 {
        let (pod, owner) = match number {
            1 | 2 | 5 | 6 | 7 => ("ratio", "cy"),
            3 | 4 | 8 => ("ratio", "dan"),
            _ => ("nanda", "finn"),
        };
        let body = json!({
            "id": format!("p-{number:02}"), "title": format!("Product {number}"), "type": "project",
            "pod": pod, "owner": owner, "pipeline": "short",
        });
        office.ask(owner, "begins", "/v1/items", &body, 201).await?;
    }
    for act in acts() {
        office.go_to(act.at).await?;
        office.ask(act.who, act.does, act.route, &act.body, act.status).await?;
    }
    office.go_to("2026-03-14 00:00").await?;
    let page = office.world.items(None, 100).await?;
    let mut told = office.told;
    told.items = page.items.len();
    Ok(told)
}

impl Office {
    fn open() -> Result<Self> {
        let world = World::new();
        let files = GovernanceFiles::default()
            .with("people.yaml", PEOPLE)
            .with("pods.yaml", "pods: {ratio: {lead: ada}, nanda: {lead: finn}}\n")
            .with("schedules.yaml", SCHEDULES)
            .with("stages/short.yaml", STAGES)
            .with("limits.yaml", LIMITS);
        let governance = Governance::parse(&files.bytes()).map_err(|findings| anyhow::anyhow!("{findings:?}"))?;
        let telling = Telling::of(&governance);
        let limits = governance.limits.clone();
        Ok(Self {
            gates: ItemGates {
                rows: world.clone(),
                clock: world.clone(),
                governance: governance.clone(),
                telling: telling.clone(),
                host: world.clone(),
            },
            limiter: Limiter { rows: world.clone(), clock: world.clone(), limits, telling },
            rhythm: DailyUnblock {
                rows: world.clone(),
                gates: world.clone(),
                host: world.clone(),
                clock: world.clone(),
                governance,
            },
            zone: TimeZone::get("America/Los_Angeles")?,
            told: Fortnight {
                journal: Vec::new(),
                chat: Vec::new(),
                events: BTreeMap::new(),
                items: 0,
                killed: BTreeSet::new(),
            },
            world,
        })
    }

    fn local(&self) -> String {
        self.world.now().to_zoned(self.zone.clone()).strftime("%a %d %H:%M").to_string()
    }

    /// Lets time pass until a local time, with everything that wakes meanwhile.
    async fn go_to(&mut self, local: &str) -> Result<()> {
        let at: jiff::civil::DateTime = local.parse().with_context(|| format!("the time {local}"))?;
        let until = at.to_zoned(self.zone.clone())?.timestamp();
        if self.told.journal.is_empty() {
            // Nobody has begun: no time to wait through.
            self.world.pass(until.duration_since(self.world.now()));
            return Ok(());
        }
        while self.world.now() < until {
            self.world.pass(STEP);
            self.wake().await?;
        }
        ensure!(self.world.now() == until, "{local} is no step of the clock");
        Ok(())
    }

    /// What the schedules wake, and what the events wake then.
    async fn wake(&mut self) -> Result<()> {
        let now = self.world.now();
        let cause = CorrelationId::derived(["fortnight", &now.to_string()]);
        if now.as_second() % 900 == 0 {
            self.gates.schedule("keep").await?;
            self.gates.schedule("review").await?;
            self.limiter.sweep(&cause).await?;
        }
        self.rhythm.schedule("sweep").await?;
        self.hear(now).await
    }

    async fn hear(&mut self, now: Timestamp) -> Result<()> {
        for event in self.world.drain() {
            *self.told.events.entry(event.event.kind().name()).or_default() += 1;
            if let Event::ItemKilled(killed) = &event.event {
                self.told.killed.insert(killed.item.to_string());
                self.told.journal.push(format!("{}  {} has ended", self.local(), killed.item));
            }
            if let Event::ItemEscalated(told) = &event.event {
                self.told.journal.push(format!("{}  {}: {} is told", self.local(), told.item, told.group));
            }
            if feedback::rhythm::is_told(&event.event) {
                let before = self.world.chat().len();
                feedback::rhythm::tell(Some(&self.world), &self.world, &self.world, &event).await?;
                let posts = self.world.chat().into_iter().skip(before);
                let at = self.local();
                self.told.chat.extend(posts.map(|post| (at.clone(), post)));
                self.answer_in_the_thread(now);
            }
        }
        Ok(())
    }

    /// Bob and Cy post as soon as the thread stands; the others want to be reminded.
    fn answer_in_the_thread(&self, now: Timestamp) {
        let date = now.to_zoned(self.zone.clone()).date();
        for person in ["U0000BOB", "U00000CY"] {
            self.world.reply(&format!("unblock-and-commit/{date}/thread"), id(person));
        }
    }

    async fn ask(&mut self, who: &str, does: &str, route: &str, body: &Value, status: u16) -> Result<()> {
        let (method, path) = route.split_once(' ').unwrap_or(("POST", route));
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request: Request = serde_json::from_value(api_request(Some(&format!("sub|{who}")), method, path, &text))?;
        let response = stage_gate::api::serve(&self.gates, &request).await;
        ensure!(
            response.status_code == status,
            "{who} {does} ({route}): {} instead of {status}: {}",
            response.status_code,
            response.body
        );
        let item = body["id"].as_str().filter(|_| path == "/v1/items").or_else(|| path.split('/').nth(3));
        self.told.journal.push(format!("{}  {who} {does}: {}", self.local(), item.unwrap_or_default()));
        self.hear(self.world.now()).await
    }
}
