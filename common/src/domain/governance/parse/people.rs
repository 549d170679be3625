//! `people.yaml` and `pods.yaml`. Each names the other's entries, so each is checked against the names in the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::people::OF_THE_ITEM,
    file::{File, Names},
};
use crate::domain::{
    access::Role,
    cluster::Place,
    governance::{Identity, People, Person, Pod, Pods},
    id::{GitHubUserId, GroupName, PersonName},
    yaml::{Entry, Node},
};

pub(super) fn people(file: &mut File, entries: &[Entry], pods: &Names) -> Option<People> {
    let [people, groups, roles_from_token] = file.keys(entries, ["people", "groups", "roles_from_token"]);
    let roles_from_token = roles_from_token.is_some_and(|node| file.bool(node, "roles_from_token") == Some(true));
    let groups = groups.map(|node| self::groups(file, node)).unwrap_or_default();
    let people = file.required(people, Place::START, "people", "a mapping of persons")?;
    let mut listed = BTreeMap::new();
    let mut taken: BTreeMap<Identity, PersonName> = BTreeMap::new();
    for entry in file.mapping(people, "people")? {
        let Some(name) = file.parsed_key::<PersonName>(entry, "people") else { continue };
        let Some(person) = person(file, entry, pods, &groups) else { continue };
        for identity in person.identities() {
            if let Some(other) = taken.insert(identity.clone(), name.clone()) {
                let key = match identity {
                    Identity::GitHub(_) => "github_id",
                    Identity::Slack(_) => "slack_id",
                    Identity::Iam(_) => "iam_arn",
                    Identity::Token(_) => "jwt_subject",
                };
                let place = value_of(entry, key).map_or(entry.place, |node| node.place);
                let key = format!("people.{name}.{key}");
                file.find(place, "duplicate", &key, format!("that of {other} a second time"), "nobody else's");
            }
        }
        listed.insert(name, person);
    }
    Some(People { listed, groups, roles_from_token })
}

/// The groups that there are. Those that follow from an item are nobody's to list.
fn groups(file: &mut File, node: &Node) -> BTreeSet<GroupName> {
    file.set(node, "groups", "a list of groups", |file, item| {
        let group: GroupName = file.parsed(item, "groups")?;
        if OF_THE_ITEM.contains(&group.as_str()) {
            let expected = "another name: this group follows from the item";
            file.find(item.place, "value", "groups", item.found(), expected);
        }
        Some(group)
    })
}

fn value_of<'e>(entry: &'e Entry, key: &str) -> Option<&'e Node> {
    entry.value.mapping()?.iter().find(|field| field.key == key).map(|field| &field.value)
}

fn person(file: &mut File, entry: &Entry, pods: &Names, groups: &BTreeSet<GroupName>) -> Option<Person> {
    let key = |name: &str| format!("people.{}.{name}", entry.key);
    let rules = file.mapping(&entry.value, &format!("people.{}", entry.key))?;
    let [github_id, slack_id, email, iam_arn, jwt_subject, roles, theirs, member_of] =
        file.keys(rules, ["github_id", "slack_id", "email", "iam_arn", "jwt_subject", "roles", "pods", "groups"]);
    let roles = file.required(roles, entry.place, &key("roles"), "a list of reader, member, approver, admin");
    let theirs = file.required(theirs, entry.place, &key("pods"), "a list of pods");
    let github_id = github_id.and_then(|node| github_user(file, node, &key("github_id")));
    let slack_id = slack_id.and_then(|node| file.parsed(node, &key("slack_id")));
    let email = email.and_then(|node| file.parsed(node, &key("email")));
    let iam_arn = iam_arn.and_then(|node| file.parsed(node, &key("iam_arn")));
    let jwt_subject = jwt_subject.and_then(|node| file.parsed(node, &key("jwt_subject")));
    let roles = roles.map(|node| {
        file.set(node, &key("roles"), "a list of reader, member, approver, admin", |file, item| {
            file.word(item, &key("roles"), Role::ALL.map(|role| (role.as_str(), role)))
        })
    });
    let theirs = theirs.map(|node| {
        file.set(node, &key("pods"), "a list of pods", |file, item| {
            file.listed(item, &key("pods"), "a pod of pods.yaml", pods)
        })
    });
    let names = Some(groups.iter().map(ToString::to_string).collect());
    let groups = member_of.map(|node| {
        file.set(node, &key("groups"), "a list of groups", |file, item| {
            file.listed(item, &key("groups"), "a group of the list `groups` of this file", &names)
        })
    });
    let groups = groups.unwrap_or_default();
    Some(Person { github_id, slack_id, email, iam_arn, jwt_subject, roles: roles?, pods: theirs?, groups })
}

fn github_user(file: &mut File, node: &Node, key: &str) -> Option<GitHubUserId> {
    let number = node.int().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
    if number.is_none() {
        file.find(
            node.place,
            "value",
            key,
            node.found(),
            "GitHub's number of the account (gh api users/LOGIN --jq .id)",
        );
    }
    number.map(GitHubUserId)
}

pub(super) fn pods(file: &mut File, entries: &[Entry], people: &Names) -> Option<Pods> {
    let [pods] = file.keys(entries, ["pods"]);
    let pods = file.required(pods, Place::START, "pods", "a mapping of pods")?;
    let mut listed = BTreeMap::new();
    for entry in file.mapping(pods, "pods")? {
        let Some(name) = file.parsed_key(entry, "pods") else { continue };
        let Some(rules) = file.mapping(&entry.value, &format!("pods.{}", entry.key)) else { continue };
        let [lead] = file.keys(rules, ["lead"]);
        let key = format!("pods.{}.lead", entry.key);
        let lead = lead.and_then(|node| file.listed(node, &key, "a person of people.yaml", people));
        listed.insert(name, Pod { lead });
    }
    Some(Pods { listed })
}
