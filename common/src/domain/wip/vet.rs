//! Whether an item names people, pods and places that there are.
//!
//! A pattern such as `owned:*` has a rule for any name. Without this, a misspelt owner would open a scope of their own, in which
//! there is always room; a misspelt stage would be one with another limit, and a row that stays for ever.

use super::scope::{MAX_INVOLVED, Work};
use crate::domain::{cluster::nearest, governance::Governance, id::quoted};

/// One thing that is wrong with what is asked about an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, expected {expected}{}", .nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
pub struct Misfit {
    /// Which field: `involved[2]`.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
    /// The name closest to it.
    pub nearest: Option<String>,
}

/// Everything that is wrong with it; nothing when all is known.
pub fn vet(work: &Work, governance: &Governance) -> Vec<Misfit> {
    let mut found = Vec::new();
    let mut unknown = |field: &str, name: &str, expected: &str, known: &mut dyn Iterator<Item = &str>| {
        let known: Vec<&str> = known.collect();
        if !known.contains(&name) {
            found.push(Misfit {
                field: field.to_owned(),
                found: quoted(name, 80),
                expected: expected.to_owned(),
                nearest: nearest(name, known),
            });
        }
    };
    let people = || governance.people.listed.keys().map(|name| name.as_str());
    unknown("pod", work.pod.as_str(), "a pod of pods.yaml", &mut governance.pods.listed.keys().map(|pod| pod.as_str()));
    let stages = || governance.stages.values().flat_map(|pipeline| &pipeline.stages).map(|stage| stage.name.as_str());
    unknown("stage", work.stage.as_str(), "a stage of a pipeline in stages/", &mut stages());
    unknown("owner", work.owner.as_str(), "a person of people.yaml", &mut people());
    for (at, person) in work.involved.iter().enumerate() {
        unknown(&format!("involved[{at}]"), person.as_str(), "a person of people.yaml", &mut people());
    }
    if let Some(name) = work.environment.as_ref().filter(|name| governance.environments.get(name).is_none()) {
        let known = governance.environments.listed.keys().map(|name| name.as_str());
        unknown("environment", name.as_str(), "an environment of environments.yaml", &mut known.into_iter());
    }
    if let Some(id) = work.account.as_ref().filter(|id| !governance.accounts.knows(id)) {
        let known = governance.accounts.listed.keys().map(|id| id.as_str());
        unknown("account", id.as_str(), "an account of accounts.yaml", &mut known.into_iter());
    }
    // What happens to that item is said on the pull request: it must be the pull request's own doing.
    if work.item.pull_request().is_some() {
        found.push(Misfit {
            field: "item".to_owned(),
            found: quoted(work.item.as_str(), 80),
            expected: "an item that is no pull request: one of those asks by being open".to_owned(),
            nearest: None,
        });
    }
    let crowd = work.involved.len();
    if crowd > MAX_INVOLVED {
        found.push(Misfit {
            field: "involved".to_owned(),
            found: format!("{crowd} persons"),
            expected: format!("at most {MAX_INVOLVED}"),
            nearest: None,
        });
    }
    if work.involved.contains(&work.owner) {
        found.push(Misfit {
            field: "involved".to_owned(),
            found: format!("the owner, {}", work.owner),
            expected: "who takes part beside the owner".to_owned(),
            nearest: None,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn governance() -> Governance {
        let files = BTreeMap::from([
            ("environments.yaml", "environments: {staging: {}}\nunlisted: refuse\n"),
            ("accounts.yaml", "accounts: {\"000000000012\": one}\nunlisted: refuse\n"),
            ("repositories.yaml", "repositories: []\n"),
            ("people.yaml", "people: {ada: {roles: [], pods: []}, bob: {roles: [], pods: []}}\n"),
            ("pods.yaml", "pods: {ratio: {}}\n"),
            ("stages/short.yaml", "{parked_review_days: 30, stages: [{name: seed}, {name: scaffold}]}\n"),
            (
                "limits.yaml",
                "{default_ttl_seconds: 60, max_ttl_seconds: 60, ticket_ttl_seconds: 600, warn_at_percent: 80, limits: {portfolio: {limit: 1}}}\n",
            ),
            (
                "schedules.yaml",
                "{time_zone: UTC, working_days: [monday], stale_after_days: 1, daily: {channel: here, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}}\n",
            ),
        ]);
        Governance::parse(&serde_json::to_vec(&files).unwrap()).unwrap()
    }

    fn work(text: &str) -> Work {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_item_of_known_names_is_fine() {
        let known = r#"{"item": "p-1", "pod": "ratio", "stage": "scaffold", "type": "project", "owner": "ada", "involved": ["bob"],
            "environment": "staging", "account": "000000000012"}"#;
        assert_eq!(vet(&work(known), &governance()), []);
    }

    #[test]
    fn nobody_asks_in_the_name_of_a_pull_request() {
        let named =
            r#"{"item": "pr-42-7", "pod": "ratio", "stage": "scaffold", "type": "pull_request", "owner": "ada"}"#;
        let said: Vec<String> = vet(&work(named), &governance()).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"item: found "pr-42-7", expected an item that is no pull request: one of those asks by being open"#);
        assert_eq!(vet(&work(&named.replace("pr-42-7", "pr-42")), &governance()), []);
    }

    #[test]
    fn every_unknown_name_is_said_with_the_nearest() {
        let unknown = r#"{"item": "p-1", "pod": "ratoi", "stage": "scafold", "type": "project", "owner": "adda",
            "involved": ["bobb", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"], "environment": "stagin", "account": "000000000013"}"#;
        let said: Vec<String> = vet(&work(unknown), &governance()).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        pod: found "ratoi", expected a pod of pods.yaml; did you mean ratio?
        stage: found "scafold", expected a stage of a pipeline in stages/; did you mean scaffold?
        owner: found "adda", expected a person of people.yaml; did you mean ada?
        involved[0]: found "bobb", expected a person of people.yaml; did you mean bob?
        involved[1]: found "c1", expected a person of people.yaml
        involved[2]: found "c2", expected a person of people.yaml
        involved[3]: found "c3", expected a person of people.yaml
        involved[4]: found "c4", expected a person of people.yaml
        involved[5]: found "c5", expected a person of people.yaml
        involved[6]: found "c6", expected a person of people.yaml
        involved[7]: found "c7", expected a person of people.yaml
        involved[8]: found "c8", expected a person of people.yaml
        environment: found "stagin", expected an environment of environments.yaml; did you mean staging?
        account: found "000000000013", expected an account of accounts.yaml; did you mean 000000000012?
        involved: found 9 persons, expected at most 8
        "#);
        let twice = r#"{"item": "p-1", "pod": "ratio", "stage": "scaffold", "type": "project", "owner": "ada", "involved": ["ada"]}"#;
        assert_eq!(
            vet(&work(twice), &governance())[0].to_string(),
            "involved: found the owner, ada, expected who takes part beside the owner"
        );
    }
}
