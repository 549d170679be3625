//! What keeps a run at its gate: each reason with its sentence, who can clear it and how.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{alarm::Unwatched, hold::Hold};
use crate::domain::id::{AlarmName, CommitSha, EnvironmentName, FreezeName, GroupName, PersonName, quoted};

/// The longest name of an alarm in a sentence.
const ALARM: usize = 120;

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// Another execution took its place, or it was stopped: it deploys nothing any more.
    Superseded,
    /// The service does not say which commit it deploys: nobody can approve what nobody can name.
    CommitUnknown,
    /// `environments.yaml` does not list the environment, so nothing says what its gate asks.
    NoRules {
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Somebody who may approve it said no.
    Rejected {
        /// Who.
        by: PersonName,
        /// When.
        at: Timestamp,
        /// Why.
        reason: Option<String>,
    },
    /// Not enough of a group have approved this run.
    NotApproved {
        /// Whose approval is needed.
        group: GroupName,
        /// Who has.
        have: BTreeSet<PersonName>,
        /// How many it takes.
        need: usize,
        /// Who else could.
        could: BTreeSet<PersonName>,
        /// Who could not, because they wrote what it deploys.
        wrote_it: BTreeSet<PersonName>,
        /// How many authors nobody knows: one more approval each.
        unknown_authors: u32,
    },
    /// The environment is paused in its file.
    Paused {
        /// Why.
        reason: String,
    },
    /// A hold stands.
    Held(Hold),
    /// A freeze window is open.
    Frozen {
        /// Which.
        name: FreezeName,
        /// When it ends.
        until: Timestamp,
        /// Why there is one.
        reason: Option<String>,
    },
    /// The commit has not succeeded in the environment before.
    NotSucceededBefore {
        /// Which environment.
        environment: EnvironmentName,
        /// Which commit.
        commit: CommitSha,
    },
    /// The commit succeeded there, and has not run there for long enough.
    Soaking {
        /// Which environment.
        environment: EnvironmentName,
        /// Until when it soaks.
        until: Timestamp,
    },
    /// Another commit took its place there before it had run for long enough.
    ReplacedBefore {
        /// Which environment.
        environment: EnvironmentName,
        /// When.
        at: Timestamp,
    },
    /// An alarm was on there while it was rolled out or soaked.
    AlarmDuringSoak {
        /// Which environment.
        environment: EnvironmentName,
        /// Which alarm.
        name: AlarmName,
        /// From when.
        at: Timestamp,
        /// To when; nothing when it is on still.
        until: Option<Timestamp>,
    },
    /// Nobody knows what an alarm said there in that time.
    AlarmUnknown {
        /// Which environment.
        environment: EnvironmentName,
        /// Which alarm.
        name: AlarmName,
        /// Why nobody does.
        why: Unwatched,
    },
    /// The cluster has no active certificate.
    NoCertificate,
    /// The cluster's certificate has expired, or will before long.
    CertificateExpires {
        /// When.
        at: Timestamp,
        /// Whether that is over.
        over: bool,
    },
}

/// Who can clear a reason, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing {
    /// Who: in words, or by name.
    pub who: String,
    /// What they do.
    pub how: String,
}

fn list<'a>(all: impl IntoIterator<Item = &'a PersonName>) -> String {
    all.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Foreign text behind a colon.
fn said(reason: Option<&str>) -> String {
    reason.map_or(String::new(), |reason| format!(": {}", quoted(reason, 200)))
}

impl Unmet {
    /// Whether nothing can clear it: the run ends.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Superseded | Self::Rejected { .. })
    }

    /// Whether only another fact than time or a person's approval clears it.
    pub(super) fn waits_for_a_change(&self) -> bool {
        match self {
            Self::CommitUnknown
            | Self::NoRules { .. }
            | Self::Paused { .. }
            | Self::NotSucceededBefore { .. }
            | Self::ReplacedBefore { .. }
            | Self::AlarmDuringSoak { .. }
            | Self::AlarmUnknown { .. }
            | Self::NoCertificate
            | Self::CertificateExpires { .. } => true,
            Self::NotApproved { have, need, could, .. } => have.len() + could.len() < *need,
            Self::Superseded | Self::Rejected { .. } | Self::Held(_) | Self::Frozen { .. } | Self::Soaking { .. } => {
                false
            }
        }
    }

    /// When time alone clears it.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Held(hold) => Some(hold.until),
            Self::Frozen { until, .. } | Self::Soaking { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// What is missing, as a person reads it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Superseded => "a newer run has taken its place, or it was stopped".to_owned(),
            Self::CommitUnknown => "CodePipeline does not say which commit it deploys".to_owned(),
            Self::NoRules { environment } => format!("environments.yaml does not list {environment}"),
            Self::Rejected { by, at, reason } => format!("{by} rejected it at {at:.0}{}", said(reason.as_deref())),
            Self::NotApproved { group, have, need, wrote_it, unknown_authors, .. } => {
                let mut text = format!("{} of {need} approvals of {group}", have.len());
                if !wrote_it.is_empty() {
                    text.push_str(&format!("; {} wrote what it deploys, and does not count", list(wrote_it)));
                }
                if *unknown_authors > 0 {
                    text.push_str(&format!(
                        "; {unknown_authors} of its authors are not in people.yaml, and each costs one more"
                    ));
                }
                text
            }
            Self::Paused { reason } => format!("the environment is paused: {}", quoted(reason, 200)),
            Self::Held(hold) => {
                format!("{} holds {} until {:.0}{}", hold.by, hold.scope, hold.until, said(Some(&hold.reason)))
            }
            Self::Frozen { name, until, reason } => {
                format!("the freeze {name} lasts until {until:.0}{}", said(reason.as_deref()))
            }
            Self::NotSucceededBefore { environment, commit } => {
                format!("{} has not succeeded in {environment}", commit.short())
            }
            Self::Soaking { environment, until } => format!("it soaks in {environment} until {until:.0}"),
            Self::ReplacedBefore { environment, at } => {
                format!("another commit took its place in {environment} at {at:.0}, before it had soaked")
            }
            Self::AlarmDuringSoak { environment, name, at, until } => {
                let name = quoted(name.as_str(), ALARM);
                match until {
                    Some(until) => {
                        format!(
                            "the alarm {name} was on in {environment} from {at:.0} to {until:.0}, while it had the commit"
                        )
                    }
                    None => {
                        format!("the alarm {name} has been on in {environment} since {at:.0}, while it has the commit")
                    }
                }
            }
            Self::AlarmUnknown { environment, name, why } => {
                let name = quoted(name.as_str(), ALARM);
                match why {
                    Unwatched::Missing => format!(
                        "there is no alarm {name} in the control plane's account and region, so nobody says how {environment} is"
                    ),
                    Unwatched::NoData => format!("the alarm {name} has not enough data to say how {environment} is"),
                    Unwatched::Forgotten => {
                        format!("what the alarm {name} said while the commit soaked in {environment} is kept no longer")
                    }
                    Unwatched::Unread => format!("the alarm {name}, which watches {environment}, could not be read"),
                }
            }
            Self::NoCertificate => "the cluster has no active certificate".to_owned(),
            Self::CertificateExpires { at, over } => {
                let expires = if *over { "expired" } else { "expires" };
                format!("the cluster's certificate {expires} at {at:.0}")
            }
        }
    }

    /// Who can clear it, and how.
    pub fn clearing(&self) -> Clearing {
        let (who, how) = match self {
            Self::Superseded => ("nobody".to_owned(), "look at the newer run".to_owned()),
            Self::CommitUnknown => {
                ("its author".to_owned(), "stops this run and begins another from the branch".to_owned())
            }
            Self::NoRules { environment } => {
                ("an administrator".to_owned(), format!("lists {environment} in environments.yaml"))
            }
            Self::Rejected { by, .. } => {
                ("its author".to_owned(), format!("ask {by}, mend it, and push another commit or run it again"))
            }
            Self::NotApproved { group, could, .. } if could.is_empty() => {
                ("an administrator".to_owned(), format!("adds somebody to {group} in people.yaml"))
            }
            Self::NotApproved { could, .. } => (list(could), "approve this run".to_owned()),
            Self::Paused { .. } => ("an administrator".to_owned(), "takes pause out of environments.yaml".to_owned()),
            Self::Held(hold) => (format!("{} or an administrator", hold.by), format!("lifts the hold {}", hold.id)),
            Self::Frozen { .. } => ("time".to_owned(), "the window ends by itself".to_owned()),
            Self::NotSucceededBefore { environment, .. } => {
                ("its author".to_owned(), format!("brings the commit to {environment} first"))
            }
            Self::Soaking { .. } => ("time".to_owned(), "the soak ends by itself".to_owned()),
            Self::ReplacedBefore { environment, .. } => {
                ("its author".to_owned(), format!("mends it and brings another commit to {environment}"))
            }
            Self::AlarmDuringSoak { environment, .. } => {
                let again = "runs this one there again once the alarm is over: it soaks anew from then";
                ("its author".to_owned(), format!("mends it and brings another commit to {environment}, or {again}"))
            }
            Self::AlarmUnknown { environment, why, .. } => match why {
                Unwatched::Missing => (
                    "an administrator".to_owned(),
                    "makes the alarm, or takes its name out of soak_alarms in environments.yaml".to_owned(),
                ),
                Unwatched::NoData => {
                    ("whoever keeps the alarm".to_owned(), "sees to its metric: what it says next counts".to_owned())
                }
                Unwatched::Forgotten => (
                    "its author".to_owned(),
                    format!("runs the commit in {environment} again: it soaks anew from then"),
                ),
                Unwatched::Unread => (
                    "time".to_owned(),
                    "the gate looks again each minute; while this lasts the log of stage-gate says why".to_owned(),
                ),
            },
            Self::NoCertificate | Self::CertificateExpires { .. } => {
                let how = "issues another each hour that it can; its last failure says why it could not (docs/runbooks.md, Certificates)";
                ("iot-cert-provisioner".to_owned(), how.to_owned())
            }
        };
        Clearing { who, how }
    }
}
