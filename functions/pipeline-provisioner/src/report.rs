//! The end of a run in one event: counts, a line for each cluster, everything that was found and noted; cut to what an event can
//! hold.

use common::{
    domain::cluster::{Finding, Place, Severity},
    event::{ClusterResult, Counts, MAX_DETAIL_BYTES, Outcome, ProvisioningFinished, Run},
};
use serde::Serialize;

/// What is kept free for the envelope and the run.
const RESERVE: usize = 8 * 1024;
/// How many findings of one file an event about that file carries.
const MAX_FILE_FINDINGS: usize = 100;

/// Builds the event. Nothing is left out in silence: what does not fit is counted.
pub fn finished(
    run: &Run,
    stopped: Option<String>,
    mut results: Vec<ClusterResult>,
    mut findings: Vec<Finding>,
    notes: Vec<String>,
) -> ProvisioningFinished {
    let counts = counts(&results);
    results.sort_by(|one, other| (rank(one.outcome), &one.cluster).cmp(&(rank(other.outcome), &other.cluster)));
    findings.sort();
    findings.sort_by_key(|finding| finding.severity == Severity::Warning);
    findings.dedup();
    let budget = MAX_DETAIL_BYTES - RESERVE;
    let (notes, notes_omitted, noted) = fit(notes, budget / 8);
    let (findings, findings_omitted, found) = fit(findings, budget / 2);
    let (results, results_omitted, _) = fit(results, budget - noted - found);
    ProvisioningFinished {
        run: run.clone(),
        complete: stopped.is_none(),
        stopped,
        counts,
        results,
        results_omitted,
        findings,
        findings_omitted,
        notes,
        notes_omitted,
        removals: None,
        untouched: false,
    }
}

/// The findings of one file, the first hundred of them, with a last line that says how many more there are.
pub fn of_one_file(findings: &[Finding]) -> Vec<Finding> {
    let mut kept: Vec<Finding> = findings.iter().take(MAX_FILE_FINDINGS).cloned().collect();
    if let (Some(more @ 1..), Some(first)) = (findings.len().checked_sub(MAX_FILE_FINDINGS), findings.first()) {
        let found = format!("{more} more findings");
        kept.push(Finding::error(
            &first.path,
            Place::START,
            "more-findings",
            found,
            "none; `penstock validate` shows them all",
        ));
    }
    kept
}

// Keeps what fits, in order; a single item that is too large does not keep smaller ones behind it out.
fn fit<T: Serialize>(items: Vec<T>, budget: usize) -> (Vec<T>, u32, usize) {
    let (mut kept, mut omitted, mut used) = (Vec::new(), 0, 0);
    for item in items {
        let size = serde_json::to_vec(&item).map_or(usize::MAX, |text| text.len().saturating_add(1));
        if size <= budget - used {
            used += size;
            kept.push(item);
        } else {
            omitted += 1;
        }
    }
    (kept, omitted, used)
}

fn counts(results: &[ClusterResult]) -> Counts {
    let mut counts = Counts::default();
    for result in results {
        common::domain::cluster::plan::count(&mut counts, result.outcome, &result.weakened);
    }
    counts
}

// What needs somebody comes first, what is as it should be last.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Invalid => 0,
        Outcome::Failed => 1,
        Outcome::Refused => 2,
        Outcome::Drifted => 3,
        Outcome::Created => 4,
        Outcome::Updated => 5,
        Outcome::Destroying => 6,
        Outcome::Retired => 7,
        Outcome::Orphaned => 8,
        Outcome::Unchanged => 9,
    }
}

#[cfg(test)]
mod tests {
    use common::{
        domain::{cluster::RunMode, id::Generation},
        event::{Envelope, Event},
        testing::{World, envelope, id, main_branch, repository},
    };

    use super::*;

    fn run() -> Run {
        let head = id(&"0a".repeat(20));
        Run {
            repository: repository(),
            branch: main_branch(),
            head,
            generation: Generation(1),
            mode: RunMode::Reconcile,
        }
    }

    fn result(number: usize, outcome: Outcome, reason: &str) -> ClusterResult {
        ClusterResult {
            cluster: id(&format!("integration/us-east-1/management/mc{number}")),
            pipeline: id(&format!("mc-{number}")),
            outcome,
            reasons: vec![reason.to_owned()],
            changes: Vec::new(),
            weakened: Vec::new(),
        }
    }

    fn finding(number: usize, severity: Severity) -> Finding {
        let finding = Finding::error(&format!("deploy/{number}"), Place::START, "rule", "x".repeat(200), "y");
        Finding { severity, ..finding }
    }

    fn told(finished: ProvisioningFinished) -> Envelope {
        let now = common::ports::Clock::now(&World::new());
        envelope(now, "c", "repository:42", Event::ProvisioningFinished(finished))
    }

    #[test]
    fn a_huge_run_fits_into_an_event_and_counts_what_it_leaves_out() {
        let mut results: Vec<_> =
            (0..3000).map(|number| result(number, Outcome::Unchanged, "as it should be")).collect();
        results.push(result(9999, Outcome::Failed, "broken"));
        let mut findings: Vec<_> = (0..2000).map(|number| finding(number, Severity::Warning)).collect();
        findings.push(finding(9999, Severity::Error));
        let notes = (0..3000).map(|number| format!("pipeline rc-{number} is a copy {}", "x".repeat(50))).collect();
        let finished = finished(&run(), None, results, findings, notes);
        assert_eq!(
            (finished.results.len() + finished.results_omitted as usize, finished.counts.unchanged),
            (3001, 3000)
        );
        assert_eq!(finished.findings.len() + finished.findings_omitted as usize, 2001);
        assert_eq!(finished.notes.len() + finished.notes_omitted as usize, 3000);
        assert!(finished.results_omitted > 0 && finished.findings_omitted > 0 && finished.notes_omitted > 0);
        assert_eq!(finished.results[0].outcome, Outcome::Failed, "what needs somebody is kept");
        assert_eq!(finished.findings[0].severity, Severity::Error);
        assert!(told(finished).detail().unwrap().len() <= MAX_DETAIL_BYTES);
    }

    #[test]
    fn one_line_that_is_too_large_does_not_hide_the_others() {
        let results =
            vec![result(1, Outcome::Failed, &"z".repeat(MAX_DETAIL_BYTES)), result(2, Outcome::Created, "new")];
        let finished = finished(&run(), Some("because".into()), results, Vec::new(), Vec::new());
        assert_eq!((finished.results.len(), finished.results_omitted, finished.complete), (1, 1, false));
        assert!(told(finished).detail().is_ok());
    }

    #[test]
    fn the_findings_of_one_file_are_cut_with_a_line_that_says_so() {
        let findings: Vec<_> = (0..250).map(|number| finding(number, Severity::Error)).collect();
        let kept = of_one_file(&findings);
        assert_eq!(kept.len(), 101);
        assert_eq!(kept[100].found, "150 more findings");
        assert_eq!(of_one_file(&findings[..100]).len(), 100);
    }
}
