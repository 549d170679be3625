//! The governance bundle for tests, as the files that people write.

use std::collections::BTreeMap;

/// The files of a bundle by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernanceFiles(pub BTreeMap<String, String>);

const PEOPLE: &str = "people:
  ada: {github_id: 1001, slack_id: U0000ADA, jwt_subject: sub|ada, roles: [admin], pods: [ratio]}
  bob: {github_id: 1002, slack_id: U0000BOB, jwt_subject: sub|bob, roles: [approver], pods: [ratio]}
  cy: {github_id: 1003, jwt_subject: sub|cy, roles: [member], pods: [ratio]}
  dan: {github_id: 1004, jwt_subject: sub|dan, roles: [member], pods: [ratio]}
  eve: {github_id: 1005, jwt_subject: sub|eve, roles: [member], pods: [ratio]}
  finn: {github_id: 1006, jwt_subject: sub|finn, roles: [member], pods: [nanda]}
  rae: {github_id: 1007, jwt_subject: sub|rae, roles: [reader], pods: []}
";

const LIMITS: &str = "default_ttl_seconds: 86400
max_ttl_seconds: 604800
ticket_ttl_seconds: 86400
warn_at_percent: 80
limits:
  portfolio: {limit: 10}
  expedite: {limit: 1}
  \"pod:*\": {limit: 5}
  \"pod-stage:*:*\": {limit: 5}
  \"pod-stage:*:scaffold\": {limit: 3}
";

const SCHEDULES: &str = "time_zone: America/Los_Angeles
working_days: [monday, tuesday, wednesday, thursday, friday]
daily: {channel: unblock-and-commit, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}
stale_after_days: 3
";

const STAGES: &str = "parked_review_days: 30
stages: [{name: spark}, {name: seed}, {name: scaffold}, {name: ship}, {name: scale}]
";

impl Default for GovernanceFiles {
    /// Two environments on `main` (integration without, production with the gate), one on `staging`, any account, and the
    /// repository with id 42. Pods ratio and nanda; ada (admin), bob, cy, dan and eve are members of ratio, finn of nanda, and
    /// rae only reads; everybody's token subject is `sub|<name>`. Limits: 10 in the portfolio, 5 a pod, 3 in a pod's scaffold.
    /// One stage pipeline, from spark to scale. Everybody meets at ten in Los Angeles.
    fn default() -> Self {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Self(BTreeMap::from([
            file(
                "environments.yaml",
                "unlisted: refuse\nenvironments:\n  integration: {branch: main, gate: false}\n  production: {branch: main}\n  staging: {branch: staging}\n",
            ),
            file("accounts.yaml", "unlisted: admit\naccounts: {}\n"),
            file(
                "repositories.yaml",
                "repositories:\n  - {id: 42, name: acme/clusters, kind: cluster, default_branch: main}\n",
            ),
            file("people.yaml", PEOPLE),
            file("pods.yaml", "pods: {ratio: {lead: ada}, nanda: {lead: finn}}\n"),
            file("limits.yaml", LIMITS),
            file("schedules.yaml", SCHEDULES),
            file("stages/short.yaml", STAGES),
        ]))
    }
}

impl GovernanceFiles {
    /// The same with the repository on CodeCommit.
    pub fn on_codecommit(self) -> Self {
        let (id, arn) = (super::CODECOMMIT_ID, super::CODECOMMIT_ARN);
        let entry = format!("  - {{id: {id}, arn: \"{arn}\", kind: cluster, default_branch: main}}");
        self.with("repositories.yaml", &format!("repositories:\n{entry}\n"))
    }

    /// The same with one file replaced.
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.0.insert(name.to_owned(), text.to_owned());
        self
    }

    /// The bundle's bytes, as Terraform stores them.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("a map of texts is JSON")
    }
}
