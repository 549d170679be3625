//! The example repositories are what they claim to be: each file has its form, and each README's line onboards the repository and prints
//! what the README shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use common::domain::{
    governance::RepositoryKind,
    id::RepositoryId,
    yaml::{self, Node},
};

use crate::{
    github::host::{Host, ID},
    onboarding::{Desk, read},
    repository_root,
};

/// The folder, the kind, and where its configuration is.
const EXAMPLES: [(&str, RepositoryKind, &str); 3] = [
    ("source-services", RepositoryKind::Services, "services"),
    ("source-monorepo", RepositoryKind::ManagerMonorepo, "infra"),
    ("source-separate", RepositoryKind::ManagerSeparate, "infra"),
];

/// Every file of an example by its path from there.
fn example(name: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    gather(&repository_root().join("examples").join(name), "", &mut found);
    assert!(found.contains_key("README.md"), "{name}");
    found
}

fn gather(folder: &Path, before: &str, found: &mut BTreeMap<String, String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = format!("{before}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            gather(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The README's line without its prompt and program, and what it prints.
fn shown(readme: &str) -> (&str, &str) {
    let block = readme.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let (line, printed) = block.split_once('\n').unwrap();
    (line.strip_prefix("$ penstock onboard ").unwrap(), printed)
}

#[tokio::test]
async fn each_readme_shows_what_its_line_prints() {
    for (folder, kind, path) in EXAMPLES {
        let files = example(folder);
        let listed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let (host, _) = Host::with_main(&listed).await;
        let desk = Desk::beside(&host);
        let (line, printed) = shown(&files["README.md"]);
        let name = line.split(' ').next().unwrap();
        // The forge has one repository; its name and id stand for those of the example.
        let (answer, said) = desk.onboard(&line.replace(name, "acme/fleet")).await;
        let id = printed.split("its id is ").nth(1).unwrap().lines().next().unwrap();
        let wanted = printed.replace(name, "acme/fleet").replace(id, &ID.to_string());
        assert_eq!(said, desk.masked(&wanted.replace("terraform/governance", "DESK/governance")), "{folder}");
        assert_eq!(answer, Ok(true));
        let entry = &read(&desk.governance()).repositories.listed[&RepositoryId::GitHub(ID)];
        assert_eq!((entry.kind, entry.path.as_ref().map(|path| path.as_str())), (kind, Some(path)), "{folder}");
    }
}

#[test]
fn services_are_one_folder_a_resource() {
    let segment = |text: &str| {
        (1..=63).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    };
    let files = example("source-services");
    let mut deployments = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| *path != "README.md") {
        let parts: Vec<&str> = path.split('/').collect();
        let ["services", service, resource, file] = parts.as_slice() else { panic!("{path}") };
        assert!(segment(service) && segment(resource), "{path}");
        let folder = format!("services/{service}/{resource}");
        let variables = &files[&format!("{folder}/{resource}.tfvars")];
        if let Some(stem) = file.strip_suffix(".tfvars") {
            assert_eq!(stem, *resource, "{path}");
            let opened = |bracket: char| text.matches(bracket).count();
            assert_eq!((opened('{'), opened('[')), (opened('}'), opened(']')), "{path}");
            assert!(text.contains("environment  = \"development\""), "{path}");
            deployments.insert(folder);
        } else {
            assert!(file.ends_with(".json"), "{path}");
            assert!(variables.contains(&format!("\"{file}\"")), "{path} is named by nothing");
            let policy: serde_json::Value = serde_json::from_str(text).unwrap();
            let statements = policy["Statement"].as_array().unwrap();
            assert!(!statements.is_empty() && statements.iter().all(|one| one["Effect"] == "Deny"), "{path}");
        }
    }
    assert_eq!(deployments.len(), 2, "{deployments:?}");
}

const KEYS: [&str; 14] = [
    "backup",
    "cloud_provider",
    "compute",
    "custom",
    "database",
    "environments",
    "features",
    "monitoring",
    "networking",
    "notifications",
    "project_name",
    "scaling",
    "security",
    "storage",
];

#[test]
fn variables_have_their_form_and_no_secret() {
    for folder in ["source-monorepo", "source-separate"] {
        let files = example(folder);
        let text = &files["infra/variables.yml"];
        assert!(!text.contains("slack_webhook") && !text.contains("password"), "{folder}");
        let read: String = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(!read.replace("\"{{ environment }}\"", "").contains("{{"), "{folder}: another template");
        let entries = yaml::parse("infra/variables.yml", text.as_bytes(), &yaml::Limits::CLUSTER).unwrap();
        let top = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        for entry in &entries {
            assert!(entry.key == "tags" || KEYS.contains(&entry.key.as_str()), "{folder}: {}", entry.key);
        }
        let name = top("project_name").and_then(Node::text).unwrap();
        assert!((2..=39).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(
            top("tags").and_then(Node::mapping).is_some_and(|tags| tags.iter().any(|tag| tag.key == "cost_center"))
        );
        let environments = top("environments").and_then(Node::mapping).unwrap();
        let names: Vec<&str> = environments.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(names, ["staging", "production"], "{folder}");
        for environment in environments {
            let field = |key: &str| {
                let entries = environment.value.mapping().unwrap();
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
            };
            assert!(field("region").and_then(Node::text).is_some_and(|region| region.split('-').count() == 3));
            let number = |key: &str| field(key).and_then(Node::int).unwrap();
            assert!(number("min_instances") <= number("max_instances"), "{folder}");
        }
    }
}
