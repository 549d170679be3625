//! `people.yaml` and `pods.yaml`: who somebody is, wherever they come from, and whose team they are in.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    access::Role,
    id::{EmailAddress, GitHubUserId, GroupName, HostAccount, IamArn, PersonName, PodName, SlackUserId, TokenSubject},
    stage::Item,
};

/// The groups that follow from a work item itself: no person is listed in them.
pub(super) const OF_THE_ITEM: [&str; 3] = ["owner", "pod-lead", "pod"];

/// `people.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// By name.
    pub listed: BTreeMap<PersonName, Person>,
    /// The groups whose word or approval counts for something. One may have nobody.
    pub groups: BTreeSet<GroupName>,
    /// Whether a token may add roles to those that the file gives a person. Off unless the file says so.
    pub roles_from_token: bool,
}

/// One person, and what they are called elsewhere. No two persons share an identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// On GitHub.
    pub github_id: Option<GitHubUserId>,
    /// In Slack.
    pub slack_id: Option<SlackUserId>,
    /// Where they get mail. No identity: it may be a team's.
    pub email: Option<EmailAddress>,
    /// In AWS.
    pub iam_arn: Option<IamArn>,
    /// In their tokens for the HTTP API.
    pub jwt_subject: Option<TokenSubject>,
    /// What they may do.
    pub roles: BTreeSet<Role>,
    /// Whose work they do.
    pub pods: BTreeSet<PodName>,
    /// Which groups they are in.
    pub groups: BTreeSet<GroupName>,
}

/// What a person is called in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// The number of a GitHub account.
    GitHub(GitHubUserId),
    /// A member's id in Slack.
    Slack(SlackUserId),
    /// An IAM user, role or session.
    Iam(IamArn),
    /// The `sub` of a token.
    Token(TokenSubject),
}

impl From<HostAccount> for Identity {
    fn from(account: HostAccount) -> Self {
        match account {
            HostAccount::GitHub(number) => Self::GitHub(number),
            HostAccount::Iam(arn) => Self::Iam(arn),
        }
    }
}

/// `pods.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pods {
    /// By name.
    pub listed: BTreeMap<PodName, Pod>,
}

/// One pod. Its members are the persons that name it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    /// Who answers for it.
    pub lead: Option<PersonName>,
}

impl Person {
    /// Everything that this person is called elsewhere.
    pub fn identities(&self) -> impl Iterator<Item = Identity> {
        let github = self.github_id.map(Identity::GitHub);
        let slack = self.slack_id.clone().map(Identity::Slack);
        let iam = self.iam_arn.clone().map(Identity::Iam);
        let token = self.jwt_subject.clone().map(Identity::Token);
        [github, slack, iam, token].into_iter().flatten()
    }
}

impl People {
    /// Who is called so: the one way from a name elsewhere to a person.
    pub fn who(&self, identity: &Identity) -> Option<(&PersonName, &Person)> {
        self.listed.iter().find(|(_, person)| person.identities().any(|other| other == *identity))
    }

    /// Everybody in a group that the file lists; in [`GroupName::approvers`], when it does not, everybody with the role approver or admin.
    pub fn group(&self, group: &GroupName) -> impl Iterator<Item = &PersonName> {
        let by_role = *group == GroupName::approvers() && !self.groups.contains(group);
        let approves = |person: &Person| person.roles.iter().any(|role| matches!(role, Role::Approver | Role::Admin));
        let is_in = move |person: &Person| if by_role { approves(person) } else { person.groups.contains(group) };
        self.listed.iter().filter(move |(_, person)| is_in(person)).map(|(name, _)| name)
    }

    /// Everybody in each group, as far as a work item is concerned: those that the file lists, and the three that follow from the item
    /// itself (`owner`, `pod-lead`, `pod`). Who is not listed any more is in none.
    pub fn groups_of(&self, item: &Item, pods: &Pods) -> BTreeMap<GroupName, BTreeSet<PersonName>> {
        let lead = pods.listed.get(&item.pod).and_then(|pod| pod.lead.clone());
        let of_item = |group: &str| -> BTreeSet<PersonName> {
            match group {
                "owner" => [item.owner.clone()].into(),
                "pod-lead" => lead.clone().into_iter().collect(),
                _ => self.members(&item.pod).cloned().collect(),
            }
        };
        let listed =
            |people: BTreeSet<PersonName>| people.into_iter().filter(|name| self.listed.contains_key(name)).collect();
        let follow = OF_THE_ITEM.into_iter().filter_map(|name| Some((name.parse().ok()?, listed(of_item(name)))));
        let named = self.groups.iter().map(|group| (group.clone(), self.group(group).cloned().collect()));
        named.chain(follow).collect()
    }

    /// Whether somebody is in a pod.
    pub fn in_pod(&self, person: &PersonName, pod: &PodName) -> bool {
        self.listed.get(person).is_some_and(|person| person.pods.contains(pod))
    }

    /// Everybody in a pod.
    pub fn members(&self, pod: &PodName) -> impl Iterator<Item = &PersonName> {
        self.listed.iter().filter(move |(_, person)| person.pods.contains(pod)).map(|(name, _)| name)
    }
}
