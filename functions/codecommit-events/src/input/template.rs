//! `CodeCommit Approval Rule Template Change`.

use serde::Deserialize;

/// A template of approval rules was made, changed, deleted, or associated with repositories. It is about an account: `resources` may be empty.
/// `repositories` is not read; its form differs between AWS's examples, of which one is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateDetail {
    /// `approvalRuleTemplateCreated`, `approvalRuleTemplateAssociatedWithRepository`, …
    pub event: String,
    /// The template.
    pub approval_rule_template_id: String,
}
