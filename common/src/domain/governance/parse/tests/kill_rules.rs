//! When an item is looked at with a view to its end, as a stage pipeline's file says it.

use super::*;
use crate::domain::stage::{
    Stage, StagePipeline,
    kill::{KillAction, KillRule, MEASURED},
};

const PEOPLE: (&str, &str) = (
    "people.yaml",
    "groups: [executive]\npeople: {ada: {roles: [], pods: [], groups: [executive]}, bob: {roles: [], pods: []}}\n",
);

fn pipeline(seed: &str, ship: &str) -> Result<StagePipeline, String> {
    let stages = format!(
        "parked_review_days: 30\nstages:\n  - name: seed\n    exit:\n      fit: {{at_least: 3, from: [check_run]}}\n    kill_rules:\n{seed}  \
         - name: ship\n    kill_rules:\n{ship}"
    );
    let governance = parse(&[PEOPLE, ("stages/short.yaml", &stages)])?;
    Ok(governance.stages[&"short".parse().unwrap()].clone())
}

#[test]
fn a_rule_says_what_is_looked_at_what_follows_after_how_long_and_who_is_told() {
    let seed = "      no-update: {when: {days_since_update: {more_than: 30}}, action: archive, grace_days: 7, notify: [owner, executive]}\n";
    let ship = "      poor-fit: {when: {fit: {less_than: 2}}, action: reject, grace_days: 0, notify: [pod-lead]}\n";
    let read = pipeline(seed, ship).unwrap();
    let [seed, ship] = read.stages.as_slice() else { panic!("{read:#?}") };
    let told = |stage: &Stage| -> Vec<(String, String, KillAction, i64, Vec<String>)> {
        let rule = |rule: &KillRule| {
            let (key, requirement) = &rule.when;
            let notify = rule.notify.iter().map(ToString::to_string).collect();
            (
                rule.name.to_string(),
                format!("{key} {}", requirement.words()),
                rule.action,
                rule.grace.as_hours(),
                notify,
            )
        };
        stage.kill_rules.iter().map(rule).collect()
    };
    let row = |name: &str, when: &str, action, hours, notify: &[&str]| {
        (name.to_owned(), when.to_owned(), action, hours, notify.iter().map(|group| (*group).to_owned()).collect())
    };
    let wanted = row("no-update", "days_since_update more than 30", KillAction::Archive, 168, &["executive", "owner"]);
    assert_eq!(told(seed), [wanted]);
    assert_eq!(told(ship), [row("poor-fit", "fit less than 2", KillAction::Reject, 0, &["pod-lead"])]);
}

#[test]
fn every_action_and_everything_that_is_measured_can_be_named() {
    for (action, measured) in KillAction::ALL.iter().cycle().zip(MEASURED) {
        let rule = format!(
            "      a-rule: {{when: {{{measured}: {{more_than: 1}}}}, action: {}, grace_days: 1, notify: [owner]}}\n",
            action.as_str()
        );
        assert_eq!(
            pipeline(&rule, &rule.replace("a-rule", "another")).unwrap().stages[0].kill_rules[0].action,
            *action
        );
    }
}

#[test]
fn a_rule_that_could_never_hold_or_says_less_than_it_must_is_refused_with_its_place() {
    let seed = "      No-Update: {when: {days_since_updat: {more_than: 30}}, action: archiv, grace_days: -1, notify: [ownr, bob]}\n      \
                empty: {}\n      many: {when: {fit: {is: true}, days_since_update: {more_than: 1}}, action: block, grace_days: 366, notify: []}\n      \
                twice: {when: {fitt: {less_than: 2}}, action: block, grace_days: 0, notify: [owner], grace: 1}\n      words: often\n";
    let ship = "      twice: {when: {fit: {less_than: 2, at_least: 1}}, action: block, grace_days: 0, notify: [owner]}\n      \
                again: {when: {nothing_like_it: {less_than: 2}}, action: block, grace_days: 0, notify: [owner]}\n      \
                empty-list: {when: [], action: block, grace_days: 0, notify: owner}\n";
    insta::assert_snapshot!(pipeline(seed, ship).unwrap_err(), @r#"
    stages/short.yaml:7:7: error: kill_rules: found "No-Update", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    stages/short.yaml:7:70: error: kill_rules.No-Update.action: found "archiv", expected archive, reject, block, escalate, review, rollback or incident; did you mean archive?
    stages/short.yaml:7:90: error: kill_rules.No-Update.grace_days: found -1 (a number, not in quotes), expected a whole number from 0 to 365
    stages/short.yaml:7:103: error: kill_rules.No-Update.notify: found "ownr", expected owner, pod-lead, pod, or a group of people.yaml
    stages/short.yaml:7:109: error: kill_rules.No-Update.notify: found "bob", expected owner, pod-lead, pod, or a group of people.yaml
    stages/short.yaml:8:7: error: kill_rules.empty.when: found nothing, expected what holds when an item is looked at
    stages/short.yaml:8:7: error: kill_rules.empty.action: found nothing, expected one of archive, reject, block, escalate, review, rollback, incident
    stages/short.yaml:8:7: error: kill_rules.empty.grace_days: found nothing, expected a number of days; 0: at once
    stages/short.yaml:8:7: error: kill_rules.empty.notify: found nothing, expected a list of groups
    stages/short.yaml:9:20: error: kill_rules.many.when: found 2 keys, expected one thing to look at
    stages/short.yaml:9:101: error: kill_rules.many.grace_days: found 366 (a number, not in quotes), expected a whole number from 0 to 365
    stages/short.yaml:9:114: error: kill_rules.many.notify: found an empty list, expected a list of groups
    stages/short.yaml:10:92: error: found the key "grace", expected one of when, action, grace_days, notify
    stages/short.yaml:11:14: error: kill_rules.words: found "often", expected a mapping
    stages/short.yaml:14:22: error: kill_rules.twice.when.fit: found more than one, expected one of is, at_least, more_than, at_most, less_than, equals, one_of
    stages/short.yaml:16:26: error: kill_rules.empty-list.when: found a list, expected a mapping
    stages/short.yaml:16:68: error: kill_rules.empty-list.notify: found "owner", expected a list of groups
    stages/short.yaml:7:26: error: kill_rules.when: found "days_since_updat", expected what a criterion of this pipeline asks for, or something that is measured; did you mean days_since_update?
    stages/short.yaml:10:22: error: kill_rules.when: found "fitt", expected what a criterion of this pipeline asks for, or something that is measured; did you mean fit?
    stages/short.yaml:15:22: error: kill_rules.when: found "nothing_like_it", expected what a criterion of this pipeline asks for, or something that is measured
    "#);
    let again = "      again: {when: {fit: {less_than: 2}}, action: block, grace_days: 0, notify: [owner]}\n";
    assert_eq!(pipeline(again, again).unwrap().stages[1].kill_rules.len(), 1, "the same rule in another stage");
    insta::assert_snapshot!(pipeline(again, &again.replace("less_than: 2", "less_than: 1")).unwrap_err(), @r#"stages/short.yaml:10:7: error: kill_rules: found "again" a second time, with other words, expected the same rule, or another name"#);
}
