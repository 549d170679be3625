//! One play: people act, things get lost, then nothing does any more.

use common::{
    domain::{
        audit,
        cluster::{ClusterKey, names},
        governance::Governance,
    },
    fault::Fault,
    ports::{AuditTrail as _, Clock as _},
    testing::{World, id},
};
use delivery_sweeper::DeliverySweeper;
use jiff::{SignedDuration, Timestamp};

use super::{
    Mutant,
    acts::Act,
    at_once,
    carry::{Carrier, Listener, Message},
    end::End,
    host::Host,
    stumble,
};
use crate::{
    chance::Chance,
    journey::{WorldProvisioner, provisioner_of},
};

/// How often a queue brings a message before it is put aside.
const TRIES: usize = 3;
/// More calls than any handler makes: a number below it hits most of them, and a run ends well now and then.
const CALLS: usize = 50;
/// How many rounds of sweeps and schedules may pass until the end is there.
const ROUNDS: usize = 3;
/// How many sweeps there are in a round: a webhook that failed often is asked for again after ten minutes.
const SWEEPS: usize = 4;

/// A world with the functions of journey 1, and what lies between them.
pub(super) struct Play {
    world: World,
    governance: Governance,
    provisioner: WorldProvisioner,
    sweeper: DeliverySweeper<World, World, World, World>,
    feedback: feedback::Settings,
    host: Host,
    carrier: Carrier,
    mutant: Mutant,
    /// What happened, for who plays a seed again.
    pub(super) story: Option<Vec<String>>,
}

impl Play {
    pub(super) fn new(governance: &Governance, mutant: Mutant) -> Self {
        let world = World::new();
        let [rows, host, queues, clock] = [(); 4].map(|()| world.clone());
        Self {
            provisioner: provisioner_of(&world, governance.clone()),
            sweeper: DeliverySweeper { rows, host, queues, clock, governance: governance.clone() },
            governance: governance.clone(),
            feedback: feedback::Settings { pipelines_url: "https://console.example/pipelines".into() },
            host: Host::new(&world),
            carrier: Carrier::default(),
            mutant,
            story: None,
            world,
        }
    }

    /// Plays what people did, with everything that the chance loses.
    ///
    /// # Errors
    /// What did not hold, in words: a chain that is broken, a schedule that failed although nothing did, a world that finds no rest.
    pub(super) async fn lossy(&mut self, acts: &[Act], chance: &mut Chance, expected: &End) -> Result<End, String> {
        for act in acts {
            self.act(act, Some(chance)).await;
            for _ in 0..chance.below(4) {
                self.something(chance).await;
            }
        }
        self.say(|| "nothing is lost any more".to_owned());
        self.world.heal();
        self.host.bring_late(chance).await;
        self.settle(expected).await
    }

    /// The same where nothing is lost.
    ///
    /// # Errors
    /// As [`Self::lossy`].
    pub(super) async fn perfect(&mut self, acts: &[Act]) -> Result<End, String> {
        for act in acts {
            self.act(act, None).await;
            self.pump().await.map_err(|fault| fault.chain())?;
        }
        self.reconcile().await.map_err(|fault| fault.chain())?;
        self.pump().await.map_err(|fault| fault.chain())?;
        self.end().await
    }

    async fn act(&mut self, act: &Act, chance: Option<&mut Chance>) {
        self.minutes(1);
        let delivery = match act {
            Act::Push { branch, path, text } => self.host.push(branch, path, text),
            Act::Propose { path, text } => self.host.propose(path, text),
            Act::Ungate(cluster) => {
                let name = names::pipeline(&id::<ClusterKey>(cluster)).to_string();
                let stands = self.world.pipelines().contains_key(&name);
                if stands {
                    self.world.tamper(&name, |found| {
                        found.definition.stages.iter_mut().for_each(|stage| stage.actions.truncate(1))
                    });
                }
                self.say(|| format!("somebody takes the gate out of {name}: {stands}"));
                return;
            }
        };
        let came = match chance {
            None => self.host.send(&delivery).await,
            Some(chance) => self.host.send_badly(&delivery, chance).await,
        };
        self.say(|| format!("{act:?}: {delivery}, {came}"));
    }

    // One thing that goes on meanwhile.
    async fn something(&mut self, chance: &mut Chance) {
        match chance.below(12) {
            0..4 => {
                self.carrier.relay(&self.world, Some(chance), self.mutant).await;
                self.carrier.hear(&self.world, Some(chance));
                self.say_queue();
            }
            4..9 => {
                let Some(message) = chance.take(&mut self.carrier.queue) else { return };
                self.overtake(chance);
                self.stumble(chance);
                let result = self.handle(&message).await;
                self.world.heal();
                let (kind, tries) = (message.event.event.kind().name(), message.tries);
                self.say(|| format!("{:?} handles {kind}, try {tries}: {}", message.to, told(&result)));
                if result.is_err() && message.tries + 1 < TRIES {
                    self.carrier.queue.push(Message { tries: message.tries + 1, ..message });
                }
            }
            9 => self.host.bring_late(chance).await,
            10 => {
                self.minutes(5);
                self.stumble(chance);
                let result = self.sweep().await;
                self.say(|| format!("the sweeper: {}", told(&result)));
            }
            _ => {
                self.overtake(chance);
                self.stumble(chance);
                let result = self.reconcile().await;
                self.world.heal();
                self.say(|| format!("the schedule: {}", told(&result)));
            }
        }
    }

    fn stumble(&self, chance: &mut Chance) {
        stumble(&self.world, chance, CALLS);
    }

    /// Between two calls of what begins now another message is handled to its end, by another instance.
    fn overtake(&mut self, chance: &mut Chance) {
        if !chance.percent(10) {
            return;
        }
        let Some(message) = chance.take(&mut self.carrier.queue) else { return };
        self.say(|| format!("… and {} comes in between", message.event.event.kind().name()));
        let (governance, feedback) = (self.governance.clone(), self.feedback.clone());
        self.world.before_call(chance.below(CALLS / 2), move |world| {
            // Whatever became of it, it does not come again: that is one more way to be lost.
            let _ = match message.to {
                Listener::Provisioner => {
                    let other = provisioner_of(world, governance);
                    at_once(other.event(&message.event, deadline(world)))
                }
                Listener::Feedback => at_once(feedback::handle(world, world, world, &feedback, &message.event)),
            };
        });
    }

    async fn handle(&self, message: &Message) -> Result<(), Fault> {
        let event = &message.event;
        match message.to {
            Listener::Provisioner => self.provisioner.event(event, deadline(&self.world)).await,
            Listener::Feedback => feedback::handle(&self.world, &self.world, &self.world, &self.feedback, event).await,
        }
    }

    async fn sweep(&mut self) -> Result<(), Fault> {
        if self.mutant == Mutant::NoSweep {
            return Ok(());
        }
        let swept = self.sweeper.schedule("sweep").await;
        self.world.heal();
        self.host.send_again().await;
        swept
    }

    async fn reconcile(&self) -> Result<(), Fault> {
        match self.mutant {
            Mutant::NoSchedule => Ok(()),
            _ => self.provisioner.schedule("reconcile", deadline(&self.world)).await,
        }
    }

    // Everything that is under way arrives.
    async fn pump(&mut self) -> Result<(), Fault> {
        loop {
            self.carrier.relay(&self.world, None, self.mutant).await;
            self.carrier.hear(&self.world, None);
            self.say_queue();
            let messages = std::mem::take(&mut self.carrier.queue);
            if messages.is_empty() {
                return Ok(());
            }
            for message in &messages {
                self.handle(message).await?;
            }
        }
    }

    // Sweeps until every webhook and every event is there, then the schedule: that is all that the end may need, or it comes again.
    async fn settle(&mut self, expected: &End) -> Result<End, String> {
        let mut end = Err("no round was played".to_owned());
        for _ in 0..ROUNDS {
            self.round().await.map_err(|fault| fault.chain())?;
            let found = self.end().await?;
            let equal = found.differs_from(expected).is_none();
            end = Ok(found);
            if equal {
                break;
            }
        }
        end
    }

    async fn round(&mut self) -> Result<(), Fault> {
        for _ in 0..SWEEPS {
            self.minutes(6);
            self.sweep().await?;
            self.pump().await?;
            if self.host.everything_arrived() && self.world.outbox().is_empty() {
                break;
            }
        }
        self.reconcile().await?;
        self.pump().await
    }

    /// Sweeps and schedules once more, and whether they find something to do, in words.
    ///
    /// # Errors
    /// A schedule that failed, in words.
    pub(super) async fn stays(&mut self) -> Result<(), String> {
        // What was in doubt is said once more.
        self.round().await.map_err(|fault| fault.chain())?;
        let before = self.traces();
        self.world.heal();
        self.round().await.map_err(|fault| fault.chain())?;
        let (writes, after) = (self.world.pipeline_writes(), self.traces());
        if writes.is_empty() && before == after {
            return Ok(());
        }
        Err(format!("the end does not stay: {writes:?}; statuses, checks and attempts {before:?}, then {after:?}"))
    }

    // What people and the host would notice of a round.
    fn traces(&self) -> [usize; 3] {
        [self.world.statuses().len(), self.world.checks().len(), self.world.attempts_made().len()]
    }

    async fn end(&self) -> Result<End, String> {
        for subject in self.world.subjects() {
            let (entries, head) = self.world.chain(&subject).await.map_err(|fault| fault.chain())?;
            audit::verify(&subject, &entries, &head).map_err(|broken| broken.to_string())?;
        }
        Ok(End::of(&self.world, &self.carrier.unpublished(&self.world)))
    }

    fn minutes(&self, minutes: i64) {
        self.world.pass(SignedDuration::from_mins(minutes));
    }

    fn say(&mut self, words: impl FnOnce() -> String) {
        let now = self.world.now();
        if let Some(story) = &mut self.story {
            story.push(format!("{now} {}", words()));
        }
    }

    fn say_queue(&mut self) {
        let kinds = |queue: &[Message]| {
            queue.iter().map(|message| message.event.event.kind().name()).collect::<Vec<_>>().join(", ")
        };
        if let Some(story) = &mut self.story {
            story.push(format!("queued: {}", kinds(&self.carrier.queue)));
        }
    }
}

fn deadline(world: &World) -> Timestamp {
    world.now().checked_add(SignedDuration::from_secs(900)).unwrap_or(Timestamp::MAX)
}

fn told(result: &Result<(), Fault>) -> String {
    match result {
        Ok(()) => "well".to_owned(),
        Err(fault) => fault.chain(),
    }
}
