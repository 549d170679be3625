//! What is said of a run at its gate.

use common::{
    domain::{
        cluster::{ClusterKey, ClusterKind, GATE_TIMEOUT_MINUTES},
        id::CommentId,
        markdown::{code, plain},
    },
    event::{RunAnswerRefused, RunAtGate, RunObstacle},
};

use super::Says;
use crate::words::line;

/// The status, and the title of the check run.
pub(super) fn title(run: &RunAtGate, says: Says) -> String {
    let reasons: Vec<&str> = run.reasons.iter().map(|reason| reason.missing.as_str()).collect();
    line(match says {
        Says::Wait => format!("Waits at the gate: {}", reasons.join("; ")),
        Says::GoOn => match names(run) {
            None => "Goes on: nothing is missing".to_owned(),
            Some(names) => format!("Goes on: approved by {names}"),
        },
        Says::Bypassed => format!("Passed its gate without Penstock: {}", reasons.join("; ")),
        Says::End => format!("Ends at the gate: {}", reasons.join("; ")),
    })
}

/// The text of the check run.
pub(super) fn summary(run: &RunAtGate, says: Says) -> String {
    let commit = run.commit.as_ref().map_or("an unknown commit", |commit| commit.short());
    let mut text = format!(
        "A run of the pipeline {} deploys commit {} of branch {} to {}. It came to its gate at {:.0}.\n",
        code(run.pipeline.as_str()),
        code(commit),
        code(run.branch.as_str()),
        code(&run.cluster.to_string()),
        run.since,
    );
    if let Some(names) = names(run) {
        text.push_str(&format!("\nApproved by {}.\n", plain(&names)));
    }
    if !run.reasons.is_empty() {
        text.push_str("\n| what is missing | who can clear it | how |\n|---|---|---|\n");
        run.reasons.iter().for_each(|reason| text.push_str(&row(reason)));
    }
    if says == Says::Wait {
        text.push_str(&match run.earliest {
            Some(earliest) => {
                format!("\nIt goes on at {earliest:.0} at the earliest, if everybody who is asked says yes.\n")
            }
            None => "\nNo time alone lets it go on.\n".to_owned(),
        });
        text.push_str(&format!(
            "\nAnswer with {} or {}, by the API with {}, or in a comment on a pull request with {}. The answer is for this run alone. A run that nobody answers ends after {} days.\n",
            code(&format!("penstock approve {} {}", short(&run.cluster), run.execution)),
            code(&format!("penstock reject {} {}", short(&run.cluster), run.execution)),
            code(&format!("POST /v1/clusters/{}/runs/{}/approvals", short(&run.cluster), run.execution)),
            code(&format!("/penstock approve {}", run.execution)),
            GATE_TIMEOUT_MINUTES / (24 * 60),
        ));
    }
    text
}

/// The comment to whoever gave a command that was not taken.
pub(super) fn refused(refused: &RunAnswerRefused) -> String {
    let which = match &refused.comment {
        CommentId::GitHub(number) => format!("[this comment](#issuecomment-{number})"),
        CommentId::CodeCommit(id) => format!("the comment {}", code(id.as_str())),
    };
    format!(
        "The command in {which} was not taken: {}.\n\nNothing has changed. The gate takes {} and {} as the first line \
         of a new comment, from whoever is asked.",
        plain(&refused.reason),
        code("/penstock approve <run>"),
        code("/penstock reject <run> <reason>"),
    )
}

fn row(reason: &RunObstacle) -> String {
    format!("| {} | {} | {} |\n", plain(&reason.missing), plain(&reason.who), plain(&reason.how))
}

fn names(run: &RunAtGate) -> Option<String> {
    let names: Vec<String> = run.approved_by.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// A cluster as the API and the command name it.
fn short(cluster: &ClusterKey) -> String {
    let name = match &cluster.kind {
        ClusterKind::Regional => "regional",
        ClusterKind::Management(name) => name.as_str(),
    };
    format!("{}/{}/{name}", cluster.environment, cluster.region_alias)
}
