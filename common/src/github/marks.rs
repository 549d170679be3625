//! Writing: commit statuses and check runs.
//!
//! A check run is found again by name and external id among this App's own (a check of another App with our id is not
//! ours), so a repeat completes what an interrupted one began, and a finished one is left alone. Annotations go in batches
//! of 50, GitHub's limit for one request; the run stays `in_progress` until the last batch is in.
//! Two copies at the very same time can both find none and make two equal runs; GitHub shows the later one.

use crate::{
    event::Repository,
    fault::Fault,
    ports::{Annotation, CheckConclusion, CheckRun, CommitStatus, Marks, StatusState},
};

use super::{
    GitHub, Scope,
    session::{Call, GET, Verb},
    wire,
};

/// GitHub's limit of annotations in one request.
const BATCH: usize = 50;
/// GitHub's limits: a status's description in characters, a check run's summary in bytes.
const DESCRIPTION: usize = 140;
const SUMMARY: usize = 65_535;

impl Marks for GitHub {
    async fn set_status(&self, repository: &Repository, status: &CommitStatus) -> Result<(), Fault> {
        let what = format!("setting the status of {} in {}", status.commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Marks, what: &what };
        let body = wire::Status {
            state: match status.state {
                StatusState::Pending => "pending",
                StatusState::Success => "success",
                StatusState::Failure => "failure",
                StatusState::Error => "error",
            },
            context: &status.context,
            description: one_line(&status.description),
            target_url: status.target_url.as_deref(),
        };
        let _: wire::Accepted = self.call(&call, Verb::Post(&body), &format!("/statuses/{}", status.commit)).await?;
        Ok(())
    }

    async fn publish_check(&self, repository: &Repository, check: &CheckRun) -> Result<(), Fault> {
        let what = format!("publishing a check run for {} in {}", check.commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Marks, what: &what };
        let (mut id, mut sent) = match self.find(&call, check).await? {
            Some(found) if found.status == "completed" => return Ok(()),
            Some(found) => (Some(found.id), found.output.map_or(0, |output| output.annotations_count)),
            None => (None, 0),
        };
        loop {
            let rest = check.annotations.get(sent..).unwrap_or_default();
            let batch = rest.get(..BATCH).unwrap_or(rest);
            let last = batch.len() == rest.len();
            let body = write(check, id.is_none(), batch, last);
            let run: wire::CheckRun = match id {
                None => self.call(&call, Verb::Post(&body), "/check-runs").await?,
                Some(id) => self.call(&call, Verb::Patch(&body), &format!("/check-runs/{id}")).await?,
            };
            if last {
                return Ok(());
            }
            id = Some(run.id);
            sent += batch.len();
        }
    }
}

impl GitHub {
    /// This App's run of this name and external id for the commit.
    async fn find(&self, call: &Call<'_>, check: &CheckRun) -> Result<Option<wire::CheckRun>, Fault> {
        let name = super::read::path(&check.name).replace('/', "%2F");
        for page in 1_u64.. {
            let below =
                format!("/commits/{}/check-runs?check_name={name}&filter=all&per_page=100&page={page}", check.commit);
            let found: wire::CheckRuns = self.call(call, GET, &below).await?;
            let (seen, total) = (found.check_runs.len(), found.total_count);
            let own = found.check_runs.into_iter().find(|run| {
                run.external_id.as_deref() == Some(&check.external_id)
                    && run.app.as_ref().is_some_and(|app| app.id == self.app_id)
            });
            if own.is_some() || seen == 0 || page * 100 >= total {
                return Ok(own);
            }
        }
        Ok(None)
    }
}

fn write<'a>(check: &'a CheckRun, new: bool, batch: &'a [Annotation], last: bool) -> wire::CheckWrite<'a> {
    wire::CheckWrite {
        head_sha: new.then_some(check.commit.as_str()),
        name: &check.name,
        external_id: &check.external_id,
        status: if last { "completed" } else { "in_progress" },
        conclusion: last.then_some(match check.conclusion {
            CheckConclusion::Success => "success",
            CheckConclusion::Failure => "failure",
            CheckConclusion::Neutral => "neutral",
        }),
        output: wire::Output {
            title: &check.title,
            summary: cut(&check.summary, SUMMARY),
            annotations: batch.iter().map(line).collect(),
        },
    }
}

fn line(annotation: &Annotation) -> wire::Line<'_> {
    wire::Line {
        path: &annotation.path,
        start_line: annotation.line,
        end_line: annotation.line,
        start_column: annotation.column,
        end_column: annotation.column,
        annotation_level: if annotation.failure { "failure" } else { "warning" },
        title: &annotation.title,
        message: &annotation.message,
    }
}

fn one_line(text: &str) -> String {
    if text.chars().count() <= DESCRIPTION {
        return text.to_owned();
    }
    text.chars().take(DESCRIPTION - 1).chain(['…']).collect()
}

fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_githubs_limits_between_characters() {
        assert_eq!(one_line("short"), "short");
        assert_eq!(one_line(&"é".repeat(141)), format!("{}…", "é".repeat(139)));
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
