//! The words of the arguments, and the file. What hosts say is in `tests/workspace/onboarding.rs`, against a host.

use super::*;

#[test]
fn each_kind_has_its_word() {
    for (word, wanted) in RepositoryKind::ALL {
        assert_eq!(kind(word), Ok(wanted));
    }
    insta::assert_snapshot!(kind("manager").unwrap_err(), @"expected one of cluster, application, services, manager-monorepo, manager-separate");
}

#[test]
fn a_file_is_replaced_whole_as_it_is_and_never_over_another_hand() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("real.yaml"), folder.path().join(FILE));
    fs::write(&file, "old").unwrap();
    let mode = |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o664)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    replace(&link, "old", "new").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(mode(&file) & 0o777, 0o664);

    let why = replace(&link, "old", "newer").unwrap_err().to_string();
    assert!(why.ends_with("was changed meanwhile: nothing was written, run the command again"), "{why}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert!(replace(&folder.path().join("none.yaml"), "", "new").is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
}

#[test]
fn a_configuration_that_could_not_be_used_with_the_entry_is_not_made() {
    let entry = NewEntry {
        id: "7".parse().unwrap(),
        address: "acme/shop".parse().unwrap(),
        pod: "ratio".parse().unwrap(),
        kind: RepositoryKind::Application,
        path: None,
        default_branch: "main".parse().unwrap(),
    };
    let with = |repositories: &str| {
        let files = [("pods.yaml", "pods: {nanda: {}}\n"), (FILE, repositories)];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        add(&files, &entry).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let said =
        ["repositories: []\n", "repositories: [{id: 7}]\n", "repositories: 7\n", "a: [\n"].map(with).join("\n\n");
    insta::assert_snapshot!(said, @r#"
    FAIL  environments.yaml:1:1: error: found no such file in the bundle, expected the file
    FAIL  accounts.yaml:1:1: error: found no such file in the bundle, expected the file
    FAIL  repositories.yaml:4:10: error: pod: found "ratio", expected a pod of pods.yaml
    FAIL  people.yaml:1:1: error: found no such file in the bundle, expected the file
    FAIL  limits.yaml:1:1: error: found no such file in the bundle, expected the file
    FAIL  schedules.yaml:1:1: error: found no such file in the bundle, expected the file

    FAIL  repositories.yaml:1:17: repository 7 is listed already; whatever its name is now, it is the same one. Change that entry

    FAIL  repositories.yaml has no list of repositories: write the entry into it by hand

    FAIL  repositories.yaml:1:4: error: found "unclosed bracket '['", expected YAML that can be read
    "#);
}
