//! What the gate of an environment asks, as `environments.yaml` says it.

use jiff::SignedDuration;

use super::*;
use crate::domain::{governance::Environments, id::EnvironmentName};

const PEOPLE: (&str, &str) = (
    "people.yaml",
    "groups: [release-managers]\npeople:\n  ada: {roles: [], pods: [ratio], groups: [release-managers]}\n  bob: {roles: [], pods: []}\n",
);

fn environments(text: &str) -> Result<Environments, String> {
    let text = format!("environments:\n{text}unlisted: refuse\n");
    let limits = GOOD[5].1.replace("\"environment:a\": {limit: 100}", "\"environment:*\": {limit: 100}");
    parse(&[("environments.yaml", &text), PEOPLE, ("limits.yaml", &limits)]).map(|governance| governance.environments)
}

#[test]
fn a_gate_asks_for_what_its_environment_says() {
    let found = environments(
        r#"  staging: {}
  production:
    approvals: {release-managers: 2}
    promote_after: staging
    soak_minutes: 90
    soak_alarms: [staging-errors, "staging: p95 > 1 s"]
    pause: " the network moves "
    freezes:
      - {name: weekend, from: friday 16:00, to: monday 08:00, time_zone: Europe/Berlin, reason: nobody is there}
      - {name: year-end, from: "2026-12-18 12:00", to: "2027-01-04 08:00", time_zone: UTC}
"#,
    )
    .unwrap();
    let rules = |name: &str| found.get(&name.parse::<EnvironmentName>().unwrap()).unwrap().rules;
    assert_eq!(rules("staging"), crate::domain::run::Rules::default());
    let rules = rules("production");
    let approvals: Vec<_> = rules.approvals.iter().flatten().map(|(group, least)| (group.as_str(), *least)).collect();
    assert_eq!(approvals, [("release-managers", 2)]);
    let promotion = rules.promotion.unwrap();
    assert_eq!((promotion.after.as_str(), promotion.soak), ("staging", SignedDuration::from_mins(90)));
    let alarms: Vec<_> = promotion.alarms.iter().map(|name| name.as_str()).collect();
    assert_eq!(alarms, ["staging-errors", "staging: p95 > 1 s"]);
    assert_eq!(rules.pause.as_deref(), Some("the network moves"));
    let freezes: Vec<_> =
        rules.freezes.iter().map(|freeze| format!("{} {} {}", freeze.name, freeze.from, freeze.to)).collect();
    assert_eq!(freezes, ["weekend friday 16:00 monday 08:00", "year-end 2026-12-18 12:00 2027-01-04 08:00"]);
    assert_eq!(rules.freezes[0].time_zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(rules.freezes[0].reason.as_deref(), Some("nobody is there"));
}

#[test]
fn a_misspelt_rule_is_no_absent_one() {
    let found = environments(
        r#"  a: {promote_after: prodution, soak_minutes: 0, pause: ""}
  b: {soak_minutes: 5, approvals: {release-manager: 0}}
  c: {gate: false, approvals: {release-managers: 1}}
  d: {promote_after: e}
  e: {promote_after: f}
  f: {promote_after: d, approval: 1}
  production:
    promote_after: production
    freezes:
      - {name: Weekend, from: Friday 16:00, to: monday 08:00, time_zone: Berlin}
      - {name: a, from: "08:00", to: monday 08:00, time_zone: UTC}
      - {name: a, from: "2027-01-04 08:00", to: "2026-12-18 12:00", time_zone: UTC, until: x}
      - {name: b}
      - {name: c, from: "08:00", to: "09:00", time_zone: UTC}
      - {name: c, from: "08:00", to: "09:00", time_zone: UTC}
"#,
    )
    .unwrap_err();
    insta::assert_snapshot!(found, @r#"
    environments.yaml:2:47: error: environments.a.soak_minutes: found 0 (a number, not in quotes), expected a whole number from 1 to 10080
    environments.yaml:2:57: error: environments.a.pause: found "", expected why, in 1 to 200 characters
    environments.yaml:3:36: error: environments.b.approvals: found "release-manager", expected a group of people.yaml; did you mean release-managers?
    environments.yaml:3:53: error: environments.b.approvals.release-manager: found 0 (a number, not in quotes), expected a whole number from 1 to 10
    environments.yaml:3:21: error: environments.b.soak_minutes: found 5 (a number, not in quotes), expected promote_after beside it: the environment in which a commit soaks
    environments.yaml:7:25: error: found the key "approval", expected one of branch, gate, accounts, certificates, restore_drift, approvals, promote_after, soak_minutes, soak_alarms, pause, freezes; did you mean approvals?
    environments.yaml:11:16: error: environments.production.freezes.name: found "Weekend", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    environments.yaml:11:31: error: environments.production.freezes.from: found "Friday 16:00", expected "18:00" (each day), "friday 16:00" (each week) or "2026-12-18 12:00" (once)
    environments.yaml:11:74: error: environments.production.freezes.time_zone: found "Berlin", expected a time zone's name such as Europe/Berlin or UTC
    environments.yaml:12:9: error: environments.production.freezes: found "08:00 to monday 08:00", expected two different times of one kind, and the later one second if each is once
    environments.yaml:13:85: error: found the key "until", expected one of name, from, to, time_zone, reason
    environments.yaml:13:9: error: environments.production.freezes: found "2027-01-04 08:00 to 2026-12-18 12:00", expected two different times of one kind, and the later one second if each is once
    environments.yaml:13:9: error: environments.production.freezes: found "a" a second time, expected each window under a name of its own
    environments.yaml:14:9: error: environments.production.freezes.from: found nothing, expected "18:00" (each day), "friday 16:00" (each week) or "2026-12-18 12:00" (once)
    environments.yaml:14:9: error: environments.production.freezes.to: found nothing, expected "18:00" (each day), "friday 16:00" (each week) or "2026-12-18 12:00" (once)
    environments.yaml:14:9: error: environments.production.freezes.time_zone: found nothing, expected a time zone's name such as Europe/Berlin or UTC
    environments.yaml:16:9: error: environments.production.freezes: found "c" a second time, expected each window under a name of its own
    environments.yaml:2:22: error: environments.a.promote_after: found "prodution", expected another environment of this file; did you mean production?
    environments.yaml:4:3: error: environments.c.gate: found false beside rules for it, expected gate: true, gate: invoke, or none of approvals, promote_after, pause and freezes
    environments.yaml:5:22: error: environments.d.promote_after: found "e", expected an environment that does not wait for this one
    environments.yaml:6:22: error: environments.e.promote_after: found "f", expected an environment that does not wait for this one
    environments.yaml:7:22: error: environments.f.promote_after: found "d", expected an environment that does not wait for this one
    environments.yaml:9:20: error: environments.production.promote_after: found "production", expected an environment that does not wait for this one
    "#);
}

#[test]
fn alarms_watch_a_soak_by_their_names_and_nothing_else_does() {
    let many = (0..11).map(|number| format!("a{number}")).collect::<Vec<_>>().join(", ");
    let found = environments(&format!(
        r#"  a: {{}}
  b: {{soak_alarms: [x]}}
  c: {{promote_after: a, soak_alarms: [x]}}
  d: {{promote_after: a, soak_minutes: 5, soak_alarms: []}}
  e: {{promote_after: a, soak_minutes: 5, soak_alarms: [{many}]}}
  f: {{promote_after: a, soak_minutes: 5, soak_alarms: x}}
  g: {{promote_after: a, soak_minutes: 5, soak_alarms: [x, x, 7, "arn:aws:cloudwatch:us-east-1:111111111111:alarm:x", "a	b"]}}
"#
    ))
    .unwrap_err();
    insta::assert_snapshot!(found, @r#"
    environments.yaml:3:20: error: environments.b.soak_alarms: found a list, expected promote_after and soak_minutes beside it: the soak that these alarms watch
    environments.yaml:4:38: error: environments.c.soak_alarms: found a list, expected promote_after and soak_minutes beside it: the soak that these alarms watch
    environments.yaml:5:55: error: environments.d.soak_alarms: found 0 of them, expected a list of 1 to 10 names of alarms
    environments.yaml:6:55: error: environments.e.soak_alarms: found 11 of them, expected a list of 1 to 10 names of alarms
    environments.yaml:7:55: error: environments.f.soak_alarms: found "x", expected a list of 1 to 10 names of alarms
    environments.yaml:8:59: error: environments.g.soak_alarms: found "x" a second time, expected each once
    environments.yaml:8:62: error: environments.g.soak_alarms: found 7 (a number, not in quotes), expected an alarm's name and not its ARN: 1 to 255 characters, none of them a control character
    environments.yaml:8:65: error: environments.g.soak_alarms: found "arn:aws:cloudwatch:us-east-1:111111111111:alarm:x", expected an alarm's name and not its ARN: 1 to 255 characters, none of them a control character
    environments.yaml:8:118: error: environments.g.soak_alarms: found "a\tb", expected an alarm's name and not its ARN: 1 to 255 characters, none of them a control character
    "#);
}
