//! The governance files in the repository are what the functions can read, and they are the careful example that they claim to be.

use std::{collections::BTreeMap, fs, path::Path};

use common::domain::{
    governance::{Gate, Governance, Unlisted},
    stage::{Stage, kill::KillRule},
    wip::{ItemType, Scope},
};

use crate::repository_root;

/// The files below a folder by their names from there, as Terraform and the local stack join them.
pub(crate) fn files(folder: &Path, before: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = format!("{before}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            found.extend(files(&path, &format!("{name}/")));
        } else {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn read(folder: &str) -> Governance {
    let files = files(&repository_root().join(folder), "");
    let bundle = serde_json::to_vec(&files).unwrap();
    Governance::parse(&bundle).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

#[test]
fn committed_governance_files_parse_and_refuse_what_they_do_not_list() {
    let governance = read("terraform/governance");
    assert_eq!(governance.environments.unlisted, Unlisted::Refuse);
    assert_eq!(governance.accounts.unlisted, Unlisted::Refuse);
    assert!(
        governance.environments.listed.values().all(|environment| environment.gate != Gate::Off),
        "every example is gated"
    );
    let accounts = |name: &str| governance.environments.listed[&name.parse().unwrap()].accounts.clone();
    let (integration, production) = (accounts("integration").unwrap(), accounts("production").unwrap());
    assert!(integration.is_disjoint(&production), "a push to main reaches no account of production");
    assert!(integration.union(&production).all(|id| governance.accounts.listed.contains_key(id)));
    assert_eq!(governance.repositories.listed.len(), 1);
    assert!(!governance.people.roles_from_token, "only the file gives roles");
}

#[test]
fn committed_limits_are_those_of_the_charter_and_leave_no_item_without_a_rule() {
    let governance = read("terraform/governance");
    let limit = |scope: &str| governance.limits.rule(&scope.parse().unwrap()).map(|rule| rule.limit);
    let charter = [
        ("portfolio", 10),
        ("pod:meta", 5),
        ("pod-stage:meta:scaffold", 3),
        ("stage:seed", 5),
        ("owned:ada", 2),
        ("involved:ada", 4),
        ("pod-type:ratio:project", 3),
        ("pod-type:ratio:pull_request", 5),
        ("pod-type:ratio:deployment", 2),
        ("pod-type:nanda:project", 2),
        ("pod-type:nanda:pull_request", 4),
        ("pod-type:nanda:deployment", 1),
        ("pod-type:meta:project", 2),
        ("pod-type:meta:pull_request", 3),
        ("pod-type:meta:deployment", 1),
    ];
    for (scope, number) in charter {
        assert_eq!(limit(scope), Some(number), "{scope}");
    }
    for pod in governance.pods.listed.keys() {
        for item_type in ItemType::ALL {
            let scope = Scope::PodType(pod.clone(), item_type);
            assert!(governance.limits.rule(&scope).is_some(), "an item of {scope} would be refused");
        }
        assert!(governance.limits.rule(&Scope::PodStage(pod.clone(), "inception".parse().unwrap())).is_some());
    }
}

#[test]
fn committed_stage_pipelines_are_the_two_that_ship() {
    let governance = read("terraform/governance");
    let stages = |name: &str| -> Vec<(String, usize, usize, usize)> {
        let pipeline = &governance.stages[&name.parse().unwrap()];
        let row = |stage: &Stage| (stage.name.to_string(), stage.entry.len(), stage.exit.len(), stage.reviews.len());
        pipeline.stages.iter().map(row).collect()
    };
    assert_eq!(governance.stages.len(), 2);
    let row = |name: &str, entry, exit, reviews| (name.to_owned(), entry, exit, reviews);
    assert_eq!(
        stages("candlefish"),
        [
            row("spark", 3, 4, 1),
            row("seed", 2, 9, 3),
            row("scaffold", 2, 12, 3),
            row("ship", 2, 12, 3),
            row("scale", 2, 7, 1)
        ]
    );
    assert_eq!(
        stages("delivery"),
        [
            row("inception", 0, 0, 1),
            row("problem-definition", 3, 0, 1),
            row("solution-design", 3, 0, 1),
            row("development", 3, 0, 1),
            row("testing", 3, 0, 1),
            row("deployment", 3, 0, 1),
            row("monitoring", 3, 0, 0),
        ]
    );
    let rules = |name: &str| -> Vec<String> {
        let pipeline = &governance.stages[&name.parse().unwrap()];
        let row = |stage: &Stage, rule: &KillRule| {
            let ((key, requirement), days) = (&rule.when, rule.grace.as_hours() / 24);
            format!("{}: {key} {}: {} after {days} d", stage.name, requirement.words(), rule.action.as_str())
        };
        pipeline.stages.iter().flat_map(|stage| stage.kill_rules.iter().map(|rule| row(stage, rule))).collect()
    };
    insta::assert_snapshot!(rules("candlefish").join("\n"), @"
    spark: days_since_update more than 30: archive after 7 d
    spark: strategic_fit less than 2: reject after 0 d
    seed: dependencies_blocked_days more than 14: escalate after 3 d
    seed: effort_times_original more than 3: review after 0 d
    scaffold: acceptance_failing_days more than 7: block after 1 d
    scaffold: coverage_percent less than 40: review after 7 d
    ship: customer_bug_hours more than 48: rollback after 0 d
    ship: remarkable_violations more than 0: block after 0 d
    ship: remarkable_score less than 3: review after 7 d
    ship: critical_vulnerabilities more than 0: review after 7 d
    ship: performance_regression_percent more than 50: review after 7 d
    scale: sla_violated_days more than 3: incident after 0 d
    scale: cost_overrun_percent more than 50: review after 0 d
    ");
    insta::assert_snapshot!(rules("delivery").join("\n"), @"
    inception: days_since_update more than 30: archive after 7 d
    problem-definition: dependencies_blocked_days more than 14: escalate after 3 d
    problem-definition: effort_times_original more than 3: review after 0 d
    solution-design: dependencies_blocked_days more than 14: escalate after 3 d
    solution-design: effort_times_original more than 3: review after 0 d
    development: acceptance_failing_days more than 7: block after 1 d
    testing: acceptance_failing_days more than 7: block after 1 d
    deployment: customer_bug_hours more than 48: rollback after 0 d
    deployment: remarkable_violations more than 0: block after 0 d
    deployment: remarkable_score less than 3: review after 7 d
    deployment: critical_vulnerabilities more than 0: review after 7 d
    deployment: performance_regression_percent more than 50: review after 7 d
    monitoring: sla_violated_days more than 3: incident after 0 d
    monitoring: cost_overrun_percent more than 50: review after 0 d
    ");
    // An item in any of these stages has its places.
    for stage in governance.stages.values().flat_map(|pipeline| &pipeline.stages) {
        assert!(
            governance.limits.rule(&Scope::Stage(stage.name.clone())).is_some(),
            "no rule for stage:{}",
            stage.name
        );
    }
}

#[test]
fn the_committed_schedule_is_the_charter_s() {
    let schedules = read("terraform/governance").schedules;
    let at = |now: &str| -> Vec<String> {
        let due = schedules.due(now.parse().unwrap()).into_iter();
        due.map(|due| format!("{} {}", due.channel, due.slot.kind.as_str())).collect()
    };
    // Ten, one and eleven o'clock in Los Angeles, in summer and in winter.
    assert_eq!(at("2026-07-02T17:00:00Z"), ["unblock-and-commit thread", "demos sign-up"]);
    assert_eq!(at("2026-12-03T18:00:00Z"), ["unblock-and-commit thread", "demos sign-up"]);
    assert_eq!(at("2026-12-04T21:00:00Z"), ["demos demo"]);
    assert!(at("2026-12-07T19:00:00Z").contains(&"portfolio-council council".to_owned()));
    let rungs = schedules.ladder.rungs.iter().map(|rung| (rung.after.as_hours(), rung.group.to_string()));
    assert_eq!(rungs.collect::<Vec<_>>(), [(24, "integrator".to_owned()), (48, "executive".to_owned())]);
}

#[test]
fn the_local_stack_s_governance_files_parse() {
    let governance = read("tests/stack/governance");
    assert_eq!(governance.environments.unlisted, Unlisted::Admit);
    assert!(governance.people.roles_from_token, "make token ROLE=… counts");
}
