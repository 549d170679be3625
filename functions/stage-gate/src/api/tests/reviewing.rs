//! Kill review as people live it: told, given time, excepted, appealed, ended, and nothing ended that was mended.

use common::{
    domain::stage::kill::Remedy,
    event::{Addressee, Event, ItemUnderKillReview},
};

use super::*;

impl Rig {
    /// Days pass, then the function looks.
    async fn after_days(&self, days: i64) {
        self.world.pass(SignedDuration::from_hours(24 * days));
        self.gates.schedule("review").await.unwrap();
    }

    /// What was told of reviews since the last time.
    fn reviews(&self) -> Vec<String> {
        let told = self.world.drain();
        let line = |told: &ItemUnderKillReview| {
            let who: Vec<&str> = told.notify.iter().map(|person| person.as_str()).collect();
            format!("{} {:?}: {}, for {}", told.rule, told.review, told.found, who.join(" "))
        };
        let mut lines: Vec<String> = told
            .iter()
            .filter_map(|event| match &event.event {
                Event::ItemUnderKillReview(told) => Some(line(told)),
                Event::ItemKilled(told) => Some(format!("killed by {:?}: {}", told.rule, told.reason)),
                _ => None,
            })
            .collect();
        lines.sort();
        lines
    }
}

#[tokio::test]
async fn what_stands_still_is_reviewed_given_its_grace_and_ended() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.after_days(30).await;
    assert_eq!(rig.reviews(), Vec::<String>::new(), "thirty days are not more than thirty");
    rig.after_days(1).await;
    assert_eq!(rig.reviews(), ["no-update Opened: days_since_update is more than 30, for ada cy"]);
    rig.after_days(6).await;
    rig.gates.schedule("keep").await.unwrap();
    assert_eq!((rig.reviews(), rig.position("p-1")), (vec![], "spark".to_owned()));
    rig.after_days(1).await;
    assert_eq!(
        rig.reviews(),
        [
            "killed by Some(KillRuleName(\"no-update\")): the rule no-update held to the end of its grace: days_since_update is more than 30",
            "no-update Due: days_since_update is more than 30, for ada cy"
        ]
    );
    assert_eq!((rig.position("p-1"), rig.stands_in("p-1")), ("killed in spark".to_owned(), vec![]));
    assert_eq!(rig.actions("p-1").await, ["item.create", "item.review", "item.kill"]);
    let ended = rig.world.dossiers()[&id("p-1")].kill.ended.clone().unwrap();
    assert_eq!((ended.rule, ended.by), (Some(id("no-update")), None), "whoever archives it believes no event");
    let last = rig.chain("p-1").await.pop().unwrap().draft;
    assert_eq!((last.facts.get("rule").map(String::as_str), last.facts.get("by")), (Some("no-update"), None));
    rig.after_days(1).await;
    assert_eq!(rig.reviews(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_mended_in_its_grace_is_not_ended() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.after_days(31).await;
    assert_eq!(rig.attest(OWNER, "p-1", "feasible", json!(true)).await.0, 201);
    rig.reviews();
    rig.after_days(7).await;
    assert_eq!(rig.reviews(), ["no-update Cleared: days_since_update is more than 30, for ada cy"]);
    assert_eq!(rig.position("p-1"), "spark");
}

#[tokio::test]
async fn somebody_else_takes_the_risk_of_one_exception_and_the_owner_appeals_once() {
    let rig = Rig::new();
    rig.make("p-1").await;
    let until = (rig.world.now() + SignedDuration::from_hours(24 * 60)).to_string();
    let plan = "the customer signs in March, and we ship a first part then";
    let ask = json!({"rule": "no-update", "until": until, "plan": plan});
    let path = "/v1/items/p-1/exceptions";
    assert_eq!(rig.post(ADMIN, path, ask.clone()).await.0, 409, "nothing is under review");
    rig.after_days(31).await;
    rig.reviews();
    assert_eq!(rig.post(OWNER, path, ask.clone()).await.0, 403, "an exception takes an approver");
    let short = json!({"rule": "no-update", "until": until, "plan": "it will be fine, trust me"});
    assert_eq!(rig.post(INTEGRATOR, path, short).await.0, 422);

    let appeal = json!({"reason": "the customer asked for two more weeks"});
    assert_eq!(rig.post(OTHER_POD, "/v1/items/p-1/appeals", appeal.clone()).await.0, 403);
    let (status, appealed) = rig.post(OWNER, "/v1/items/p-1/appeals", appeal.clone()).await;
    assert_eq!((status, appealed["kill"]["appealed"].is_string()), (200, true), "{appealed}");
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/appeals", appeal).await.0, 409, "once");

    let (status, excepted) = rig.post(INTEGRATOR, path, ask.clone()).await;
    assert_eq!((status, &excepted["kill"]["exceptions"]["no-update"]["accepted_by"]), (200, &json!("bob")));
    assert_eq!(
        rig.reviews(),
        [
            "no-update Appealed: days_since_update is more than 30, for ada cy",
            "no-update Excepted: days_since_update is more than 30, for ada cy"
        ]
    );
    rig.after_days(20).await;
    assert_eq!((rig.reviews(), rig.position("p-1")), (vec![], "spark".to_owned()), "the rule rests");
    rig.after_days(10).await;
    assert_eq!(rig.reviews().len(), 1, "the exception is over: a review begins anew");
    assert_eq!(rig.post(INTEGRATOR, path, ask).await.0, 409, "there is no second");
    let (_, item) = rig.get("/v1/items/p-1").await;
    assert!(item["kill"]["open"]["no-update"]["deadline"].is_string(), "{item}");
}

#[tokio::test]
async fn a_rule_sends_back_what_is_poor_and_keeps_what_is_stuck() {
    let rig = Rig::new();
    rig.seed("p-1").await;
    rig.seed("p-2").await;
    assert_eq!(rig.attest(OWNER, "p-1", "coverage", json!(39)).await.0, 201);
    let waits = json!({"id": "p-9", "text": "it needs p-9 first", "cause": {"item": "p-9"}});
    assert_eq!(rig.post(OWNER, "/v1/items/p-2/blockers", waits).await.0, 201);
    rig.reviews();
    rig.after_days(0).await;
    assert_eq!(
        rig.reviews(),
        ["poor Due: coverage is less than 40, for cy", "poor Opened: coverage is less than 40, for cy"]
    );
    assert_eq!((rig.position("p-1"), rig.position("p-2")), ("spark".to_owned(), "seed".to_owned()));
    assert_eq!(rig.stands_in("p-1"), ["portfolio", "pod:ratio", "pod-stage:ratio:spark"]);

    rig.after_days(3).await;
    rig.after_days(1).await;
    assert_eq!(rig.reviews().len(), 2, "opened and due");
    let (_, item) = rig.get("/v1/items/p-2").await;
    let missing = missing(&item);
    assert!(
        missing.contains("the rule stuck keeps it here while dependencies_blocked_days is more than 2"),
        "{missing}"
    );
    let gone = rig.ask(OWNER, "DELETE", "/v1/items/p-2/blockers/p-9", &Value::Null).await;
    assert_eq!(gone.0, 200);
    rig.after_days(0).await;
    let (_, item) = rig.get("/v1/items/p-2").await;
    assert!(!self::missing(&item).contains("stuck"), "{item}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_other_from_being_looked_at() {
    let rig = Rig::with(&LIMITS.replace("{limit: 2}", "{limit: 3}"));
    for item in ["p-1", "p-2", "p-3"] {
        rig.make(item).await;
    }
    rig.told();
    rig.world.garble_item(&id("p-2"));
    rig.world.pass(SignedDuration::from_hours(24 * 31));
    assert!(!rig.gates.schedule("review").await.unwrap_err().is_retry());
    assert_eq!(rig.reviews().len(), 2);
    assert!(!rig.gates.schedule("keep").await.unwrap_err().is_retry());
    assert_eq!((rig.stands_in("p-1").len(), rig.stands_in("p-3").len()), (3, 3));
    let (status, page) = rig.get("/v1/items").await;
    let listed = page["items"].as_array().map(Vec::len);
    assert_eq!((status, listed, page["unreadable"].as_array().map(Vec::len)), (200, Some(2), Some(1)));
}

/// By name, with their id in Slack.
fn addressed(people: &[Addressee]) -> Vec<(&str, Option<&str>)> {
    people.iter().map(|one| (one.person.as_str(), one.slack_id.as_ref().map(|id| id.as_str()))).collect()
}

#[tokio::test]
async fn whoever_is_told_stands_in_the_event_with_where_they_are_reached_and_what_is_left_to_do() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.told();
    let look = async || {
        rig.after_days(31).await;
        let told = rig.world.drain().into_iter().map(|event| event.event);
        let of_reviews = told.filter_map(|event| match event {
            Event::ItemUnderKillReview(told) => Some(told),
            _ => None,
        });
        of_reviews.collect::<Vec<_>>()
    };
    let opened = look().await.remove(0);
    assert_eq!(addressed(&opened.people), [("ada", Some("U0000ADA")), ("cy", None)]);
    assert_eq!(opened.title.as_deref(), Some("A product"));
    assert_eq!(opened.remedies, [Remedy::Appeal, Remedy::Exception].into(), "spark is the first stage: no way back");
    let due = look().await.remove(0);
    assert_eq!(due.remedies, [].into(), "it has ended");
}

#[tokio::test]
async fn an_end_is_told_to_whose_work_it_was_and_to_who_leads_it_unless_they_made_it() {
    let rig = Rig::new();
    let end = json!({"request_id": "r-9", "from": "spark", "to": "KILLED", "reason": "nobody wants to buy it at all"});
    for (item, by, told) in [("p-1", OWNER, vec![("ada", Some("U0000ADA"))]), ("p-2", ADMIN, vec![("cy", None)])] {
        rig.make(item).await;
        rig.told();
        let (status, answer) = rig.post(by, &format!("/v1/items/{item}/transitions"), end.clone()).await;
        assert_eq!(status, 200, "{answer}");
        let events = rig.world.drain();
        let killed = events.iter().find_map(|event| match &event.event {
            Event::ItemKilled(killed) => Some(killed),
            _ => None,
        });
        assert_eq!(addressed(&killed.unwrap().people), told, "{item}");
    }
    rig.make("p-3").await;
    rig.after_days(31).await;
    rig.told();
    rig.after_days(7).await;
    let events = rig.world.drain();
    let told = events.iter().find_map(|event| match &event.event {
        Event::ItemKilled(killed) => Some(addressed(&killed.people)),
        _ => None,
    });
    assert_eq!(told, Some(vec![]), "its review told them");
}
