//! Answers in comments: who may, what counts as one, and what a forged event does.

use common::{
    domain::id::{CommentId, HostAccount, RepositoryId},
    event::{Actor, ChangeCommented, Event},
    ports::{CommentNow, GateAnswer},
    testing::repository,
};

use super::{MC01, Rig, cause};

const PULL: u64 = 7;

impl Rig {
    /// What the host has of a comment by bob, who is asked.
    fn written(&self, comment: u64, body: &str) -> CommentNow {
        let now = CommentNow {
            number: PULL,
            body: body.to_owned(),
            author: Some(HostAccount::github(1002)),
            by_person: true,
            edited: false,
        };
        self.world.set_comment_now(comment, now.clone());
        now
    }

    /// The event of a comment. Who wrote it says the event too, and nobody believes it.
    async fn comment_event(&self, comment: u64) -> Vec<(&'static str, String)> {
        let admin = Actor { id: HostAccount::github(1002), login: "bob".into() };
        let said = ChangeCommented {
            repository: repository(),
            number: PULL,
            comment: CommentId::GitHub(comment),
            author: admin.clone(),
            sender: admin,
            action: "created".into(),
        };
        self.gates.commented(&said, &cause()).await.unwrap();
        let told = self.world.drain().into_iter().map(|event| match event.event {
            Event::RunAnswerRefused(refused) => ("Run Answer Refused", refused.reason),
            other => (other.kind().name(), String::new()),
        });
        told.collect()
    }
}

#[tokio::test]
async fn whoever_is_asked_answers_in_a_comment_and_its_copy_does_nothing() {
    let rig = Rig::new().await;
    let (run, other) = (rig.wait(MC01, 1), rig.wait(MC01, 2));
    rig.sweep().await;
    rig.told();
    rig.written(1, &format!("/penstock approve {run}\n\nI have read it."));
    assert_eq!(rig.comment_event(1).await, [("Run Gate Approved", String::new())]);
    assert_eq!(rig.answers(), [(run.clone(), GateAnswer::Approve)]);
    assert_eq!(rig.comment_event(1).await, [], "a copy of the event says nothing, though nobody waits any more");
    rig.written(2, &format!("/penstock reject {other} the subnet is taken already"));
    assert_eq!(rig.comment_event(2).await, [("Run Gate Rejected", String::new())]);
    assert_eq!(rig.answers()[1], (other, GateAnswer::Reject));
    let actions = rig.actions(&format!("cluster:{MC01}")).await;
    assert_eq!(actions.iter().filter(|action| *action == "run.answer").count(), 2, "the API's own entry: {actions:?}");
}

#[tokio::test]
async fn what_is_no_command_or_no_person_s_is_left_alone() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.sweep().await;
    rig.told();
    let command = format!("/penstock approve {run}");
    for body in ["lgtm", "/penstock deploy", &format!("> {command}"), &format!("not yet\n{command}")] {
        rig.written(1, body);
        assert_eq!(rig.comment_event(1).await, [], "{body}");
    }
    let now = rig.written(2, &command);
    rig.world.set_comment_now(2, CommentNow { by_person: false, ..now.clone() });
    assert_eq!(rig.comment_event(2).await, [], "a program");
    rig.world.set_comment_now(2, CommentNow { number: PULL + 1, ..now });
    assert_eq!(rig.comment_event(2).await, [], "the comment of another pull request");
    assert_eq!(rig.comment_event(3).await, [], "a comment that is not there (any more)");
    assert_eq!(rig.answers(), []);
}

#[tokio::test]
async fn a_command_that_does_not_count_is_answered_with_the_reason() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.sweep().await;
    rig.told();
    let command = format!("/penstock approve {run}");
    let why = async |now: CommentNow| {
        rig.world.set_comment_now(1, now);
        let told = rig.comment_event(1).await;
        let [("Run Answer Refused", why)] = told.as_slice() else { panic!("not refused: {told:?}") };
        why.clone()
    };
    let bobs = rig.written(1, &command);
    let by = |author| CommentNow { author, ..bobs.clone() };
    insta::assert_snapshot!(why(by(Some(HostAccount::github(1001)))).await, @"ada wrote what it deploys: somebody else who is asked approves it");
    insta::assert_snapshot!(why(by(Some(HostAccount::github(1003)))).await, @"cy is in no group that production asks: approvers (ada, bob)");
    insta::assert_snapshot!(why(by(Some(HostAccount::github(1007)))).await, @"rae has the role reader, and to answer at the gate of a run needs the role member");
    insta::assert_snapshot!(why(by(Some(HostAccount::github(9999)))).await, @"people.yaml lists nobody with its author's account");
    insta::assert_snapshot!(why(by(None)).await, @"people.yaml lists nobody with its author's account");
    insta::assert_snapshot!(why(CommentNow { edited: true, ..bobs.clone() }).await, @"the comment was edited: write another one");
    let of = |body: &str| CommentNow { body: body.to_owned(), ..bobs.clone() };
    insta::assert_snapshot!(why(of("/penstock approve 00000000-0000-4000-8000-00000000ffff")).await, @"no cluster of acme/clusters has a run 00000000-0000-4000-8000-00000000ffff at its gate");
    insta::assert_snapshot!(why(of(&format!("{command} if ben agrees"))).await, @"something stands behind the run: write /penstock approve <run>, and the rest below it");
    assert_eq!(rig.answers(), []);
}

/// A run of a cluster that another repository configures is nobody's here, whoever asks.
#[tokio::test]
async fn a_run_of_another_repository_is_not_answered_here() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.sweep().await;
    rig.told();
    rig.written(1, &format!("/penstock approve {run}"));
    let mut elsewhere = repository();
    elsewhere.id = RepositoryId::GitHub(43);
    let somebody = Actor { id: HostAccount::github(1002), login: "bob".into() };
    let said = ChangeCommented {
        repository: elsewhere,
        number: PULL,
        comment: CommentId::GitHub(1),
        author: somebody.clone(),
        sender: somebody,
        action: "created".into(),
    };
    rig.gates.commented(&said, &cause()).await.unwrap();
    assert_eq!((rig.told(), rig.answers()), (vec![], vec![]));
}
