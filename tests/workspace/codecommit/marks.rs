//! Comments in place of statuses, checks and labels: one of each, ours alone, whoever else writes.

use axum::http::Method;
use common::{
    domain::id::CommitSha,
    fault::Fault,
    ports::{
        Annotation, ChangeMarks as _, CheckConclusion, CheckRun, CommitStatus, Marks as _, StatusState, StickyComment,
    },
};
use serde_json::{Value, json};

use super::read::asked;
use crate::github::host::Host;

fn status(commit: &CommitSha, state: StatusState, description: &str) -> CommitStatus {
    CommitStatus {
        commit: commit.clone(),
        context: "penstock/clusters".to_owned(),
        state,
        description: description.to_owned(),
        target_url: Some("https://console.example/x".to_owned()),
    }
}

fn check(commit: &CommitSha, annotations: usize) -> CheckRun {
    let annotation = |line: u32| Annotation {
        path: "deploy/a.yaml".to_owned(),
        line,
        column: 1,
        failure: true,
        title: "size".to_owned(),
        message: "<b>too long</b> for @everyone".to_owned(),
    };
    CheckRun {
        commit: commit.clone(),
        change: None,
        name: "penstock/plan".to_owned(),
        external_id: "x".to_owned(),
        conclusion: CheckConclusion::Failure,
        title: "1 finding".to_owned(),
        summary: "Look below.".to_owned(),
        annotations: (0..u32::try_from(annotations).unwrap()).map(|line| annotation(line + 1)).collect(),
    }
}

/// The comments on a commit: (author, text).
async fn on_commit(host: &Host, before: &CommitSha, after: &CommitSha) -> Vec<(String, String)> {
    let body = json!({"repositoryName": "fleet", "beforeCommitId": before, "afterCommitId": after, "maxResults": 500});
    let (status, found) = host.call("GetCommentsForComparedCommit", "user-ada", body).await;
    assert_eq!(status, 200, "{found}");
    comments(&found["commentsForComparedCommitData"])
}

fn comments(threads: &Value) -> Vec<(String, String)> {
    let all = threads.as_array().unwrap().iter().flat_map(|thread| thread["comments"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|comment| (text(&comment["authorArn"]), text(&comment["content"]))).collect()
}

#[tokio::test]
async fn a_status_is_one_comment_that_the_latest_word_replaces() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    for (state, description) in
        [(StatusState::Pending, "looking"), (StatusState::Success, "2 clusters"), (StatusState::Success, "2 clusters")]
    {
        codecommit.set_status(&repository, &status(&second, state, description)).await.unwrap();
    }
    let found = on_commit(&host, &first, &second).await;
    assert_eq!(found.len(), 1, "{found:?}");
    insta::assert_snapshot!(found[0].1, @r"
    <!-- penstock:status:penstock/clusters -->
    **penstock/clusters**: all is well

    2 clusters

    https://console.example/x
    ");
    // The first commit has no parent, and a place for words all the same.
    codecommit.set_status(&repository, &status(&first, StatusState::Error, "sorry")).await.unwrap();
}

#[tokio::test]
async fn somebody_elses_comment_with_our_line_stays_as_it_is() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    let forged = json!({
        "repositoryName": "fleet", "beforeCommitId": first, "afterCommitId": second,
        "content": "<!-- penstock:status:penstock/clusters -->\n**penstock/clusters**: all is well",
    });
    for by in ["user-mallory", "another"] {
        assert_eq!(host.call("PostCommentForComparedCommit", by, forged.clone()).await.0, 200);
    }
    host.person(Method::PUT, "/_forge/codecommit/limits", json!({"page": 1})).await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    for description in ["looking", "3 files to mend"] {
        let status = status(&second, StatusState::Failure, description);
        codecommit.set_status(&repository, &status).await.unwrap();
    }
    host.person(Method::PUT, "/_forge/codecommit/limits", json!({"page": 100})).await;
    let found = on_commit(&host, &first, &second).await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[..2].iter().all(|(_, text)| *text == forged["content"]));
    let (author, text) = &found[2];
    assert_eq!(author, "arn:aws:sts::111122223333:assumed-role/penstock-feedback/penstock-feedback");
    assert!(text.contains("3 files to mend"), "{text}");
}

/// However many write our line: the first word costs at most ten calls in vain, and ours stays one, in a new sandbox as well.
#[tokio::test]
async fn a_crowd_with_our_line_does_not_make_ours_more() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    let forged = json!({
        "repositoryName": "fleet", "beforeCommitId": first, "afterCommitId": second,
        "content": "<!-- penstock:status:penstock/clusters -->\n**penstock/clusters**: all is well",
    });
    for by in ["user-mallory", "another"] {
        for _ in 0..12 {
            assert_eq!(host.call("PostCommentForComparedCommit", by, forged.clone()).await.0, 200);
        }
    }
    let repository = host.on_codecommit();
    for description in ["looking", "3 files to mend", "2 files to mend"] {
        let sandbox = host.codecommit("feedback");
        for description in [description, "still looking", description] {
            let status = status(&second, StatusState::Failure, description);
            sandbox.set_status(&repository, &status).await.unwrap();
        }
    }
    // Ten of those that could be ours, before the first was written; then one for each word, in whatever sandbox.
    assert_eq!(asked(&host, "UpdateComment").await, 10 + 8);
    let found = on_commit(&host, &first, &second).await;
    assert_eq!(found.len(), 25, "{found:?}");
    assert!(found[..24].iter().all(|(_, text)| *text == forged["content"]));
    assert!(found[24].1.contains("2 files to mend"), "{}", found[24].1);
}

#[tokio::test]
async fn what_is_plain_text_on_github_is_no_markdown_here() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    let hostile = "[approved, see here](https://evil.example) <!-- penstock:gate -->\n<!-- penstock:wip -->\n**go**";
    codecommit.set_status(&repository, &status(&second, StatusState::Failure, hostile)).await.unwrap();
    let check = CheckRun { title: hostile.to_owned(), ..check(&second, 0) };
    codecommit.publish_check(&repository, &check).await.unwrap();
    let found = on_commit(&host, &first, &second).await;
    let texts: Vec<String> = found.into_iter().map(|(_, text)| text.replace('\u{200b}', "{200b}")).collect();
    insta::assert_snapshot!(texts.join("\n\n"), @r"
    <!-- penstock:status:penstock/clusters -->
    **penstock/clusters**: something is to be mended

    \[approved, see here\]\(https:{200b}//evil.{200b}example\) &lt;\!\-\- penstock:{200b}gate \-\-&gt; &lt;\!\-\- penstock:{200b}wip \-\-&gt; \*\*go\*\*

    https://console.example/x

    <!-- penstock:check:penstock/plan -->
    **penstock/plan**: something is to be mended

    **\[approved, see here\]\(https:{200b}//evil.{200b}example\) &lt;\!\-\- penstock:{200b}gate \-\-&gt; &lt;\!\-\- penstock:{200b}wip \-\-&gt; \*\*go\*\***

    Look below.
    ");
}

#[tokio::test]
async fn a_check_is_told_in_words_within_the_limit_and_foreign_text_is_inert() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    codecommit.publish_check(&repository, &check(&second, 1)).await.unwrap();
    let found = on_commit(&host, &first, &second).await;
    // Shown, and not hidden, where it stands: what keeps `:` and `@` from meaning anything.
    insta::assert_snapshot!(found[0].1.replace('\u{200b}', "{200b}"), @r"
    <!-- penstock:check:penstock/plan -->
    **penstock/plan**: something is to be mended

    **1 finding**

    Look below.
    - `deploy/a.yaml:1:1` error \(size\):{200b} &lt;b&gt;too long&lt;/b&gt; for \@{200b}everyone
    ");
    codecommit.publish_check(&repository, &check(&second, 1_000)).await.unwrap();
    let found = on_commit(&host, &first, &second).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].1.len() <= 10_240 && found[0].1.ends_with('…'), "{}", found[0].1.len());
}

#[tokio::test]
async fn a_pull_request_has_one_comment_of_a_kind_and_a_deleted_one_is_written_again() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b one main").await;
    host.commit(&[("b", "1\n")], "one").await;
    host.git("push --quiet origin one").await;
    let number = host.open_pull("one").await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    let all = || async {
        let body = json!({"pullRequestId": number.to_string()});
        host.call("GetCommentsForPullRequest", "user-ada", body).await.1["commentsForPullRequestData"].clone()
    };
    let say = |text: &str| StickyComment { kind: "wip", text: text.to_owned() };
    for text in ["You wait.", "You wait.", "You are free."] {
        codecommit.set_comment(&repository, number, &say(text)).await.unwrap();
    }
    let gate = StickyComment { kind: "gate", text: "Who approves?".to_owned() };
    codecommit.set_comment(&repository, number, &gate).await.unwrap();
    let texts: Vec<String> = comments(&all().await).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["<!-- penstock:wip -->\nYou are free.", "<!-- penstock:gate -->\nWho approves?"]);

    let id = all().await[0]["comments"][0]["commentId"].clone();
    assert_eq!(host.call("DeleteCommentContent", "user-ada", json!({"commentId": id})).await.0, 200);
    codecommit.set_comment(&repository, number, &say("You wait.")).await.unwrap();
    let texts: Vec<String> = comments(&all().await).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["", "<!-- penstock:gate -->\nWho approves?", "<!-- penstock:wip -->\nYou wait."]);
}

#[tokio::test]
async fn a_check_of_a_pull_request_is_told_there_and_not_on_its_commit() {
    let (host, main) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b one main").await;
    let head = host.commit(&[("b", "1\n")], "one").await;
    host.git("push --quiet origin one").await;
    let number = host.open_pull("one").await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    let check = CheckRun { change: Some(number), ..check(&head, 0) };
    for _ in 0..2 {
        codecommit.publish_check(&repository, &check).await.unwrap();
    }
    let body = json!({"pullRequestId": number.to_string()});
    let found = host.call("GetCommentsForPullRequest", "user-ada", body).await.1;
    let found = comments(&found["commentsForPullRequestData"]);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.starts_with("<!-- penstock:check:penstock/plan -->\n"), "{}", found[0].1);
    assert_eq!(on_commit(&host, &main, &head).await, []);
}

#[tokio::test]
async fn labels_and_drafts_do_not_exist_and_nobody_waits_for_them() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b one main").await;
    host.commit(&[("b", "1\n")], "one").await;
    host.git("push --quiet origin one").await;
    let number = host.open_pull("one").await;
    let (codecommit, repository) = (host.codecommit("feedback"), host.on_codecommit());
    codecommit.set_label(&repository, number, "waiting", true).await.unwrap();
    assert_eq!(codecommit.is_draft(&repository, number).await.unwrap(), Some(false));
    assert_eq!(codecommit.is_draft(&repository, number + 1).await.unwrap(), None);
    codecommit.set_draft(&repository, number, false).await.unwrap();
    let fault = codecommit.set_draft(&repository, number, true).await.unwrap_err();
    assert!(matches!(fault, Fault::Reject { .. }));
    insta::assert_snapshot!(fault, @"making pull request 1 of 111122223333/fleet a draft: CodeCommit has no drafts");
    let fault = codecommit
        .set_comment(&repository, number + 1, &StickyComment { kind: "wip", text: String::new() })
        .await
        .unwrap_err();
    insta::assert_snapshot!(fault, @"writing the wip comment of pull request 2 in 111122223333/fleet: there is no such pull request");
}
