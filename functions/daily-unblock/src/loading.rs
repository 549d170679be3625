//! Every source of a report, each with its own failure: what cannot be read is said, and hides nothing of the others.

use common::{
    domain::{
        cluster::ClusterRecord,
        id::ItemId,
        rhythm::{self, Entry, OpenChange, Pattern, Read, Source, Sources, Work},
        stage::{Dossier, Item, Position},
        wip::{Scope, settle::Rows as ScopeRows},
    },
    event::Repository,
    fault::Fault,
    ports::{Clock, Forge, Page, Pause, PipelineError, PullRequest, RunGates, View},
};
use jiff::Timestamp;

use crate::handler::{DailyUnblock, Rows};

/// How many items one read takes.
const PAGE: usize = 100;

/// How many rows of limits one read takes: it need not be one moment, and an answer of DynamoDB ends at 4 MB.
const ROWS_AT_ONCE: usize = 10;

/// What a report is made of.
#[derive(Debug)]
pub struct Facts {
    /// What was read of each source.
    pub sources: Sources,
    /// What keeps happening, among the items that could be read.
    pub patterns: Vec<Pattern>,
    /// The items that could be read.
    pub items: Vec<Item>,
    /// When it was read.
    pub at: Timestamp,
}

/// Items with all that is known of them, and why others cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Items {
    pub(crate) dossiers: Vec<Dossier>,
    pub(crate) unreadable: Vec<String>,
}

impl<R: Rows, G: RunGates, F: Forge, C: Pause> DailyUnblock<R, G, F, C> {
    /// Reads everything.
    pub(crate) async fn facts(&self) -> Facts {
        let now = Clock::now(&self.clock);
        let governance = &self.governance;
        let (people, schedules) = (&governance.people, &governance.schedules);
        let Items { dossiers, unreadable } = self.items(|_| true).await;
        let work = Work { dossiers: &dossiers, pipelines: &governance.stages, schedules, people };
        let items = Read { entries: rhythm::items(work, now), missing: some_of(&unreadable) };

        let (rows, unread) = self.scope_rows().await;
        let limits = rhythm::limits(&rows, &governance.limits, &governance.pods, now);
        let limits = Read { entries: limits, missing: some_of(&unread) };
        let pipelines = self.pipelines(now).await;
        let changes = Box::pin(self.changes(now)).await;
        let certificates = self.rows.certificates().await;
        let certificates = certificates.map(|records| rhythm::certificates(&records, now));
        let done = self.rows.done().await;
        let tasks = done.map(|done| rhythm::tasks(schedules, &done, people, now));
        let sources = [
            (Source::Items, items),
            (Source::Limits, limits),
            (Source::Pipelines, pipelines),
            (Source::Changes, changes),
            (Source::Certificates, certificates.map_err(why).into()),
            (Source::Maintenance, tasks.map_err(why).into()),
        ];
        let sources = Sources::from(sources);
        for (source, read) in &sources {
            read.missing.iter().for_each(|why| count(*source, why));
        }
        let blockers = dossiers.iter().flat_map(|dossier| dossier.blockers.values());
        let patterns = rhythm::patterns(blockers, now);
        let items = dossiers.into_iter().map(|dossier| dossier.item).collect();
        Facts { sources, patterns, items, at: now }
    }

    /// Every item that `wanted` names by its light row, with all that is known of it. Those that have ended are left out.
    pub(crate) async fn items(&self, wanted: impl Fn(&Item) -> bool) -> Items {
        let mut read = Items::default();
        let mut after: Option<ItemId> = None;
        loop {
            let Page { items, unreadable, next } = match self.rows.items(after.as_ref(), PAGE).await {
                Ok(page) => page,
                Err(fault) => {
                    read.unreadable.push(why(fault));
                    return read;
                }
            };
            read.unreadable.extend(unreadable);
            for item in items.iter().filter(|item| {
                !matches!(item.position, Position::Done { .. } | Position::Killed { .. }) && wanted(item)
            }) {
                match self.rows.item(&item.id, None).await {
                    // One that is gone since it was listed is nobody's any more.
                    Ok(found) => read.dossiers.extend(found.dossier),
                    Err(fault) => read.unreadable.push(why(fault)),
                }
            }
            after = next;
            if after.is_none() {
                return read;
            }
        }
    }

    async fn scope_rows(&self) -> (ScopeRows, Vec<String>) {
        let mut rows = ScopeRows::new();
        let mut unreadable = Vec::new();
        let scopes: Vec<Scope> = match self.rows.scopes().await {
            Ok(scopes) => scopes.into_iter().collect(),
            Err(fault) => return (rows, vec![why(fault)]),
        };
        for chunk in scopes.chunks(ROWS_AT_ONCE) {
            match View::read(&self.rows, &chunk.iter().cloned().collect()).await {
                Ok(view) => {
                    rows.extend(view.rows);
                    unreadable.extend(view.unreadable.into_iter().map(|(_, fault)| why(fault)));
                }
                Err(fault) => unreadable.push(why(fault)),
            }
        }
        (rows, unreadable)
    }

    /// Holds, clusters whose pipeline could not be made, runs that wait at their gate, and pipelines whose last run came to no good end. A
    /// pipeline that cannot be read hides none of the others.
    async fn pipelines(&self, now: Timestamp) -> Read {
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        match self.rows.holds().await {
            Ok(holds) => entries.extend(rhythm::holds(&holds, now)),
            Err(fault) => unreadable.push(why(fault)),
        }
        for repository in self.governance.repositories.listed.keys() {
            let records = match self.rows.records(*repository).await {
                Ok(records) => records,
                Err(fault) => {
                    unreadable.push(why(fault));
                    continue;
                }
            };
            entries.extend(rhythm::clusters(&records));
            for record in &records {
                match self.runs_of(record).await {
                    Ok(runs) => entries.extend(runs),
                    Err(error) => {
                        tracing::error!(pipeline = %record.pipeline, "{error}");
                        unreadable.push(format!("{} of {} answered {}", error.step, record.pipeline, error.code));
                    }
                }
            }
        }
        Read { entries, missing: some_of(&unreadable) }
    }

    /// Open changes that nobody has touched, of the repositories that are some pod's work. One that cannot be read hides none of the others.
    async fn changes(&self, now: Timestamp) -> Read {
        let (schedules, people) = (&self.governance.schedules, &self.governance.people);
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (id, entry) in &self.governance.repositories.listed {
            let items = entry.items.as_ref().map(|items| &items.pod);
            let Some(pod) = items.or(entry.wip.as_ref().map(|wip| &wip.pod)) else { continue };
            let repository = Repository::new(*id, entry.name.clone());
            match self.host.open_pull_requests(&repository).await {
                Ok(open) => {
                    let open: Vec<OpenChange> = open.into_iter().map(as_open).collect();
                    entries.extend(rhythm::changes((*id, &entry.name, pod), &open, schedules, people, now));
                }
                Err(fault) => unreadable.push(why(fault)),
            }
        }
        Read { entries, missing: some_of(&unreadable) }
    }

    async fn runs_of(&self, record: &ClusterRecord) -> Result<Vec<Entry>, PipelineError> {
        let waiting = self.gates.at_gate(&record.pipeline).await?.waiting;
        let mut entries: Vec<Entry> =
            waiting.iter().map(|run| rhythm::waits(&record.cluster, &run.execution, run.since)).collect();
        if entries.is_empty() {
            entries.extend(rhythm::failed(&record.cluster, &self.gates.history(&record.pipeline).await?));
        }
        Ok(entries)
    }
}

fn as_open(change: PullRequest) -> OpenChange {
    let PullRequest { number, draft, author, reviewers, updated_at, .. } = change;
    OpenChange { number, draft, author, reviewers: reviewers.into_iter().collect(), updated_at }
}

/// What failed, for a report; the chain below it is logged here, once.
fn why(fault: Fault) -> String {
    tracing::error!(fault = fault.chain(), "something that the report is made of cannot be read");
    match fault {
        Fault::Retry { what, .. } | Fault::Reject { what } | Fault::Bug { what, .. } => what,
    }
}

/// The first of what cannot be read, and how many there are.
pub(crate) fn some_of(unreadable: &[String]) -> Option<String> {
    match unreadable {
        [] => None,
        [one] => Some(one.clone()),
        [first, rest @ ..] => Some(format!("{first}, and {} more", rest.len())),
    }
}

/// Counts a source that cannot be read whole, whoever asked for it: this is what calls a person.
pub(crate) fn count(source: Source, why: &str) {
    tracing::error!(source = source.words(), why, "a source cannot be read");
    tracing::info!(target: "metric", name = "RhythmSourcesUnreadable", value = 1_u64);
}
