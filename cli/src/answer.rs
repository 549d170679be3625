//! `penstock approve` and `penstock reject`: an answer at the gate of a run, by the control plane's HTTP API; `approve-removals`: to
//! removals that were refused. The same request and the same
//! rules as for whoever sends it by hand: nothing is decided here.

use std::{fmt, io::Write, str::FromStr, time::Duration};

use anyhow::{Context, bail, ensure};
use common::domain::{
    cluster::{ClusterKey, ClusterKind},
    id::{CommitSha, Digest, ExecutionId, quoted},
};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

/// How long the API may take: longer than API Gateway lets a function.
const PATIENCE: Duration = Duration::from_secs(35);

/// The variables that say where the API is, and who asks.
const API: &str = "PENSTOCK_API";
const TOKEN: &str = "PENSTOCK_TOKEN";

#[derive(Debug, clap::Args)]
pub(crate) struct Answer {
    /// The cluster: `<environment>/<region alias>/<cluster>`, with `regional` for the regional one.
    cluster: Cluster,
    /// The run: CodePipeline's execution id, as `explain` and the check run show it.
    run: ExecutionId,
    /// The commit that you looked at: a run of another one is not answered.
    #[arg(long)]
    commit: Option<CommitSha>,
    /// Why, in 15 to 500 characters: it stands in the audit chain.
    #[arg(long)]
    reason: Option<String>,
    /// The API's address; else the variable PENSTOCK_API says it.
    #[arg(long)]
    api: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Removals {
    /// Which: the digest that the check run `penstock/clusters` shows.
    digest: Digest,
    /// Why, in 15 to 500 characters: it stands in the audit chain.
    #[arg(long)]
    reason: Option<String>,
    /// The API's address; else the variable PENSTOCK_API says it.
    #[arg(long)]
    api: Option<String>,
}

/// A cluster as the API's paths name it.
#[derive(Debug, Clone)]
struct Cluster(ClusterKey);

impl FromStr for Cluster {
    type Err = common::domain::id::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = match text.split('/').collect::<Vec<_>>().as_slice() {
            [environment, alias, name] if *name != "regional" => format!("{environment}/{alias}/management/{name}"),
            _ => text.to_owned(),
        };
        whole.parse().map(Self)
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClusterKey { environment, region_alias, kind } = &self.0;
        let name = match kind {
            ClusterKind::Regional => "regional",
            ClusterKind::Management(name) => name.as_str(),
        };
        write!(to, "{environment}/{region_alias}/{name}")
    }
}

/// Sends the answer and says what the gate says; whether it was taken.
///
/// # Errors
/// It could not be asked: no address, no token, or the API did not answer.
pub(crate) fn run(
    answer: &Answer,
    word: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let path = format!("/v1/clusters/{}/runs/{}/approvals", answer.cluster, answer.run);
    let mut body = json!({"answer": word});
    if let Some(commit) = &answer.commit {
        body["commit"] = json!(commit);
    }
    if let Some(reason) = &answer.reason {
        body["reason"] = json!(reason);
    }
    let (status, told) = ask(answer.api.as_deref(), variable, &path, &body)?;
    say(status, &told, out)
}

/// Sends an approval of removals and says how they stand; whether it was taken.
///
/// # Errors
/// As [`run`].
pub(crate) fn removals(
    removals: &Removals,
    variable: &dyn Fn(&str) -> Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let body = removals.reason.as_ref().map_or(json!({}), |reason| json!({"reason": reason}));
    let path = format!("/v1/removals/{}/approvals", removals.digest);
    let (status, told) = ask(removals.api.as_deref(), variable, &path, &body)?;
    say_removals(status, &told, out)
}

/// Asks the API where, and as whom, the arguments and variables say.
fn ask(
    api: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
    path: &str,
    body: &Value,
) -> anyhow::Result<(u16, Value)> {
    let api = api.map(str::to_owned).or_else(|| variable(API));
    let api = api.with_context(|| format!("say where the API is: --api https://…, or the variable {API}"))?;
    let token =
        variable(TOKEN).with_context(|| format!("put a token of the API's issuer into the variable {TOKEN}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(post(&api, path, &token, body))
}

/// What the API said, for a person. Whether the answer was taken.
fn say(status: u16, told: &Value, out: &mut impl Write) -> anyhow::Result<bool> {
    if !taken(status, told, out)? {
        return Ok(false);
    }
    let said = match told["verdict"].as_str() {
        Some("admit") => "taken: the run goes on",
        Some("reject") => "taken: the run ends",
        Some("hold") => "taken: the run still waits",
        _ => bail!("the API answered something else than a decision: is {API} the control plane's address?"),
    };
    writeln!(out, "{said}")?;
    say_missing(told, out)?;
    Ok(true)
}

fn say_removals(status: u16, told: &Value, out: &mut impl Write) -> anyhow::Result<bool> {
    if !taken(status, told, out)? {
        return Ok(false);
    }
    let Some(clusters) = told["clusters"].as_object() else {
        bail!("the API answered something else than removals: is {API} the control plane's address?")
    };
    match told["until"].as_str() {
        Some(_) => writeln!(out, "taken: {} removals may be done until {}", clusters.len(), text(&told["until"]))?,
        None => writeln!(out, "taken: {} removals still wait", clusters.len())?,
    }
    say_missing(told, out)?;
    Ok(true)
}

/// Foreign text for a terminal.
fn text(value: &Value) -> String {
    quoted(value.as_str().unwrap_or_default(), 300).trim_matches('"').to_owned()
}

/// Whether the API took the answer; says why when not.
fn taken(status: u16, told: &Value, out: &mut impl Write) -> anyhow::Result<bool> {
    if status != 200 {
        writeln!(out, "not taken ({status}): {}", text(&told["detail"]))?;
    }
    Ok(status == 200)
}

fn say_missing(told: &Value, out: &mut impl Write) -> anyhow::Result<()> {
    for reason in told["missing"].as_array().into_iter().flatten() {
        writeln!(out, "  {} ({}: {})", text(&reason["missing"]), text(&reason["who"]), text(&reason["how"]))?;
    }
    Ok(())
}

async fn post(api: &str, path: &str, token: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    let uri: http::Uri = format!("{}{path}", api.trim_end_matches('/')).parse().context("the API's address is none")?;
    let local = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    ensure!(
        uri.scheme_str() == Some("https") || local,
        "{} would send the token in clear text: use https (http only for this machine's own address)",
        quoted(api, 120)
    );
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .context("the machine's certificate authorities cannot be read")?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let request = http::Request::post(uri)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::<bytes::Bytes>::from(body.to_string()))
        .context("the token cannot stand in a header")?;
    let asked = async {
        let response = client.request(request).await?;
        let status = response.status().as_u16();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    let answered = tokio::time::timeout(PATIENCE, asked).await;
    let answered = answered.with_context(|| format!("the API did not answer within {} s", PATIENCE.as_secs()))?;
    let (status, bytes) = answered.with_context(|| format!("asking the API at {}", quoted(api, 120)))?;
    let told = serde_json::from_slice(&bytes);
    Ok((status, told.with_context(|| format!("the API answered {status} and no JSON: is that its address?"))?))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write as _},
        net::TcpListener,
    };

    use super::*;

    fn told(status: u16, body: &Value) -> (bool, String) {
        let mut out = Vec::new();
        let taken = say(status, body, &mut out).unwrap();
        (taken, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_cluster_is_named_short_or_long() {
        for (text, wanted) in [
            ("production/us-east-1/mc01", "production/us-east-1/mc01"),
            ("production/us-east-1/management/mc01", "production/us-east-1/mc01"),
            ("production/us-east-1/regional", "production/us-east-1/regional"),
        ] {
            assert_eq!(text.parse::<Cluster>().unwrap().to_string(), wanted);
        }
        for wrong in ["mc01", "production/mc01", "a/b/c/d/e", "a/b/../c"] {
            assert!(wrong.parse::<Cluster>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_the_gate_says_is_said_with_all_that_is_missing() {
        let missing = json!([{"missing": "1 of 2 approvals", "who": "bob", "how": "one of them approves\u{1b}[2J"}]);
        insta::assert_snapshot!(told(200, &json!({"verdict": "hold", "missing": missing})).1, @r"
        taken: the run still waits
          1 of 2 approvals (bob: one of them approves\u{1b}[2J)
        ");
        assert_eq!(
            told(200, &json!({"verdict": "admit", "missing": []})),
            (true, "taken: the run goes on\n".to_owned())
        );
        let refused = json!({"detail": "ada wrote what it deploys: somebody else who is asked approves it"});
        let line = "not taken (403): ada wrote what it deploys: somebody else who is asked approves it\n";
        assert_eq!(told(403, &refused), (false, line.to_owned()));
        assert!(say(200, &json!({"hello": 1}), &mut Vec::new()).is_err());
    }

    #[test]
    fn removals_say_until_when_they_may_be_done_or_who_else_is_asked() {
        let said = |status, body: &Value| {
            let mut out = Vec::new();
            (say_removals(status, body, &mut out).unwrap(), String::from_utf8(out).unwrap())
        };
        let clusters = json!({"production/us-east-1/regional": "destroy", "production/us-east-2/regional": "destroy"});
        let done = json!({"clusters": clusters, "until": "2026-12-02T00:00:00Z", "missing": []});
        assert_eq!(said(200, &done), (true, "taken: 2 removals may be done until 2026-12-02T00:00:00Z\n".to_owned()));
        let missing = json!([{"missing": "1 of 2 approvals", "who": "bob", "how": "one of them approves"}]);
        let (taken, text) = said(200, &json!({"clusters": clusters, "until": null, "missing": missing}));
        assert!(taken);
        assert_eq!(text, "taken: 2 removals still wait\n  1 of 2 approvals (bob: one of them approves)\n");
        let late = json!({"detail": "the branch is at bbbbbbb now"});
        assert_eq!(said(409, &late), (false, "not taken (409): the branch is at bbbbbbb now\n".to_owned()));
        assert!(say_removals(200, &json!({"verdict": "admit"}), &mut Vec::new()).is_err());
    }

    #[test]
    fn the_token_goes_in_a_header_and_never_over_the_network_in_clear_text() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = format!("http://{}/", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut some) = (String::new(), [0; 4096]);
            while !request.contains("}") {
                let read = stream.read(&mut some).unwrap();
                request.push_str(std::str::from_utf8(&some[..read]).unwrap());
            }
            let body = r#"{"detail":"late"}"#;
            write!(stream, "HTTP/1.1 409 Conflict\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
            request
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = runtime.block_on(post(&api, "/v1/x", "a-token", &json!({"answer": "approve"})));
        let request = served.join().unwrap();
        assert!(request.starts_with("POST /v1/x HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("authorization: bearer a-token"), "{request}");
        assert_eq!(asked.unwrap(), (409, json!({"detail": "late"})));
        let far = runtime.block_on(post("http://api.example", "/v1/x", "a-token", &json!({}))).unwrap_err();
        assert!(far.to_string().contains("clear text"), "{far}");
    }
}
