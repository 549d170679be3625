//! Answers by personal links. The token in the address is the whole credential: no authorizer stands before these routes. So it is
//! checked before anything is read, it is in no log, and what it is good for is one answer by one person to one run at one commit. Whether
//! that answer counts is asked when it is given, as of every answer. `GET` only looks: whatever previews a link decides nothing.

use common::{
    domain::{
        access::{self, Actor},
        id::CorrelationId,
        reason::Reason,
        run::{Answer, BadLink, Link, Told, Unmet, Verdict, link},
    },
    fault::Fault,
    http::{Request, Response, failed},
    ports::{Alarms, CertificateRecords, ClusterRecords, Forge, Pause, PipelineJobs, RunGates, RunRows},
};

use super::{
    ClusterGates,
    answering::{Outcome, Saying},
    case::Case,
    page,
};

/// The most bytes of a form: a reason, each of its characters escaped.
const LONGEST_FORM: usize = 8 * 1024;

const ROUTE: &str = "/v1/approvals/";

/// What a link opens.
#[derive(Debug, Clone)]
pub enum Opened {
    /// Its owner is asked.
    Open(Link, Box<Case>),
    /// Its owner's answer would not count; why.
    Forbidden(Link, String),
    /// It has taken its answer.
    Used,
    /// Nobody waits for it; what the gate said last.
    NotWaiting(Link, Option<Told>),
    /// The run does not deploy what its owner was told.
    Another(Link),
    /// It is none.
    Bad(BadLink),
}

/// What became of an answer.
#[derive(Debug, Clone)]
pub enum Answered {
    /// It is taken: what that comes to, and what is missing still.
    Taken(Link, &'static str, Vec<Unmet>),
    /// It cannot be read as an answer; why.
    Unread(String),
    /// It is not taken.
    Not(Opened),
}

/// Whether a path is a link's.
pub fn is_link(path: &str) -> bool {
    path.starts_with(ROUTE)
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Answers one request for a link. Total: every failure is an HTTP status.
    pub async fn visit(&self, request: &Request) -> Response {
        let token = request.path().strip_prefix(ROUTE).unwrap_or_default();
        let cause = CorrelationId::derived(["link", link::digest(token).as_str(), request.id()]);
        let done = match request.method() {
            "GET" => self.open(token).await.map(|opened| page::opened(&opened)),
            "POST" => self.take(token, request, &cause).await.map(|answered| page::answered(&answered)),
            _ => Ok(page::answered(&Answered::Unread("A link takes GET and POST.".to_owned()))),
        };
        let response = done.unwrap_or_else(|fault| {
            tracing::warn!(fault = fault.chain(), "a link could not be served");
            failed(&fault, "stage-gate")
        });
        // The path holds the token.
        let method = common::domain::id::quoted(request.method(), 10);
        tracing::info!(status = response.status_code, method, path = ROUTE, request_id = request.id(), "answered");
        response
    }

    fn link(&self, token: &str) -> Result<Link, BadLink> {
        let key = self.links.as_ref().ok_or(BadLink::NotOurs)?;
        Link::read(token, key, self.now())
    }

    /// What a link opens. Nothing is written.
    ///
    /// # Errors
    /// Whatever could not be read.
    pub async fn open(&self, token: &str) -> Result<Opened, Fault> {
        let link = match self.link(token) {
            Ok(link) => link,
            Err(bad) => return Ok(Opened::Bad(bad)),
        };
        let clusters = self.clusters().await?;
        let Some(cluster) = clusters.get(&link.cluster) else { return Ok(Opened::NotWaiting(link, None)) };
        let record = self.rows.run(&cluster.pipeline, &link.execution).await?;
        if record.links.contains(&link::digest(token)) {
            return Ok(Opened::Used);
        }
        let waits = self.waiting(cluster).await?.into_iter().find(|run| run.execution == link.execution);
        let Some(waiting) = waits else { return Ok(Opened::NotWaiting(link, record.told)) };
        if waiting.commit.as_ref() != Some(&link.commit) {
            return Ok(Opened::Another(link));
        }
        let case = self.look_at(cluster, &clusters, waiting).await?;
        Ok(match case.counts(&link.by, Answer::Reject).err() {
            Some(why) => Opened::Forbidden(link, why),
            None => Opened::Open(link, Box::new(case)),
        })
    }

    /// Takes the answer that a form gives.
    ///
    /// Idempotent by the token: the same answer again is the same, another is refused.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known.
    async fn take(&self, token: &str, request: &Request, cause: &CorrelationId) -> Result<Answered, Fault> {
        let link = match self.link(token) {
            Ok(link) => link,
            Err(bad) => return Ok(Answered::Not(Opened::Bad(bad))),
        };
        let (answer, reason) = match form(request) {
            Ok(said) => said,
            Err(why) => return Ok(Answered::Unread(why)),
        };
        let actor: Actor = match access::named(&link.by, &self.governance.people) {
            Ok(actor) => actor,
            Err(nobody) => return Ok(Answered::Not(Opened::Forbidden(link, nobody.to_string()))),
        };
        let used = link::digest(token);
        let clusters = self.clusters().await?;
        if let Some(cluster) = clusters.get(&link.cluster) {
            let record = self.rows.run(&cluster.pipeline, &link.execution).await?;
            if record.links.contains(&used) {
                let same = |given: &&common::domain::run::Approval| given.link.as_ref() == Some(&used);
                let given = record.approvals.iter().find(same).map(|given| given.answer);
                let again = given == Some(answer);
                return Ok(if again { Answered::Taken(link, KEPT, Vec::new()) } else { Answered::Not(Opened::Used) });
            }
        }
        let saying =
            Saying { answer, commit: Some(link.commit.clone()), reason: reason.map(String::from), link: Some(used) };
        Ok(match self.answer(&link.cluster, &link.execution, &saying, &actor, cause).await? {
            Outcome::Decided(case) => Answered::Taken(link, said(case.decision.verdict), case.decision.unmet),
            Outcome::Forbidden(why) => Answered::Not(Opened::Forbidden(link, why)),
            Outcome::NotWaiting(told) => Answered::Not(Opened::NotWaiting(link, told)),
            Outcome::Another(_) => Answered::Not(Opened::Another(link)),
            Outcome::Used => Answered::Not(Opened::Used),
            Outcome::NoCluster => Answered::Not(Opened::NotWaiting(link, None)),
        })
    }
}

const KEPT: &str = "it was taken before, and counts once";

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Admit => "the run goes on",
        Verdict::Hold => "the run still waits",
        Verdict::Reject => "the run ends",
    }
}

/// The answer in a form. Each field once, and no other.
fn form(request: &Request) -> Result<(Answer, Option<Reason>), String> {
    let fields = request.form(LONGEST_FORM).map_err(|error| error.to_string())?;
    let (mut answer, mut reason) = (None, None);
    for (name, value) in fields {
        let slot = match name.as_str() {
            "answer" => &mut answer,
            "reason" => &mut reason,
            _ => return Err("The form has a field that it does not know.".to_owned()),
        };
        if slot.replace(value).is_some() {
            return Err("The form has a field twice.".to_owned());
        }
    }
    let answer = [Answer::Approve, Answer::Reject].into_iter().find(|one| answer.as_deref() == Some(one.as_str()));
    let answer = answer.ok_or("The form says neither approve nor reject.")?;
    let reason = reason.filter(|text| !text.trim().is_empty()).map(Reason::try_from).transpose();
    let reason = reason.map_err(|wrong| format!("The reason: {wrong}."))?;
    if answer == Answer::Reject && reason.is_none() {
        return Err("To end a run needs a reason of 15 to 500 characters: go back and write one.".to_owned());
    }
    Ok((answer, reason))
}
