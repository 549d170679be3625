//! `penstock onboard` against the forge, as GitHub and as CodeCommit: what a person reads, what is written, and what never is.

use std::{collections::BTreeMap, fs, path::Path};

use axum::http::Method;
use common::domain::{
    governance::{Governance, RepositoryKind},
    id::RepositoryId,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    github::host::{APP, ARN, Host, ID, UUID, key},
    repository_root,
};

const REPOSITORIES: &str = "# Ours.
repositories:
  - id: 123456789 # the first
    name: example-org/platform-config
    kind: cluster
    default_branch: main
";

/// A copy of the configuration in this repository with a registry of its own, and what the command needs to know.
pub(crate) struct Desk {
    folder: TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Desk {
    pub(crate) fn beside(host: &Host) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let governance = folder.path().join("governance");
        fs::create_dir_all(governance.join("stages")).unwrap();
        let from = repository_root().join("terraform/governance");
        for folder in ["", "stages"] {
            for file in fs::read_dir(from.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
                if file.is_file() {
                    fs::copy(&file, governance.join(folder).join(file.file_name().unwrap())).unwrap();
                }
            }
        }
        fs::write(governance.join("repositories.yaml"), REPOSITORIES).unwrap();
        let pem = folder.path().join("app.pem");
        fs::write(&pem, &key().0).unwrap();
        let variables = [
            ("GITHUB_APP_ID", APP.to_string()),
            ("GITHUB_APP_KEY_FILE", pem.to_str().unwrap().to_owned()),
            ("GITHUB_API_URL", host.forge.url.clone()),
            ("AWS_ACCESS_KEY_ID", "user-ada".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "canary-of-the-secret".to_owned()),
            ("AWS_ENDPOINT_URL_CODECOMMIT", host.forge.url.clone()),
        ];
        Self { folder, variables: variables.into() }
    }

    pub(crate) fn governance(&self) -> std::path::PathBuf {
        self.folder.path().join("governance")
    }

    fn file(&self) -> String {
        fs::read_to_string(self.governance().join("repositories.yaml")).unwrap()
    }

    /// Runs the command as a process of its own would; what it says, without this machine's paths and commits.
    pub(crate) async fn onboard(&self, arguments: &str) -> (Result<bool, String>, String) {
        let governance = self.governance();
        let mut all = vec!["penstock".to_owned(), "onboard".to_owned()];
        all.extend(arguments.split(' ').map(str::to_owned));
        all.extend(["--governance".to_owned(), governance.to_str().unwrap().to_owned()]);
        let variables = self.variables.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let mut out = Vec::new();
            let variable = |name: &str| variables.get(name).cloned();
            let answer = penstock::command(all, &variable, &mut out).map_err(|error| format!("{error:#}"));
            (answer, String::from_utf8(out).unwrap())
        });
        let (answer, said) = ran.await.unwrap();
        for secret in ["canary-of-the-secret", "PRIVATE KEY", "ghs_"] {
            assert!(!said.contains(secret) && !answer.as_ref().is_err_and(|why| why.contains(secret)), "{secret}");
        }
        (answer, self.masked(&said))
    }

    pub(crate) fn masked(&self, said: &str) -> String {
        let said = said.replace(self.folder.path().to_str().unwrap(), "DESK");
        let mask = |word: &str| {
            let commit = word.len() == 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            if commit { "COMMIT".to_owned() } else { word.to_owned() }
        };
        said.split('\n')
            .map(|line| line.split(' ').map(mask).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

pub(crate) fn read(governance: &Path) -> Governance {
    let files = crate::governance_files::files(governance, "");
    Governance::parse(&serde_json::to_vec(&files).unwrap()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

#[tokio::test]
async fn a_repository_of_github_is_looked_at_and_listed_once() {
    let (host, _) = Host::with_main(&[("services/catalog/S3/S3.json", "{}\n")]).await;
    let desk = Desk::beside(&host);
    let before = desk.file();
    // Names on GitHub differ in more than the case of their letters; the host's own writing is kept.
    let line = "ACME/Fleet --kind services --pod ratio --path services";
    let (answer, said) = desk.onboard(line).await;
    insta::assert_snapshot!(said, @r"
    ok    pod ratio is one of pods.yaml
    ok    acme/fleet can be read; its id is 4242
    ok    branch main is at COMMIT
    ok    directory services is there
    ok    DESK/governance/repositories.yaml has one entry more:
      - id: 4242
        name: acme/fleet
        pod: ratio
        kind: services
        path: services
        default_branch: main
    review it, commit it and deploy the control plane: until then nothing is done for the repository
    ");
    assert_eq!(answer, Ok(true));
    let after = desk.file();
    assert!(after.starts_with(&before), "what people wrote stays");
    let listed = read(&desk.governance()).repositories.listed;
    let entry = &listed[&RepositoryId::GitHub(ID)];
    assert_eq!((listed.len(), entry.kind), (2, RepositoryKind::Services));
    assert_eq!(entry.pod.as_ref().map(|pod| pod.as_str()), Some("ratio"));
    // The first token may read a description, and of this repository alone.
    let (_, asked) = host.person(Method::GET, "/_forge/token-requests", Value::Null).await;
    assert_eq!(asked[0], json!({"repositories": ["Fleet"], "permissions": {"metadata": "read"}}));
    assert!(asked.as_array().unwrap().iter().all(|asked| !asked.to_string().contains("write")), "{asked}");

    let (answer, said) = desk.onboard(line).await;
    insta::assert_snapshot!(said, @r"
    ok    pod ratio is one of pods.yaml
    ok    acme/fleet can be read; its id is 4242
    ok    branch main is at COMMIT
    ok    directory services is there
    FAIL  repositories.yaml:7:5: repository 4242 is listed already; whatever its name is now, it is the same one. Change that entry
    nothing was written
    ");
    assert_eq!((answer, desk.file()), (Ok(false), after));
    let requests = host.requests().await;
    assert!(requests.iter().all(|line| line.starts_with("GET ") || line.contains("access_tokens")), "{requests:#?}");
}

#[tokio::test]
async fn what_is_missing_on_github_is_said_and_nothing_is_written() {
    let (host, _) = Host::with_main(&[("infra/variables.yaml", "a: 1\n"), ("file", "1\n")]).await;
    let desk = Desk::beside(&host);
    let before = desk.file();
    let mut all = Vec::new();
    for line in [
        "acme/other --kind application --pod ratio",
        "acme/fleet --kind cluster --pod ratio",
        "acme/fleet --kind manager-monorepo --pod ration --path file",
        "acme/fleet --kind services --pod ratio --path infra/deeper",
        "acme/fleet --kind manager-separate --pod ratio --path infra --default-branch production",
    ] {
        let (answer, said) = desk.onboard(line).await;
        assert_eq!((answer, desk.file()), (Ok(false), before.clone()), "{line}: {said}");
        all.push(format!("$ penstock onboard {line}\n{said}"));
    }
    let outage = json!({"after": 0, "failures": 1, "status": 502});
    host.person(Method::PUT, "/_forge/outage", outage).await;
    all.push(desk.onboard("acme/fleet --kind application --pod ratio").await.1);
    insta::assert_snapshot!(all.join("\n"), @r#"
    $ penstock onboard acme/other --kind application --pod ratio
    ok    pod ratio is one of pods.yaml
    FAIL  the App 77 is not installed for acme/other, or there is no such repository: install it there (the App's settings, Install App), with this repository among those selected
    nothing was written

    $ penstock onboard acme/fleet --kind cluster --pod ratio
    ok    pod ratio is one of pods.yaml
    ok    acme/fleet can be read; its id is 4242
    ok    branch main is at COMMIT
    FAIL  there is no directory deploy on main: push it first
    nothing was written

    $ penstock onboard acme/fleet --kind manager-monorepo --pod ration --path file
    FAIL  there is no pod ration: name one of pods.yaml (meta, nanda, ratio)
    ok    acme/fleet can be read; its id is 4242
    ok    branch main is at COMMIT
    FAIL  there is no directory file on main: push it first, or name another with --path
    nothing was written

    $ penstock onboard acme/fleet --kind services --pod ratio --path infra/deeper
    ok    pod ratio is one of pods.yaml
    ok    acme/fleet can be read; its id is 4242
    ok    branch main is at COMMIT
    FAIL  there is no directory infra/deeper on main: push it first, or name another with --path
    nothing was written

    $ penstock onboard acme/fleet --kind manager-separate --pod ratio --path infra --default-branch production
    ok    pod ratio is one of pods.yaml
    ok    acme/fleet can be read; its id is 4242
    FAIL  there is no branch production: push it, or name another with --default-branch
    nothing was written

    ok    pod ratio is one of pods.yaml
    FAIL  finding the App's installation for acme/fleet: GitHub answered 502 "an outage, as the test asked for": try again later
    nothing was written
    "#);
    assert_eq!(desk.file(), before);
}

#[tokio::test]
async fn what_will_not_work_is_a_warning_and_a_dry_run_prints_only_what_belongs_into_the_file() {
    let (host, _) = Host::with_main(&[("infra/variables.yaml", "a: 1\n")]).await;
    let desk = Desk::beside(&host);
    let before = desk.file();
    host.person(Method::PUT, "/_forge/grant", json!({"contents": "read", "statuses": "read"})).await;
    let line = "acme/fleet --kind manager-monorepo --pod meta --path infra";
    let (answer, said) = desk.onboard(&format!("{line} --dry-run")).await;
    insta::assert_snapshot!(said, @r#"
    # warn  permission statuses: write is missing: no commit status and no check run says what was decided. Grant it in the App's settings, and accept it in the installation
    # warn  permission contents: write is missing: a pull request that must wait does not become a draft, and none is merged. Grant it in the App's settings, and accept it in the installation
    # warn  infra has no variables.yml (it has "variables.yaml"): it says nothing about infrastructure yet
    - id: 4242
      name: acme/fleet
      pod: meta
      kind: manager-monorepo
      path: infra
      default_branch: main
    "#);
    assert_eq!((answer, desk.file()), (Ok(true), before.clone()));
    let pasted = before + &said;
    fs::write(desk.governance().join("repositories.yaml"), &pasted).unwrap();
    assert_eq!(read(&desk.governance()).repositories.listed.len(), 2);
}

#[tokio::test]
async fn a_repository_of_codecommit_is_listed_by_its_uuid() {
    let (host, _) = Host::with_main(&[("deploy/README.md", "1\n")]).await;
    let desk = Desk::beside(&host);
    let (answer, said) = desk.onboard(&format!("{ARN} --kind cluster --pod ratio")).await;
    insta::assert_snapshot!(said, @r"
    ok    pod ratio is one of pods.yaml
    ok    arn:aws:codecommit:us-east-1:111122223333:fleet can be read; its id is f7579e13-b83e-4027-aaef-650c0a1b2c3d
    ok    branch main is at COMMIT
    ok    directory deploy is there
    ok    DESK/governance/repositories.yaml has one entry more:
      - id: f7579e13-b83e-4027-aaef-650c0a1b2c3d
        arn: arn:aws:codecommit:us-east-1:111122223333:fleet
        pod: ratio
        kind: cluster
        default_branch: main
    review it, commit it and deploy the control plane: until then nothing is done for the repository
    ");
    assert_eq!(answer, Ok(true));
    let listed = read(&desk.governance()).repositories.listed;
    assert_eq!(listed[&UUID.parse().unwrap()].arn.as_ref().map(ToString::to_string).as_deref(), Some(ARN));

    let mut all = Vec::new();
    let elsewhere = ARN.replace("111122223333", "444455556666");
    let unknown = ARN.replace("fleet", "flotte");
    for line in [
        format!("{ARN} --kind application --pod ratio"),
        format!("{elsewhere} --kind application --pod ratio"),
        format!("{unknown} --kind application --pod ratio"),
    ] {
        let (answer, said) = desk.onboard(&line).await;
        assert_eq!(answer, Ok(false), "{line}: {said}");
        all.push(said);
    }
    insta::assert_snapshot!(all.join("\n"), @r#"
    ok    pod ratio is one of pods.yaml
    ok    arn:aws:codecommit:us-east-1:111122223333:fleet can be read; its id is f7579e13-b83e-4027-aaef-650c0a1b2c3d
    ok    branch main is at COMMIT
    FAIL  repositories.yaml:7:5: repository f7579e13-b83e-4027-aaef-650c0a1b2c3d is listed already; whatever its name is now, it is the same one. Change that entry
    nothing was written

    ok    pod ratio is one of pods.yaml
    FAIL  these credentials see "arn:aws:codecommit:us-east-1:111122223333:fleet", not arn:aws:codecommit:us-east-1:444455556666:fleet: take credentials of the account 444455556666
    nothing was written

    ok    pod ratio is one of pods.yaml
    FAIL  there is no repository flotte in the account of these credentials, in us-east-1: mend the ARN, or take credentials of the account 111122223333
    nothing was written
    "#);
}

#[tokio::test]
async fn what_it_cannot_ask_with_is_said_by_its_name() {
    let host = Host::start().await;
    let all = Desk::beside(&host).variables;
    let mut said = Vec::new();
    for (without, line) in [
        ("GITHUB_APP_ID", "acme/fleet --kind application --pod ratio"),
        ("GITHUB_APP_KEY_FILE", "acme/fleet --kind application --pod ratio"),
        ("AWS_SECRET_ACCESS_KEY", &format!("{ARN} --kind application --pod ratio")),
        ("", "acme/fleet --kind services --pod ratio"),
        ("", "acme/fleet --kind cluster --path live --pod ratio"),
    ] {
        let desk = Desk::beside(&host);
        let variables = all.iter().filter(|(name, _)| **name != without).map(|(name, text)| (*name, text.clone()));
        let desk = Desk { variables: variables.collect(), ..desk };
        said.push(desk.onboard(line).await.0.unwrap_err());
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    say which App it is: --app-id, or the variable GITHUB_APP_ID
    say where the App's private key is: --app-key-file, or the variable GITHUB_APP_KEY_FILE
    AWS_SECRET_ACCESS_KEY is not set: put credentials of the account 111122223333 into the environment (aws configure export-credentials --format env)
    say with --path in which directory its configuration is
    the deploy tree of a cluster repository is in deploy: leave --path out
    ");
    assert!(host.requests().await.is_empty());
}
