//! The six buildspecs of cluster pipelines, run as CodeBuild runs them (bash, the folder of the checkout) with stubs for `aws` and
//! `terraform`: the right order, bucket, key, role and variables; a failing child fails the stage; a destroy run destroys; nothing
//! that was not accepted runs; values are inert.
//!
//! Needs bash, sha256sum and python3, as the CodeBuild image has them.

mod stage;

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::{Value, json};
use stage::{BUCKET, CENTRAL, Stage, TARGET};

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
    let good = json!({"config_sha256": digest, "place": stage.place(), "variables": {}, "delete": false});
    fs::write(&object, good.to_string()).unwrap();
    stage.run().succeeded();
    let with = |name: &str, value: Value| {
        let mut spec = good.clone();
        spec[name] = value;
        spec.to_string()
    };
    for text in [
        "{".to_owned(),
        with("config_sha256", json!("0".repeat(64))),
        with("delete", json!(null)),
        with("variables", json!({"LD_PRELOAD": "x"})),
        with("variables", json!({"a": 1})),
        with("place", json!(null)),
        with("place", json!({})),
        with("place", json!({"TARGET_ACCOUNT_ID": TARGET, "TARGET_REGION": "us-west-2"})),
    ] {
        fs::write(&object, &text).unwrap();
        fs::remove_file(stage.folder.path().join("stub/calls")).unwrap();
        let ran = stage.run();
        assert_ne!(ran.code, 0, "{text} was taken");
        assert!(ran.terraform().is_empty());
    }
}

/// A push that changes the account starts a run and wakes the provisioner at once; whichever is first, the new values never
/// reach the old account, and an old commit's values never the new one.
#[test]
fn a_pipeline_of_before_does_not_apply_the_file_of_now() {
    for (kind, name, before) in [
        ("regional", "TARGET_ACCOUNT_ID", "555555555555"),
        ("regional", "TARGET_REGION", "eu-west-1"),
        ("regional", "TARGET_ALIAS", "other"),
        ("management", "CLUSTER_ID", "mc02"),
        ("management", "REGIONAL_AWS_ACCOUNT_ID", "555555555555"),
    ] {
        for step in ["validate", "apply", "bootstrap"] {
            let mut stage = Stage::new(kind, step);
            let now = stage.env[name].clone();
            stage.set(name, before);
            let sentence =
                format!("was accepted with {name} '{now}', and the pipeline that this run began with has '{before}'");
            stage.run().stopped(&sentence);
        }
    }
}

/// Terraform prefers files of variables to the environment.
#[test]
fn a_file_of_variables_beside_the_root_cannot_replace_what_was_accepted() {
    for name in ["terraform.tfvars", "terraform.tfvars.json", "x.auto.tfvars", ".auto.tfvars.json"] {
        let stage = Stage::new("regional", "apply");
        let root = stage.folder.path().join("checkout/terraform/config/regional-cluster");
        fs::write(root.join(name), "{}").unwrap();
        stage.run().stopped(&format!("terraform/config/regional-cluster holds {name}, which would override"));
    }
    let stage = Stage::new("regional", "apply");
    let root = stage.folder.path().join("checkout/terraform/config/regional-cluster");
    fs::write(root.join("example.tfvars"), "").unwrap();
    stage.run().succeeded();
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
    stage.accept(json!({}), false);
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
    stage.accept(json!({}), false);
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

fn bootstrap_output() -> Value {
    json!({"bootstrap": {"cluster": "boot", "task_definition": "boot:1", "subnets": ["subnet-1"], "security_groups": ["sg-1"],
        "container": "bootstrap", "environment": {"CLUSTER_NAME": "mc01"}}})
}

fn exists_below(folder: &Path, name: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        entry.file_name() == name || (entry.file_type().unwrap().is_dir() && exists_below(&entry.path(), name))
    })
}
