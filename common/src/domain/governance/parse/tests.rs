//! What each file takes and refuses, in the words that people read.

use super::*;
use crate::domain::{
    access::Role,
    governance::{Gate, Identity},
    id::{GitHubUserId, GroupName, RepositoryId},
    wip::limits::Mode,
};

mod kill_rules;
mod repositories;
mod rules;
mod schedules;

const GOOD: [(&str, &str); 7] = [
    (
        "environments.yaml",
        "environments: {a: {branch: release/a, accounts: [\"000000000012\"]}, b: {gate: false}, i: {gate: invoke}}\nunlisted: refuse\n",
    ),
    ("accounts.yaml", "accounts: {\"000000000012\": one}\nunlisted: admit\n"),
    ("repositories.yaml", "repositories: [{id: 42, name: o/r, kind: cluster, default_branch: main}]\n"),
    (
        "people.yaml",
        "people:\n  ada: {github_id: 7, slack_id: U012AB3CD, email: ada@example.org, iam_arn: \"arn:aws:iam::000000000012:user/ada\", jwt_subject: auth0|ada, roles: [reader, member], pods: [ratio]}\n  bob: {roles: [], pods: []}\n",
    ),
    ("pods.yaml", "pods: {ratio: {lead: ada}, nanda: {}}\n"),
    (
        "limits.yaml",
        "default_ttl_seconds: 60\nmax_ttl_seconds: 86400\nticket_ttl_seconds: 600\nwarn_at_percent: 80\nlimits: {portfolio: {limit: 10}, \"pod:ratio\": {limit: 0, mode: warn, fair_share: true}, \"environment:a\": {limit: 100}}\n",
    ),
    (
        "schedules.yaml",
        "time_zone: UTC\nworking_days: [monday]\nstale_after_days: 1\ndaily: {channel: here, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}\n",
    ),
];

fn parse(changed: &[(&str, &str)]) -> Result<Governance, String> {
    let files: BTreeMap<&str, &str> = GOOD.into_iter().chain(changed.iter().copied()).collect();
    Governance::parse(&serde_json::to_vec(&files).unwrap())
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_good_bundle_is_read_and_the_gate_is_on_unless_switched_off() {
    let governance = parse(&[("notes.yaml", "not ours: [")]).unwrap();
    let environments = &governance.environments;
    let gate = |name: &str| environments.get(&name.parse().unwrap()).map(|environment| environment.gate);
    assert_eq!(
        (gate("a"), gate("b"), gate("i"), gate("c")),
        (Some(Gate::Approval), Some(Gate::Off), Some(Gate::Invoke), None)
    );
    assert_eq!(environments.listed[&"a".parse().unwrap()].branch.as_ref().unwrap().as_str(), "release/a");
    assert_eq!(governance.accounts.unlisted, Unlisted::Admit);
    let accounts = |name: &str| environments.listed[&name.parse().unwrap()].accounts.clone();
    assert_eq!((accounts("a").map(|accounts| accounts.len()), accounts("b")), (Some(1), None));
    assert_eq!(governance.repositories.listed[&RepositoryId::GitHub(42)].name.as_str(), "o/r");
}

#[test]
fn an_environment_s_accounts_are_ids_in_a_list() {
    for (accounts, expected) in [
        ("\"000000000012\"", "a list of account ids, in quotes"),
        ("[12]", "12 digits, in quotes"),
        ("[one]", "12 digits, in quotes"),
        ("{}", "a list of account ids, in quotes"),
    ] {
        let file = format!("environments:\n  a:\n    accounts: {accounts}\nunlisted: refuse\n");
        let found = parse(&[("environments.yaml", &file)]).unwrap_err();
        assert!(found.starts_with("environments.yaml:3:") && found.ends_with(expected), "{found}");
    }
}

#[test]
fn every_error_names_file_line_and_column() {
    let bad = parse(&[
        (
            "environments.yaml",
            "environments:\n  Prod: {}\n  a: {gate: no, brunch: main}\n  b: {branch: 'a..b'}\nunlistet: refuse\n",
        ),
        ("accounts.yaml", "accounts:\n  123456789012: one\n  \"12\": two\nunlisted: admitt\n"),
        ("repositories.yaml", "repositories:\n  - {id: \"42\", name: or, kind: clustre}\n"),
    ]);
    insta::assert_snapshot!(bad.unwrap_err(), @r#"
    environments.yaml:5:1: error: found the key "unlistet", expected one of environments, unlisted; did you mean unlisted?
    environments.yaml:1:1: error: unlisted: found nothing, expected refuse or admit: there is no default
    environments.yaml:2:3: error: environments: found "Prod", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    environments.yaml:3:17: error: found the key "brunch", expected one of branch, gate, accounts, certificates, restore_drift, approvals, promote_after, soak_minutes, soak_alarms, pause, freezes; did you mean branch?
    environments.yaml:3:13: error: environments.a.gate: found "no" without quotes, which YAML may not read as text, expected true, false or invoke
    environments.yaml:4:15: error: environments.b.branch: found "a..b", expected a git branch name of printable ASCII
    accounts.yaml:2:3: error: found 123456789012 (a number, not in quotes), expected a key that is text
    repositories.yaml:2:10: error: id: found "42", expected GitHub's number of the repository, or CodeCommit's UUID of it (repositoryId)
    repositories.yaml:2:22: error: name: found "or", expected owner/name of letters, digits, '.', '_' and '-'
    repositories.yaml:2:5: error: default_branch: found nothing, expected a branch
    repositories.yaml:2:32: error: kind: found "clustre", expected cluster, application, services, manager-monorepo or manager-separate; did you mean cluster?
    "#);
}

#[test]
fn a_bundle_without_a_file_or_with_a_repository_twice_is_refused() {
    let twice = "repositories:\n  - &a {id: 1, name: o/r, kind: cluster, default_branch: main}\n";
    assert!(parse(&[("repositories.yaml", twice)]).unwrap_err().contains("anchor"));
    let twice = "repositories:\n- {id: 1, name: o/r, kind: cluster, default_branch: main}\n- {id: 1, name: o/s, kind: cluster, default_branch: main}\n";
    assert!(
        parse(&[("repositories.yaml", twice)])
            .unwrap_err()
            .starts_with("repositories.yaml:3:8: error: id: found repository 1 a second time, first at 2:8,")
    );
    let missing = Governance::parse(b"{}").unwrap_err();
    assert_eq!(missing.len(), 7);
    assert!(
        Governance::parse(b"[]").unwrap_err()[0].to_string().starts_with("\"governance bundle\":1:1: error: found")
    );
}

#[test]
fn one_person_is_found_by_every_identity() {
    let governance = parse(&[]).unwrap();
    let people = &governance.people;
    let who = |identity: Identity| people.who(&identity).map(|(name, _)| name.to_string());
    let ada = Some("ada".to_owned());
    assert_eq!(who(Identity::GitHub(GitHubUserId(7))), ada);
    assert_eq!(who(Identity::Slack("U012AB3CD".parse().unwrap())), ada);
    assert_eq!(who(Identity::Iam("arn:aws:iam::000000000012:user/ada".parse().unwrap())), ada);
    assert_eq!(who(Identity::Token("auth0|ada".parse().unwrap())), ada);
    assert_eq!(who(Identity::GitHub(GitHubUserId(8))), None);
    assert_eq!(people.listed[&"ada".parse().unwrap()].roles, [Role::Reader, Role::Member].into());
    let members = |pod: &str| people.members(&pod.parse().unwrap()).map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((members("ratio"), members("nanda")), (vec!["ada".to_owned()], vec![]));
    assert_eq!(governance.pods.listed[&"ratio".parse().unwrap()].lead, Some("ada".parse().unwrap()));
    assert!(!people.roles_from_token, "a token gives no role unless the file lets it");
}

#[test]
fn approvers_are_those_with_the_role_unless_a_group_has_that_name() {
    let with = |groups: &str, of_bob: &str| -> Vec<String> {
        let people = format!(
            "{groups}people:\n  ada: {{roles: [approver], pods: []}}\n  bob: {{roles: [member], pods: []{of_bob}}}\n  cy: {{roles: [admin], pods: []}}\n"
        );
        let governance = parse(&[("people.yaml", &people), ("pods.yaml", "pods: {ratio: {}}\n")]).unwrap();
        governance.people.group(&GroupName::approvers()).map(ToString::to_string).collect()
    };
    assert_eq!(with("", ""), ["ada", "cy"]);
    assert_eq!(with("groups: [approvers]\n", ", groups: [approvers]"), ["bob"]);
}

#[test]
fn limits_are_read_with_their_modes_and_carry_the_bundle_s_digest() {
    let governance = parse(&[]).unwrap();
    let limits = &governance.limits;
    let rule = |scope: &str| limits.rule(&scope.parse().unwrap()).map(|rule| (rule.limit, rule.mode, rule.fair_share));
    assert_eq!(rule("portfolio"), Some((10, Mode::Block, false)));
    assert_eq!(rule("pod:ratio"), Some((0, Mode::Warn, true)));
    assert_eq!((rule("environment:a"), rule("environment:b")), (Some((100, Mode::Block, false)), None));
    assert_eq!((limits.default_ttl_seconds, limits.max_ttl_seconds), (60, 86_400));
    assert_eq!((limits.ticket_ttl_seconds, limits.warn_at_percent), (600, 80));
    assert_eq!(limits.digest, governance.digest);
}

#[test]
fn stage_pipelines_are_read_one_a_file() {
    let people = "groups: [quality]\npeople: {ada: {roles: [], pods: [], groups: [quality]}}\n";
    let short = "parked_review_days: 30\nstages:\n  - name: seed\n    within_days: 14\n    exit:\n      \
                 coverage_percent: {more_than: 60.5, from: [check_run], fresh_days: 7}\n      \
                 demo_approved: {is: true, from: [attestation], by: [owner, quality]}\n    \
                 reviews: [{group: quality, at_least: 2, when: {coverage_percent: {less_than: 80}}, if_any: true}, {group: pod-lead, unanimous: true}]\n  \
                 - name: ship\n";
    let governance = parse(&[
        ("people.yaml", people),
        ("pods.yaml", "pods: {ratio: {}, nanda: {}}\n"),
        ("stages/short.yaml", short),
    ])
    .unwrap();
    assert_eq!(
        governance.people.group(&"quality".parse().unwrap()).map(ToString::to_string).collect::<Vec<_>>(),
        ["ada"]
    );
    let pipeline = &governance.stages[&"short".parse().unwrap()];
    let [seed, ship] = pipeline.stages.as_slice() else { panic!("{pipeline:#?}") };
    assert_eq!((pipeline.parked_review.as_hours(), seed.within.map(|within| within.as_hours())), (720, Some(14 * 24)));
    assert_eq!(seed.exit.iter().map(|one| one.requirement.words()).collect::<Vec<_>>(), ["more than 60.5", "true"]);
    assert_eq!(seed.exit[0].fresh_for.map(|fresh| fresh.as_hours()), Some(7 * 24));
    assert_eq!(seed.exit[1].attested_by.len(), 2);
    let reviews: Vec<_> =
        seed.reviews.iter().map(|one| (one.group.as_str(), one.at_least, one.when.is_some(), one.if_any)).collect();
    assert_eq!(reviews, [("quality", Some(2), true, true), ("pod-lead", None, false, false)]);
    assert_eq!((ship.name.as_str(), ship.entry.len(), ship.within), ("ship", 0, None));
    let unasked = short.replace("when: {coverage_percent:", "when: {coverage_percents:");
    let found = parse(&[
        ("people.yaml", people),
        ("pods.yaml", "pods: {ratio: {}, nanda: {}}\n"),
        ("stages/short.yaml", &unasked),
    ]);
    let expected = "found \"coverage_percents\", expected something that exit of this stage asks for; did you mean coverage_percent?";
    assert_eq!(found.unwrap_err(), format!("stages/short.yaml:8:52: error: reviews.when: {expected}"));
}

#[test]
fn a_stage_pipeline_is_strict() {
    let bad = parse(&[
        ("people.yaml", "groups: [quality, owner]\npeople: {ada: {roles: [], pods: [], groups: [qualty]}}\n"),
        ("pods.yaml", "pods: {ratio: {}, nanda: {}}\n"),
        ("stages/One.yaml", "stages: []\n"),
        (
            "stages/bad.yaml",
            "stages:\n  - name: Seed\n  - name: a\n    exit:\n      coverage: {more_than: \"60\", from: [chek_run]}\n      \
             tests: {is: yes, at_least: 1, from: [check_run], by: [quality]}\n      \
             demo: {from: [attestation], fresh_days: 0}\n      \
             other: {is: \"true\", from: []}\n      \
             places: {at_most: 1.2345, from: [artifact]}\n    \
             reviews: [{group: qualty}, {group: quality, at_least: 0}, {at_least: 1, unanimous: true, when: {a: {is: true}, b: {is: true}}}]\n  \
             - name: a\n    exits: {}\n",
        ),
        ("stages/short.yaml", "parked_review_days: 30\nstages: [{name: a}]\n"),
    ]);
    insta::assert_snapshot!(bad.unwrap_err(), @r#"
    people.yaml:1:19: error: groups: found "owner", expected another name: this group follows from the item
    people.yaml:2:46: error: people.ada.groups: found "qualty", expected a group of the list `groups` of this file; did you mean quality?
    stages/One.yaml:1:1: error: found "stages/One.yaml", expected stages/<name>.yaml with a name of 1 to 32 of a-z, 0-9 and '-'
    stages/bad.yaml:1:1: error: parked_review_days: found nothing, expected a number of days
    stages/bad.yaml:2:11: error: name: found "Seed", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    stages/bad.yaml:5:29: error: exit.coverage.more_than: found "60", expected a number with at most three places after the point
    stages/bad.yaml:5:42: error: exit.coverage.from: found "chek_run", expected check_run, merged_pull_request, artifact, attestation or idea_ledger; did you mean check_run?
    stages/bad.yaml:6:7: error: exit.tests: found more than one, expected one of is, at_least, more_than, at_most, less_than, equals, one_of
    stages/bad.yaml:6:60: error: exit.tests.by: found a list, expected no by: nobody attests this
    stages/bad.yaml:7:7: error: exit.demo: found none, expected one of is, at_least, more_than, at_most, less_than, equals, one_of
    stages/bad.yaml:7:7: error: exit.demo.by: found nothing, expected the groups whose word counts
    stages/bad.yaml:7:47: error: exit.demo.fresh_days: found 0 (a number, not in quotes), expected a whole number from 1 to 3650
    stages/bad.yaml:8:19: error: exit.other.is: found "true", expected true or false
    stages/bad.yaml:8:33: error: exit.other.from: found an empty list, expected a list of check_run, merged_pull_request, artifact, attestation, idea_ledger
    stages/bad.yaml:9:25: error: exit.places.at_most: found 1.2345 (a number, not in quotes), expected a number with at most three places after the point
    stages/bad.yaml:10:23: error: reviews.group: found "qualty", expected owner, pod-lead, pod, or a group of people.yaml; did you mean quality?
    stages/bad.yaml:10:15: error: reviews.at_least: found neither, expected either at_least: a number, or unanimous: true
    stages/bad.yaml:10:59: error: reviews.at_least: found 0 (a number, not in quotes), expected a whole number from 1 to 20
    stages/bad.yaml:10:63: error: reviews.group: found nothing, expected a group
    stages/bad.yaml:10:63: error: reviews.at_least: found both, expected either at_least: a number, or unanimous: true
    stages/bad.yaml:10:100: error: reviews.when: found 2 keys, expected one piece of evidence
    stages/bad.yaml:12:5: error: found the key "exits", expected one of name, within_days, entry, exit, reviews, kill_rules, suggested_by; did you mean exit?
    stages/bad.yaml:11:5: error: name: found "a" a second time, expected each stage once
    stages/short.yaml:2:9: error: stages: found a list, expected a list of two stages or more
    "#);
}

#[test]
fn what_counts_in_a_file_must_fit_what_is_asked_of_it() {
    let stages = |criterion: &str| {
        format!(
            "parked_review_days: 30\nstages:\n  - name: a\n    exit:\n      weeks: {{at_least: 0, from: [check_run]}}\n      it: {criterion}\n  - name: b\n"
        )
    };
    let said = |criterion: &str| parse(&[("stages/short.yaml", &stages(criterion))]);
    let read = |criterion: &str| {
        let governance = said(criterion).unwrap();
        governance.stages[&"short".parse().unwrap()].stages[0].exit[1].clone()
    };
    let memo = read("{is: true, from: [artifact], sections: [Context, Three paths], when: {weeks: {more_than: 2}}}");
    assert_eq!(memo.words(), "true: something in each of Context, Three paths");
    assert_eq!(
        memo.when.iter().map(|(key, so)| format!("{key} {}", so.words())).collect::<Vec<_>>(),
        ["weeks more than 2"]
    );
    let list = read("{one_of: [green], from: [artifact], measure: checklist, sections: [Speed]}");
    assert_eq!(list.measure, Some(crate::domain::stage::Measure::Checklist(vec!["Speed".to_owned()])));
    let wrong = [
        "{is: true, from: [check_run], sections: [Context]}",
        "{at_least: 1, from: [artifact], sections: [Context]}",
        "{is: true, from: [artifact], sections: []}",
        "{is: true, from: [artifact], sections: [A, a]}",
        "{one_of: [green], from: [artifact], measure: checklist}",
        "{at_least: 1, from: [artifact], measure: checklist, sections: [A]}",
        "{at_least: 1, from: [artifact], measure: unchecked, sections: [A]}",
        "{is: true, from: [artifact], measure: characters}",
        "{is: true, from: [artifact], when: {week: {more_than: 2}}}",
        "{is: true, from: [artifact], when: {}}",
    ];
    let all: Vec<String> = wrong.iter().map(|wrong| format!("{wrong}\n  {}", said(wrong).unwrap_err())).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    {is: true, from: [check_run], sections: [Context]}
      stages/short.yaml:6:51: error: exit.it.sections: found a list, expected no sections: nothing that is true or false is read from a file here
    {at_least: 1, from: [artifact], sections: [Context]}
      stages/short.yaml:6:53: error: exit.it.sections: found a list, expected no sections: nothing that is true or false is read from a file here
    {is: true, from: [artifact], sections: []}
      stages/short.yaml:6:50: error: exit.it.sections: found a list, expected a list of headings, each of 1 to 80 characters
    {is: true, from: [artifact], sections: [A, a]}
      stages/short.yaml:6:54: error: exit.it.sections: found "a" a second time, expected each section once
    {one_of: [green], from: [artifact], measure: checklist}
      stages/short.yaml:6:7: error: exit.it.sections: found nothing, expected the sections of the checklist
    {at_least: 1, from: [artifact], measure: checklist, sections: [A]}
      stages/short.yaml:6:52: error: exit.it.measure: found "checklist", expected no measure: no text (one_of) is read from a file here
    {at_least: 1, from: [artifact], measure: unchecked, sections: [A]}
      stages/short.yaml:6:7: error: exit.it.sections: found a list, expected no sections: this measure looks at the whole file
    {is: true, from: [artifact], measure: characters}
      stages/short.yaml:6:49: error: exit.it.measure: found "characters", expected no measure: no number is read from a file here
    {is: true, from: [artifact], when: {week: {more_than: 2}}}
      stages/short.yaml:6:47: error: exit.it.when: found "week", expected something that exit of this stage asks for; did you mean weeks?
    {is: true, from: [artifact], when: {}}
      stages/short.yaml:6:46: error: exit.it.when: found a mapping, expected at least one piece of evidence
    "#);
}

#[test]
fn whoever_everybody_waits_for_can_approve() {
    let stages = "parked_review_days: 30\nstages:\n  - {name: a, reviews: [{group: council, unanimous: true}, {group: quality, at_least: 1}]}\n  - name: b\n";
    let people = |role: &str, tokens: bool| {
        let roles = format!("roles: [{role}], pods: [], groups: [council, quality]");
        format!("groups: [council, quality]\npeople: {{ada: {{{roles}}}}}\nroles_from_token: {tokens}\n")
    };
    let said = |role: &str, tokens: bool| {
        let people = people(role, tokens);
        let files = [
            ("people.yaml", people.as_str()),
            ("pods.yaml", "pods: {ratio: {}, nanda: {}}\n"),
            ("stages/short.yaml", stages),
        ];
        parse(&files).map(drop)
    };
    let mute = "people.yaml:1:1: error: people.ada.roles: found no role with which ada could approve, expected member, approver or admin: a review in stages/ asks everybody in council";
    assert_eq!(said("", false), Err(mute.to_owned()));
    assert_eq!(said("reader", false), Err(mute.to_owned()));
    assert_eq!((said("member", false), said("", true)), (Ok(()), Ok(())));
}

#[test]
fn people_pods_and_limits_are_strict_and_name_one_another() {
    let bad = parse(&[
        (
            "people.yaml",
            "roles_from_token: yes\npeople:\n  ada: {github_id: 7, jwt_subject: s, roles: [membr, reader, reader], pods: [ratoi, ratio, ratio]}\n  \
             bob:\n    github_id: 7\n    jwt_subject: s\n    roles: admin\n    pods: []\n  cy: {github_id: cy, slack_id: u1, iam_arn: \"arn:aws:iam::12:user/a\", \
             jwt_subject: \"a b\", role: []}\n  Dan: {roles: [], pods: []}\n",
        ),
        ("pods.yaml", "pods:\n  ratio: {lead: adda, chief: ada}\n  Nanda: {}\n  meta: []\n"),
        (
            "limits.yaml",
            "default_ttl_seconds: 999\nmax_ttl_seconds: 120\nwarn_at_percent: 0\nlimits:\n  pod:ratoi: {limit: 3}\n  pods:*: {limit: 3}\n  \
             \"owned:adda\": {limit: 101}\n  \"involved:*\": {limit: -1, mode: wran}\n  \"stage:*\": {fair_share: 1}\n  \"environment:c\": {limit: 1}\n",
        ),
    ]);
    insta::assert_snapshot!(bad.unwrap_err(), @r#"
    people.yaml:1:19: error: roles_from_token: found "yes" without quotes, which YAML may not read as text, expected true or false
    people.yaml:3:47: error: people.ada.roles: found "membr", expected reader, member, approver or admin; did you mean member?
    people.yaml:3:62: error: people.ada.roles: found "reader" a second time, expected each once
    people.yaml:3:78: error: people.ada.pods: found "ratoi", expected a pod of pods.yaml; did you mean ratio?
    people.yaml:3:92: error: people.ada.pods: found "ratio" a second time, expected each once
    people.yaml:7:12: error: people.bob.roles: found "admin", expected a list of reader, member, approver, admin
    people.yaml:5:16: error: people.bob.github_id: found that of ada a second time, expected nobody else's
    people.yaml:6:18: error: people.bob.jwt_subject: found that of ada a second time, expected nobody else's
    people.yaml:9:92: error: found the key "role", expected one of github_id, slack_id, email, iam_arn, jwt_subject, roles, pods, groups; did you mean roles?
    people.yaml:9:3: error: people.cy.roles: found nothing, expected a list of reader, member, approver, admin
    people.yaml:9:3: error: people.cy.pods: found nothing, expected a list of pods
    people.yaml:9:19: error: people.cy.github_id: found "cy", expected GitHub's number of the account (gh api users/LOGIN --jq .id)
    people.yaml:9:33: error: people.cy.slack_id: found "u1", expected U or W, then 2 to 20 of A-Z and 0-9
    people.yaml:9:46: error: people.cy.iam_arn: found "arn:aws:iam::12:user/a", expected the ARN of an IAM user, a role or a role's session
    people.yaml:9:85: error: people.cy.jwt_subject: found "a b", expected 1 to 255 printable ASCII characters without spaces
    people.yaml:10:3: error: people: found "Dan", expected 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit
    pods.yaml:2:23: error: found the key "chief", expected one of lead
    pods.yaml:2:17: error: pods.ratio.lead: found "adda", expected a person of people.yaml; did you mean ada?
    pods.yaml:3:3: error: pods: found "Nanda", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    pods.yaml:4:9: error: pods.meta: found a list, expected a mapping
    limits.yaml:1:22: error: default_ttl_seconds: found 999 (a number, not in quotes), expected a whole number from 60 to 120
    limits.yaml:1:1: error: ticket_ttl_seconds: found nothing, expected a whole number from 600 to 2592000
    limits.yaml:3:18: error: warn_at_percent: found 0 (a number, not in quotes), expected a whole number from 1 to 100
    limits.yaml:5:3: error: limits.pod:ratoi: found "ratoi", expected a pod of pods.yaml, or *; did you mean ratio?
    limits.yaml:6:3: error: limits: found "pods:*", expected portfolio, expedite, pod:<pod>, pod-stage:<pod>:<stage>, pod-type:<pod>:<type>, owned:<person>, involved:<person>, stage:<stage>, environment:<environment> or account:<account>, with * for any; did you mean pod?
    limits.yaml:7:3: error: limits.owned:adda: found "adda", expected a person of people.yaml, or *; did you mean ada?
    limits.yaml:7:25: error: limits.owned:adda.limit: found 101 (a number, not in quotes), expected a whole number from 0 to 100
    limits.yaml:8:25: error: limits.involved:*.limit: found -1 (a number, not in quotes), expected a whole number from 0 to 100
    limits.yaml:8:35: error: limits.involved:*.mode: found "wran", expected block or warn; did you mean warn?
    limits.yaml:9:3: error: limits.stage:*.limit: found nothing, expected a whole number from 0 to 100
    limits.yaml:9:27: error: limits.stage:*.fair_share: found 1 (a number, not in quotes), expected true or false
    limits.yaml:10:3: error: limits.environment:c: found "c", expected an environment of environments.yaml, or *
    limits.yaml:5:3: error: limits.portfolio: found nothing, expected a rule for portfolio: every item counts there, and its lease is found there
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_said_once_and_not_again_for_each_name_in_it() {
    for file in ["people.yaml", "pods.yaml"] {
        let found = parse(&[(file, "people: [")]).unwrap_err();
        assert!(found.lines().count() == 1 && found.starts_with(file), "{found}");
    }
}

#[test]
fn pull_requests_count_where_the_repository_says() {
    let with = |wip: &str| {
        let text = format!("repositories:\n  - {{id: 42, name: o/r, kind: application, default_branch: main{wip}}}\n");
        parse(&[("repositories.yaml", text.as_str()), ("pods.yaml", "pods: {ratio: {}}\n")])
    };
    let entry = |wip: &str| with(wip).unwrap().repositories.listed.remove(&RepositoryId::GitHub(42)).unwrap();
    let wip = entry(", wip: {pod: ratio, stage: scaffold}").wip.unwrap();
    assert_eq!((wip.pod.as_str(), wip.stage.as_str()), ("ratio", "scaffold"));
    assert_eq!(entry("").wip, None);
    insta::assert_snapshot!(with(", wip: {pod: ration, stag: x}").unwrap_err(), @r#"
    repositories.yaml:2:85: error: found the key "stag", expected one of pod, stage; did you mean stage?
    repositories.yaml:2:77: error: wip.pod: found "ration", expected a pod of pods.yaml; did you mean ratio?
    repositories.yaml:2:71: error: wip.stage: found nothing, expected a stage
    "#);
}

/// `owner`, `pod-lead` and `pod` follow from the item; who is not listed any more is in none of them.
#[test]
fn the_groups_of_an_item_are_those_of_the_file_and_three_of_its_own() {
    let files = [
        (
            "people.yaml",
            "groups: [quality]\npeople: {ada: {roles: [], pods: [ratio]}, bob: {roles: [], pods: [nanda], groups: [quality]}}\n",
        ),
        ("pods.yaml", "pods: {ratio: {lead: ada}, nanda: {}}\n"),
    ];
    let governance = parse(&files).unwrap();
    let of = |pod: &str, owner: &str| {
        let item = serde_json::from_value(serde_json::json!({
            "id": "p-1", "title": "a", "type": "project", "pod": pod, "owner": owner, "pipeline": "p", "since": "2026-01-05T09:00:00Z",
            "updated_at": "2026-01-05T09:00:00Z",
            "position": {"state": "active", "stage": "spark"}, "version": 1
        }));
        let groups = governance.people.groups_of(&item.unwrap(), &governance.pods);
        let word = |(group, people): (_, std::collections::BTreeSet<crate::domain::id::PersonName>)| {
            format!("{group}={}", people.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"))
        };
        groups
            .into_iter()
            .map(|(group, people): (crate::domain::id::GroupName, _)| word((group, people)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(of("ratio", "ada"), "owner=ada pod=ada pod-lead=ada quality=bob");
    assert_eq!(of("nanda", "gone"), "owner= pod=bob pod-lead= quality=bob");
}

#[test]
fn a_repository_of_codecommit_is_listed_by_its_id_and_its_arn() {
    let with = |entry: &str| {
        let text = format!("repositories:\n  - {{{entry}, kind: cluster, default_branch: main}}\n");
        parse(&[("repositories.yaml", text.as_str())])
    };
    let uuid = "f7579e13-b83e-4027-aaef-650c0a1b2c3d";
    let arn = "arn:aws:codecommit:us-east-1:111122223333:fleet";
    let governance = with(&format!("id: {uuid}, arn: \"{arn}\"")).unwrap();
    let entry = &governance.repositories.listed[&uuid.parse::<RepositoryId>().unwrap()];
    assert_eq!(entry.name.as_str(), "111122223333/fleet");
    assert_eq!(entry.arn.as_ref().map(ToString::to_string).as_deref(), Some(arn));
    let bad = [
        format!("id: {uuid}, name: o/r"),
        format!("id: 42, name: o/r, arn: \"{arn}\""),
        format!("id: {}, arn: \"{arn}\"", uuid.to_uppercase()),
        format!("id: {uuid}, arn: \"{arn}/x\""),
    ];
    let said: Vec<String> = bad.iter().map(|entry| with(entry).unwrap_err()).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    repositories.yaml:2:54: error: name: found "o/r", expected arn alone: the name of a CodeCommit repository stands in it
    repositories.yaml:2:5: error: arn: found nothing, expected the ARN of the CodeCommit repository
    repositories.yaml:2:30: error: arn: found "arn:aws:codecommit:us-east-1:111122223333:fleet", expected name: a repository of GitHub has no ARN
    repositories.yaml:2:10: error: id: found "F7579E13-B83E-4027-AAEF-650C0A1B2C3D", expected GitHub's number of the repository, or CodeCommit's UUID of it (repositoryId)
    repositories.yaml:2:53: error: arn: found "arn:aws:codecommit:us-east-1:111122223333:fleet/x", expected arn:aws:codecommit:<region>:<account>:<name>, the name of letters, digits, '.', '_' and '-'
    "#);
}
