//! Who asks, and whether they may: from the claims of a verified token to a person, and from a person to yes or no.
//!
//! API Gateway verifies the token (signature, issuer, audience, times) and hands over its claims. What they mean is decided by
//! `people.yaml`: a subject that it does not list is nobody, and roles are those that it gives. Only when it says
//! `roles_from_token: true` do the words of the claim [`ROLES_CLAIM`] count as well, and only for persons that are listed.
//!
//! Everything that is missing, malformed or unknown is refused.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    governance::{Identity, People},
    id::{PersonName, PodName, TokenSubject, quoted},
};

/// The claim with the roles that a token gives, when `people.yaml` lets it.
pub const ROLES_CLAIM: &str = "penstock_roles";

/// What somebody may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Reader,
    /// Takes, renews and gives back places for the work of their own pods.
    Member,
    /// Lets work pass that cannot wait.
    Approver,
    /// Sets limits, and acts for every pod.
    Admin,
}

/// What a verified token says, as API Gateway's JWT authorizer passes it on: every value as text, a list as `[a b]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The claim `sub`.
    pub subject: Option<String>,
    /// The claim [`ROLES_CLAIM`].
    pub roles: Option<String>,
    /// The claim `exp`. Whether it is over, API Gateway has compared.
    pub expires: Option<String>,
}

/// A person who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub person: PersonName,
    /// The highest of their roles.
    pub role: Role,
    /// Whose work they do.
    pub pods: BTreeSet<PodName>,
}

/// What somebody asks for, as far as it matters to whether they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// To see limits, holders, queues and work items.
    Read,
    /// To ask for, renew or give back places at all: what can be told before it is known whose.
    Hold,
    /// To ask for a place for a pod's work.
    Ask {
        /// Whose work.
        pod: &'a PodName,
        /// Whether it takes the expedite lane.
        expedite: bool,
    },
    /// To say whose an item is: it counts against that person's limit.
    Own {
        /// Whose.
        owner: &'a PersonName,
        /// Whose work it is.
        pod: &'a PodName,
        /// Whether that person is in the pod.
        theirs: bool,
    },
    /// To renew or to give back a place.
    Keep {
        /// Whose work it is.
        pod: &'a PodName,
        /// Who asked for it.
        holder: &'a PersonName,
    },
    /// To set a limit in place of the file's.
    SetLimit,
    /// To ask for a move of a work item.
    Move {
        /// Whose work it is.
        pod: &'a PodName,
        /// Who answers for it.
        owner: &'a PersonName,
    },
    /// To place a hold on runs: whoever works may stop what is about to begin, with a reason and an end.
    PlaceHold,
    /// To lift a hold.
    LiftHold {
        /// Who placed it.
        by: &'a PersonName,
    },
    /// To answer at the gate of a run at all: whose answer counts, the groups of people.yaml say.
    AnswerRun,
    /// To let a rule rest that would end an item, and to take the risk of it.
    Except,
    /// To make and move work items, and to give evidence and approvals, at all: whose items, their pods say, and whose word counts, the
    /// groups of people.yaml.
    Work,
}

/// Why a token is nobody's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// No subject, or none that could be one.
    #[error("the token has no subject (sub) that can be read: ask the issuer for a token of a person")]
    NoSubject,
    /// No end: it would never stop being good.
    #[error("the token has no end (exp): ask the issuer for tokens that expire")]
    NoExpiry,
    /// Nobody is called so.
    #[error(
        "the token's subject {} is nobody's jwt_subject in people.yaml: an administrator adds it there",
        quoted(subject, 80)
    )]
    Unknown {
        /// The subject.
        subject: String,
    },
    /// A name that the file does not have.
    #[error("{person} is not in people.yaml: an administrator adds them there")]
    NotListed {
        /// Who.
        person: PersonName,
    },
    /// A role that there is not.
    #[error(
        "the token's claim {ROLES_CLAIM} holds {}, expected words of reader, member, approver, admin",
        quoted(found, 80)
    )]
    UnknownRole {
        /// The word.
        found: String,
    },
    /// A person without any role.
    #[error("{person} has no role: an administrator gives one in people.yaml")]
    NoRole {
        /// Who.
        person: PersonName,
    },
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Forbidden {
    /// Who may not do what, and who may.
    pub reason: String,
}

impl Role {
    /// All of them, lowest first.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Member, Self::Approver, Self::Admin];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

/// Somebody who is named by a system that has no token of theirs: with the roles that the file gives and no others.
///
/// # Errors
/// That they are not listed, or may do nothing.
pub fn named(name: &PersonName, people: &People) -> Result<Actor, Unidentified> {
    let person = people.listed.get(name).ok_or_else(|| Unidentified::NotListed { person: name.clone() })?;
    let role = person.roles.iter().max().ok_or_else(|| Unidentified::NoRole { person: name.clone() })?;
    Ok(Actor { person: name.clone(), role: *role, pods: person.pods.clone() })
}

/// Who a verified token belongs to.
///
/// # Errors
/// Whatever is missing, malformed or unknown: nobody may do anything then.
pub fn identify(claims: &Claims, people: &People) -> Result<Actor, Unidentified> {
    claims.expires.as_deref().and_then(|text| text.parse::<i64>().ok()).ok_or(Unidentified::NoExpiry)?;
    let subject = claims.subject.as_deref().ok_or(Unidentified::NoSubject)?;
    let parsed: TokenSubject = subject.parse().map_err(|_| Unidentified::NoSubject)?;
    let found = people.who(&Identity::Token(parsed));
    let (name, person) = found.ok_or_else(|| Unidentified::Unknown { subject: subject.to_owned() })?;
    let mut roles = person.roles.clone();
    if let Some(text) = claims.roles.as_deref().filter(|_| people.roles_from_token) {
        roles.extend(words(text).map(role).collect::<Result<BTreeSet<_>, _>>()?);
    }
    let role = roles.into_iter().max().ok_or_else(|| Unidentified::NoRole { person: name.clone() })?;
    Ok(Actor { person: name.clone(), role, pods: person.pods.clone() })
}

/// The words of a claim: `[a b]` for a list, `a` for one text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let listed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    listed.unwrap_or(text).split(' ').filter(|word| !word.is_empty())
}

fn role(word: &str) -> Result<Role, Unidentified> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == word);
    found.ok_or_else(|| Unidentified::UnknownRole { found: word.to_owned() })
}

/// Whether somebody may do something. Total: what no rule allows is refused, with who could.
///
/// # Errors
/// The reason.
pub fn may(actor: &Actor, action: Action<'_>) -> Result<(), Forbidden> {
    match action {
        Action::Read => at_least(actor, Role::Reader, "look at limits"),
        Action::Hold => at_least(actor, Role::Member, "ask for, renew or release places"),
        Action::Ask { pod, expedite } => {
            may(actor, Action::Hold)?;
            if expedite {
                at_least(actor, Role::Approver, "take the expedite lane")?;
            }
            works_for(actor, pod, "ask for its places")
        }
        Action::Own { owner, pod, theirs } => {
            may(actor, Action::Hold)?;
            // Else anybody could use up what somebody of another pod may own.
            if theirs || actor.role == Role::Admin || *owner == actor.person {
                return Ok(());
            }
            let reason = format!(
                "{owner} is not in pod {pod}, so {} may not name them as an owner of its items: they themselves and admins may",
                actor.person
            );
            Err(Forbidden { reason })
        }
        Action::Keep { pod, holder } => {
            may(actor, Action::Hold)?;
            // Somebody who has left the pod may still tidy up.
            if *holder == actor.person {
                return Ok(());
            }
            works_for(actor, pod, "renew or release its leases")
        }
        Action::SetLimit => at_least(actor, Role::Admin, "set a limit"),
        Action::Move { pod, owner } => {
            may(actor, Action::Work)?;
            if *owner == actor.person {
                return Ok(());
            }
            works_for(actor, pod, "move its items")
        }
        Action::PlaceHold => at_least(actor, Role::Member, "place a hold"),
        Action::LiftHold { by } if *by == actor.person => at_least(actor, Role::Member, "lift a hold"),
        Action::LiftHold { by } => {
            let reason = format!("{by} placed it: they and admins lift it");
            if actor.role == Role::Admin { Ok(()) } else { Err(Forbidden { reason }) }
        }
        Action::AnswerRun => at_least(actor, Role::Member, "answer at the gate of a run"),
        Action::Except => at_least(actor, Role::Approver, "give an exception from a rule"),
        Action::Work => at_least(actor, Role::Member, "make, move, attest or approve work items"),
    }
}

fn at_least(actor: &Actor, role: Role, to: &str) -> Result<(), Forbidden> {
    if actor.role >= role {
        return Ok(());
    }
    let (person, theirs) = (&actor.person, actor.role.as_str());
    let reason = format!("{person} has the role {theirs}, and to {to} needs the role {}", role.as_str());
    Err(Forbidden { reason })
}

fn works_for(actor: &Actor, pod: &PodName, to: &str) -> Result<(), Forbidden> {
    if actor.role == Role::Admin || actor.pods.contains(pod) {
        return Ok(());
    }
    Err(Forbidden { reason: format!("{} is not in pod {pod}: only its members and admins {to}", actor.person) })
}

#[cfg(test)]
mod tests;
