//! The words of the issue that asks for what was learnt.

use common::{
    domain::{
        markdown::{code, plain},
        stage::Dossier,
    },
    ports::NewIssue,
};

/// The label of these issues.
pub const LABEL: &str = "postmortem";

/// The issue, from the item's row alone. Names are ours; what people wrote is escaped.
pub fn postmortem(dossier: &Dossier, branch: &str, tag: &str) -> NewIssue {
    let item = &dossier.item;
    let ended = dossier.kill.ended.as_ref();
    let by = match ended.map(|ended| (&ended.rule, &ended.by)) {
        Some((Some(rule), _)) => format!("the rule {}", code(rule.as_str())),
        Some((None, Some(by))) => by.to_string(),
        Some((None, None)) => "its issue".to_owned(),
        None => "nobody who is known".to_owned(),
    };
    let pod = item.pod.as_str();
    let body = format!(
        "{title} has ended.\n\n\
         | | |\n|---|---|\n\
         | Item | {id} of pod {pod}, {owner} |\n\
         | Ended | {at:.0}, in {stage} of {pipeline} |\n\
         | By | {by} |\n\
         | Why | {reason} |\n\
         | Kept | branch {branch}, tag {tag} |\n\
         | Evidence at its end | {evidence} |\n\n\
         Within a week {owner} writes:\n\n\
         - [ ] **What was tried**\n\
         - [ ] **Why it ended**\n\
         - [ ] **What was learnt**\n\
         - [ ] **What can be used again**\n\
         - [ ] **Resources**: what was spent, and what is still running and has to be taken down\n\
         - [ ] **Recommendations**\n",
        title = plain(&item.title),
        id = code(item.id.as_str()),
        owner = item.owner,
        at = item.since,
        stage = item.position.stage(),
        pipeline = item.pipeline,
        reason = plain(ended.map_or("it is not known", |ended| &ended.reason)),
        branch = code(branch),
        tag = code(tag),
        evidence = match dossier.evidence.len() {
            0 => "none".to_owned(),
            _ => dossier.evidence.keys().map(|key| code(key.as_str())).collect::<Vec<_>>().join(", "),
        },
    );
    NewIssue { title: format!("Postmortem: {}", item.id), body, label: LABEL.to_owned() }
}
