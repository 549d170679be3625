//! Answers by personal links: looking decides nothing, one answer a link, and whose it is does not make it count.

use common::{
    domain::{
        audit::{Draft, Phase},
        id::PersonName,
        run::{
            Answer, Approval, Link, LinkKey,
            link::{GOOD_FOR, digest},
        },
    },
    event::Event,
    http::Request,
    ports::{Clock, GateAnswer, RunChange, RunRows, RunSaid, SaidCommitted},
    testing::{api_request, id},
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};

use super::{APPROVER, MC01, Rig, cause, commit, execution, pipeline};

/// The key of these tests' links.
pub(super) fn link_key() -> LinkKey {
    LinkKey::new(&"k".repeat(32)).unwrap()
}

impl Rig {
    /// A person's link to a run, as feedback would make it.
    fn link(&self, person: &str, number: u8) -> String {
        let until = Timestamp::from_second(self.world.now().as_second()).unwrap().checked_add(GOOD_FOR).unwrap();
        let by: PersonName = id(person);
        Link { by, cluster: id(MC01), execution: execution(number), commit: commit('a'), until }.token(&link_key())
    }

    async fn visit(&self, method: &str, token: &str, form: &str) -> (u16, String) {
        let request = api_request(None, method, &format!("/v1/approvals/{token}"), form);
        let request: Request = serde_json::from_value(request).unwrap();
        let response = self.gates.visit(&request).await;
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(response.headers[name], value, "{response:?}");
        }
        assert!(response.headers["content-security-policy"].starts_with("default-src 'none'"));
        (response.status_code, response.body)
    }
}

#[tokio::test]
async fn a_link_shows_what_it_is_about_and_takes_one_answer() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.sweep().await;
    rig.told();
    let token = rig.link("bob", 1);
    rig.world.heal();
    for _ in 0..2 {
        let (status, page) = rig.visit("GET", &token, "").await;
        assert_eq!(status, 200, "{page}");
        for shown in
            ["bob", run.as_str(), commit('a').as_str(), MC01, "0 of 1 approvals of approvers", "<form method=\"post\""]
        {
            assert!(page.contains(shown), "{shown} is not in {page}");
        }
        assert!(!page.contains(&token) && !page.contains("<script"), "{page}");
    }
    assert!(rig.world.calls().iter().all(|call| !call.write), "looking writes nothing");
    assert_eq!((rig.answers(), rig.told()), (vec![], vec![]));

    let (status, page) = rig.visit("POST", &token, "answer=approve&reason=").await;
    assert!(status == 200 && page.contains("the run goes on"), "{status} {page}");
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)]);
    assert_eq!(rig.visit("POST", &token, "answer=approve").await.0, 200, "the same again is the same");
    assert_eq!(rig.visit("POST", &token, "answer=reject&reason=the+subnet+is+taken+already").await.0, 409);
    assert_eq!(rig.visit("GET", &token, "").await.0, 409);
    assert_eq!(rig.answers().len(), 1);
    let actions = rig.actions(&format!("cluster:{MC01}")).await;
    assert_eq!(actions, ["run.wait", "run.answer", "run.approve"], "the entry of every answer");
}

/// Two windows, one link: one of the two answers is taken, in whatever order they are written.
#[tokio::test]
async fn a_link_that_is_used_twice_at_once_takes_one_answer() {
    let probe = Rig::new().await;
    let rig = Rig::new().await;
    for rig in [&probe, &rig] {
        rig.wait(MC01, 1);
        rig.sweep().await;
        rig.world.heal();
    }
    let token = rig.link("bob", 1);
    assert_eq!(probe.visit("POST", &token, "answer=approve").await.0, 200);
    let number = probe.world.calls().iter().position(|call| call.name == "RunRows.commit").unwrap();
    let other = Approval {
        by: id("bob"),
        answer: Answer::Reject,
        execution: execution(1),
        commit: commit('a'),
        at: rig.world.now(),
        reason: None,
        link: Some(digest(&token)),
    };
    rig.world.before_call(number, move |world| {
        let entry = Draft {
            subject: format!("cluster:{MC01}"),
            at: other.at,
            actor: "stage-gate".into(),
            action: "run.answer".into(),
            phase: Phase::Decision,
            correlation_id: cause(),
            facts: [].into(),
            reasons: vec![],
        };
        let change = RunChange { said: RunSaid::Answer(pipeline(MC01), other), events: vec![], entry };
        assert_eq!(world.commit_run(&change).now_or_never().unwrap().unwrap(), SaidCommitted::Done);
    });
    let (status, page) = rig.visit("POST", &token, "answer=approve").await;
    assert_eq!(status, 409, "{page}");
    let record = rig.world.run(&pipeline(MC01), &execution(1)).await.unwrap();
    let given: Vec<Answer> = record.approvals.iter().map(|given| given.answer).collect();
    assert_eq!((given, record.links.len(), rig.answers()), (vec![Answer::Reject], 1, vec![]));
}

#[tokio::test]
async fn a_link_makes_no_answer_count_that_would_not() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.sweep().await;
    rig.told();
    // ada wrote what it deploys: she may end it, and does not let it go on.
    let adas = rig.link("ada", 1);
    let (status, page) = rig.visit("POST", &adas, "answer=approve").await;
    assert!(status == 403 && page.contains("ada wrote what it deploys"), "{status} {page}");
    for person in ["cy", "rae", "nobody-listed"] {
        let token = rig.link(person, 1);
        assert_eq!(rig.visit("GET", &token, "").await.0, 403, "{person}");
        assert_eq!(rig.visit("POST", &token, "answer=approve").await.0, 403, "{person}");
    }
    assert_eq!((rig.answers(), rig.told()), (vec![], vec![]));
    assert_eq!(
        rig.visit("POST", &adas, "answer=reject&reason=the+subnet+is+taken+already").await.0,
        200,
        "it was not used"
    );
    assert_eq!(rig.answers(), [(run, GateAnswer::Reject)]);
}

#[tokio::test]
async fn what_is_no_link_reads_nothing_and_says_nothing() {
    let rig = Rig::new().await;
    rig.wait(MC01, 1);
    rig.sweep().await;
    let token = rig.link("bob", 1);
    let forged =
        Link::read(&token, &link_key(), rig.world.now()).unwrap().token(&LinkKey::new(&"x".repeat(32)).unwrap());
    rig.world.heal();
    for wrong in ["", "0", &forged, &token[1..], &"0".repeat(5_000), "..%2f..", &format!("{token}/x")] {
        for method in ["GET", "POST"] {
            let (status, page) = rig.visit(method, wrong, "answer=approve").await;
            assert_eq!(status, 404, "{wrong}: {page}");
        }
    }
    assert_eq!(rig.world.calls(), [], "nothing was asked of anybody");
    rig.world.pass(GOOD_FOR);
    assert_eq!(rig.visit("GET", &token, "").await.0, 410);
    assert_eq!(rig.visit("POST", &token, "answer=approve").await.0, 410);
    let Rig { mut gates, .. } = Rig::new().await;
    gates.links = None;
    let request = api_request(None, "GET", &format!("/v1/approvals/{token}"), "");
    assert_eq!(gates.visit(&serde_json::from_value(request).unwrap()).await.status_code, 404, "no key, no link");
    assert_eq!(rig.answers(), []);
}

#[tokio::test]
async fn a_form_that_says_something_else_answers_nothing() {
    let rig = Rig::new().await;
    rig.wait(MC01, 1);
    rig.sweep().await;
    let token = rig.link("bob", 1);
    for form in [
        "",
        "answer=yes",
        "answer=approve&answer=reject",
        "answer=approve&by=ada",
        "answer=reject",
        "answer=reject&reason=no",
        &format!("answer=reject&reason={}", "x".repeat(9_000)),
    ] {
        assert_eq!(rig.visit("POST", &token, form).await.0, 422, "{form}");
    }
    assert_eq!(rig.answers(), []);
    assert_eq!(rig.visit("POST", &token, "answer=approve").await.0, 200);
}

/// A run that went on, or another commit than its owner was told of, takes no answer.
#[tokio::test]
async fn a_link_to_what_is_over_says_so() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.sweep().await;
    let (first, other) = (rig.link("bob", 1), rig.link("bob", 9));
    assert_eq!(rig.answer(APPROVER, &run, "approve").await.0, 200);
    for token in [&first, &other] {
        assert_eq!(rig.visit("GET", token, "").await.0, 409);
        assert_eq!(rig.visit("POST", token, "answer=approve").await.0, 409);
    }
    rig.world.wait_at_gate(&pipeline(MC01), &execution(2), Some(&commit('b')));
    rig.sweep().await;
    let stale = rig.link("bob", 2);
    assert_eq!(rig.visit("GET", &stale, "").await.0, 409, "it deploys b, and the link says a");
    assert_eq!(rig.visit("POST", &stale, "answer=approve").await.0, 409);
    assert_eq!(rig.answers().len(), 1);
    rig.world.pass(SignedDuration::from_secs(1));
}

#[tokio::test]
async fn whoever_could_approve_is_named_to_be_told() {
    let rig = Rig::new().await;
    rig.wait(MC01, 1);
    rig.sweep().await;
    let told = rig.world.drain();
    let Event::RunGateWaiting(waiting) = &told[0].event else { panic!("{told:?}") };
    let asked: Vec<(&str, Option<&str>)> = waiting
        .asks
        .iter()
        .map(|one| (one.person.as_str(), one.slack_id.as_ref().map(|slack| slack.as_str())))
        .collect();
    assert_eq!(asked, [("bob", Some("U0000BOB"))], "and not ada, who wrote it");
}
