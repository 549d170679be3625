//! Where limits apply: `pod-stage:ratio:scaffold`, and which of them apply to an item.

use std::{collections::BTreeSet, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::id::{AccountId, EnvironmentName, IdError, ItemId, PersonName, PodName, StageName, quoted};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    /// An idea that is being looked at.
    Idea,
    /// A project.
    Project,
    /// A pull request.
    PullRequest,
    /// A deployment to an environment.
    Deployment,
    /// An issue.
    Issue,
}

/// A kind of scope: what `limits.yaml` switches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// All work there is.
    Portfolio,
    /// The lane for what cannot wait.
    Expedite,
    /// A pod's work.
    Pod,
    /// A pod's work in one stage.
    PodStage,
    /// A pod's work of one type.
    PodType,
    /// What one person owns.
    Owned,
    /// What one person takes part in.
    Involved,
    /// All work in one stage, whichever pod's.
    Stage,
    /// What goes on in one environment.
    Environment,
    /// What goes on in one AWS account.
    Account,
}

/// One place where a limit applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Scope {
    /// `portfolio`.
    Portfolio,
    /// `expedite`.
    Expedite,
    /// `pod:<pod>`.
    Pod(PodName),
    /// `pod-stage:<pod>:<stage>`.
    PodStage(PodName, StageName),
    /// `pod-type:<pod>:<type>`.
    PodType(PodName, ItemType),
    /// `owned:<person>`.
    Owned(PersonName),
    /// `involved:<person>`.
    Involved(PersonName),
    /// `stage:<stage>`.
    Stage(StageName),
    /// `environment:<environment>`.
    Environment(EnvironmentName),
    /// `account:<account>`.
    Account(AccountId),
}

/// What is asked about an item: everything that its scopes follow from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// The item.
    pub item: ItemId,
    /// Whose pod.
    pub pod: PodName,
    /// The stage that it enters.
    pub stage: StageName,
    /// What it is.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// Who owns it.
    pub owner: PersonName,
    /// Who takes part beside the owner. Each once.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub involved: BTreeSet<PersonName>,
    /// The environment that it deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The AWS account that it deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Whether it takes the expedite lane: then that lane's cap decides. It is counted in its other scopes too, where no limit stops it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expedite: bool,
}

/// The most people that take part in one item: so that an item's scopes fit into one transaction, with its events.
pub const MAX_INVOLVED: usize = 8;

impl ItemType {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Idea, Self::Project, Self::PullRequest, Self::Deployment, Self::Issue];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idea => "idea",
            Self::Project => "project",
            Self::PullRequest => "pull_request",
            Self::Deployment => "deployment",
            Self::Issue => "issue",
        }
    }
}

impl ScopeKind {
    /// All of them, widest first.
    pub const ALL: [Self; 10] = [
        Self::Portfolio,
        Self::Expedite,
        Self::Pod,
        Self::PodStage,
        Self::PodType,
        Self::Owned,
        Self::Involved,
        Self::Stage,
        Self::Environment,
        Self::Account,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portfolio => "portfolio",
            Self::Expedite => "expedite",
            Self::Pod => "pod",
            Self::PodStage => "pod-stage",
            Self::PodType => "pod-type",
            Self::Owned => "owned",
            Self::Involved => "involved",
            Self::Stage => "stage",
            Self::Environment => "environment",
            Self::Account => "account",
        }
    }
}

impl Scope {
    /// Which kind it is.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::Portfolio => ScopeKind::Portfolio,
            Self::Expedite => ScopeKind::Expedite,
            Self::Pod(_) => ScopeKind::Pod,
            Self::PodStage(..) => ScopeKind::PodStage,
            Self::PodType(..) => ScopeKind::PodType,
            Self::Owned(_) => ScopeKind::Owned,
            Self::Involved(_) => ScopeKind::Involved,
            Self::Stage(_) => ScopeKind::Stage,
            Self::Environment(_) => ScopeKind::Environment,
            Self::Account(_) => ScopeKind::Account,
        }
    }
}

impl Work {
    /// The scopes that apply, of the kinds that are switched on.
    pub fn scopes(&self, kinds: &BTreeSet<ScopeKind>) -> BTreeSet<Scope> {
        let mut scopes = BTreeSet::from([
            Scope::Portfolio,
            Scope::Pod(self.pod.clone()),
            Scope::PodStage(self.pod.clone(), self.stage.clone()),
            Scope::PodType(self.pod.clone(), self.item_type),
            Scope::Owned(self.owner.clone()),
            Scope::Stage(self.stage.clone()),
        ]);
        scopes.extend(self.involved.iter().cloned().map(Scope::Involved));
        scopes.extend(self.environment.iter().cloned().map(Scope::Environment));
        scopes.extend(self.account.iter().cloned().map(Scope::Account));
        if self.expedite {
            scopes.insert(Scope::Expedite);
        }
        scopes.retain(|scope| kinds.contains(&scope.kind()));
        scopes
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().as_str();
        match self {
            Self::Portfolio | Self::Expedite => to.write_str(kind),
            Self::Pod(pod) => write!(to, "{kind}:{pod}"),
            Self::PodStage(pod, stage) => write!(to, "{kind}:{pod}:{stage}"),
            Self::PodType(pod, item_type) => write!(to, "{kind}:{pod}:{}", item_type.as_str()),
            Self::Owned(person) | Self::Involved(person) => write!(to, "{kind}:{person}"),
            Self::Stage(stage) => write!(to, "{kind}:{stage}"),
            Self::Environment(environment) => write!(to, "{kind}:{environment}"),
            Self::Account(account) => write!(to, "{kind}:{account}"),
        }
    }
}

impl FromStr for Scope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.splitn(3, ':');
        let (kind, first, second) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let scope = match (kind, first, second) {
            ("portfolio", None, None) => Some(Self::Portfolio),
            ("expedite", None, None) => Some(Self::Expedite),
            ("pod", Some(pod), None) => pod.parse().ok().map(Self::Pod),
            ("pod-stage", Some(pod), Some(stage)) => {
                pod.parse().ok().zip(stage.parse().ok()).map(|(pod, stage)| Self::PodStage(pod, stage))
            }
            ("pod-type", Some(pod), Some(word)) => {
                pod.parse().ok().zip(word.parse().ok()).map(|(pod, item_type)| Self::PodType(pod, item_type))
            }
            ("owned", Some(person), None) => person.parse().ok().map(Self::Owned),
            ("involved", Some(person), None) => person.parse().ok().map(Self::Involved),
            ("stage", Some(stage), None) => stage.parse().ok().map(Self::Stage),
            ("environment", Some(environment), None) => environment.parse().ok().map(Self::Environment),
            ("account", Some(account), None) => account.parse().ok().map(Self::Account),
            _ => None,
        };
        scope.ok_or_else(|| IdError {
            kind: "scope",
            found: quoted(text, 80),
            expected: "portfolio, expedite, pod:<pod>, pod-stage:<pod>:<stage>, pod-type:<pod>:<type>, owned:<person>, \
                       involved:<person>, stage:<stage>, environment:<environment> or account:<account>",
        })
    }
}

impl FromStr for ItemType {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::ALL.into_iter().find(|word| word.as_str() == text).ok_or_else(|| IdError {
            kind: "item type",
            found: quoted(text, 80),
            expected: "idea, project, pull_request, deployment or issue",
        })
    }
}

impl TryFrom<String> for Scope {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(text: &str) -> Work {
        serde_json::from_str(text).unwrap()
    }

    fn words(scopes: &BTreeSet<Scope>) -> Vec<String> {
        scopes.iter().map(ToString::to_string).collect()
    }

    const ALL: &str = r#"{"item": "p-1", "pod": "ratio", "stage": "scaffold", "type": "project", "owner": "ada",
        "involved": ["bob", "cy"], "environment": "staging", "account": "000000000012"}"#;

    #[test]
    fn scopes_follow_from_what_the_item_is() {
        let all = ScopeKind::ALL.into_iter().collect();
        assert_eq!(
            words(&work(ALL).scopes(&all)),
            [
                "portfolio",
                "pod:ratio",
                "pod-stage:ratio:scaffold",
                "pod-type:ratio:project",
                "owned:ada",
                "involved:bob",
                "involved:cy",
                "stage:scaffold",
                "environment:staging",
                "account:000000000012",
            ]
        );
        let few = BTreeSet::from([ScopeKind::Pod, ScopeKind::Environment]);
        assert_eq!(words(&work(ALL).scopes(&few)), ["pod:ratio", "environment:staging"]);
        let hurried = Work { expedite: true, ..work(ALL) };
        assert_eq!(hurried.scopes(&all).len(), 11);
        assert!(hurried.scopes(&all).contains(&Scope::Expedite));
    }

    #[test]
    fn a_scope_reads_as_it_is_written_and_nothing_else_is_one() {
        let all = ScopeKind::ALL.into_iter().collect();
        for scope in work(ALL).scopes(&all).into_iter().chain([Scope::Expedite]) {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in [
            "",
            "pod",
            "pod:",
            "pod:A",
            "pod:a:b",
            "portfolio:x",
            "pod-type:a:thing",
            "pod-stage:a",
            "pods:a",
            "pod-stage:a:b:c",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_attribute_that_is_not_known_is_refused() {
        let error = serde_json::from_str::<Work>(&ALL.replace("\"pod\"", "\"scopes\": [], \"pod\"")).unwrap_err();
        assert!(error.to_string().contains("unknown field `scopes`"), "{error}");
    }
}
