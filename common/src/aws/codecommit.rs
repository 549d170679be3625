//! CodeCommit in the control plane's account and region: [`CodeCommit`] is a source host as `GitHub` is one.
//!
//! | file | what |
//! |---|---|
//! | here | the identity of a repository, and what an answer means |
//! | `read` | branches, the deploy tree, contents, pull requests |
//! | `tree` | listings, one call a directory |
//! | `sources` | what gates of work items look at |
//! | `marks` | comments in place of statuses, checks and labels |
//! | `authors` | which comments may be ours |
//! | `changes` | what a merge is decided by, and merging |
//! | `onboarding` | a repository of which only the ARN is known |
//! | `archive` | what remains of a work item |
//!
//! A name can be given to another repository, so whatever takes a name compares the repository's id first (`GetRepository`, one more
//! call). Pull requests and comments have ids of the account, so of them it is compared that they are of this repository.
//! What CodeCommit cannot do, and what follows, is told in `docs/codecommit.md`.
//! Calls, codes and limits: <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_Operations.html>,
//! <https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html>.

mod archive;
mod authors;
mod changes;
mod marks;
mod onboarding;
mod read;
mod sources;
mod tree;

use std::{str::FromStr, sync::Arc};

use aws_sdk_codecommit::{
    Client,
    error::SdkError,
    types::{PullRequest, PullRequestTarget},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use self::authors::Us;
use super::{Aws, chain, config, fault};
use crate::{
    blob_cache::BlobCache,
    domain::id::{CodeCommitArn, HostAccount, IdError, RepositoryId, quoted},
    event::Repository,
    fault::Fault,
};

/// The IAM actions that reading needs: [`Forge`](crate::ports::Forge) and [`Sources`](crate::ports::Sources).
pub const ACTIONS: &[&str] = &[
    "codecommit:GetBlob",
    "codecommit:GetBranch",
    "codecommit:GetCommentsForPullRequest",
    "codecommit:GetCommit",
    "codecommit:GetDifferences",
    "codecommit:GetFolder",
    "codecommit:GetMergeOptions",
    "codecommit:GetPullRequest",
    "codecommit:GetRepository",
    "codecommit:ListPullRequests",
];

/// The IAM actions that [`Marks`](crate::ports::Marks) and [`ChangeMarks`](crate::ports::ChangeMarks) need.
pub const MARK_ACTIONS: &[&str] = &[
    "codecommit:GetCommentsForComparedCommit",
    "codecommit:GetCommentsForPullRequest",
    "codecommit:GetCommit",
    "codecommit:GetPullRequest",
    "codecommit:GetRepository",
    "codecommit:PostCommentForComparedCommit",
    "codecommit:PostCommentForPullRequest",
    "codecommit:UpdateComment",
];

/// The IAM actions that [`Archive`](crate::ports::Archive) needs beside [`ACTIONS`].
pub const ARCHIVE_ACTIONS: &[&str] = &["codecommit:CreateBranch"];

/// The IAM actions that [`Changes`](crate::ports::Changes) needs beside [`ACTIONS`].
pub const CHANGE_ACTIONS: &[&str] = &[
    "codecommit:EvaluatePullRequestApprovalRules",
    "codecommit:GetPullRequestApprovalStates",
    "codecommit:GetPullRequestOverrideState",
];

/// The IAM actions that [`Merging`](crate::ports::Merging) needs.
pub const MERGE_ACTIONS: &[&str] =
    &["codecommit:GetPullRequest", "codecommit:GetRepository", "codecommit:MergePullRequestBySquash"];

/// What the names of branches begin with in a pull request.
const BRANCHES: &str = "refs/heads/";

/// CodeCommit in one account and region.
#[derive(Clone)]
pub struct CodeCommit {
    client: Client,
    blobs: Arc<std::sync::Mutex<BlobCache>>,
    us: Arc<Us>,
}

impl std::fmt::Debug for CodeCommit {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("CodeCommit").finish_non_exhaustive()
    }
}

impl CodeCommit {
    /// CodeCommit where the function runs; it calls nobody yet.
    pub fn new(aws: &Aws) -> Self {
        let config = config!(aws_sdk_codecommit, aws, "CODECOMMIT").build();
        let us = Arc::new(Us::called(aws.settings.function_name.clone()));
        Self { client: Client::from_conf(config), blobs: Arc::default(), us }
    }

    /// The name by which the API knows a repository, after making sure that it means this one at this moment.
    async fn named<'a>(&self, repository: &'a Repository) -> Result<&'a str, Fault> {
        let Repository { id, name, .. } = repository;
        if !matches!(id, RepositoryId::CodeCommit(_)) {
            return Err(Fault::bug(format!("{name} (repository {id}) is not on CodeCommit")));
        }
        let what = format!("reading {name}");
        let found = self.client.get_repository().repository_name(name.without_owner()).send().await;
        let found = found.map_err(|error| match error.code() {
            Some("RepositoryDoesNotExistException") => Fault::bug(format!(
                "{name}: CodeCommit has no repository of that name in this account and region: take it out of repositories.yaml, or mend its ARN"
            )),
            _ => failed(&what, error),
        })?;
        let found = found.repository_metadata.ok_or_else(|| lacks(&what, "the repository"))?;
        let there = found.repository_id.ok_or_else(|| lacks(&what, "its id"))?;
        if there != id.to_string() {
            return Err(Fault::reject(format!(
                "{name} is repository {} now, not {id}: a name can be given to another repository, so nothing was read or written",
                quoted(&there, 60)
            )));
        }
        let account = found.account_id.ok_or_else(|| lacks(&what, "its account"))?;
        if name.as_str().split_once('/').is_none_or(|(owner, _)| owner != account) {
            return Err(Fault::reject(format!(
                "{name} is of the account {}: nothing was read or written",
                quoted(&account, 20)
            )));
        }
        Ok(name.without_owner())
    }

    /// A pull request of this repository and its one target there; nothing when the number is none, or is another repository's.
    async fn change(
        &self,
        what: &str,
        name: &str,
        number: u64,
    ) -> Result<Option<(PullRequest, PullRequestTarget)>, Fault> {
        let answer = self.client.get_pull_request().pull_request_id(number.to_string()).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            // A number that has more digits than one of theirs can have is no pull request either.
            Err(error) if is(&error, &["PullRequestDoesNotExistException", "InvalidPullRequestIdException"]) => {
                return Ok(None);
            }
            // Numbers are the account's, and AWS asks our rights to the repository that this one is of.
            Err(error) if is(&error, &["AccessDeniedException"]) && of_another(error.message(), name) => {
                let said = quoted(error.message().unwrap_or_default(), 300);
                tracing::warn!(number, repository = name, "{what}: AWS refused it as another repository's: {said}");
                return Ok(None);
            }
            Err(error) => return Err(failed(what, error)),
        };
        let found = answer.pull_request.ok_or_else(|| lacks(what, "the pull request"))?;
        let targets = found.pull_request_targets.as_deref().unwrap_or_default();
        let target = targets.iter().find(|target| target.repository_name.as_deref() == Some(name)).cloned();
        Ok(target.map(|target| (found, target)))
    }
}

/// Whether a refusal names the repository that it is about, and it is another one. AWS writes `… is not authorized to perform:
/// codecommit:GetPullRequest on resource: <ARN> because …`: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
/// One that names none, or this one, says that our own grant lacks something.
fn of_another(message: Option<&str>, name: &str) -> bool {
    let resource = message.and_then(|message| message.split_once(" on resource: ")).map(|(_, rest)| rest);
    let resource = resource.and_then(|rest| rest.split_ascii_whitespace().next()).unwrap_or_default();
    resource.parse().is_ok_and(|arn: CodeCommitArn| arn.name() != name)
}

/// Codes that say the same however often they are asked: the configuration or the code is wrong.
const BUGS: &[&str] = &[
    "BlobIdDoesNotExistException",
    "CommitDoesNotExistException",
    "CommitIdDoesNotExistException",
    "EncryptionKeyAccessDeniedException",
    "EncryptionKeyDisabledException",
    "EncryptionKeyInvalidIdException",
    "EncryptionKeyNotFoundException",
    "IdempotencyParameterMismatchException",
    "PullRequestDoesNotExistException",
    "RepositoryDoesNotExistException",
    "RepositoryNotAssociatedWithPullRequestException",
];

/// Codes that say that this content is more than the service compares.
const TOO_MUCH: &[&str] = &[
    "FileContentSizeLimitExceededException",
    "FolderContentSizeLimitExceededException",
    "MaximumFileContentToLoadExceededException",
    "MaximumItemsToCompareExceededException",
    "TipsDivergenceExceededException",
];

/// What a failed call means, unless the method at hand knows better. Throttling, and an outage of the key's service, may pass.
fn failed<E, R>(what: &str, error: SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.code() {
        Some(code) if TOO_MUCH.contains(&code) => {
            Fault::reject(format!("{what}: it is more than CodeCommit can compare ({code})"))
        }
        Some(code) if BUGS.contains(&code) || code.starts_with("Invalid") || code.ends_with("RequiredException") => {
            let what = format!("{what}: AWS answered {code}");
            Fault::bug_from(what, chain(&error))
        }
        _ => fault(what, error),
    }
}

fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

fn lacks(what: &str, field: &str) -> Fault {
    Fault::bug(format!("{what}: the answer lacks {field}"))
}

fn parse<T: FromStr<Err = IdError>>(what: &str, text: Option<&str>) -> Result<T, Fault> {
    text.ok_or_else(|| lacks(what, "an id"))?.parse().map_err(|error| Fault::bug(format!("{what}: {error}")))
}

/// Who called AWS, where our grammar knows the form: a federated user, an AWS service and the root of an account are nobody.
fn account(arn: Option<&str>) -> Option<HostAccount> {
    arn?.parse().ok().map(HostAccount::Iam)
}

#[cfg(test)]
mod tests {
    use aws_sdk_codecommit::{error::ErrorMetadata, operation::get_branch::GetBranchError};

    use super::*;

    fn answered(code: &str) -> Fault {
        let error = GetBranchError::generic(ErrorMetadata::builder().code(code).message("no\nway").build());
        failed("reading the head of main in 1/a", SdkError::<_, ()>::service_error(error, ()))
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_not_is_said() {
        for code in ["ThrottlingException", "InternalFailure", "EncryptionKeyUnavailableException"] {
            assert!(answered(code).is_retry(), "{code}");
        }
        for code in ["AccessDeniedException", "InvalidBranchNameException", "BranchNameRequiredException"] {
            assert!(matches!(answered(code), Fault::Bug { .. }), "{code}");
        }
        insta::assert_snapshot!(
            answered("RepositoryDoesNotExistException").chain(),
            @r#"reading the head of main in 1/a: AWS answered RepositoryDoesNotExistException: RepositoryDoesNotExistException: "no\nway""#
        );
        insta::assert_snapshot!(
            answered("TipsDivergenceExceededException"),
            @"reading the head of main in 1/a: it is more than CodeCommit can compare (TipsDivergenceExceededException)"
        );
    }

    #[test]
    fn a_refusal_is_about_another_repository_only_when_it_names_one() {
        let said = |resource: &str| {
            format!(
                "User: arn:aws:sts::111122223333:assumed-role/penstock-feedback/penstock-feedback is not authorized to perform: codecommit:GetPullRequest{resource} because no identity-based policy allows the codecommit:GetPullRequest action"
            )
        };
        let of = |resource: &str| of_another(Some(&said(resource)), "fleet");
        assert!(of(" on resource: arn:aws:codecommit:us-east-1:111122223333:services"));
        assert!(of(" on resource: arn:aws:codecommit:us-east-1:111122223333:fleet-2"));
        for ours_or_nobodys in [
            "",
            " on resource: *",
            " on resource: arn:aws:codecommit:us-east-1:111122223333:*",
            " on resource: arn:aws:codecommit:us-east-1:111122223333:fleet",
            " on resource: arn:aws:kms:us-east-1:111122223333:key/services",
        ] {
            assert!(!of(ours_or_nobodys), "{ours_or_nobodys}");
        }
        assert!(!of_another(None, "fleet"));
    }

    #[test]
    fn only_users_and_sessions_of_roles_are_known() {
        assert!(account(Some("arn:aws:iam::111122223333:user/ada")).is_some());
        assert!(account(Some("arn:aws:sts::111122223333:assumed-role/Developer/ada")).is_some());
        for nobody in
            [None, Some(""), Some("arn:aws:iam::111122223333:root"), Some("arn:aws:sts::1:federated-user/Mary")]
        {
            assert_eq!(account(nobody), None, "{nobody:?}");
        }
    }
}
