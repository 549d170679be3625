//! Who gets a link, where it goes, and that it is theirs.

use common::{
    domain::run::{BadLink, LinkKey},
    event::{Event, RunObstacle},
    testing::{World, envelope, id, main_branch, repository},
};

use super::*;

fn links() -> Links {
    Links { key: LinkKey::new(&"k".repeat(32)).unwrap(), base: "https://api.example".into() }
}

fn run() -> RunAtGate {
    let one =
        |person: &str, slack: Option<&str>| Addressee { person: id(person), slack_id: slack.map(id), email: None };
    RunAtGate {
        repository: repository(),
        branch: main_branch(),
        cluster: id("production/us-east-1/management/mc01"),
        pipeline: id("mc-production-us-east-1-mc01-a5fe2847ab80"),
        execution: id("00000000-0000-4000-8000-000000000001"),
        commit: Some(id(&"a".repeat(40))),
        since: "2026-01-05T08:00:00Z".parse().unwrap(),
        reasons: vec![RunObstacle {
            missing: "0 of 1 approvals of approvers <!channel>".into(),
            who: "bob".into(),
            how: "approve this run".into(),
            until: None,
        }],
        earliest: None,
        approved_by: Vec::new(),
        asks: vec![one("ada", Some("U0000ADA")), one("bob", Some("U0000BOB")), one("cy", None)],
    }
}

async fn hear(world: &World, run: &RunAtGate) -> Result<(), Fault> {
    let event = envelope(world.now(), "c", "cluster:x", Event::RunGateWaiting(run.clone()));
    ask(world, world, world, &links(), &event, run).await
}

/// The token of a message.
fn token(text: &str) -> String {
    text.split("/v1/approvals/").nth(1).unwrap().split('|').next().unwrap().to_owned()
}

#[tokio::test]
async fn each_who_is_asked_gets_their_own_link_alone_and_once_a_run() {
    let world = World::new();
    hear(&world, &run()).await.unwrap();
    hear(&world, &run()).await.unwrap();
    let posts = world.chat();
    let to: Vec<&ChatTarget> = posts.iter().map(|post| &post.target).collect();
    assert_eq!(to, [&ChatTarget::Person(id("U0000ADA")), &ChatTarget::Person(id("U0000BOB"))], "and never a channel");
    let texts: Vec<String> =
        posts.iter().map(|post| post.blocks.iter().map(Block::text).collect::<Vec<_>>().join("\n")).collect();
    let [ada, bob] = [&texts[0], &texts[1]].map(|text| token(text));
    for (whose, token) in [("ada", &ada), ("bob", &bob)] {
        let link = Link::read(token, &links().key, world.now()).unwrap();
        assert_eq!((link.by, link.execution), (id(whose), run().execution));
    }
    insta::assert_snapshot!(texts[1].replace(&bob, "TOKEN"), @"
    A run waits for you: commit aaaaaaa to *production/us-east-1/management/mc01*, since 2026-01-05T08:00:00Z.
    • 0 of 1 approvals of approvers &lt;!channel&gt;
    <https://api.example/v1/approvals/TOKEN|Look at it, and answer>
    The link is yours alone, takes one answer, and is good until 2026-01-08T09:00:00Z.
    ");
    world.pass(GOOD_FOR);
    assert_eq!(Link::read(&bob, &links().key, world.now()), Err(BadLink::Expired));
}

#[tokio::test]
async fn an_event_that_comes_late_and_a_run_of_an_unknown_commit_ask_nobody() {
    let world = World::new();
    let late = envelope(world.now(), "c", "cluster:x", Event::RunGateWaiting(run()));
    world.pass(GOOD_FOR);
    ask(&world, &world, &world, &links(), &late, &run()).await.unwrap();
    hear(&world, &RunAtGate { commit: None, ..run() }).await.unwrap();
    assert_eq!(world.chat(), []);
}

/// Neither the event nor what is remembered of a post has the token in it.
#[tokio::test]
async fn the_token_is_in_the_message_and_nowhere_else() {
    let world = World::new();
    let event = envelope(world.now(), "c", "cluster:x", Event::RunGateWaiting(run()));
    ask(&world, &world, &world, &links(), &event, &run()).await.unwrap();
    let post = &world.chat()[1];
    let token = token(post.blocks[1].text());
    assert!(!event.detail().unwrap().contains(&token) && !post.key.contains(&token));
}

#[tokio::test]
async fn of_several_one_that_cannot_be_reached_keeps_no_other() {
    let world = World::new();
    world.fail("Chat.post", "U0000ADA", "down", true, 1);
    assert!(hear(&world, &run()).await.unwrap_err().is_retry());
    assert_eq!(world.chat().len(), 1, "bob has his");
    hear(&world, &run()).await.unwrap();
    assert_eq!(world.chat().len(), 2);
}
