//! The source host: it sends each webhook once, keeps a list of attempts, and sends again what it is asked for.

use std::collections::BTreeMap;

use common::{
    event::{Change, Event},
    testing::World,
};
use serde_json::json;

use super::stumble;
use crate::{chance::Chance, intake::Intake};

/// The pull request that is played with.
pub(super) const CHANGE: u64 = 7;

/// A webhook as it was made.
#[derive(Debug, Clone)]
struct Webhook {
    event: &'static str,
    body: Vec<u8>,
}

/// The host's side of webhooks.
pub(super) struct Host {
    world: World,
    intake: Intake,
    made: BTreeMap<String, Webhook>,
    /// Those that are under way still.
    late: Vec<String>,
    /// How many attempts its list has.
    listed: usize,
}

impl Host {
    pub(super) fn new(world: &World) -> Self {
        let intake = Intake::new(world);
        Self { world: world.clone(), intake, made: BTreeMap::new(), late: Vec::new(), listed: 0 }
    }

    /// Somebody pushes one file. Answers the webhook.
    pub(super) fn push(&mut self, branch: &str, path: &str, text: &str) -> String {
        let (body, delivery) = self.intake.push_to(branch, &[(path, Some(text))]);
        self.made.insert(delivery.clone(), Webhook { event: "push", body });
        delivery
    }

    /// Somebody opens the pull request, or pushes to it. Answers the webhook.
    pub(super) fn propose(&mut self, path: &str, text: &str) -> String {
        let before = self.world.change(CHANGE).map(|change| change.head);
        let action = if before.is_none() { "opened" } else { "synchronize" };
        let told = self.world.open_change(CHANGE, "main", before.as_ref(), &[(path, Some(text))]);
        let Event::ChangeOpened(Change { head, base, repository, .. }) = told.event else { panic!("another event") };
        let full_name = repository.name.to_string();
        let side = |name: &str, sha: &str| json!({"ref": name, "sha": sha, "repo": {"id": 42, "full_name": full_name}});
        let body = json!({
            "action": action, "number": CHANGE,
            "pull_request": {
                "number": CHANGE, "state": "open", "draft": false, "merged": false, "merge_commit_sha": null,
                "user": {"id": 1001, "login": "ada", "type": "User"}, "title": "a change", "body": "",
                "head": side("change", head.as_str()), "base": side("main", base.as_str()),
            },
            "repository": {"id": 42, "full_name": full_name},
            "sender": {"id": 1001, "login": "ada", "type": "User"},
        });
        let delivery = format!("change-{}", head.short());
        self.made.insert(delivery.clone(), Webhook { event: "pull_request", body: body.to_string().into_bytes() });
        delivery
    }

    /// Sends a webhook, well. Answers what became of it.
    pub(super) async fn send(&mut self, delivery: &str) -> &'static str {
        let answered = self.deliver(delivery).await;
        self.list(delivery, Some(answered));
        if (200..300).contains(&answered) { "arrived" } else { "intake stopped" }
    }

    /// Sends a webhook; or it is never sent, or nobody takes it, or it is under way for long, or intake stops, or it comes twice.
    pub(super) async fn send_badly(&mut self, delivery: &str, chance: &mut Chance) -> &'static str {
        match chance.below(100) {
            0..8 => "never sent",
            8..28 => {
                self.list(delivery, chance.percent(50).then_some(502));
                "nobody took it"
            }
            28..38 => {
                self.late.push(delivery.to_owned());
                "late"
            }
            _ => {
                stumble(&self.world, chance, 1);
                let came = self.send(delivery).await;
                self.world.heal();
                if chance.percent(30) {
                    self.deliver(delivery).await;
                }
                came
            }
        }
    }

    /// Brings what was late, in any order.
    pub(super) async fn bring_late(&mut self, chance: &mut Chance) {
        while let Some(delivery) = chance.take(&mut self.late) {
            self.send(&delivery).await;
        }
    }

    /// Sends what the sweep has asked for again. Answers how many there were.
    pub(super) async fn send_again(&mut self) -> usize {
        let attempts = self.world.attempts_made();
        let asked = attempts.get(self.listed..).unwrap_or_default();
        self.listed = attempts.len();
        for attempt in asked {
            let answered = self.deliver(attempt.guid.as_str()).await;
            self.world.answered(attempt.id, Some(answered));
        }
        asked.len()
    }

    /// Whether each webhook that was sent came through in the end.
    pub(super) fn everything_arrived(&self) -> bool {
        let mut arrived = BTreeMap::new();
        for attempt in self.world.attempts_made() {
            *arrived.entry(attempt.guid.clone()).or_insert(false) |= attempt.succeeded();
        }
        arrived.into_values().all(|arrived| arrived)
    }

    fn list(&mut self, delivery: &str, answered: Option<u16>) {
        self.world.receiver(answered);
        self.world.sends(delivery);
        self.world.receiver(None);
        self.listed += 1;
    }

    async fn deliver(&self, delivery: &str) -> u16 {
        let Webhook { event, body } = self.made.get(delivery).expect("only what was made is sent");
        self.intake.deliver_as(event, delivery, body, true).await
    }
}
