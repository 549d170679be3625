//! Pull requests that get no place whatever room there is, and what feedback remembers of those that have ended.

use common::{
    domain::id::HostAccount,
    event::{RefusedCause, WipLockRefused},
};

use super::*;

/// The event that it gets no place, a second after the last one.
fn refused(world: &World, cause: RefusedCause, author: Option<u64>, scopes: &[&str]) -> Envelope {
    world.pass(SignedDuration::from_secs(1));
    let event = Event::WipLockRefused(WipLockRefused {
        item: item(),
        cause,
        author: author.map(HostAccount::github),
        scopes: scopes.iter().map(|scope| id(scope)).collect(),
        reasons: Vec::new(),
        change: change(),
    });
    envelope(common::ports::Clock::now(world), "refused", "item:pr-42-7", event)
}

fn unknown(world: &World) -> Envelope {
    refused(world, RefusedCause::UnknownAuthor, Some(666), &[])
}

/// The event that it was closed, as it is now.
fn closed(world: &World) -> Envelope {
    world.pass(SignedDuration::from_secs(1));
    world.close_change(NUMBER);
    world.about_change(NUMBER, "closed", Event::ChangeClosed)
}

fn writes(world: &World) -> Vec<&'static str> {
    world.calls().into_iter().filter(|call| call.write).map(|call| call.name).collect()
}

#[tokio::test]
async fn each_cause_says_why_and_who_can_mend_it() {
    let said = async |cause, author, scopes: &[&str]| {
        let world = host();
        tell(&world, &refused(&world, cause, author, scopes)).await;
        assert_eq!(shown(&world), (false, false), "it waits for nothing: no label, no draft");
        world.comment(NUMBER, COMMENT).unwrap()
    };
    insta::assert_snapshot!(said(RefusedCause::UnknownAuthor, Some(666), &[]).await, @r"
    **This pull request gets no place under the limits on work in progress.** Penstock does not know who opened it: `people.yaml` lists nobody with the GitHub id 666, so the limits of persons cannot be kept.

    **What to do.** Ask an admin of Penstock to list the author in `people.yaml`, with `github_id: 666`. Once the pull request has its place, or waits for one, this comment says so by itself.
    ");
    insta::assert_snapshot!(said(RefusedCause::UnknownAuthor, None, &[]).await, @r"
    **This pull request gets no place under the limits on work in progress.** The account that opened it is gone, so nobody stands for it.

    **What to do.** Open it again, from an account of somebody whom `people.yaml` lists.
    ");
    insta::assert_snapshot!(said(RefusedCause::NoRule, None, &["pod-stage:ratio:seed", "stage:seed"]).await, @r"
    **This pull request gets no place under the limits on work in progress.** It would count in `pod-stage:ratio:seed`, `stage:seed`, and `limits.yaml` has no rule for that.

    **What to do.** Ask an admin of Penstock to set a limit there in `limits.yaml`. Once the pull request has its place, or waits for one, this comment says so by itself.
    ");
}

#[tokio::test]
async fn it_is_said_once_and_changes_when_it_is_over() {
    type Over = fn(&World) -> Envelope;
    let over: [(Over, &str); 3] = [
        (acquired, "has its place under the limits"),
        (exceeded, "**This pull request waits: there is no room"),
        (closed, "no longer waits, and it holds no place"),
    ];
    for (over, says) in over {
        let world = host();
        let first = unknown(&world);
        tell(&world, &first).await;
        let refusal = world.comment(NUMBER, COMMENT).unwrap();
        world.heal();
        for again in [first, unknown(&world), unknown(&world)] {
            tell(&world, &again).await;
        }
        assert!(writes(&world).iter().all(|call| *call == "FeedbackLedger.published"), "{says}: {:?}", writes(&world));
        let end = over(&world);
        for _ in 0..2 {
            tell(&world, &end).await;
        }
        let comment = world.comment(NUMBER, COMMENT).unwrap();
        assert!(comment.contains(says) && comment != refusal, "{comment}");
    }
}

#[tokio::test]
async fn what_ends_without_a_word_leaves_nothing_and_what_comes_late_finds_it_closed() {
    let world = host();
    let late = [exceeded(&world), unknown(&world)];
    let end = closed(&world);
    world.heal();
    tell(&world, &end).await;
    for late in &late {
        tell(&world, late).await;
    }
    assert_eq!((writes(&world), shown(&world), world.comment(NUMBER, COMMENT)), (Vec::new(), (false, false), None));
}
