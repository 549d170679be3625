//! `penstock onboard`: looks whether Penstock can work in a repository, and adds its entry to `repositories.yaml`.
//!
//! What is asked of a host and how it is judged is the control plane's own code (`common::domain::onboarding`); here are the credentials,
//! the file and the order of the words. The file is written once, whole, and only when the configuration with it has no finding.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, ensure};
use common::{
    aws::{Aws, codecommit::CodeCommit},
    domain::{
        governance::{Governance, RepositoryKind},
        id::{BranchName, CodeCommitArn, DirectoryPath, PodName},
        onboarding::{
            Address, Ask, Facts, Line, Mark, NewEntry, judge,
            registry::{self, FILE},
        },
    },
    github::{DEFAULT_BASE_URI, GitHub},
    ports::facts,
    runtime::AwsSettings,
};

use crate::directory;

/// What is asked, and with whose credentials.
#[derive(Debug, clap::Args)]
pub(crate) struct Onboard {
    /// The repository: owner/name on GitHub, its ARN on CodeCommit.
    repository: Address,
    /// What it is for: cluster, application, services, manager-monorepo or manager-separate (repositories.yaml says what each is).
    #[arg(long, value_parser = kind)]
    kind: RepositoryKind,
    /// Whose it is: a pod of pods.yaml.
    #[arg(long)]
    pod: PodName,
    /// The directory that its configuration is in. A cluster's is deploy, and an application has none: left out for those.
    #[arg(long)]
    path: Option<DirectoryPath>,
    /// The branch that configures; the host's default branch when absent.
    #[arg(long)]
    default_branch: Option<BranchName>,
    /// The control plane's own configuration.
    #[arg(long, default_value = "terraform/governance")]
    governance: PathBuf,
    /// Print the entry and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// The number of the control plane's GitHub App; else the variable GITHUB_APP_ID says it.
    #[arg(long)]
    app_id: Option<u64>,
    /// The file with the App's private key (PEM); else the variable GITHUB_APP_KEY_FILE says it.
    #[arg(long)]
    app_key_file: Option<PathBuf>,
    /// GitHub's API, when it is not GitHub's own; else the variable GITHUB_API_URL says it.
    #[arg(long)]
    github_api_url: Option<String>,
}

type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

fn kind(text: &str) -> Result<RepositoryKind, String> {
    let found = RepositoryKind::ALL.into_iter().find(|(word, _)| *word == text);
    let words = RepositoryKind::ALL.map(|(word, _)| word).join(", ");
    found.map(|(_, kind)| kind).ok_or_else(|| format!("expected one of {words}"))
}

/// Looks, says what was found, and adds the entry; whether it is there now.
///
/// # Errors
/// It could not be asked: no credentials, a configuration that cannot be used, a file that cannot be written.
pub(crate) fn run(onboard: &Onboard, variable: Variables<'_>, out: &mut impl Write) -> anyhow::Result<bool> {
    let Onboard { repository, kind, pod, path, default_branch, governance, .. } = onboard;
    let ask = Ask::new(repository.clone(), *kind, pod.clone(), path.clone(), default_branch.clone());
    let ask = ask.map_err(anyhow::Error::msg)?;
    let files = directory::governance_files(governance)?;
    let owner = owner(&directory::parse(&files)?, pod);
    let judged = judge(&ask, &look(onboard, &ask, variable)?);
    let mut lines: Vec<Line> = [owner].into_iter().chain(judged.lines).collect();
    let added = judged.entry.map(|entry| (add(&files, &entry), entry));
    let added = match added {
        Some((Ok(text), entry)) if lines.iter().all(|line| line.mark != Mark::Fail) => Some((text, entry)),
        Some((Err(why), _)) => {
            lines.extend(why);
            None
        }
        _ => None,
    };
    let Some((text, entry)) = added else {
        say(out, &lines)?;
        writeln!(out, "nothing was written")?;
        return Ok(false);
    };
    if onboard.dry_run {
        // Nothing but what belongs into the file; a warning stands there as a comment.
        let warnings = lines.iter().filter(|line| line.mark == Mark::Warn).map(|line| format!("  # {line}"));
        say(out, warnings.chain(entry.lines("  ")))?;
        return Ok(true);
    }
    let path = governance.join(FILE);
    replace(&path, files.get(FILE).map_or("", String::as_str), &text)?;
    say(out, &lines)?;
    writeln!(out, "ok    {} has one entry more:", path.display())?;
    say(out, entry.lines("  "))?;
    writeln!(out, "review it, commit it and deploy the control plane: until then nothing is done for the repository")?;
    Ok(true)
}

fn say(out: &mut impl Write, lines: impl IntoIterator<Item: Display>) -> anyhow::Result<()> {
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn owner(governance: &Governance, pod: &PodName) -> Line {
    let listed = &governance.pods.listed;
    let text = match listed.contains_key(pod) {
        true => return Line { mark: Mark::Ok, text: format!("pod {pod} is one of pods.yaml") },
        false if listed.is_empty() => format!("there is no pod {pod}: pods.yaml lists none"),
        false => {
            let names: Vec<&str> = listed.keys().map(PodName::as_str).collect();
            format!("there is no pod {pod}: name one of pods.yaml ({})", names.join(", "))
        }
    };
    Line { mark: Mark::Fail, text }
}

/// The file with the entry, when the whole configuration can be used with it.
fn add(files: &BTreeMap<String, String>, entry: &NewEntry) -> Result<String, Vec<Line>> {
    let fail = |text: String| Line { mark: Mark::Fail, text };
    let text = files.get(FILE).map_or("", String::as_str);
    let findings = |findings: Vec<common::domain::cluster::Finding>| {
        findings.iter().map(|finding| fail(finding.to_string())).collect::<Vec<_>>()
    };
    if let Some(why) = registry::listed(text, entry).map_err(findings)? {
        return Err(vec![fail(why)]);
    }
    let text = registry::append(text, entry).map_err(|why| vec![fail(why)])?;
    let mut files = files.clone();
    files.insert(FILE.to_owned(), text.clone());
    let bundle = serde_json::to_vec(&files).map_err(|error| vec![fail(error.to_string())])?;
    Governance::parse(&bundle).map_err(findings)?;
    Ok(text)
}

/// Asks the host with the credentials that the arguments and variables say.
fn look(onboard: &Onboard, ask: &Ask, variable: Variables<'_>) -> anyhow::Result<Facts> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &ask.address {
            Address::GitHub(_) => Ok(facts(&github(onboard, variable)?, ask).await),
            Address::CodeCommit(arn) => Ok(facts(&codecommit(arn, variable)?, ask).await),
        }
    })
}

fn github(onboard: &Onboard, variable: Variables<'_>) -> anyhow::Result<GitHub> {
    let app = match (onboard.app_id, variable("GITHUB_APP_ID")) {
        (Some(app), _) => app,
        (None, Some(text)) => text.parse().map_err(|_| anyhow!("GITHUB_APP_ID: expected the App's number"))?,
        (None, None) => return Err(anyhow!("say which App it is: --app-id, or the variable GITHUB_APP_ID")),
    };
    let file = onboard.app_key_file.clone().or_else(|| variable("GITHUB_APP_KEY_FILE").map(PathBuf::from));
    let file =
        file.context("say where the App's private key is: --app-key-file, or the variable GITHUB_APP_KEY_FILE")?;
    let pem = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let api = onboard.github_api_url.clone().or_else(|| variable("GITHUB_API_URL"));
    Ok(GitHub::new(api.as_deref().unwrap_or(DEFAULT_BASE_URI), app, &pem.into())?)
}

/// With a person's credentials, in the ARN's region: the control plane's own are its functions'.
fn codecommit(arn: &CodeCommitArn, variable: Variables<'_>) -> anyhow::Result<CodeCommit> {
    let key = |name: &str| {
        variable(name).with_context(|| {
            format!("{name} is not set: put credentials of the account {} into the environment (aws configure export-credentials --format env)", arn.account())
        })
    };
    const OWN_ENDPOINT: &str = "AWS_ENDPOINT_URL_CODECOMMIT";
    Ok(CodeCommit::new(&Aws::with(AwsSettings {
        region: arn.region().to_string(),
        access_key_id: key("AWS_ACCESS_KEY_ID")?,
        secret_access_key: key("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
        function_name: None,
        endpoint: variable(OWN_ENDPOINT).or_else(|| variable("AWS_ENDPOINT_URL")),
        endpoints: BTreeMap::new(),
    })))
}

/// Replaces a file at once: whoever reads it finds the old text or the new one, also when this stops half-way.
fn replace(path: &Path, before: &str, after: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    // A link stays a link.
    let path = fs::canonicalize(path).with_context(failed)?;
    let folder = path.parent().with_context(failed)?;
    let mut beside = tempfile::Builder::new().prefix(".repositories").tempfile_in(folder).with_context(failed)?;
    beside.write_all(after.as_bytes()).with_context(failed)?;
    beside.as_file().set_permissions(fs::metadata(&path).with_context(failed)?.permissions()).with_context(failed)?;
    beside.as_file().sync_all().with_context(failed)?;
    let now = fs::read_to_string(&path).with_context(failed)?;
    ensure!(now == before, "{} was changed meanwhile: nothing was written, run the command again", path.display());
    beside.persist(&path).with_context(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests;
