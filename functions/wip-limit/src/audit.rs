//! What a person's change of a limit leaves in the audit trail: an entry in the chain of `scope:<scope>`, in the transaction of the
//! change. What the files say, and what runs out, is not a decision of this function and stands in events alone.

use std::collections::BTreeMap;

use common::domain::{
    audit::{Draft, Phase},
    id::CorrelationId,
    wip::fact::{Fact, LimitCause},
};
use jiff::Timestamp;

/// The entry of a step, when a person set a limit in it: a step has one request, and so at most one.
pub fn entry(facts: &[Fact], cause: &CorrelationId, now: Timestamp) -> Option<Draft> {
    facts.iter().find_map(|fact| {
        let Fact::LimitChanged { scope, from, to, cause: LimitCause::Person { by, reason, until } } = fact else {
            return None;
        };
        let mut facts = BTreeMap::from([
            ("by".to_owned(), by.to_string()),
            ("from".to_owned(), from.to_string()),
            ("to".to_owned(), to.to_string()),
        ]);
        facts.extend(until.map(|until| ("until".to_owned(), until.to_string())));
        Some(Draft {
            subject: format!("scope:{scope}"),
            at: now,
            actor: "wip-limit".to_owned(),
            action: "limit.set".to_owned(),
            phase: Phase::Decision,
            correlation_id: cause.clone(),
            facts,
            reasons: vec![reason.clone()],
        })
    })
}
