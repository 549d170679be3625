//! One small body for each event that has a type: what GitHub sends, cut to what is read and to what others could mistake.

use serde_json::{Value, json};

pub(super) const HEAD: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
pub(super) const BASE: &str = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e";
pub(super) const ZEROS: &str = "0000000000000000000000000000000000000000";

pub(super) fn repository() -> Value {
    json!({"id": 186_853_002, "full_name": "Codertocat/Hello-World", "url": "https://api.github.com/repos/Codertocat/Hello-World"})
}

pub(super) fn user(id: u64, login: &str) -> Value {
    json!({"id": id, "login": login, "type": "User"})
}

fn with_context(mut body: Value) -> Value {
    body["repository"] = repository();
    body["sender"] = user(21_031_067, "Codertocat");
    body["installation"] = json!({"id": 7});
    body
}

pub(super) fn push() -> Value {
    with_context(json!({
        "ref": "refs/heads/main", "before": BASE, "after": HEAD, "base_ref": null,
        "created": false, "deleted": false, "forced": false,
        "commits": [
            {"id": BASE, "added": ["deploy/integration/us-east-1/terraform/regional.yaml"], "modified": [], "removed": []},
            {"id": HEAD, "added": [], "modified": ["README.md"], "removed": ["docs/a/b.md"]},
        ],
        "head_commit": {"id": HEAD}, "pusher": {"name": "Codertocat"},
    }))
}

pub(super) fn pull_request(action: &str) -> Value {
    with_context(json!({
        "action": action, "number": 2,
        "pull_request": {
            "number": 2, "draft": false, "merged": false, "merge_commit_sha": null, "user": user(5, "octocat"),
            "title": "Update the README", "body": "text",
            "head": {"ref": "changes", "sha": HEAD, "repo": repository()},
            "base": {"ref": "main", "sha": BASE, "repo": repository()},
        },
    }))
}

pub(super) fn review(action: &str) -> Value {
    let pull_request = pull_request("opened")["pull_request"].clone();
    with_context(json!({
        "action": action, "pull_request": pull_request,
        "review": {"id": 237_895_671, "commit_id": HEAD, "state": "approved", "user": user(9, "reviewer")},
    }))
}

pub(super) fn comment(action: &str, on_pull_request: bool) -> Value {
    let mut issue = json!({"number": 2, "user": user(5, "octocat"), "title": "A title"});
    if on_pull_request {
        issue["pull_request"] = json!({"url": "https://api.github.com/repos/Codertocat/Hello-World/pulls/2"});
    }
    let comment = json!({"id": 492_700_400, "user": user(9, "reviewer"), "body": "/approve"});
    with_context(json!({"action": action, "issue": issue, "comment": comment}))
}

pub(super) fn issues(action: &str) -> Value {
    with_context(json!({"action": action, "issue": {"number": 1, "user": user(5, "octocat"), "title": "Spelling"}}))
}

pub(super) fn check(subject: &str, action: &str) -> Value {
    let mut body = json!({"action": action});
    body[subject] = json!({"id": 128_620_228, "head_sha": HEAD, "status": "completed", "conclusion": "success"});
    if subject == "workflow_run" {
        body["workflow"] = json!({"id": 1});
    }
    with_context(body)
}

fn deployment() -> Value {
    json!({"id": 145_988_746, "sha": HEAD, "ref": "main", "environment": "production"})
}

pub(super) fn renamed() -> Value {
    with_context(json!({"action": "renamed", "changes": {"repository": {"name": {"from": "Hello"}}}}))
}

/// Every typed event with a body of it, in the order of [`crate::payload::Name::ALL`].
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let installation = json!({"id": 7, "account": user(21_031_067, "Codertocat")});
    let sender = user(21_031_067, "Codertocat");
    vec![
        ("push", push()),
        ("pull_request", pull_request("opened")),
        ("pull_request_review", review("submitted")),
        ("issue_comment", comment("created", true)),
        ("check_run", check("check_run", "completed")),
        ("check_suite", check("check_suite", "completed")),
        ("workflow_run", check("workflow_run", "completed")),
        ("issues", issues("opened")),
        (
            "deployment_status",
            with_context(json!({
                "action": "created", "deployment": deployment(), "deployment_status": {"id": 1, "state": "success"},
                "check_run": {"id": 1, "head_sha": HEAD}, "workflow_run": null,
            })),
        ),
        ("repository", renamed()),
        ("deployment", with_context(json!({"action": "created", "deployment": deployment(), "workflow_run": null}))),
        (
            "deployment_protection_rule",
            with_context(json!({
                "action": "requested", "environment": "production", "event": "push", "deployment": deployment(),
                "deployment_callback_url": "http://169.254.169.254/latest/meta-data", "pull_requests": [],
            })),
        ),
        (
            "create",
            with_context(json!({
                "ref": "changes", "ref_type": "branch", "master_branch": "main", "description": null, "pusher_type": "user",
            })),
        ),
        ("delete", with_context(json!({"ref": "changes", "ref_type": "branch", "pusher_type": "user"}))),
        (
            "merge_group",
            with_context(json!({
                "action": "checks_requested", "merge_group": {"head_sha": HEAD, "base_ref": "refs/heads/main", "base_sha": BASE},
            })),
        ),
        (
            "installation",
            json!({"action": "created", "installation": installation, "repositories": [], "sender": sender}),
        ),
        (
            "installation_repositories",
            json!({
                "action": "added", "installation": installation, "repository_selection": "selected",
                "repositories_added": [], "repositories_removed": [], "sender": sender,
            }),
        ),
        (
            "ping",
            with_context(
                json!({"zen": "Design for failure.", "hook_id": 30, "hook": {"type": "Repository", "id": 30}}),
            ),
        ),
    ]
}
