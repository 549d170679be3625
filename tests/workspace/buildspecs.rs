//! The six buildspecs of cluster pipelines, run as CodeBuild runs them (bash, the folder of the checkout) with stubs for `aws` and
//! `terraform`: the right order, bucket, key, role and variables; a failing child fails the stage; a destroy run destroys; nothing
//! that was not accepted runs; values are inert.
//!
//! Needs bash, sha256sum and python3, as the CodeBuild image has them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::repository_root;

const CENTRAL: &str = "123456789012";
const TARGET: &str = "222222222222";
const REGIONAL_FILE: &str = "deploy/integration/us-west-2/terraform/regional.yaml";
const MANAGEMENT_FILE: &str = "deploy/integration/us-west-2/terraform/management/mc01.yaml";
const BUCKET: &str = "penstock-artifacts-123456789012";

#[derive(Deserialize)]
struct Buildspec {
    phases: BTreeMap<String, Phase>,
}

#[derive(Deserialize)]
struct Phase {
    commands: Vec<String>,
}

#[derive(Deserialize, Debug)]
struct Call {
    program: String,
    profile: Option<String>,
    region: Option<String>,
    arguments: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    profiles: String,
}

impl Call {
    /// `terraform apply -auto-approve`, without what every call has.
    fn line(&self) -> String {
        format!("{} {}", self.program, self.arguments.join(" "))
    }
}

/// A checkout, a stub world and the environment of one CodeBuild action.
struct Stage {
    folder: tempfile::TempDir,
    kind: &'static str,
    step: &'static str,
    env: BTreeMap<String, String>,
    world: Value,
}

struct Ran {
    code: i32,
    said: String,
    calls: Vec<Call>,
}

impl Stage {
    fn new(kind: &'static str, step: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = fs::read(repository_root().join("terraform/modules/cluster-pipeline-runtime/stage.py")).unwrap();
        let program_digest = hex::encode(Sha256::digest(&program));
        let stages = folder.path().join("stub/s3").join(BUCKET).join("stages");
        fs::create_dir_all(&stages).unwrap();
        fs::write(stages.join(format!("{program_digest}.py")), program).unwrap();
        let root = folder.path().join(format!("checkout/terraform/config/{kind}-cluster"));
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("main.tf"), "").unwrap();

        let file = if kind == "regional" { REGIONAL_FILE } else { MANAGEMENT_FILE };
        let mut env: BTreeMap<String, String> = [
            ("ARTIFACT_BUCKET", BUCKET),
            ("CLUSTER_KIND", kind),
            ("CONFIG_PATH", file),
            ("ENVIRONMENT", "integration"),
            ("IS_DESTROY", "false"),
            ("PIPELINE_NAME", "rc-integration-us-west-2-0123456789ab"),
            ("REGION_ALIAS", "us-west-2"),
            ("SPEC_SHA256", "not read by a stage"),
            ("STAGE_SHA256", &program_digest),
            ("STATE_BUCKET", "terraform-state-123456789012"),
            ("STATE_REGION", "us-east-1"),
            ("TARGET_ACCOUNT_ID", TARGET),
            ("TARGET_ALIAS", "regional-us-west-2"),
            ("TARGET_REGION", "us-west-2"),
            ("TARGET_ROLE_NAME", "OrganizationAccountAccessRole"),
            ("TERRAFORM_SHA256", &"0".repeat(64)),
            ("TERRAFORM_VERSION", "1.11.4"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if kind == "management" {
            env.insert("CLUSTER_ID".into(), "mc01".into());
            env.insert("REGIONAL_AWS_ACCOUNT_ID".into(), "333333333333".into());
        }
        let world = json!({"central": CENTRAL, "parameters": {}});
        let mut stage = Self { folder, kind, step, env, world };
        stage.commit(b"account_id: \"222222222222\"\n");
        stage.accept(json!({"app_code": "infra"}), false);
        stage
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("checkout").join(&self.env["CONFIG_PATH"])
    }

    fn commit(&mut self, text: &[u8]) {
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        fs::write(self.path(), text).unwrap();
    }

    fn digest(&self) -> String {
        hex::encode(Sha256::digest(fs::read(self.path()).unwrap()))
    }

    fn spec_key(&self) -> String {
        format!("specs/{}/{}.json", self.env["PIPELINE_NAME"], self.digest())
    }

    /// What the provisioner stores when it accepts the file.
    fn accept(&mut self, variables: Value, delete: bool) {
        let object = self.folder.path().join("stub/s3").join(BUCKET).join(self.spec_key());
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        let spec = json!({"config_sha256": self.digest(), "variables": variables, "delete": delete});
        fs::write(object, spec.to_string()).unwrap();
    }

    fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.into(), value.into());
    }

    fn run(&self) -> Ran {
        let spec = repository_root()
            .join(format!("terraform/config/pipeline-{}-cluster/buildspec-{}.yml", self.kind, self.step));
        let spec: Buildspec = serde_saphyr::from_str(&fs::read_to_string(&spec).unwrap()).unwrap();
        let commands = &spec.phases["build"].commands;
        assert_eq!(spec.phases.len(), 1, "one phase: what one exports, another does not see");
        assert_eq!(commands.len(), 1, "one script: a failing line ends it");
        let stub = self.folder.path().join("stub");
        fs::write(stub.join("world.json"), self.world.to_string()).unwrap();
        let done = Command::new("bash")
            .args(["-c", &commands[0]])
            .current_dir(self.folder.path().join("checkout"))
            .env_clear()
            .env("PATH", tools(self.folder.path()))
            .env("TMPDIR", self.folder.path())
            .env("STUB", &stub)
            .envs(&self.env)
            .output()
            .unwrap();
        let calls = fs::read_to_string(stub.join("calls")).unwrap_or_default();
        Ran {
            code: done.status.code().unwrap(),
            said: [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat(),
            calls: calls.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }
}

impl Ran {
    fn terraform(&self) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.program == "terraform").collect()
    }

    #[track_caller]
    fn succeeded(&self) -> &Self {
        assert_eq!(self.code, 0, "{}", self.said);
        self
    }

    /// It failed, said this, and Terraform was not started.
    #[track_caller]
    fn stopped(&self, sentence: &str) {
        assert_ne!(self.code, 0, "{}", self.said);
        assert!(self.said.contains(sentence), "expected {sentence:?} in:\n{}", self.said);
        assert!(self.terraform().is_empty(), "Terraform ran: {:?}", self.terraform());
    }
}

#[test]
fn every_stage_asks_for_its_own_file_enters_its_account_and_uses_its_state() {
    let expected: [(&str, &[&str]); 3] = [
        ("validate", &["validate -no-color", "plan -no-color -input=false -lock-timeout=5m"]),
        ("apply", &["apply -no-color -input=false -auto-approve -lock-timeout=10m"]),
        ("bootstrap", &["output -no-color -json"]),
    ];
    for (kind, state) in [
        ("regional", "clusters/integration/us-west-2/regional.tfstate"),
        ("management", "clusters/integration/us-west-2/management/mc01.tfstate"),
    ] {
        for (step, lines) in expected {
            let mut stage = Stage::new(kind, step);
            stage.world["outputs"] = bootstrap_output();
            stage.world["task"] = json!({"containers": [{"name": "bootstrap", "exitCode": 0}]});
            let ran = stage.run();
            ran.succeeded();
            let at = |wanted: &str| {
                ran.calls
                    .iter()
                    .position(|call| call.line().starts_with(wanted))
                    .unwrap_or_else(|| panic!("no {wanted}: {:?}", ran.calls))
            };
            let accepted = at(&format!("aws s3api wait object-exists --bucket {BUCKET} --key {}", stage.spec_key()));
            let init = at(&format!("terraform -chdir=terraform/config/{kind}-cluster init"));
            assert!(accepted < init, "what is not accepted must not be initialised");
            let init = &ran.calls[init];
            for setting in
                ["bucket=terraform-state-123456789012", &format!("key={state}"), "region=us-east-1", "profile=central"]
            {
                let argument = format!("-backend-config={setting}");
                assert!(init.arguments.contains(&argument), "no {argument} in {:?}", init.arguments);
            }
            let role = format!("role_arn = arn:aws:iam::{TARGET}:role/OrganizationAccountAccessRole");
            assert!(init.profiles.contains(&role), "{}", init.profiles);
            let after: Vec<String> = ran.terraform()[1..].iter().map(|call| call.arguments[1..].join(" ")).collect();
            assert_eq!(after, lines, "{kind} {step}");
            for call in ran.terraform() {
                assert_eq!(call.profile.as_deref(), Some("target"), "{call:?}");
                assert_eq!(call.region.as_deref(), Some("us-west-2"), "{call:?}");
                assert_eq!(call.variables["TF_VAR_app_code"], "infra");
                assert_eq!(call.variables["TF_VAR_account_id"], TARGET);
                assert_eq!(call.variables.contains_key("TF_VAR_cluster_id"), kind == "management");
            }
        }
    }
}

#[test]
fn a_failing_child_fails_the_stage() {
    for (step, child) in [
        ("validate", "init"),
        ("validate", "validate"),
        ("validate", "plan"),
        ("apply", "apply"),
        ("apply", "get-caller-identity"),
        ("bootstrap", "run-task"),
    ] {
        let mut stage = Stage::new("regional", step);
        stage.world["outputs"] = bootstrap_output();
        stage.world["fail"] = json!(child);
        let ran = stage.run();
        assert_ne!(ran.code, 0, "{step} went on after {child} failed: {}", ran.said);
    }
}

#[test]
fn a_stage_program_with_another_digest_does_not_run() {
    let mut stage = Stage::new("regional", "apply");
    let asked = "a".repeat(64);
    let object = stage.folder.path().join("stub/s3").join(BUCKET).join(format!("stages/{asked}.py"));
    fs::write(object, "import os; os.mkdir('ran')").unwrap();
    stage.set("STAGE_SHA256", &asked);
    let ran = stage.run();
    assert_ne!(ran.code, 0);
    assert!(!stage.folder.path().join("checkout/ran").exists());
}

#[test]
fn preflight_stops_before_any_call_about_the_cluster() {
    let stopped = |kind: &'static str, change: &dyn Fn(&mut Stage), sentence: &str| {
        let mut stage = Stage::new(kind, "apply");
        change(&mut stage);
        let ran = stage.run();
        ran.stopped(sentence);
        assert_eq!(ran.calls.len(), 1, "only the program was fetched: {:?}", ran.calls);
    };
    let forget = |stage: &mut Stage| {
        for name in ["TARGET_ACCOUNT_ID", "TARGET_REGION", "ENVIRONMENT"] {
            stage.env.remove(name);
        }
    };
    let sentence = "missing in the environment of this action: ENVIRONMENT, TARGET_ACCOUNT_ID, TARGET_REGION";
    stopped("regional", &forget, sentence);
    stopped(
        "management",
        &|stage| drop(stage.env.remove("CLUSTER_ID")),
        "missing in the environment of this action: CLUSTER_ID",
    );
    stopped("regional", &|stage| stage.set("CLUSTER_ID", "mc01"), "exactly one cluster");
    stopped("regional", &|stage| stage.set("CLUSTER_KIND", "management"), "this project is for regional clusters");
    stopped("regional", &|stage| stage.set("IS_DESTROY", "True"), "IS_DESTROY is 'True'");
    stopped("regional", &|stage| stage.set("REGION_ALIAS", "us-east-1"), "is not the file of a regional cluster");
    stopped("regional", &|stage| stage.set("CONFIG_PATH", "deploy/a/b/../c/terraform/regional.yaml"), "CONFIG_PATH is");
    stopped("regional", &|stage| stage.set("TARGET_ALIAS", "x; rm -rf /"), "TARGET_ALIAS is 'x; rm -rf /'");
}

#[test]
fn a_file_that_is_gone_or_no_file_runs_nothing() {
    let stage = Stage::new("regional", "validate");
    fs::remove_file(stage.path()).unwrap();
    stage.run().stopped("config missing: deploy/integration/us-west-2/terraform/regional.yaml is not in this commit");

    let stage = Stage::new("regional", "validate");
    fs::rename(stage.path(), stage.folder.path().join("elsewhere")).unwrap();
    symlink(stage.folder.path().join("elsewhere"), stage.path()).unwrap();
    stage.run().stopped("is a symbolic link");

    let stage = Stage::new("regional", "validate");
    let parent = stage.path().parent().unwrap().to_path_buf();
    fs::rename(&parent, stage.folder.path().join("elsewhere")).unwrap();
    symlink(stage.folder.path().join("elsewhere"), parent).unwrap();
    stage.run().stopped("is a symbolic link or below one");
}

#[test]
fn a_version_that_was_not_accepted_runs_nothing() {
    for step in ["validate", "apply", "bootstrap"] {
        let mut stage = Stage::new("regional", step);
        stage.commit(b"account_id: \"999999999999\"\n");
        stage
            .run()
            .stopped("Penstock has not accepted this version of deploy/integration/us-west-2/terraform/regional.yaml");
    }
}

#[test]
fn an_object_that_is_not_the_accepted_form_runs_nothing() {
    let stage = Stage::new("regional", "apply");
    let object = stage.folder.path().join("stub/s3").join(BUCKET).join(stage.spec_key());
    let digest = stage.digest();
    for text in [
        "{".to_owned(),
        json!({"config_sha256": "0".repeat(64), "variables": {}, "delete": false}).to_string(),
        json!({"config_sha256": digest, "variables": {}}).to_string(),
        json!({"config_sha256": digest, "variables": {"LD_PRELOAD": "x"}, "delete": false}).to_string(),
        json!({"config_sha256": digest, "variables": {"a": 1}, "delete": false}).to_string(),
    ] {
        fs::write(&object, &text).unwrap();
        let ran = stage.run();
        assert_ne!(ran.code, 0, "{text} was taken");
        assert!(ran.terraform().is_empty());
    }
}

#[test]
fn destruction_needs_both_the_run_and_the_file() {
    let mut stage = Stage::new("regional", "apply");
    stage.accept(json!({}), true);
    stage.run().stopped("asks for removal (delete or delete_pipeline). Only a destroy run may use it");

    let mut stage = Stage::new("regional", "apply");
    stage.set("IS_DESTROY", "true");
    stage.run().stopped("does not ask for removal");

    for (step, lines) in [
        ("validate", vec!["validate -no-color", "plan -no-color -input=false -lock-timeout=5m -destroy"]),
        ("apply", vec!["destroy -no-color -input=false -auto-approve -lock-timeout=10m"]),
    ] {
        let mut stage = Stage::new("management", step);
        stage.set("IS_DESTROY", "true");
        stage.accept(json!({}), true);
        let ran = stage.run();
        ran.succeeded();
        let after: Vec<String> = ran.terraform()[1..].iter().map(|call| call.arguments[1..].join(" ")).collect();
        assert_eq!(after, lines);
    }

    let mut stage = Stage::new("management", "bootstrap");
    stage.set("IS_DESTROY", "true");
    stage.accept(json!({}), true);
    let ran = stage.run();
    ran.succeeded();
    assert!(ran.terraform().is_empty(), "nothing to bootstrap in a destroy run");
}

#[test]
fn a_missing_root_is_one_clear_line() {
    let stage = Stage::new("regional", "validate");
    fs::remove_dir_all(stage.folder.path().join("checkout/terraform")).unwrap();
    stage.run().stopped("the root terraform/config/regional-cluster is not in this commit");
}

#[test]
fn account_references_are_resolved_as_central_in_the_clusters_region() {
    let mut stage = Stage::new("management", "apply");
    stage.set("TARGET_ACCOUNT_ID", "ssm:///infra/integration/us-west-2/mc01/account_id");
    stage.world["parameters"] = json!({"/infra/integration/us-west-2/mc01/account_id": TARGET});
    let ran = stage.run();
    ran.succeeded();
    let asked = ran.calls.iter().find(|call| call.arguments[0] == "ssm").unwrap();
    assert_eq!((asked.profile.as_deref(), asked.region.as_deref()), (Some("central"), Some("us-west-2")));
    assert!(asked.arguments.contains(&"--with-decryption".to_owned()));
    assert_eq!(ran.terraform()[0].variables["TF_VAR_account_id"], TARGET);

    stage.world["parameters"] = json!({"/infra/integration/us-west-2/mc01/account_id": "REMOVED"});
    fs::remove_file(stage.folder.path().join("stub/calls")).unwrap();
    stage.run().stopped("does not hold an account id of 12 digits");
}

#[test]
fn a_role_that_leads_elsewhere_is_refused_and_none_is_assumed_at_home() {
    let mut stage = Stage::new("regional", "apply");
    stage.world["target"] = json!("444444444444");
    stage.run().stopped("the target role leads into account 444444444444, and this cluster belongs to 222222222222");

    let mut stage = Stage::new("regional", "apply");
    stage.set("TARGET_ACCOUNT_ID", CENTRAL);
    let ran = stage.run();
    ran.succeeded();
    assert!(!ran.terraform()[0].profiles.contains("role_arn"), "no role is assumed in the same account");
}

#[test]
fn values_are_inert() {
    let nasty = "\"; touch pwned; $(touch pwned) `touch pwned` \n -var x=y '";
    let mut stage = Stage::new("regional", "apply");
    stage.accept(json!({"app_code": nasty}), false);
    let ran = stage.run();
    ran.succeeded();
    assert_eq!(ran.terraform()[1].variables["TF_VAR_app_code"], nasty);
    assert!(!exists_below(stage.folder.path(), "pwned"));
}

#[test]
fn a_variable_may_not_contradict_the_pipeline() {
    let mut stage = Stage::new("management", "apply");
    stage.accept(json!({"cluster_id": "mc02"}), false);
    stage
        .run()
        .stopped("terraform_vars.cluster_id in deploy/integration/us-west-2/terraform/management/mc01.yaml is 'mc02'");
}

#[test]
fn bootstrap_runs_the_task_of_this_cluster_and_needs_its_exit_code() {
    let mut stage = Stage::new("management", "bootstrap");
    stage.world["outputs"] = bootstrap_output();
    stage.world["task"] = json!({"containers": [{"name": "bootstrap", "exitCode": 0}]});
    stage.run().succeeded();
    let request: Value =
        serde_json::from_slice(&fs::read(stage.folder.path().join("stub/run-task.json")).unwrap()).unwrap();
    let environment = request["overrides"]["containerOverrides"][0]["environment"].as_array().unwrap();
    let path =
        json!({"name": "REPOSITORY_PATH", "value": "deploy/integration/us-west-2/argocd/management-cluster-manifests"});
    assert!(environment.contains(&path), "{environment:?}");
    assert_eq!(request["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "DISABLED");

    stage.world["task"] = json!({"containers": [{"name": "bootstrap", "exitCode": 1}], "stoppedReason": "no chart"});
    let ran = stage.run();
    assert_ne!(ran.code, 0);
    assert!(ran.said.contains("no chart"), "{}", ran.said);

    stage.world["outputs"] = json!({});
    assert!(stage.run().said.contains("has no output `bootstrap`"));
}

/// Where the programs are that a stage may use. Python says so itself: what PATH finds may be a version manager's wrapper, which
/// changes PATH.
static TOOLS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let python = "python3 -c 'import os, sys; print(os.path.realpath(sys.executable))'";
    [
        ("bash", "command -v bash"),
        ("mktemp", "command -v mktemp"),
        ("sha256sum", "command -v sha256sum"),
        ("python3", python),
    ]
    .map(|(name, question)| {
        let answer = Command::new("bash").args(["-c", question]).output().unwrap();
        assert!(answer.status.success(), "this test needs {name}, as the CodeBuild image has it");
        (name, String::from_utf8(answer.stdout).unwrap().trim().to_owned())
    })
    .into()
});

/// A folder with the stubs and the few programs that a stage may use, as the whole PATH: a real `aws` cannot be reached.
fn tools(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    if bin.exists() {
        return bin;
    }
    fs::create_dir(&bin).unwrap();
    for stub in ["aws", "terraform"] {
        symlink(repository_root().join("tests/terraform/stubs").join(stub), bin.join(stub)).unwrap();
    }
    for (name, place) in TOOLS.iter() {
        symlink(place, bin.join(name)).unwrap();
    }
    bin
}

fn bootstrap_output() -> Value {
    json!({"bootstrap": {"cluster": "boot", "task_definition": "boot:1", "subnets": ["subnet-1"], "security_groups": ["sg-1"],
        "container": "bootstrap", "environment": {"CLUSTER_NAME": "mc01"}}})
}

fn exists_below(folder: &Path, name: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        entry.file_name() == name || (entry.file_type().unwrap().is_dir() && exists_below(&entry.path(), name))
    })
}
