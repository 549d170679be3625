//! The governance files in the repository are what the functions can read, and they are the careful example that they claim to be.

use std::{collections::BTreeMap, fs};

use common::domain::governance::{Governance, Unlisted};

use crate::repository_root;

#[test]
fn committed_governance_files_parse_and_refuse_what_they_do_not_list() {
    let files: BTreeMap<String, String> = fs::read_dir(repository_root().join("terraform/governance"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    let bundle = serde_json::to_vec(&files).unwrap();
    let governance = Governance::parse(&bundle).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(governance.environments.unlisted, Unlisted::Refuse);
    assert_eq!(governance.accounts.unlisted, Unlisted::Refuse);
    assert!(governance.environments.listed.values().all(|environment| environment.gate), "every example is gated");
    let accounts = |name: &str| governance.environments.listed[&name.parse().unwrap()].accounts.clone();
    let (integration, production) = (accounts("integration").unwrap(), accounts("production").unwrap());
    assert!(integration.is_disjoint(&production), "a push to main reaches no account of production");
    assert!(integration.union(&production).all(|id| governance.accounts.listed.contains_key(id)));
    assert_eq!(governance.repositories.listed.len(), 1);
}
