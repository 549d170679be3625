//! The governance bundle for tests, as the files that people write.

use std::collections::BTreeMap;

/// The files of a bundle by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernanceFiles(pub BTreeMap<String, String>);

impl Default for GovernanceFiles {
    /// Two environments on `main` (integration without, production with the gate), one on `staging`, any account, and the
    /// repository with id 42.
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
        ]))
    }
}

impl GovernanceFiles {
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
