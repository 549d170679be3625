//! The answers about runs and holds as HTTP: JSON for what was done or decided, problem documents for what was not.

use common::{
    domain::{
        cluster::{ClusterKey, ClusterKind, ToldDrift, wording},
        id::{Digest, ExecutionId, HoldId},
        run::{Hold, Told, Unmet, Verdict},
    },
    event::RunObstacle,
    http::{Problem, Refusal, Response},
};
use serde_json::{Value, json};

use super::{
    answering::Outcome,
    case::Case,
    explaining::Explained,
    holding::{Lifting, Placed},
    removing::{Asked, Outcome as RemovalsOutcome},
};

/// The answer to a request for a hold: 201, 200, 409, 422.
pub fn placed(placed: &Placed) -> Response {
    match placed {
        Placed::New(hold) => Response::json(201, &json!(hold)),
        Placed::Same(hold) => Response::json(200, &json!(hold)),
        Placed::Another(hold) => {
            let detail = match &hold.lifted {
                Some(lifted) => {
                    format!("{} lifted the hold {} at {:.0}: use another id", lifted.by, hold.id, lifted.at)
                }
                None => format!("there is another hold {}, or it has ended: use another id", hold.id),
            };
            Problem::new(409, "hold-exists", "There was a hold of this id", detail).with("hold", json!(hold)).into()
        }
        Placed::Nothing(misfit) => (&Refusal::Misfits(vec![misfit.clone()])).into(),
    }
}

/// The holds that stand: each with the clusters that it stops, who can clear it and how, and when it ends by itself.
pub fn holds(holds: &[(Hold, Vec<ClusterKey>)]) -> Response {
    let told = |(hold, stops): &(Hold, Vec<ClusterKey>)| {
        let mut explain = json!(RunObstacle::from(&Unmet::Held(hold.clone())));
        explain["how"] = json!(lifts(hold));
        explain["stops"] = json!(stops);
        let mut told = json!(hold);
        told["explain"] = explain;
        told
    };
    Response::json(200, &json!({"holds": holds.iter().map(told).collect::<Vec<Value>>()}))
}

/// What lifts a hold.
fn lifts(hold: &Hold) -> String {
    format!("one of them sends DELETE /v1/holds/{}", hold.id)
}

/// The answer to lifting a hold: 200, 403, 404.
pub fn lifted(id: &HoldId, lifting: &Lifting) -> Response {
    match lifting {
        Lifting::Lifted(hold) => Response::json(200, &json!(hold)),
        Lifting::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Lifting::NoHold => Problem::new(404, "no-such-hold", "No such hold", format!("there is no hold {id}")).into(),
    }
}

/// What keeps the runs of a cluster: 200, 404.
pub fn explained(key: &ClusterKey, explained: Option<&Explained>) -> Response {
    let Some(Explained { cluster, runs, stops }) = explained else { return no_cluster(key).into() };
    let runs: Vec<Value> = runs.iter().map(|case| told(key, case)).collect();
    let stops: Vec<Value> = stops.iter().map(|unmet| obstacle(key, None, unmet)).collect();
    let mut answer = json!({"cluster": key, "pipeline": cluster.pipeline, "runs": runs, "stops": stops});
    if let Some(drift) = &cluster.drift {
        answer["drift"] = drifted(key, drift);
    }
    Response::json(200, &answer)
}

/// What somebody changed in a pipeline by hand: since when, what is unsafe, who can clear it and how. The fields stand in the audit chain.
fn drifted(key: &ClusterKey, drift: &ToldDrift) -> Value {
    let unsafe_for: Vec<&str> = drift.weakened.iter().map(|one| wording::weakness(*one)).collect();
    let (who, how) = (wording::DRIFT_CLEARERS, wording::drift_action(key));
    json!({"since": drift.since, "weakened": drift.weakened, "reasons": unsafe_for, "who": who, "how": how})
}

/// The answer to an answer: 200 with what the gate says now, 403, 404, 409.
pub fn answered(key: &ClusterKey, execution: &ExecutionId, outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Decided(case) => Response::json(200, &told(key, case)),
        Outcome::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Outcome::NotWaiting(before) => {
            let detail = nobody_waits(key, execution, before.as_ref());
            Problem::new(409, "not-waiting", "Nobody waits for this answer", detail).into()
        }
        Outcome::Another(commit) => {
            let detail = format!("the run {execution} deploys {commit}, and not what you name: look at it again");
            Problem::new(409, "another-commit", "The run deploys another commit", detail).into()
        }
        Outcome::Used => {
            Problem::new(409, "link-used", "The link was used", "it takes one answer, and has taken it").into()
        }
        Outcome::NoCluster => no_cluster(key).into(),
    }
}

/// That a run waits for no answer, and what became of it, as far as its gate said.
pub fn nobody_waits(key: &ClusterKey, execution: &ExecutionId, before: Option<&Told>) -> String {
    let said = match before {
        Some(Told { verdict: Verdict::Admit, at, .. }) => format!("its gate let it go on at {at:.0}"),
        Some(Told { verdict: Verdict::Reject, at, .. }) => format!("its gate ended it at {at:.0}"),
        Some(Told { verdict: Verdict::Hold, .. }) => "it was stopped, or answered in the console".to_owned(),
        None => "it has not come to its gate, or there is none".to_owned(),
    };
    format!("no run {execution} waits at the gate of {key}: {said}")
}

/// The removals that wait for people.
pub fn removals(asked: &[Asked]) -> Response {
    Response::json(200, &json!({"removals": asked.iter().map(removal).collect::<Vec<Value>>()}))
}

/// The answer to an approval of removals: 200 with how they stand now, 403, 404, 409.
pub fn removals_approved(digest: &Digest, outcome: &RemovalsOutcome) -> Response {
    match outcome {
        RemovalsOutcome::Taken(asked) => Response::json(200, &removal(asked)),
        RemovalsOutcome::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        RemovalsOutcome::Moved(head) => {
            let head = head.as_ref().map_or("is gone".to_owned(), |head| format!("is at {} now", head.short()));
            let detail = format!(
                "the branch {head}: the removals {digest} are asked for no more. What is refused there has a digest of its own: \
                 GET /v1/removals"
            );
            Problem::new(409, "another-commit", "The branch has moved on", detail).into()
        }
        RemovalsOutcome::Nothing => {
            let detail = format!(
                "no removals {digest} were refused in the last 30 days: GET /v1/removals lists those that wait"
            );
            Problem::new(404, "no-such-removals", "No such removals", detail).into()
        }
    }
}

fn removal(asked: &Asked) -> Value {
    let Asked { repository, refused, unmet, until, at } = asked;
    let (removals, digest) = (&refused.removals, refused.removals.digest());
    let how = format!("one of them sends POST /v1/removals/{digest}/approvals {{}}");
    let missing = unmet.iter().map(|unmet| {
        let mut told = json!(RunObstacle::from(unmet));
        if matches!(unmet, Unmet::NotApproved { could, .. } if !could.is_empty()) {
            told["how"] = json!(how);
        }
        told
    });
    json!({
        "digest": digest, "repository": repository.name, "branch": removals.branch, "head": removals.head,
        "clusters": removals.clusters, "why": refused.why, "since": refused.at, "missing": missing.collect::<Vec<Value>>(),
        "approved_by": asked.approved_by(), "until": until, "at": at,
    })
}

fn no_cluster(key: &ClusterKey) -> Problem {
    let detail = format!("no cluster {key} has a pipeline of ours");
    Problem::new(404, "no-such-cluster", "No such cluster", detail)
}

/// A run, and everything that keeps it.
fn told(key: &ClusterKey, case: &Case) -> Value {
    let execution = &case.waiting.execution;
    let missing: Vec<Value> = case.decision.unmet.iter().map(|unmet| obstacle(key, Some(execution), unmet)).collect();
    json!({
        "cluster": key, "execution": execution, "commit": case.waiting.commit, "since": case.waiting.since,
        "verdict": case.decision.verdict, "missing": missing, "earliest": case.decision.earliest,
        "approved_by": case.approved_by(), "at": case.at,
    })
}

/// One thing that is missing, with the request that clears it where there is one.
fn obstacle(key: &ClusterKey, execution: Option<&ExecutionId>, unmet: &Unmet) -> Value {
    let mut told = json!(RunObstacle::from(unmet));
    let how = match (unmet, execution) {
        (Unmet::NotApproved { could, .. }, Some(execution)) if !could.is_empty() => {
            Some(format!(r#"one of them sends POST {}/runs/{execution}/approvals {{"answer": "approve"}}"#, route(key)))
        }
        (Unmet::Held(hold), _) => Some(lifts(hold)),
        _ => None,
    };
    if let Some(how) = how {
        told["how"] = json!(how);
    }
    told
}

fn route(key: &ClusterKey) -> String {
    let name = match &key.kind {
        ClusterKind::Regional => "regional",
        ClusterKind::Management(name) => name.as_str(),
    };
    format!("/v1/clusters/{}/{}/{name}", key.environment, key.region_alias)
}
