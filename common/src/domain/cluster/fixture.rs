//! For this module's tests: trees from texts, and a world that a plan is applied to as the executor does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jiff::Timestamp;

use super::{
    plan::{Action, Plan, PlanInput, Step, executions_needed, plan},
    *,
};
use crate::{
    domain::{
        governance::Governance,
        id::{BlobSha, BranchName, CommitSha, Digest, Generation, PipelineName, RepositoryId, RepositoryName},
    },
    event::Outcome,
};

pub(crate) const REPOSITORY: RepositoryId = RepositoryId::GitHub(42);

pub(crate) static MAIN: LazyLock<BranchName> = LazyLock::new(|| "main".parse().unwrap());
pub(crate) static NAME: LazyLock<RepositoryName> = LazyLock::new(|| "acme/clusters".parse().unwrap());

pub(crate) static RUNTIME: LazyLock<PipelineRuntime> = LazyLock::new(|| PipelineRuntime {
    pipeline_role_arn: "arn:aws:iam::123456789012:role/penstock-pipeline".into(),
    artifact_bucket: "penstock-artifacts".into(),
    artifact_key_arn: None,
    connection_arn: Some("arn:aws:codeconnections:us-east-1:123456789012:connection/c0ffee".into()),
    project_prefix: "penstock".into(),
    gate_function: "penstock-stage-gate".into(),
    certificate_function: "penstock-iot-cert-provisioner".into(),
});

/// Two gated environments and an ungated one on `main`, `production` on its own branch; the account registry is closed.
pub(crate) static GOVERNANCE: LazyLock<Governance> = LazyLock::new(|| governance("refuse"));

pub(crate) fn governance(unlisted_accounts: &str) -> Governance {
    let environments = "{integration: {}, staging: {branch: main, restore_drift: true}, sandbox: {gate: false}, production: {branch: production}}";
    files(environments, unlisted_accounts)
}

/// The same with these environments, which may say whose accounts are whose.
pub(crate) fn bound(environments: &str) -> Governance {
    files(environments, "refuse")
}

fn files(environments: &str, unlisted_accounts: &str) -> Governance {
    let environments = format!("environments: {environments}\nunlisted: refuse\n");
    let accounts = format!(
        "accounts: {{\"123456789012\": one, \"210987654321\": two, \"001234567012\": three}}\nunlisted: {unlisted_accounts}\n"
    );
    let repositories = "repositories: [{id: 42, name: acme/clusters, kind: cluster, default_branch: main}]\n";
    let files = BTreeMap::from([
        ("environments.yaml", environments.as_str()),
        ("accounts.yaml", accounts.as_str()),
        ("repositories.yaml", repositories),
        ("people.yaml", "people: {}\n"),
        ("pods.yaml", "pods: {}\n"),
        (
            "limits.yaml",
            "{default_ttl_seconds: 60, max_ttl_seconds: 60, ticket_ttl_seconds: 600, warn_at_percent: 80, limits: {portfolio: {limit: 1}}}\n",
        ),
        (
            "schedules.yaml",
            "time_zone: UTC\nworking_days: [monday]\nstale_after_days: 1\ndaily: {channel: here, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}\n",
        ),
    ]);
    Governance::parse(&serde_json::to_vec(&files).unwrap()).unwrap()
}

pub(crate) fn scope() -> Scope<'static> {
    Scope { governance: &GOVERNANCE, repository: REPOSITORY, branch: &MAIN }
}

pub(crate) fn key(text: &str) -> ClusterKey {
    text.parse().unwrap()
}

pub(crate) fn regional(environment: &str, alias: &str) -> String {
    format!(
        "account_id: \"123456789012\"\nregion: us-east-1\nalias: regional-{alias}\nregion_alias: {alias}\nenvironment: {environment}\n\
         terraform_vars: {{app_code: infra, service_phase: dev, cost_center: \"000\"}}\n"
    )
}

pub(crate) fn management(environment: &str, alias: &str, cluster: &str) -> String {
    format!(
        "account_id: \"210987654321\"\nregion: us-east-1\nalias: {cluster}\nregion_alias: {alias}\nenvironment: {environment}\n\
         terraform_vars:\n  cost_center: \"000\"\n  regional_aws_account_id: \"123456789012\"\n"
    )
}

/// The file of a cluster as it is written for it.
pub(crate) fn text(key: &ClusterKey) -> String {
    let (environment, alias) = (key.environment.as_str(), key.region_alias.as_str());
    match key.cluster() {
        None => regional(environment, alias),
        Some(cluster) => management(environment, alias, cluster.as_str()),
    }
}

/// A deploy tree: path to text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, String>);

impl Files {
    pub(crate) fn of(keys: &[&str]) -> Self {
        keys.iter().fold(Self::default(), |files, cluster| files.with(cluster, &text(&key(cluster))))
    }

    pub(crate) fn with(mut self, cluster: &str, text: &str) -> Self {
        self.0.insert(key(cluster).config_path(), text.to_owned());
        self
    }

    /// The file of a cluster with a line more.
    pub(crate) fn plus(self, cluster: &str, line: &str) -> Self {
        let text = format!("{}{line}\n", self.0[&key(cluster).config_path()]);
        self.with(cluster, &text)
    }

    pub(crate) fn without(mut self, cluster: &str) -> Self {
        self.0.remove(&key(cluster).config_path());
        self
    }

    pub(crate) fn entries(&self) -> Vec<TreeEntry> {
        let entry = |(path, text): (&String, &String)| TreeEntry {
            path: path.clone(),
            kind: EntryKind::File,
            blob: blob(text),
            size: text.len() as u64,
        };
        self.0.iter().map(entry).collect()
    }

    pub(crate) fn fleet(&self) -> Fleet {
        let survey = survey(&self.entries(), &scope());
        let contents = self.0.values().map(|text| (blob(text), text.clone().into_bytes())).collect();
        let context = FleetContext { scope: scope(), repository_name: &NAME, runtime: &RUNTIME };
        fleet::build(&survey, &contents, &context)
    }
}

pub(crate) fn blob(text: &str) -> BlobSha {
    Digest::of(text.as_bytes()).as_str().parse().unwrap()
}

/// What stands in AWS and in the table.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) pipelines: BTreeMap<PipelineName, ObservedPipeline>,
    /// Those of them that cannot be read, with the reason, and others of which nothing is known.
    pub(crate) unreadable: BTreeMap<PipelineName, String>,
    pub(crate) records: BTreeMap<ClusterKey, ClusterRecord>,
    pub(crate) executions: BTreeMap<PipelineName, Execution>,
    pub(crate) specs: BTreeSet<(PipelineName, Digest)>,
    pub(crate) writes: Vec<String>,
    /// The commit that its plans stand at, and the removals that people let through.
    pub(crate) head: Option<CommitSha>,
    pub(crate) approved: Vec<Removals>,
}

impl World {
    /// A world in which these files have been applied.
    pub(crate) fn having(files: &Files) -> Self {
        let mut world = Self::default();
        world.run(files);
        world.writes.clear();
        world
    }

    pub(crate) fn listing(&self) -> Listing {
        let pipelines = self.pipelines.values().cloned().collect();
        let mut listing = Listing { pipelines, ..Listing::default() };
        for (name, why) in &self.unreadable {
            listing.distrust(name.clone(), why.clone());
        }
        listing
    }

    pub(crate) fn plan(&self, files: &Files) -> Plan {
        let fleet = files.fleet();
        let observed = self.listing();
        let records: Vec<ClusterRecord> = self.records.values().cloned().collect();
        let needed = executions_needed(&fleet, &observed);
        let executions =
            self.executions.iter().filter(|(name, _)| needed.contains(*name)).map(|(k, v)| (k.clone(), v.clone()));
        let input = PlanInput {
            scope: scope(),
            fleet: &fleet,
            observed: &observed,
            records: &records,
            executions: &executions.collect(),
            head: self.head.as_ref(),
            approved: &self.approved,
        };
        plan(&input)
    }

    pub(crate) fn run(&mut self, files: &Files) -> Plan {
        let plan = self.plan(files);
        for step in &plan.steps {
            self.call(step);
            self.record(step);
        }
        plan
    }

    /// The first half of a step: the intent, and the calls to AWS.
    pub(crate) fn call(&mut self, step: &Step) {
        self.intend(step);
        let name = step.pipeline.clone();
        let shape = || step.desired.as_ref().map(|desired| &desired.shape).expect("a step that writes has a shape");
        if step.publish_spec {
            self.specs.insert((name.clone(), shape().compiled.config_sha256.clone()));
        }
        if step.action.writes() {
            self.writes.push(format!("{:?} {name}", step.action));
        }
        match step.action {
            Action::Create => {
                let tags = shape().tags.iter().cloned().collect();
                let pipeline = ObservedPipeline { definition: shape().definition.clone(), tags };
                assert!(self.pipelines.insert(name.clone(), pipeline).is_none(), "{name} was there");
                self.finish(&name, "run-1", ExecutionStatus::Succeeded, false);
            }
            Action::Update => self.pipelines.get_mut(&name).unwrap().definition = shape().definition.clone(),
            Action::Destroy { .. } => {
                self.pipelines.get_mut(&name).unwrap().definition = shape().definition.clone();
                let id = format!("destroy-{}", step.desired.as_ref().unwrap().blob);
                self.finish(&name, &id, ExecutionStatus::Running, true);
            }
            Action::Retire => drop(self.pipelines.remove(&name).expect("only what is there is removed")),
            Action::Unchanged | Action::Drifted | Action::Refuse | Action::Orphan | Action::Invalid => {}
        }
    }

    /// What is written before the first call.
    pub(crate) fn intend(&mut self, step: &Step) {
        let writes = matches!(step.action, Action::Create | Action::Update | Action::Destroy { update: true });
        if let (true, Some(record), Some(desired)) = (writes, self.records.get_mut(&step.cluster), &step.desired) {
            let spec = desired.shape.spec_sha256.clone();
            record.lately.push(Intent { spec_sha256: spec.clone(), at: Timestamp::UNIX_EPOCH });
            record.intended = Some(spec);
        }
    }

    /// The second half: the table.
    pub(crate) fn record(&mut self, step: &Step) {
        if step.action == Action::Retire {
            self.records.remove(&step.cluster);
            return;
        }
        if !(step.action.writes() || step.record_stale || step.publish_spec) {
            return;
        }
        let before = self.records.get(&step.cluster);
        let accepted = !matches!(step.action, Action::Refuse | Action::Orphan | Action::Invalid);
        let shape = step.desired.as_ref().map(|desired| &desired.shape).filter(|_| accepted);
        let destroy = match step.action {
            Action::Destroy { .. } => step.desired.as_ref().map(|desired| DestroyRun {
                execution: format!("destroy-{}", desired.blob),
                blob: desired.blob.clone(),
            }),
            _ => before.and_then(|record| record.destroy.clone()),
        };
        let record = ClusterRecord {
            cluster: step.cluster.clone(),
            pipeline: step.pipeline.clone(),
            outcome: step.action.outcome(),
            said: None,
            generation: Generation(1),
            at: Timestamp::UNIX_EPOCH,
            spec_sha256: shape.map(|shape| shape.spec_sha256.clone()).or(before.and_then(|r| r.spec_sha256.clone())),
            config_sha256: shape
                .map(|shape| shape.compiled.config_sha256.clone())
                .or(before.and_then(|r| r.config_sha256.clone())),
            values: shape.map(|shape| shape.values.clone()).or(before.map(|r| r.values.clone())).unwrap_or_default(),
            destroy,
            intended: if accepted { None } else { before.and_then(|record| record.intended.clone()) },
            lately: before.map(|record| record.lately.clone()).unwrap_or_default(),
            drift: match step.action {
                Action::Drifted => Some(ToldDrift { since: Timestamp::UNIX_EPOCH, weakened: step.weakened.clone() }),
                Action::Refuse | Action::Orphan | Action::Invalid => before.and_then(|record| record.drift.clone()),
                _ => None,
            },
        };
        self.records.insert(step.cluster.clone(), record);
    }

    /// Sets a pipeline's latest execution.
    pub(crate) fn finish(&mut self, name: &PipelineName, id: &str, status: ExecutionStatus, destroy: bool) {
        let destroy = Some(destroy);
        self.executions.insert(name.clone(), Execution { id: id.to_owned(), status, destroy });
    }

    /// Lets every destroy run that is under way succeed.
    pub(crate) fn finish_destroy_runs(&mut self) {
        for execution in self.executions.values_mut().filter(|execution| execution.destroy == Some(true)) {
            execution.status = ExecutionStatus::Succeeded;
        }
    }
}

/// `key action` for each step, in order.
pub(crate) fn actions(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {:?}", step.cluster, step.action)).collect()
}

pub(crate) fn step<'p>(plan: &'p Plan, cluster: &str) -> &'p Step {
    plan.steps.iter().find(|step| step.cluster == key(cluster)).expect("a step of this cluster")
}

pub(crate) fn outcome(plan: &Plan, cluster: &str) -> Outcome {
    step(plan, cluster).action.outcome()
}
