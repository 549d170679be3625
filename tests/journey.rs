//! Journey 1 over the in-memory world: the real handlers, with [`World`] in the place of AWS and GitHub.
//!
//! The flows (`workspace/flow`) and the story (`story/main.rs`) drive it. What is left out here is said there: intake and
//! relay have their own tests, so events go from the outbox to their consumers directly.

use common::{
    domain::{
        audit,
        cluster::{ExecutionStatus, PipelineRuntime},
        governance::Governance,
    },
    event::{Envelope, Event, ProvisioningFinished},
    fault::Fault,
    ports::{AuditTrail, Clock},
    testing::{ClusterFile, GovernanceFiles, World},
};
use jiff::{SignedDuration, Timestamp};
use pipeline_provisioner::Provisioner;

/// The provisioner over the world.
pub type WorldProvisioner = Provisioner<World, World, World, World, World>;

/// The world with the functions of journey 1 in it.
pub struct Journey {
    /// Everything outside.
    pub world: World,
    /// The provisioner.
    pub provisioner: WorldProvisioner,
    feedback: feedback::Settings,
}

/// A provisioner over a world, under these governance files.
///
/// # Panics
/// When the files do not parse: a mistake in the test that wrote them.
#[expect(clippy::panic, reason = "a fixture that does not parse should stop its test then and there")]
pub fn provisioner(world: &World, files: &GovernanceFiles) -> WorldProvisioner {
    match Governance::parse(&files.bytes()) {
        Ok(governance) => provisioner_of(world, governance),
        Err(findings) => panic!("the governance files of this test have errors: {findings:?}"),
    }
}

/// The same, under governance files that were parsed before.
pub fn provisioner_of(world: &World, governance: Governance) -> WorldProvisioner {
    Provisioner {
        forge: world.clone(),
        pipelines: world.clone(),
        specs: world.clone(),
        ledger: world.clone(),
        clock: world.clone(),
        governance,
        runtime: runtime(),
        invoked_by: [INVOKER.to_owned()].into(),
    }
}

/// The pipeline that may invoke the provisioner.
pub const INVOKER: &str = "penstock-provision";

/// A fleet as the demo has it: two environments, three region aliases, four management clusters.
pub fn fleet() -> Vec<ClusterFile> {
    vec![
        ClusterFile::regional("integration", "us-east-1"),
        ClusterFile::management("integration", "us-east-1", "mc01"),
        ClusterFile::management("integration", "us-east-1", "mc02"),
        ClusterFile::regional("integration", "us-east-1-b"),
        ClusterFile::management("integration", "us-east-1-b", "mc01"),
        ClusterFile::regional("production", "eu-west-1").set("region", "eu-west-1"),
        ClusterFile::management("production", "eu-west-1", "mc01").set("region", "eu-west-1"),
    ]
}

/// What every pipeline of this world uses.
pub fn runtime() -> PipelineRuntime {
    PipelineRuntime {
        pipeline_role_arn: "arn:aws:iam::123456789012:role/penstock-cluster-pipelines".into(),
        artifact_bucket: "penstock-artifacts-123456789012".into(),
        artifact_key_arn: None,
        connection_arn: Some("arn:aws:codeconnections:us-east-1:123456789012:connection/demo".into()),
        project_prefix: "penstock".into(),
        gate_function: "penstock-stage-gate".into(),
        certificate_function: "penstock-iot-cert-provisioner".into(),
    }
}

impl Default for Journey {
    fn default() -> Self {
        Self::new(&GovernanceFiles::default())
    }
}

impl Journey {
    /// A new world under these governance files.
    pub fn new(files: &GovernanceFiles) -> Self {
        let world = World::new();
        let provisioner = provisioner(&world, files);
        let feedback = feedback::Settings { pipelines_url: "https://console.example/pipelines".into() };
        Self { world, provisioner, feedback }
    }

    /// The same with the repository on CodeCommit.
    pub fn on_codecommit(files: &GovernanceFiles) -> Self {
        let world = World::on_codecommit();
        let provisioner = provisioner(&world, &files.clone().on_codecommit());
        Self { world, provisioner, ..Self::new(files) }
    }

    /// When the invocation that begins now would end.
    pub fn deadline(&self) -> Timestamp {
        self.world.now().checked_add(SignedDuration::from_secs(900)).unwrap_or(Timestamp::MAX)
    }

    /// Writes files to `main`, wakes the provisioner, tells people. Answers the end of the run.
    pub async fn push(&self, files: &[ClusterFile]) -> Result<ProvisioningFinished, Fault> {
        let texts: Vec<(String, String)> = files.iter().map(|file| (file.path.clone(), file.text())).collect();
        let changes: Vec<(&str, Option<&str>)> =
            texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
        self.push_raw(&changes).await
    }

    /// Pushes changes to `main`, wakes the provisioner, tells people. Answers the end of the run.
    pub async fn push_raw(&self, changes: &[(&str, Option<&str>)]) -> Result<ProvisioningFinished, Fault> {
        self.world.pass(SignedDuration::from_secs(60));
        let event = self.world.push("main", changes);
        self.wake(&event).await
    }

    /// Brings an event to the provisioner and what it says to feedback. Answers the end of the run.
    pub async fn wake(&self, event: &Envelope) -> Result<ProvisioningFinished, Fault> {
        let result = self.provisioner.event(event, self.deadline()).await;
        let events = self.tell().await?;
        result?;
        last_run(&events)
    }

    /// The schedule, a quarter of an hour later. Answers the end of the last run.
    pub async fn sweep(&self) -> Result<ProvisioningFinished, Fault> {
        self.world.pass(SignedDuration::from_mins(15));
        let result = self.provisioner.schedule("reconcile", self.deadline()).await;
        let events = self.tell().await?;
        result?;
        last_run(&events)
    }

    /// Empties the outbox: every event goes to feedback. Answers the events.
    pub async fn tell(&self) -> Result<Vec<Envelope>, Fault> {
        let events = self.world.drain();
        for event in &events {
            feedback::handle(&self.world, &self.world, &self.world, &self.feedback, event).await?;
        }
        Ok(events)
    }

    /// Ends every run of every pipeline well.
    pub fn finish_all(&self) {
        for name in self.world.pipelines().keys() {
            self.world.finish(name, ExecutionStatus::Succeeded);
        }
    }

    /// Checks every audit chain; answers how many entries they have.
    ///
    /// # Errors
    /// The first chain that does not hold.
    pub async fn verify_audit(&self) -> Result<usize, String> {
        let mut count = 0;
        for subject in self.world.subjects() {
            let (entries, head) = self.world.chain(&subject).await.map_err(|fault| fault.chain())?;
            audit::verify(&subject, &entries, &head).map_err(|broken| broken.to_string())?;
            count += entries.len();
        }
        Ok(count)
    }
}

fn last_run(events: &[Envelope]) -> Result<ProvisioningFinished, Fault> {
    let mut ends = events.iter().rev().filter_map(|event| match &event.event {
        Event::ProvisioningFinished(finished) => Some(finished.clone()),
        _ => None,
    });
    ends.next().ok_or_else(|| Fault::reject("no run came to its end"))
}
