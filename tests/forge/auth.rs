//! Who calls: the App by its JWT, an installation by its token, or the one person that the forge knows.
//!
//! A JWT is verified as GitHub does it: RS256 with the App's key, its own id as issuer, alive at most ten minutes. An
//! installation token is narrowed to the repositories and permissions that were asked for, and every route names the
//! permission that it needs, so a missing one is 403 here as it is there.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Path, RawQuery, State},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    response::IntoResponse as _,
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock, payload,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

/// The login of the one person, who may do everything; also the name in commits that the forge makes.
pub(super) const PERSON: &str = "local-person";

/// What the one person puts into `Authorization: Bearer …`. No secret: whoever reaches the forge may push without it.
pub const PERSON_TOKEN: &str = "local-person-token";

/// Everything that the installation was granted when it was made: the most that a token can be asked for.
const GRANTED: [(&str, Access); 7] = [
    ("checks", Access::Write),
    ("contents", Access::Write),
    ("deployments", Access::Read),
    ("issues", Access::Write),
    ("metadata", Access::Read),
    ("pull_requests", Access::Write),
    ("statuses", Access::Write),
];

/// A permission's level; writing includes reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Access {
    Read,
    Write,
}

/// An installation token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    permissions: HashMap<String, Access>,
    repositories: Vec<u64>,
    expires_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) enum Caller {
    App,
    Installation(Token),
    Person,
}

/// A caller whose credentials are good, and what the URL says.
pub(super) struct Visitor {
    pub(super) caller: Caller,
    path: HashMap<String, String>,
    query: HashMap<String, String>,
    repository: u64,
}

impl FromRequestParts<Arc<World>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Problem> {
        let caller = authenticate(parts, world)?;
        let Path(path) = Path::<HashMap<String, String>>::from_request_parts(parts, world)
            .await
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Problems parsing the path"))?;
        let RawQuery(query) = RawQuery::from_request_parts(parts, world)
            .await
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Problems parsing the query"))?;
        let query = serde_urlencoded::from_str(&query.unwrap_or_default())
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Problems parsing the query"))?;
        let visitor = Self { caller, path, query, repository: world.settings.id };
        if let (Some(owner), Some(name)) = (visitor.path.get("owner"), visitor.path.get("repo"))
            && !format!("{owner}/{name}").eq_ignore_ascii_case(world.settings.repository.as_str())
        {
            return Err(Problem::not_found());
        }
        Ok(visitor)
    }
}

impl Visitor {
    /// A part of the path; the router has matched it.
    pub(super) fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// A part of the path that must be a number.
    pub(super) fn number(&self, name: &str) -> Result<u64, Problem> {
        self.part(name).parse().map_err(|_| Problem::not_found())
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The page that was asked for: GitHub's `page` from 1, `per_page` 30 unless told, at most 100.
    pub(super) fn page<T>(&self, all: Vec<T>) -> Vec<T> {
        let number =
            |name: &str, default: usize| self.query(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let size = number("per_page", 30).clamp(1, 100);
        let skip = number("page", 1).saturating_sub(1).saturating_mul(size);
        all.into_iter().skip(skip).take(size).collect()
    }

    /// Refuses a caller without this permission for the repository.
    pub(super) fn needs(&self, permission: &'static str, access: Access) -> Result<(), Problem> {
        let forbidden = || {
            let level = if access == Access::Read { "read" } else { "write" };
            Err(Problem::new(StatusCode::FORBIDDEN, "Resource not accessible by integration")
                .with("x-accepted-github-permissions", format!("{permission}={level}")))
        };
        match &self.caller {
            Caller::Person => Ok(()),
            Caller::App => Err(Problem::unauthorized("A JSON web token cannot be used here")),
            Caller::Installation(token) if !token.repositories.contains(&self.repository) => Err(Problem::not_found()),
            Caller::Installation(token) if token.permissions.get(permission).is_some_and(|has| *has >= access) => {
                Ok(())
            }
            Caller::Installation(_) => forbidden(),
        }
    }

    /// Whether the caller may write all of these in the repository.
    pub(super) fn may_write(&self, permissions: &[&'static str]) -> bool {
        permissions.iter().all(|permission| self.needs(permission, Access::Write).is_ok())
    }

    /// Refuses everyone but the App itself.
    fn needs_app(&self) -> Result<(), Problem> {
        match self.caller {
            Caller::App => Ok(()),
            _ => Err(Problem::unauthorized("A JSON web token could not be decoded")),
        }
    }

    /// Whether it is the one person.
    pub(super) fn is_person(&self) -> bool {
        matches!(self.caller, Caller::Person)
    }

    /// The account in whose name something happens.
    pub(super) fn account(&self, world: &World) -> Value {
        match self.caller {
            Caller::Person => payload::person(),
            _ => payload::bot(world),
        }
    }
}

fn authenticate(parts: &Parts, world: &World) -> Result<Caller, Problem> {
    let Some(value) = parts.headers.get(AUTHORIZATION) else {
        return Err(Problem::unauthorized("Requires authentication"));
    };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    let Some((_, token)) =
        token.filter(|(scheme, _)| ["bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str()))
    else {
        return Err(Problem::unauthorized("Bad credentials"));
    };
    if token == PERSON_TOKEN {
        return Ok(Caller::Person);
    }
    if token.contains('.') {
        return verify_jwt(token, world).map(|()| Caller::App);
    }
    let known = world.memory().tokens.get(token).cloned();
    match known {
        Some(known) if known.expires_at > clock::now() => Ok(Caller::Installation(known)),
        _ => Err(Problem::unauthorized("Bad credentials")),
    }
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: Value,
}

fn verify_jwt(token: &str, world: &World) -> Result<(), Problem> {
    // `exp` is required and compared by default. `iss` may be a number, which the library does not look at: see below.
    let rules = Validation::new(Algorithm::RS256);
    let claims = jsonwebtoken::decode::<Claims>(token, &world.app_key, &rules)
        .map_err(|_| Problem::unauthorized("A JSON web token could not be decoded"))?
        .claims;
    let issuer = match &claims.iss {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let now = clock::now().as_second();
    if issuer != world.settings.app_id.to_string() {
        return Err(Problem::unauthorized("'Issuer' claim ('iss') must be the App's id"));
    }
    if claims.exp > now + 600 {
        return Err(Problem::unauthorized("'Expiration time' claim ('exp') is too far in the future"));
    }
    if claims.iat > now {
        return Err(Problem::unauthorized(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ));
    }
    Ok(())
}

/// `GET /app`
pub(super) async fn app(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs_app()?;
    ok(payload::app(&world))
}

/// `GET /app/hook/deliveries`: pages by cursor, as the `link` header says.
pub(super) async fn hook_deliveries(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs_app()?;
    let size = visitor.query("per_page").and_then(|text| text.parse().ok()).unwrap_or(30_usize).clamp(1, 100);
    let from = match visitor.query("cursor").map(|cursor| cursor.strip_prefix("v1_").unwrap_or_default().parse()) {
        Some(Err(_)) => return Err(Problem::new(StatusCode::BAD_REQUEST, "Invalid cursor")),
        Some(Ok(from)) => Some(from),
        None => None,
    };
    let (page, next) = world.listed(from, size);
    let mut response = ok(json!(page))?;
    if let Some(next) = next {
        let link = format!("<{}/app/hook/deliveries?per_page={size}&cursor=v1_{next}>; rel=\"next\"", world.url);
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(axum::http::header::LINK, link);
        }
    }
    Ok(response)
}

/// `POST /app/hook/deliveries/{id}/attempts`
pub(super) async fn hook_attempt(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs_app()?;
    world.redeliver(visitor.number("id")?).ok_or_else(Problem::not_found)?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({}))).into_response())
}

/// `GET /repos/{owner}/{repo}/installation`
pub(super) async fn installation(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs_app()?;
    ok(json!({
        "id": payload::installation_id(&world),
        "account": payload::owner(&world),
        "app_id": world.settings.app_id,
        "repository_selection": "selected",
        "permissions": world.memory().granted,
        "events": ["pull_request", "push"],
        "suspended_at": null,
    }))
}

/// What the installation is granted at first.
pub(super) fn granted() -> HashMap<String, Access> {
    GRANTED.iter().map(|(name, access)| ((*name).to_owned(), *access)).collect()
}

#[derive(Deserialize, Default)]
struct TokenRequest {
    repository_ids: Option<Vec<u64>>,
    repositories: Option<Vec<String>>,
    permissions: Option<HashMap<String, Access>>,
}

/// `POST /app/installations/{id}/access_tokens`
pub(super) async fn access_token(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs_app()?;
    if visitor.number("id")? != payload::installation_id(&world) {
        return Err(Problem::not_found());
    }
    let asked: TokenRequest = if bytes.is_empty() { TokenRequest::default() } else { body(&bytes)? };
    let mut known = vec![world.settings.id];
    known.extend(&world.settings.also_installed_for);
    let unknown = |what: &dyn std::fmt::Display| {
        Problem::invalid(&format!(
            "There is at least one repository that does not exist or is not accessible to the parent installation: {what}"
        ))
    };
    // By id or by name, without the owner. Those that exist by id only have none.
    let named = asked.repositories.map(|names| {
        let own = |name: &String| name.eq_ignore_ascii_case(world.settings.repository.without_owner());
        names.iter().map(|name| own(name).then_some(world.settings.id).ok_or_else(|| unknown(name))).collect()
    });
    let named: Option<Vec<u64>> = named.transpose()?;
    let repositories = named.or(asked.repository_ids).unwrap_or_else(|| known.clone());
    if let Some(id) = repositories.iter().find(|id| !known.contains(id)) {
        return Err(unknown(id));
    }
    let all = world.memory().granted.clone();
    let permissions = asked.permissions.unwrap_or_else(|| all.clone());
    if let Some((name, _)) = permissions.iter().find(|(name, access)| all.get(*name).is_none_or(|has| has < access)) {
        return Err(Problem::invalid(&format!(
            "The permissions requested are not granted to this installation: {name}"
        )));
    }
    let expires_at = clock::now() + SignedDuration::from_hours(1);
    let token = clock::token();
    let mut memory = world.memory();
    memory.token_requests.push(serde_json::from_slice(&bytes).unwrap_or(Value::Null));
    let answer = json!({
        "token": token,
        "expires_at": expires_at,
        "permissions": permissions,
        "repository_selection": "selected",
    });
    memory.tokens.insert(token, Token { permissions, repositories, expires_at });
    created(answer)
}
