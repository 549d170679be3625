//! Who a token is, and both directions of every permission: who may, may; who may not, may not.

use std::collections::BTreeMap;

use proptest::{collection::btree_set, prelude::*, sample::select};

use super::*;
use crate::domain::governance::Person;

fn person(subject: &str, roles: &[Role], pods: &[&str]) -> Person {
    Person {
        jwt_subject: Some(subject.parse().unwrap()),
        roles: roles.iter().copied().collect(),
        pods: pods.iter().map(|pod| pod.parse().unwrap()).collect(),
        ..Person::default()
    }
}

fn people(roles_from_token: bool) -> People {
    let listed = BTreeMap::from([
        ("ada".parse().unwrap(), person("auth0|ada", &[Role::Reader, Role::Member], &["ratio"])),
        ("nil".parse().unwrap(), person("auth0|nil", &[], &["ratio"])),
    ]);
    People { listed, groups: BTreeSet::new(), roles_from_token }
}

fn claims(subject: Option<&str>, roles: Option<&str>) -> Claims {
    Claims { subject: subject.map(str::to_owned), roles: roles.map(str::to_owned), expires: Some("1795292680".into()) }
}

fn ask(subject: Option<&str>, roles: Option<&str>, from_token: bool) -> Result<(String, Role), Unidentified> {
    let claims = claims(subject, roles);
    identify(&claims, &people(from_token)).map(|actor| (actor.person.to_string(), actor.role))
}

#[test]
fn the_file_says_who_a_subject_is_and_which_role_they_have() {
    let ada = |role| Ok(("ada".to_owned(), role));
    assert_eq!(ask(Some("auth0|ada"), None, false), ada(Role::Member));
    assert_eq!(ask(Some("auth0|ada"), Some("[admin]"), false), ada(Role::Member), "a token grants nothing by itself");
    assert_eq!(ask(Some("auth0|ada"), Some("[admin reader]"), true), ada(Role::Admin));
    assert_eq!(ask(Some("auth0|ada"), Some("approver"), true), ada(Role::Approver));
    assert_eq!(ask(Some("auth0|ada"), Some("[]"), true), ada(Role::Member), "nor does it take anything away");
    assert_eq!(ask(Some("auth0|nil"), Some("[reader]"), true), Ok(("nil".to_owned(), Role::Reader)));
}

#[test]
fn what_is_missing_malformed_or_unknown_is_nobody() {
    let refused = |subject, roles| ask(subject, roles, true).unwrap_err().to_string();
    let page = [
        refused(None, Some("[admin]")),
        refused(Some(""), None),
        refused(Some("auth0|ada\n"), None),
        refused(Some("auth0|eve"), Some("[admin]")),
        refused(Some("AUTH0|ADA"), None),
        refused(Some("auth0|ada"), Some("[admin root]")),
        refused(Some("auth0|ada"), Some("[\"admin\"]")),
        refused(Some("auth0|ada"), Some("Admin")),
        refused(Some("auth0|nil"), None),
        identify(&Claims { expires: None, ..claims(Some("auth0|ada"), None) }, &people(false)).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(page.join("\n"), @r#"
    the token has no subject (sub) that can be read: ask the issuer for a token of a person
    the token has no subject (sub) that can be read: ask the issuer for a token of a person
    the token has no subject (sub) that can be read: ask the issuer for a token of a person
    the token's subject "auth0|eve" is nobody's jwt_subject in people.yaml: an administrator adds it there
    the token's subject "AUTH0|ADA" is nobody's jwt_subject in people.yaml: an administrator adds it there
    the token's claim penstock_roles holds "root", expected words of reader, member, approver, admin
    the token's claim penstock_roles holds "\"admin\"", expected words of reader, member, approver, admin
    the token's claim penstock_roles holds "Admin", expected words of reader, member, approver, admin
    nil has no role: an administrator gives one in people.yaml
    the token has no end (exp): ask the issuer for tokens that expire
    "#);
}

#[test]
fn every_refusal_says_who_may() {
    let actor = |role| Actor { person: "ada".parse().unwrap(), role, pods: ["ratio".parse().unwrap()].into() };
    let (own, other) = ("ratio".parse().unwrap(), "nanda".parse().unwrap());
    let said = |role, action| may(&actor(role), action).unwrap_err().reason;
    let page = [
        said(Role::Reader, Action::Ask { pod: &own, expedite: false }),
        said(Role::Member, Action::Ask { pod: &own, expedite: true }),
        said(Role::Approver, Action::Ask { pod: &other, expedite: true }),
        said(Role::Approver, Action::Own { owner: &"bo".parse().unwrap(), pod: &own, theirs: false }),
        said(Role::Reader, Action::Keep { pod: &own, holder: &"ada".parse().unwrap() }),
        said(Role::Member, Action::Keep { pod: &other, holder: &"bob".parse().unwrap() }),
        said(Role::Approver, Action::SetLimit),
        said(Role::Reader, Action::Move { pod: &own, owner: &"ada".parse().unwrap() }),
        said(Role::Approver, Action::Move { pod: &other, owner: &"bob".parse().unwrap() }),
        said(Role::Reader, Action::Work),
    ];
    insta::assert_snapshot!(page.join("\n"), @r"
    ada has the role reader, and to ask for, renew or release places needs the role member
    ada has the role member, and to take the expedite lane needs the role approver
    ada is not in pod nanda: only its members and admins ask for its places
    bo is not in pod ratio, so ada may not name them as an owner of its items: they themselves and admins may
    ada has the role reader, and to ask for, renew or release places needs the role member
    ada is not in pod nanda: only its members and admins renew or release its leases
    ada has the role approver, and to set a limit needs the role admin
    ada has the role reader, and to make, move, attest or approve work items needs the role member
    ada is not in pod nanda: only its members and admins move its items
    ada has the role reader, and to make, move, attest or approve work items needs the role member
    ");
}

const PODS: [&str; 3] = ["meta", "nanda", "ratio"];

fn actors() -> impl Strategy<Value = Actor> {
    let pods = btree_set(select(&PODS[..]), 0..3);
    (select(&Role::ALL[..]), pods).prop_map(|(role, pods)| Actor {
        person: "ada".parse().unwrap(),
        role,
        pods: pods.into_iter().map(|pod| pod.parse().unwrap()).collect(),
    })
}

/// Every action there is, about a pod and a holder.
fn actions<'a>(pod: &'a PodName, holder: &'a PersonName) -> [Action<'a>; 10] {
    [
        Action::Read,
        Action::Hold,
        Action::Ask { pod, expedite: false },
        Action::Ask { pod, expedite: true },
        Action::Own { owner: holder, pod, theirs: true },
        Action::Own { owner: holder, pod, theirs: false },
        Action::Keep { pod, holder },
        Action::SetLimit,
        Action::Move { pod, owner: holder },
        Action::Work,
    ]
}

#[test]
fn who_is_named_without_a_token_has_the_roles_of_the_file() {
    let people = people(true);
    let named = |name: &str| named(&name.parse().unwrap(), &people);
    let ada = named("ada").unwrap();
    assert_eq!((ada.role, ada.pods.len()), (Role::Member, 1));
    assert_eq!(named("nil").unwrap_err().to_string(), "nil has no role: an administrator gives one in people.yaml");
    assert_eq!(named("eve").unwrap_err().to_string(), "eve is not in people.yaml: an administrator adds them there");
}

proptest! {
    #[test]
    fn who_may_is_what_the_rules_say_in_both_directions(actor in actors(), pod in select(&PODS[..]), own: bool) {
        let pod: PodName = pod.parse().unwrap();
        let holder: PersonName = if own { "ada" } else { "bob" }.parse().unwrap();
        let (admin, inside) = (actor.role == Role::Admin, actor.pods.contains(&pod));
        let member = [Role::Member, Role::Approver].contains(&actor.role);
        let expected = [
            true,
            admin || member,
            admin || member && inside,
            admin || actor.role == Role::Approver && inside,
            admin || member,
            admin || member && own,
            admin || member && (inside || own),
            admin,
            admin || member && (inside || own),
            admin || member,
        ];
        let found = actions(&pod, &holder).map(|action| may(&actor, action).is_ok());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_higher_role_and_one_more_pod_take_nothing_away(actor in actors(), role in select(&Role::ALL[..]), pod in select(&PODS[..])) {
        let pod: PodName = pod.parse().unwrap();
        let mut more = actor.clone();
        more.role = actor.role.max(role);
        more.pods.insert(pod.clone());
        let holder: PersonName = "bob".parse().unwrap();
        for action in actions(&pod, &holder) {
            prop_assert!(may(&actor, action).is_err() || may(&more, action).is_ok(), "{action:?}");
        }
    }

    #[test]
    fn a_refusal_is_one_plain_line(actor in actors(), pod in select(&PODS[..])) {
        let pod: PodName = pod.parse().unwrap();
        let holder: PersonName = "bob".parse().unwrap();
        for action in actions(&pod, &holder) {
            if let Err(Forbidden { reason }) = may(&actor, action) {
                prop_assert!(reason.contains("ada") && !reason.contains('\n'), "{}", reason);
            }
        }
    }

    #[test]
    fn nobody_becomes_somebody_by_what_a_token_says(subject in ".*", roles in ".*", from_token: bool) {
        let claims = claims(Some(&subject), Some(&roles));
        if let Ok(actor) = identify(&claims, &people(from_token)) {
            prop_assert_eq!(subject, format!("auth0|{}", actor.person));
        }
    }

    #[test]
    fn without_the_switch_a_token_s_roles_change_nothing(roles in "\\[?((reader|member|approver|admin|root) ?){0,4}\\]?") {
        prop_assert_eq!(ask(Some("auth0|ada"), Some(&roles), false), ask(Some("auth0|ada"), None, false));
    }
}
