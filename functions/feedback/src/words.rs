//! Every sentence that this function says, and nothing else. Foreign text goes through `markdown`.

use std::collections::BTreeSet;

use common::{
    domain::cluster::{FieldChange, Finding, Severity, wording},
    event::{ClusterResult, Outcome, ProvisioningFinished, Run},
};

use common::domain::markdown::{code, plain};

/// GitHub takes 65,535 characters of summary; the rest is in the event and in the audit trail.
const SUMMARY_LIMIT: usize = 60_000;
/// GitHub takes 140 characters of a status.
const LINE_LIMIT: usize = 140;

/// Whether a result only says that the pipeline stands as its file wants it.
pub fn stands(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged)
}

/// The pending status.
pub fn pending(run: &Run) -> String {
    line(format!("Reading the deploy tree at {} of {}", run.head.short(), run.branch))
}

/// The final status, and the title of the check run: the words of the command.
pub fn title(finished: &ProvisioningFinished) -> String {
    line(match &finished.stopped {
        Some(why) => format!("Stopped: {why}"),
        None => {
            let status = wording::status(&finished.counts, &finished.run.mode, finished.complete);
            status + &beside(finished)
        }
    })
}

/// The title of a plan.
pub fn plan_title(finished: &ProvisioningFinished) -> String {
    line(match &finished.stopped {
        Some(why) => format!("Not planned: {why}"),
        None => wording::counts(&finished.counts, &finished.run.mode) + &beside(finished),
    })
}

// `; also 1 error, 2 warnings`: without it a plan that fails on a path alone would say "no clusters".
fn beside(finished: &ProvisioningFinished) -> String {
    let findings = untold(finished);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    let parts = [(errors, "error"), (warnings, "warning"), (finished.notes.len(), "note")];
    let parts: Vec<String> =
        parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, word)| several(number, word)).collect();
    if parts.is_empty() { String::new() } else { format!("; also {}", parts.join(", ")) }
}

fn several(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

// The findings that no cluster's own lines tell: warnings, and paths that name no cluster.
fn untold(finished: &ProvisioningFinished) -> Vec<&Finding> {
    let told: BTreeSet<&str> = finished.results.iter().flat_map(|result| &result.reasons).map(String::as_str).collect();
    finished.findings.iter().filter(|finding| !told.contains(finding.to_string().as_str())).collect()
}

/// What GitHub takes as a status or a title.
pub(crate) fn line(text: String) -> String {
    if text.chars().count() <= LINE_LIMIT {
        return text;
    }
    text.chars().take(LINE_LIMIT - 1).chain(['…']).collect()
}

/// The text of the check run on a push.
pub fn summary(finished: &ProvisioningFinished) -> String {
    let run = &finished.run;
    let mut text = Text::new(format!(
        "Commit {} of branch {} was compared with the pipelines that exist (generation {}).",
        code(run.head.short()),
        code(run.branch.as_str()),
        run.generation
    ));
    if let Some(why) = &finished.stopped {
        text.push(format!("**The run stopped early:** {}.", plain(why)));
    }
    if let Some(removals) = &finished.removals {
        let (digest, several) = (&removals.digest, several(removals.count as usize, "removal"));
        text.push(format!(
            "**{several} wait for approval.** Whoever approves runs there may let exactly these through, at this commit, for 24 hours: {}, \
             or {} to the API.",
            code(&format!("penstock approve-removals {digest}")),
            code(&format!("POST /v1/removals/{digest}/approvals")),
        ));
    }
    text.sections(finished, |outcome| match outcome {
        Outcome::Created => Some("Created"),
        Outcome::Updated => Some("Updated"),
        Outcome::Unchanged => None,
        Outcome::Destroying => Some("Being destroyed (the pipeline stays)"),
        Outcome::Retired => Some("Retired"),
        Outcome::Refused => Some("Refused: a rule forbids it"),
        Outcome::Orphaned => Some("Orphaned: the file is gone, the pipeline stays"),
        Outcome::Invalid => Some("Invalid: left as it is until the file is mended"),
        Outcome::Failed => Some("Failed: tried again by itself"),
        Outcome::Drifted => Some("Changed by hand, and left: the fields say what setting it back would do"),
    });
    text.end(finished)
}

/// The text of the check run on a pull request.
pub fn plan(finished: &ProvisioningFinished) -> String {
    let run = &finished.run;
    let mut text = Text::new(format!(
        "What merging {} into {} would do to the cluster pipelines. Nothing was changed.",
        code(run.head.short()),
        code(run.branch.as_str())
    ));
    if let Some(why) = &finished.stopped {
        text.push(format!("**The plan is not complete:** {}.", plain(why)));
    }
    text.sections(finished, |outcome| match outcome {
        Outcome::Created => Some("Would create"),
        Outcome::Updated => Some("Would update"),
        Outcome::Unchanged => None,
        Outcome::Destroying => Some("Would start a destroy run (the pipeline stays)"),
        Outcome::Retired => Some("Would retire"),
        Outcome::Refused => Some("Would refuse: a rule forbids it"),
        Outcome::Orphaned => Some("Would orphan: the file goes, the pipeline stays"),
        Outcome::Invalid => Some("Invalid: would be left as it is until the file is mended"),
        Outcome::Failed => Some("Could not be planned"),
        Outcome::Drifted => Some("Changed by hand, and left: the fields say what setting it back would do"),
    });
    if finished.complete && finished.results.iter().all(|result| result.outcome == Outcome::Unchanged) {
        text.push("No cluster pipeline would change.".to_owned());
    }
    text.end(finished)
}

/// A Markdown text that stops at the limit and says how much it left out.
struct Text {
    text: String,
    omitted: u32,
}

impl Text {
    fn new(first: String) -> Self {
        Self { text: first, omitted: 0 }
    }

    fn push(&mut self, paragraph: String) {
        self.text.push_str("\n\n");
        self.text.push_str(&paragraph);
    }

    // Answers whether there was room for it.
    fn item(&mut self, item: &str) -> bool {
        let fits = self.text.len() + item.len() <= SUMMARY_LIMIT;
        if fits {
            self.text.push_str(item);
        }
        fits
    }

    // One section for each outcome that has a heading, in the order in which the results came.
    fn sections(&mut self, finished: &ProvisioningFinished, heading: impl Fn(Outcome) -> Option<&'static str>) {
        let mut seen: Vec<Outcome> = Vec::new();
        for outcome in finished.results.iter().map(|result| result.outcome) {
            if !seen.contains(&outcome) {
                seen.push(outcome);
            }
        }
        for outcome in seen {
            let Some(heading) = heading(outcome) else { continue };
            self.push(format!("### {heading}\n"));
            for result in finished.results.iter().filter(|result| result.outcome == outcome) {
                self.omitted += u32::from(!self.item(&item(result)));
            }
        }
    }

    fn list(&mut self, heading: &str, sentences: &[String]) {
        if sentences.is_empty() {
            return;
        }
        self.push(format!("### {heading}\n"));
        let shown = sentences.iter().take_while(|sentence| self.item(&format!("\n- {}", plain(sentence)))).count();
        if shown < sentences.len() {
            self.push(format!("{} more of these are left out here.", sentences.len() - shown));
        }
    }

    fn end(mut self, finished: &ProvisioningFinished) -> String {
        let untold: Vec<String> = untold(finished).into_iter().map(ToString::to_string).collect();
        self.list("Also found in the files", &untold);
        self.list("Noted beside the clusters", &finished.notes);
        if finished.counts.unchanged > 0 {
            self.push(format!("{} unchanged.", finished.counts.unchanged));
        }
        let errors = finished.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let warnings = finished.findings.len() - errors;
        if errors + warnings > 0 {
            self.push(format!(
                "Findings in the files: {}, {}; each is an annotation at its line.",
                several(errors, "error"),
                several(warnings, "warning")
            ));
        }
        let omitted = self.omitted + finished.results_omitted;
        if omitted > 0 {
            self.push(format!("{omitted} more clusters are left out here; the audit trail has them all."));
        }
        if finished.notes_omitted > 0 {
            self.push(format!("Notes left out here: {}; the provisioner's log has them all.", finished.notes_omitted));
        }
        if finished.findings_omitted > 0 {
            self.push(format!(
                "{} more findings are left out; `penstock validate` shows them all.",
                finished.findings_omitted
            ));
        }
        self.text
    }
}

fn item(result: &ClusterResult) -> String {
    let mut text = format!("\n- {} (pipeline {})", code(&result.cluster.to_string()), code(result.pipeline.as_str()));
    for reason in &result.reasons {
        text.push_str(&format!("\n  - {}", plain(reason)));
    }
    for change in &result.changes {
        text.push_str(&format!("\n  - {}", field(change)));
    }
    text
}

fn field(change: &FieldChange) -> String {
    let name = code(&change.field);
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{name}: {} → {}", code(from), code(to)),
        (None, Some(to)) => format!("{name}: new, {}", code(to)),
        (Some(from), None) => format!("{name}: removed, was {}", code(from)),
        (None, None) => format!("{name} changed"),
    }
}
