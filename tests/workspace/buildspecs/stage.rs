//! One stage of a cluster pipeline as CodeBuild runs it: a checkout, the environment of its action, and stubs for `aws` and
//! `terraform` that note every call. The stubs are `tests/terraform/stubs`.

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

pub(super) const CENTRAL: &str = "123456789012";
pub(super) const TARGET: &str = "222222222222";
const REGIONAL_FILE: &str = "deploy/integration/us-west-2/terraform/regional.yaml";
const MANAGEMENT_FILE: &str = "deploy/integration/us-west-2/terraform/management/mc01.yaml";
pub(super) const BUCKET: &str = "penstock-artifacts-123456789012";

#[derive(Deserialize)]
struct Buildspec {
    phases: BTreeMap<String, Phase>,
}

#[derive(Deserialize)]
struct Phase {
    commands: Vec<String>,
}

#[derive(Deserialize, Debug)]
pub(super) struct Call {
    pub(super) program: String,
    pub(super) profile: Option<String>,
    pub(super) region: Option<String>,
    pub(super) arguments: Vec<String>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) profiles: String,
}

impl Call {
    /// `terraform apply -auto-approve`, without what every call has.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.program, self.arguments.join(" "))
    }
}

/// A checkout, a stub world and the environment of one CodeBuild action.
pub(super) struct Stage {
    pub(super) folder: tempfile::TempDir,
    kind: &'static str,
    step: &'static str,
    pub(super) env: BTreeMap<String, String>,
    pub(super) world: Value,
}

pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) said: String,
    pub(super) calls: Vec<Call>,
}

impl Stage {
    pub(super) fn new(kind: &'static str, step: &'static str) -> Self {
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

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("checkout").join(&self.env["CONFIG_PATH"])
    }

    pub(super) fn commit(&mut self, text: &[u8]) {
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        fs::write(self.path(), text).unwrap();
    }

    pub(super) fn digest(&self) -> String {
        hex::encode(Sha256::digest(fs::read(self.path()).unwrap()))
    }

    pub(super) fn spec_key(&self) -> String {
        format!("specs/{}/{}.json", self.env["PIPELINE_NAME"], self.digest())
    }

    /// Where the pipeline's action says that the stage works.
    pub(super) fn place(&self) -> Value {
        let names =
            ["TARGET_ACCOUNT_ID", "TARGET_REGION", "TARGET_ALIAS", "CLUSTER_ID", "REGIONAL_AWS_ACCOUNT_ID"].into_iter();
        names.filter_map(|name| Some((name.to_owned(), json!(self.env.get(name)?)))).collect()
    }

    /// What the provisioner stores when it accepts the file.
    pub(super) fn accept(&mut self, variables: Value, delete: bool) {
        let object = self.folder.path().join("stub/s3").join(BUCKET).join(self.spec_key());
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        let spec =
            json!({"config_sha256": self.digest(), "place": self.place(), "variables": variables, "delete": delete});
        fs::write(object, spec.to_string()).unwrap();
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.into(), value.into());
    }

    pub(super) fn run(&self) -> Ran {
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
    pub(super) fn terraform(&self) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.program == "terraform").collect()
    }

    #[track_caller]
    pub(super) fn succeeded(&self) -> &Self {
        assert_eq!(self.code, 0, "{}", self.said);
        self
    }

    /// It failed, said this, and Terraform was not started.
    #[track_caller]
    pub(super) fn stopped(&self, sentence: &str) {
        assert_ne!(self.code, 0, "{}", self.said);
        assert!(self.said.contains(sentence), "expected {sentence:?} in:\n{}", self.said);
        assert!(self.terraform().is_empty(), "Terraform ran: {:?}", self.terraform());
    }
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
