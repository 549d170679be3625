//! The validation table: one row a key. The checks, the tests and the list of known keys all read it.

/// Which files may have a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// `regional.yaml` and `management/*.yaml`.
    Both,
    /// `regional.yaml`.
    Regional,
    /// `management/*.yaml`.
    Management,
}

/// What a key's value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 12 digits as text, or `ssm:///…`; a plain id must be in the registry of accounts.
    Account,
    /// An AWS region.
    Region,
    /// A cluster name.
    Name,
    /// The environment's directory.
    EnvironmentOfPath,
    /// The region alias's directory.
    RegionAliasOfPath,
    /// `true` or `false`.
    Bool,
    /// A whole number in these bounds.
    Count(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A tag value: 1 to 256 of letters, digits, space and `_ . : / = + @ -`, as text.
    Tag,
    /// A DNS name.
    Domain,
    /// The mapping `terraform_vars`.
    Variables,
    /// A list of `{id, account_id}`.
    Clusters,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The key.
    pub key: &'static str,
    /// Which files may have it.
    pub applies: Applies,
    /// Whether it must be there.
    pub required: bool,
    /// What its value must be.
    pub kind: Kind,
}

const fn required(key: &'static str, applies: Applies, kind: Kind) -> Rule {
    Rule { key, applies, required: true, kind }
}

const fn optional(key: &'static str, applies: Applies, kind: Kind) -> Rule {
    Rule { key, applies, required: false, kind }
}

/// Every top-level key. Anything else is an error: a misspelt `delete` must never be passed over.
pub const RULES: &[Rule] = {
    use Applies::{Both, Management, Regional};
    &[
        required("account_id", Both, Kind::Account),
        required("region", Both, Kind::Region),
        required("region_alias", Both, Kind::RegionAliasOfPath),
        required("environment", Both, Kind::EnvironmentOfPath),
        // Required too, unless the later name of the same thing stands for it: `regional_id`, `management_id`.
        optional("alias", Both, Kind::Name),
        optional("regional_id", Regional, Kind::Name),
        optional("management_id", Management, Kind::Name),
        optional("terraform_vars", Both, Kind::Variables),
        optional("delete", Both, Kind::Bool),
        optional("delete_pipeline", Both, Kind::Bool),
        optional("enable_bastion", Both, Kind::Bool),
        optional("enable_cloudtrail", Both, Kind::Bool),
        optional("enable_api_custom_domain", Both, Kind::Bool),
        optional("zone_shard_count", Both, Kind::Count(1, 100)),
        optional("enable_sns_alerting", Both, Kind::Bool),
        optional("enable_pagerduty", Both, Kind::Bool),
        optional("pagerduty_escalation_policy_id", Both, Kind::Tag),
        optional("iot_log_level", Both, Kind::Choice(&["DISABLED", "ERROR", "WARN", "INFO", "DEBUG"])),
        optional("deployment_name", Both, Kind::Name),
        optional("eph_prefix", Both, Kind::Name),
        optional("management_clusters_info", Regional, Kind::Clusters),
        optional("domain", Regional, Kind::Domain),
        optional("create_environment_zone", Regional, Kind::Bool),
    ]
};

/// The keys of `terraform_vars` that have rules of their own. Any other that is a variable's name passes as text, truth value or
/// whole number.
pub const VARIABLE_RULES: &[Rule] = {
    use Applies::{Both, Management};
    &[
        optional("app_code", Both, Kind::Tag),
        optional("service_phase", Both, Kind::Tag),
        optional("cost_center", Both, Kind::Tag),
        optional("cluster_id", Management, Kind::Name),
        required("regional_aws_account_id", Management, Kind::Account),
    ]
};

/// The tags that every cluster carries, with the value of a file that says nothing.
pub const TAG_DEFAULTS: &[(&str, &str)] = &[("app_code", "infra"), ("service_phase", "dev"), ("cost_center", "000")];

/// Variables that mean a cluster's identity by another name, and the key of the file that says it.
pub(super) const IDENTITY_VARIABLES: &[(&str, &str)] =
    &[("target_account_id", "account_id"), ("target_region", "region"), ("target_alias", "alias")];
