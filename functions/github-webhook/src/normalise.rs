//! A body of a known event to an event of the contract, or to the reason why there is none.
//!
//! Nothing here is a decision: whoever acts on the event reads the state again. Free text, labels and addresses are not carried.

use common::{
    domain::id::{BranchName, CommentId, CommitSha, IdError, quoted},
    event::{
        BranchDeleted, BranchPushed, Change, ChangeCommented, ChangeMerged, ChangeReviewed, CheckCompleted, CheckKind,
        DeploymentReported, Event, Issue, RepositoryRenamed, WorkflowCompleted,
    },
};

use crate::{
    payload::{
        Name,
        change::{CommentEvent, IssuesEvent, PullRequestEvent, ReviewEvent},
        check::{
            Check, CheckRunEvent, CheckSuiteEvent, DeploymentEvent, DeploymentStatusEvent, InstallationEvent,
            InstallationRepositoriesEvent, MergeGroupEvent, Ping, ProtectionRuleEvent, WorkflowRunEvent,
        },
        push::{Create, Delete, Push, RepositoryAction, RepositoryEvent},
        read,
        shared::{self, Repository, Word, actor},
    },
    refusal::Refusal,
};

/// What a verified body comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normal {
    /// Something that the contract has a name for.
    Event {
        /// What it is about.
        subject: String,
        /// What happened.
        event: Box<Event>,
    },
    /// Nothing for the bus.
    Ignored(Ignored),
}

/// Why there is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Not among the events with a type.
    #[error("the event {} is not one that Penstock reads", quoted(_0, 80))]
    UnknownEvent(String),
    /// A typed event that asks for nothing yet.
    #[error("nothing in Penstock listens to the event {} yet", _0.as_str())]
    NoListener(Name),
    /// The webhook's own test.
    #[error("the webhook works: a ping asks for nothing else")]
    Ping,
    /// An action that changes nothing that is decided on.
    #[error("{} with the action {:?} changes nothing that Penstock decides on", name.as_str(), action)]
    Action {
        /// The event.
        name: Name,
        /// Its action.
        action: String,
    },
    /// A tag, a note: not a branch.
    #[error("{} is not a branch, and Penstock follows branches only", quoted(_0, 120))]
    NotABranch(String),
    /// A branch outside the grammar: no environment can name it.
    #[error("{0}: no environment can follow such a branch")]
    Branch(IdError),
    /// A comment that is not on a pull request.
    #[error("the comment is on an issue, not on a pull request")]
    CommentOnIssue,
}

/// Reads a body as this event.
///
/// # Errors
/// [`Refusal::Misfit`] and [`Refusal::BadField`]: the body is not a payload of the event that it looks like.
pub fn normalise(name: Name, body: &[u8]) -> Result<Normal, Refusal> {
    let bad = |error| Refusal::BadField { name, error };
    match name {
        Name::Push => push(&read(name, body)?).map_err(bad),
        Name::PullRequest => pull_request(read(name, body)?).map_err(bad),
        Name::PullRequestReview => review(read(name, body)?).map_err(bad),
        Name::IssueComment => comment(read(name, body)?).map_err(bad),
        Name::Issues => issues(read(name, body)?).map_err(bad),
        Name::CheckRun => {
            let CheckRunEvent { action, check_run, repository } = read(name, body)?;
            check(name, CheckKind::CheckRun, &action, check_run, &repository).map_err(bad)
        }
        Name::CheckSuite => {
            let CheckSuiteEvent { action, check_suite, repository } = read(name, body)?;
            check(name, CheckKind::CheckSuite, &action, check_suite, &repository).map_err(bad)
        }
        Name::WorkflowRun => {
            let WorkflowRunEvent { action, workflow_run, repository } = read(name, body)?;
            workflow(&action, workflow_run, &repository).map_err(bad)
        }
        Name::DeploymentStatus => deployment_status(read(name, body)?).map_err(bad),
        Name::Repository => repository(read(name, body)?).map_err(bad),
        Name::Deployment => read::<DeploymentEvent>(name, body).map(|_| no_listener(name)),
        Name::DeploymentProtectionRule => read::<ProtectionRuleEvent>(name, body).map(|_| no_listener(name)),
        Name::Create => read::<Create>(name, body).map(|_| no_listener(name)),
        Name::Delete => read::<Delete>(name, body).map(|_| no_listener(name)),
        Name::MergeGroup => read::<MergeGroupEvent>(name, body).map(|_| no_listener(name)),
        Name::Installation => read::<InstallationEvent>(name, body).map(|_| no_listener(name)),
        Name::InstallationRepositories => read::<InstallationRepositoriesEvent>(name, body).map(|_| no_listener(name)),
        Name::Ping => read::<Ping>(name, body).map(|_| Normal::Ignored(Ignored::Ping)),
    }
}

fn no_listener(name: Name) -> Normal {
    Normal::Ignored(Ignored::NoListener(name))
}

fn other_action(name: Name, action: &str) -> Normal {
    Normal::Ignored(Ignored::Action { name, action: action.to_owned() })
}

fn push(push: &Push) -> Result<Normal, IdError> {
    let repository = push.repository.normal()?;
    let (before, after) = (shared::commit(&push.before)?, shared::commit(&push.after)?);
    let Some(branch) = push.reference.strip_prefix("refs/heads/") else {
        return Ok(Normal::Ignored(Ignored::NotABranch(push.reference.clone())));
    };
    let branch: BranchName = match branch.parse() {
        Ok(branch) => branch,
        Err(error) => return Ok(Normal::Ignored(Ignored::Branch(error))),
    };
    let subject = format!("repository:{}", repository.id);
    let sender = actor(push.sender.as_ref());
    let event = match (before, after) {
        (before, Some(after)) => {
            let touched_roots = if before.is_none() { vec!["*".to_owned()] } else { push.touched_roots() };
            let forced = push.forced;
            Event::BranchPushed(BranchPushed { repository, branch, before, after, forced, sender, touched_roots })
        }
        (before, None) => {
            // Zeros on both sides say that nothing was there and nothing is: the zeros fail as the commit that is asked for.
            let before = before.map_or_else(|| "".parse::<CommitSha>(), Ok)?;
            Event::BranchDeleted(BranchDeleted { repository, branch, before, sender })
        }
    };
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn pull_request(payload: PullRequestEvent) -> Result<Normal, IdError> {
    let PullRequestEvent { action, number, pull_request, repository, sender } = payload;
    let repository = repository.normal()?;
    // A label says which work is followed as an item, and decides nothing on the pull request: it wakes whoever follows issues.
    if matches!(action.as_str(), "labeled" | "unlabeled") {
        let subject = format!("issue:{}/{number}", repository.id);
        let author = pull_request.user.as_ref().map(|user| actor(Some(user)));
        let action = action.into_string();
        let event = Event::IssueUpdated(Issue { repository, number, author, sender: actor(sender.as_ref()), action });
        return Ok(Normal::Event { subject, event: Box::new(event) });
    }
    let subject = format!("change:{}/{number}", repository.id);
    let (head, base): (CommitSha, CommitSha) = (pull_request.head.sha.parse()?, pull_request.base.sha.parse()?);
    let base_branch: BranchName = match pull_request.base.reference.parse() {
        Ok(branch) => branch,
        Err(error) => return Ok(Normal::Ignored(Ignored::Branch(error))),
    };
    let change = Change {
        repository,
        number,
        head,
        base_branch,
        base,
        fork: pull_request.head.repo.is_none() || pull_request.head.repo != pull_request.base.repo,
        draft: pull_request.draft,
        author: actor(pull_request.user.as_ref()),
        sender: actor(sender.as_ref()),
        action: action.as_str().to_owned(),
    };
    let event = match action.as_str() {
        "opened" | "reopened" => Event::ChangeOpened(change),
        "synchronize" | "edited" | "ready_for_review" | "converted_to_draft" => Event::ChangeUpdated(change),
        "closed" if pull_request.merged => {
            let merge_commit = pull_request.merge_commit_sha.map(|sha| sha.parse()).transpose()?;
            Event::ChangeMerged(ChangeMerged { change, merge_commit })
        }
        "closed" => Event::ChangeClosed(change),
        _ => return Ok(other_action(Name::PullRequest, action.as_str())),
    };
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn review(payload: ReviewEvent) -> Result<Normal, IdError> {
    let ReviewEvent { action, review, pull_request, repository } = payload;
    let repository = repository.normal()?;
    let number = pull_request.number;
    let subject = format!("change:{}/{number}", repository.id);
    let commit = review.commit_id.map(|sha| sha.parse()).transpose()?;
    let reviewer = actor(review.user.as_ref());
    let action = action.into_string();
    let event =
        Event::ChangeReviewed(ChangeReviewed { repository, number, review: Some(review.id), commit, reviewer, action });
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn comment(payload: CommentEvent) -> Result<Normal, IdError> {
    let CommentEvent { action, issue, comment, repository, sender } = payload;
    let repository = repository.normal()?;
    if issue.pull_request.is_none() {
        return Ok(Normal::Ignored(Ignored::CommentOnIssue));
    }
    let number = issue.number;
    let subject = format!("change:{}/{number}", repository.id);
    let (author, sender) = (actor(comment.user.as_ref()), actor(sender.as_ref()));
    let action = action.into_string();
    let event = Event::ChangeCommented(ChangeCommented {
        repository,
        number,
        comment: CommentId::GitHub(comment.id),
        author,
        sender,
        action,
    });
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn issues(payload: IssuesEvent) -> Result<Normal, IdError> {
    let IssuesEvent { action, issue, repository, sender } = payload;
    let repository = repository.normal()?;
    let number = issue.number;
    let subject = format!("issue:{}/{number}", repository.id);
    let author = issue.user.as_ref().map(|user| actor(Some(user)));
    let action = action.into_string();
    let issue = Issue { repository, number, author, sender: actor(sender.as_ref()), action };
    let event = match issue.action.as_str() {
        "opened" | "reopened" => Event::IssueOpened(issue),
        "closed" | "deleted" | "transferred" => Event::IssueClosed(issue),
        _ => Event::IssueUpdated(issue),
    };
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn check(name: Name, kind: CheckKind, action: &Word, check: Check, repository: &Repository) -> Result<Normal, IdError> {
    let repository = repository.normal()?;
    let subject = format!("repository:{}", repository.id);
    let head = check.head_sha.parse()?;
    if action.as_str() != "completed" {
        return Ok(other_action(name, action.as_str()));
    }
    let conclusion = check.conclusion.map(Word::into_string);
    let event = Event::CheckCompleted(CheckCompleted { repository, check: kind, id: check.id, head, conclusion });
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn workflow(action: &Word, run: Check, repository: &Repository) -> Result<Normal, IdError> {
    let repository = repository.normal()?;
    let subject = format!("repository:{}", repository.id);
    let head = run.head_sha.parse()?;
    if action.as_str() != "completed" {
        return Ok(other_action(Name::WorkflowRun, action.as_str()));
    }
    let conclusion = run.conclusion.map(Word::into_string);
    let event = Event::WorkflowCompleted(WorkflowCompleted { repository, run: run.id, head, conclusion });
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn deployment_status(payload: DeploymentStatusEvent) -> Result<Normal, IdError> {
    let DeploymentStatusEvent { deployment, deployment_status, repository } = payload;
    let repository = repository.normal()?;
    let subject = format!("repository:{}", repository.id);
    let (head, state) = (deployment.sha.parse()?, deployment_status.state.into_string());
    let event = Event::DeploymentReported(DeploymentReported { repository, deployment: deployment.id, head, state });
    Ok(Normal::Event { subject, event: Box::new(event) })
}

fn repository(payload: RepositoryEvent) -> Result<Normal, IdError> {
    let RepositoryEvent { action, repository, changes } = payload;
    let repository = repository.normal()?;
    // What it was before is what makes it a rename or a transfer.
    let moved = match action {
        RepositoryAction::Renamed => changes.repository.is_some(),
        RepositoryAction::Transferred => changes.owner.is_some(),
        _ => false,
    };
    let action = action.as_str();
    if !moved {
        return Ok(other_action(Name::Repository, action));
    }
    let subject = format!("repository:{}", repository.id);
    let event = Event::RepositoryRenamed(RepositoryRenamed { repository, action: action.to_owned() });
    Ok(Normal::Event { subject, event: Box::new(event) })
}
