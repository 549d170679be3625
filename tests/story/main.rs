//! `make story`: journey 1 told over the in-memory world, by the real handlers, without an AWS crate or an emulator.
//!
//! A signed push becomes pipelines; a bad file is refused alone; a pull request is told what it would do; a changed value
//! updates one pipeline; a cluster is taken down in two steps. Every sentence below is checked before it is printed: the story
//! ends with exit code 1 at the first thing that is not so.
//!
//! The relay between table and bus is the world's own here; the real one has its tests and runs in `make demo`.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use common::{
    domain::cluster::ExecutionStatus,
    event::{Outcome, ProvisioningFinished},
    ports::StatusState,
    testing::ClusterFile,
};
use tests::{
    intake::Intake,
    journey::{Journey, fleet},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match tell().await {
        Ok(()) => {
            println!("\nAll of it held.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nThis does not hold: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

fn chapter(title: &str) {
    println!("\n{title}\n{}", "-".repeat(title.len()));
}

async fn tell() -> Result<()> {
    let journey = Journey::default();
    let intake = Intake::new(&journey.world);
    say("Journey 1: a push becomes a pipeline. In memory, with the real handlers.");
    chapter("1. A pull request asks first");
    proposed(&journey).await?;
    chapter("2. The push");
    pushed(&journey, &intake).await?;
    chapter("3. One value changes");
    changed(&journey).await?;
    chapter("4. Nothing changes");
    unchanged(&journey).await?;
    chapter("5. A cluster is taken down");
    taken_down(&journey).await?;
    chapter("6. The record");
    let entries = journey.verify_audit().await.map_err(anyhow::Error::msg)?;
    ensure!(entries > 20, "the audit trail has {entries} entries");
    say(format!("{entries} audit entries in {} chains, every hash verified.", journey.world.subjects().len()));
    Ok(())
}

fn tree() -> Vec<ClusterFile> {
    let mut fleet = fleet();
    // Unquoted: YAML would make a number of it and lose the zeros.
    let bad = fleet.pop().map(|file| file.set("account_id", "001234567012"));
    fleet.extend(bad);
    fleet
}

fn changes(texts: &[(String, String)]) -> Vec<(&str, Option<&str>)> {
    texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect()
}

async fn proposed(journey: &Journey) -> Result<()> {
    journey.world.push("main", &[("README.md", Some("clusters"))]);
    let texts: Vec<(String, String)> = tree().iter().map(|file| (file.path.clone(), file.text())).collect();
    let event = journey.world.open_change(1, "main", None, &changes(&texts));
    let run = journey.wake(&event).await?;
    let check = journey.world.checks().pop().context("the pull request has a check run")?;
    ensure!(journey.world.pipelines().is_empty(), "a plan wrote a pipeline");
    ensure!(run.counts.created == 6 && run.counts.invalid == 1, "the plan has other counts: {:?}", run.counts);
    say(format!("Check run \"{}\" on the pull request: {}.", check.name, check.title));
    say("No pipeline was made.");
    Ok(())
}

async fn pushed(journey: &Journey, intake: &Intake) -> Result<()> {
    let texts: Vec<(String, String)> = tree().iter().map(|file| (file.path.clone(), file.text())).collect();
    let (body, delivery) = intake.push(&changes(&texts));
    ensure!(intake.deliver(&delivery, &body, false).await == 401, "a forged signature was not refused");
    ensure!(intake.deliver(&delivery, &body, true).await == 202, "the push was not accepted");
    ensure!(intake.deliver(&delivery, &body, true).await == 200, "the copy was not recognised");
    say("The webhook: a forged delivery 401, the push 202, its copy 200.");

    let events = journey.tell().await?;
    ensure!(events.len() == 1, "one delivery made {} events", events.len());
    let run = journey.wake(&events[0]).await?;
    ensure!(run.counts.created == 6 && run.counts.invalid == 1, "the run has other counts: {:?}", run.counts);
    for pipeline in journey.world.pipelines().values() {
        let definition = &pipeline.definition;
        let stages: Vec<&str> = definition.stages.iter().map(|stage| stage.name.as_str()).collect();
        let gated =
            definition.stages.iter().flat_map(|stage| &stage.actions).any(|action| action.category == "Approval");
        let gate = if gated { ", waits at the gate" } else { "" };
        say(format!("  {}  {}{gate}", definition.name, stages.join(" > ")));
        let trigger = definition.triggers.first().context("a pipeline has a trigger")?;
        ensure!(trigger.paths.len() <= 8, "AWS takes eight patterns");
        say(format!(
            "      starts on {} when {} changes, or its terraform",
            trigger.branches.join(","),
            trigger.paths[0]
        ));
    }
    say("Refused, and its neighbours provisioned:");
    for finding in &run.findings {
        say(format!("  {finding}"));
    }
    let status = journey.world.statuses().pop().context("the commit has a status")?;
    ensure!(status.state == StatusState::Failure, "a refused file is not visible on the commit");
    say(format!("Commit status {}: {:?}, \"{}\".", status.context, status.state, status.description));
    Ok(())
}

async fn changed(journey: &Journey) -> Result<()> {
    journey.world.heal();
    let file = ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", "\"123\"");
    let run = journey.push(&[file]).await?;
    let writes = journey.world.pipeline_writes();
    ensure!(writes.len() == 1 && run.counts.updated == 1, "one value changed {} pipelines", writes.len());
    let line = line_of(&run, Outcome::Updated)?;
    let change = line.changes.first().context("the update says which field")?;
    let (from, to) = (change.from.as_deref().unwrap_or("-"), change.to.as_deref().unwrap_or("-"));
    say(format!("{} updated, because {}: {from} -> {to}. No other pipeline was written.", line.pipeline, change.field));
    Ok(())
}

async fn unchanged(journey: &Journey) -> Result<()> {
    journey.world.heal();
    journey.push_raw(&[("README.md", Some("more clusters"))]).await?;
    journey.sweep().await?;
    let writes = journey.world.pipeline_writes();
    ensure!(writes.is_empty(), "nothing changed and {writes:?} was written");
    say("A push that touches no cluster and the scheduled sweep: no write to CodePipeline.");
    Ok(())
}

async fn taken_down(journey: &Journey) -> Result<()> {
    journey.finish_all();
    let file = ClusterFile::management("integration", "us-east-1", "mc02");
    let early = journey.push(&[file.clone().set("delete_pipeline", "true")]).await?;
    say(format!("delete_pipeline first: {}.", line_of(&early, Outcome::Refused)?.reasons.join("; ")));
    let run = journey.push(&[file.clone().set("delete", "true")]).await?;
    let pipeline = line_of(&run, Outcome::Destroying)?.pipeline.clone();
    say(format!("delete: a destroy run of {pipeline} was started; the pipeline stays."));
    journey.world.finish(pipeline.as_str(), ExecutionStatus::Succeeded);
    let run = journey.push(&[file.set("delete", "true").set("delete_pipeline", "true")]).await?;
    line_of(&run, Outcome::Retired)?;
    ensure!(!journey.world.pipelines().contains_key(pipeline.as_str()), "the pipeline is still there");
    say("The destroy run succeeded, delete_pipeline again: the pipeline is gone.");
    let run = journey.push_raw(&[("deploy/integration/us-east-1-b/terraform/management/mc01.yaml", None)]).await?;
    let orphan = line_of(&run, Outcome::Orphaned)?;
    ensure!(journey.world.pipelines().contains_key(orphan.pipeline.as_str()), "an orphan was deleted");
    say(format!("A file that just goes: {} is an orphan, its pipeline stays.", orphan.cluster));
    Ok(())
}

fn line_of(run: &ProvisioningFinished, outcome: Outcome) -> Result<&common::event::ClusterResult> {
    let line = run.results.iter().find(|result| result.outcome == outcome);
    line.with_context(|| format!("no cluster came to {outcome:?}: {:?}", run.results))
}
