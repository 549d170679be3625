//! `penstock`: what the control plane would say about a deploy tree, said on your own machine, by the same code.
//!
//! ```text
//! penstock validate .               every file of deploy/, every finding with its line
//! penstock plan . --from ../main    what a push would create, update, destroy, refuse, when ../main is what stands
//! penstock calendar --from 2026-12-01   the schedule of schedules.yaml as an .ics file
//! penstock approve production/us-east-1/mc01 <run>   let a run that waits at its gate go on; reject ends it
//! penstock approve-removals <digest>   let removals through that were refused together
//! penstock onboard acme/shop --kind services --pod ratio --path services   list a repository in repositories.yaml
//! ```
//! The first three read files and print; they call nothing and write nothing. approve, reject and approve-removals ask the control plane's
//! API. onboard asks the source host and adds to one file. Exit code 0: nothing to mend. 1: a file has errors, or a rule or a host refuses
//! something. 2: it could not be asked that way (arguments, unreadable files).

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use common::domain::{
    id::{BranchName, RepositoryId},
    rhythm::ics,
};
use jiff::civil::Date;

mod answer;
mod directory;
#[cfg(feature = "onboard")]
mod onboard;
mod report;
mod world;

/// Offline validate and plan of a deploy tree.
#[derive(Parser)]
#[command(name = "penstock", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check every cluster file, of all environments.
    Validate(Common),
    /// Say what a push of this tree to its branch would do.
    Plan {
        #[command(flatten)]
        common: Common,
        /// The directory that holds `deploy/` as it stands now, such as a worktree of the branch; without it, nothing stands.
        #[arg(long)]
        from: Option<PathBuf>,
        /// The branch that the tree would be pushed to; the repository's default branch when absent.
        #[arg(long)]
        branch: Option<BranchName>,
    },
    /// Let a run that waits at the gate of a cluster's pipeline go on, as far as you are asked.
    Approve(answer::Answer),
    /// End a run that waits at its gate.
    Reject(answer::Answer),
    /// Let removals through that were refused together: exactly these, at the branch's head, for 24 hours.
    ApproveRemovals(answer::Removals),
    /// Look whether Penstock can work in a repository, and add its entry to repositories.yaml.
    #[cfg(feature = "onboard")]
    Onboard(onboard::Onboard),
    /// Print the schedule as an .ics file (RFC 5545): daily unblock, demo, council, maintenance.
    Calendar {
        /// The control plane's own configuration.
        #[arg(long, default_value = "terraform/governance")]
        governance: PathBuf,
        /// The day that it begins with: 2026-12-01.
        #[arg(long)]
        from: Date,
    },
}

#[derive(clap::Args)]
struct Common {
    /// The directory that holds `deploy/`.
    directory: PathBuf,
    /// The control plane's own configuration; `terraform/governance` of the directory when that is there, else everything is admitted.
    #[arg(long)]
    governance: Option<PathBuf>,
    /// Which repository of repositories.yaml this is, by its id; needed when there are several.
    #[arg(long)]
    repository: Option<RepositoryId>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The whole command: arguments, environment and output are the process's.
#[allow(
    clippy::disallowed_methods,
    reason = "tokens and keys do not belong into arguments, which other users of the machine see"
)]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    match run(&args, &variable, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("penstock: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The command with these arguments (the first is its own name) and variables of the environment; whether there is nothing to mend.
///
/// # Errors
/// It could not be asked that way: arguments, unreadable files. The sentence says what to do.
pub fn command<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    variable: &dyn Fn(&str) -> Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    run(&Args::try_parse_from(arguments)?, variable, out)
}

fn run(args: &Args, variable: &dyn Fn(&str) -> Option<String>, out: &mut impl Write) -> anyhow::Result<bool> {
    let (common, report) = match &args.command {
        Command::Validate(common) => (common, report::validate(&directory::Input::read(common)?)),
        Command::Plan { common, from, branch } => {
            let before = from.as_deref().map(directory::Tree::read).transpose()?;
            (common, report::plan(&directory::Input::read(common)?, before.as_ref(), branch.as_ref()))
        }
        Command::Approve(answer) => return answer::run(answer, "approve", variable, out),
        Command::Reject(answer) => return answer::run(answer, "reject", variable, out),
        Command::ApproveRemovals(removals) => return answer::removals(removals, variable, out),
        #[cfg(feature = "onboard")]
        Command::Onboard(onboard) => return onboard::run(onboard, variable, out),
        Command::Calendar { governance, from } => {
            let schedules = directory::governance(governance)?.schedules;
            out.write_all(ics::calendar(&schedules, *from).as_bytes())?;
            return Ok(true);
        }
    };
    if common.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        report.print(out)?;
    }
    Ok(report.ok)
}

#[cfg(test)]
mod tests;
