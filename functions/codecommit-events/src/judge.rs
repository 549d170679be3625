//! Whether an event is about a repository of ours, and says so without contradiction. Pure: event and registry in, verdict out.
//!
//! An event proves nothing. On the default bus AWS alone may use the source `aws.codecommit` (EventBridge user guide, `PutEvents`: sources that
//! begin with `aws.` are reserved), but another account's events come there too when the bus's policy lets them, and the function can be invoked
//! and its queue be written by whoever has the permission. So everything that an event says of its place is compared:
//!
//! | said by | must be |
//! |---|---|
//! | `account`, `region` | those of the ARN in `resources` |
//! | the ARN | the one that `repositories.yaml` lists for the repository; its last part may differ where the event names the id: renamed |
//! | `repositoryId` | the one that `repositories.yaml` lists for that ARN |
//! | `repositoryName`, `repositoryNames` | the ARN's last part |
//!
//! Events of pull requests, and triggers, carry no id. They are known by their ARN alone: those of a renamed repository are of none of ours until
//! `repositories.yaml` has its new ARN, and those of another repository under a listed name are taken for the listed one's. The latter wakes
//! somebody for nothing: who decides asks CodeCommit, and compares the id.

use common::{
    domain::{
        governance::Repositories,
        id::{CodeCommitArn, CodeCommitId, IdError, RepositoryId, quoted},
    },
    event::{AwsEvent, Event, Repository},
};

use crate::{
    input::{
        self, Kind,
        comment::CommentDetail,
        pull_request::PullRequestDetail,
        reference::ReferenceDetail,
        template::TemplateDetail,
        trigger::{Record, Reference},
    },
    normalise,
};

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The repository, as it is called now.
    pub repository: Repository,
    /// What it is about.
    pub subject: String,
    /// CodeCommit's word for what happened.
    pub word: &'static str,
    /// When, as CodeCommit wrote it.
    pub when: String,
    /// What happened, in the contract's words.
    pub event: Event,
}

/// Why nothing is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// It is nothing for Penstock.
    #[error(transparent)]
    Ignored(#[from] Ignored),
    /// It contradicts itself or the registry.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// It is not of the form that AWS documents.
    #[error("an event of CodeCommit cannot be read: {0}")]
    Unreadable(String),
}

/// Why there is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// A `detail-type` without a type.
    #[error("{} is not one that Penstock reads", quoted(_0, 80))]
    UnknownKind(String),
    /// A word that asks for nothing, or that AWS did not have when this was written.
    #[error("{} with the event {} changes nothing that Penstock decides on", kind.as_str(), quoted(word, 80))]
    Word {
        /// The kind.
        kind: Kind,
        /// Its word.
        word: String,
    },
    /// A typed event that asks for nothing yet.
    #[error("nothing in Penstock listens to {} yet", _0.as_str())]
    NoListener(Kind),
    /// A tag: not a branch.
    #[error("{} is not a branch, and Penstock follows branches only", quoted(_0, 120))]
    NotABranch(String),
    /// A branch outside the grammar.
    #[error("{0}: no environment can follow such a branch")]
    Branch(IdError),
    /// A repository that is not listed.
    #[error("repositories.yaml does not list {0}")]
    UnknownRepository(String),
    /// The console's test.
    #[error("the trigger works: a test asks for nothing else")]
    Test,
    /// A branch is gone, and what it was is not said.
    #[error("{} is gone, and the trigger does not say what it was", quoted(_0, 120))]
    GoneWithoutCommit(String),
}

/// What is contradicted. Every text in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// No ARN of a CodeCommit repository.
    #[error("it names no CodeCommit repository: {}", quoted(_0, 160))]
    NoRepository(String),
    /// Another account than its ARN's.
    #[error("it is from the account {}, and about {arn}", quoted(said, 40))]
    Account {
        /// What it says.
        said: String,
        /// Its ARN.
        arn: String,
    },
    /// Another region than its ARN's.
    #[error("it is from the region {}, and about {arn}", quoted(said, 40))]
    Region {
        /// What it says.
        said: String,
        /// Its ARN.
        arn: String,
    },
    /// Another name than its ARN's.
    #[error("it calls the repository {}, and is about {arn}", quoted(said, 120))]
    Name {
        /// What it says.
        said: String,
        /// Its ARN.
        arn: String,
    },
    /// An account and region in which no repository is listed.
    #[error("it is about {0}, and repositories.yaml lists no repository in that account and region")]
    Elsewhere(String),
    /// A listed id in another account or region.
    #[error("it is about {arn} with the id {id}, and repositories.yaml lists that id as {listed}")]
    Moved {
        /// What it says.
        arn: String,
        /// The id.
        id: CodeCommitId,
        /// What is listed.
        listed: String,
    },
    /// A listed ARN with another id: made anew under the same name, or forged.
    #[error("it is about {arn} with the id {said}, and repositories.yaml lists that ARN with the id {listed}")]
    OtherId {
        /// The ARN.
        arn: String,
        /// What it says.
        said: CodeCommitId,
        /// What is listed.
        listed: CodeCommitId,
    },
    /// An id of EventBridge that came before with something else in it.
    #[error("its id came before with something else in it")]
    IdReused,
}

/// Judges an event of the bus.
///
/// # Errors
/// Why nothing is told.
pub fn event(event: &AwsEvent, registry: &Repositories) -> Result<Told, Untold> {
    let kind = Kind::named(&event.detail_type).ok_or_else(|| Ignored::UnknownKind(event.detail_type.clone()))?;
    if kind == Kind::ApprovalRuleTemplate && event.resources.is_empty() {
        return Err(normalise::template(kind, &read::<TemplateDetail>(event)?).into());
    }
    let resource = event.resources.first().map(String::as_str).unwrap_or_default();
    let arn = place(Some(&event.account), &event.region, resource)?;
    for (field, value) in [("id", &event.id), ("time", &event.time)] {
        if value.is_empty() {
            return Err(Untold::Unreadable(format!("it has no {field}")));
        }
    }
    let when = event.time.clone();
    match kind {
        Kind::Repository => {
            let detail: ReferenceDetail = read(event)?;
            let repository = listed(&arn, Some(&detail.repository_id), &[&detail.repository_name], registry)?;
            normalise::reference(repository, when, &detail)
        }
        Kind::PullRequest => {
            let detail: PullRequestDetail = read(event)?;
            let names: Vec<&str> = detail.repository_names.iter().map(String::as_str).collect();
            let repository = listed(&arn, None, &names, registry)?;
            normalise::pull_request(repository, when, &detail)
        }
        Kind::PullRequestComment | Kind::CommitComment => {
            let detail: CommentDetail = read(event)?;
            let repository = listed(&arn, Some(&detail.repository_id), &[&detail.repository_name], registry)?;
            normalise::comment(kind, repository, when, &detail)
        }
        Kind::ApprovalRuleTemplate => {
            let detail: TemplateDetail = read(event)?;
            listed(&arn, None, &[], registry)?;
            Err(normalise::template(kind, &detail).into())
        }
    }
}

/// Judges a reference of a trigger. Of its account only the ARN tells.
///
/// # Errors
/// Why nothing is told.
pub fn reference(record: &Record, reference: &Reference, registry: &Repositories) -> Result<Told, Untold> {
    let arn = place(None, &record.aws_region, &record.event_source_arn)?;
    let repository = listed(&arn, None, &[], registry)?;
    normalise::triggered(repository, record, reference)
}

fn read<T: serde::de::DeserializeOwned>(event: &AwsEvent) -> Result<T, Untold> {
    // serde names fields, and quotes what it found instead.
    input::read(event).map_err(|error| Untold::Unreadable(quoted(&error.to_string(), 200)))
}

/// The ARN, when account and region are its own.
fn place(account: Option<&str>, region: &str, resource: &str) -> Result<CodeCommitArn, Foreign> {
    let arn: CodeCommitArn = resource.parse().map_err(|_| Foreign::NoRepository(resource.to_owned()))?;
    if let Some(said) = account.filter(|said| *said != arn.account().as_str()) {
        return Err(Foreign::Account { said: said.to_owned(), arn: arn.to_string() });
    }
    if region != arn.region().as_str() {
        return Err(Foreign::Region { said: region.to_owned(), arn: arn.to_string() });
    }
    Ok(arn)
}

/// The repository of this ARN and id.
fn listed(
    arn: &CodeCommitArn,
    id: Option<&str>,
    names: &[&str],
    registry: &Repositories,
) -> Result<Repository, Untold> {
    if let Some(said) = names.iter().find(|said| **said != arn.name()) {
        return Err(Foreign::Name { said: (*said).to_owned(), arn: arn.to_string() }.into());
    }
    let id: Option<CodeCommitId> =
        id.map(str::parse).transpose().map_err(|error: IdError| Untold::Unreadable(error.to_string()))?;
    let all = || {
        registry.listed.iter().filter_map(|(id, entry)| match (id, &entry.arn) {
            (RepositoryId::CodeCommit(id), Some(arn)) => Some((*id, arn)),
            _ => None,
        })
    };
    let by_arn = all().find(|(_, listed)| *listed == arn).map(|(id, _)| id);
    let known = match (id, by_arn) {
        (Some(said), Some(listed)) if said != listed => {
            return Err(Foreign::OtherId { arn: arn.to_string(), said, listed }.into());
        }
        (_, Some(listed)) => Some(listed),
        (Some(said), None) => match all().find(|(id, _)| *id == said) {
            Some((id, listed)) if !listed.same_place(arn) => {
                return Err(Foreign::Moved { arn: arn.to_string(), id, listed: listed.to_string() }.into());
            }
            renamed => renamed.map(|(id, _)| id),
        },
        (None, None) => None,
    };
    match known {
        Some(id) => Ok(Repository::new(RepositoryId::CodeCommit(id), arn.repository_name())),
        // Where nothing is listed at all, CodeCommit is not used with Penstock: what others do with it there is nobody's business here.
        None if all().next().is_some() && !all().any(|(_, listed)| listed.same_place(arn)) => {
            Err(Foreign::Elsewhere(arn.to_string()).into())
        }
        None => Err(Ignored::UnknownRepository(arn.to_string()).into()),
    }
}
