//! Runs the table over a file and collects everything that is wrong.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use super::{
    AccountRef, Applies, ClusterConfig, Kind, ManagementConfig, RULES, Rule, TAG_DEFAULTS, VARIABLE_RULES,
    rules::IDENTITY_VARIABLES,
};
use crate::domain::{
    cluster::{ClusterKey, ClusterKind, Finding, Place, shown},
    governance::Governance,
    id::{AccountId, AccountParameter, AwsRegion, ClusterName, IdError, VariableName, is_hidden, quoted},
    yaml::{Entry, Node},
};

/// The most characters of a variable's value.
const MAX_VALUE: usize = 1024;

/// A value that passed its row.
enum Checked {
    Account(AccountRef),
    Region(AwsRegion),
    Name(ClusterName),
    Bool(bool),
    /// Passed on to terraform as it is.
    Plain(String),
}

/// The values of one mapping by key.
type Values = BTreeMap<&'static str, Checked>;

struct Check<'a> {
    key: &'a ClusterKey,
    path: &'a str,
    governance: &'a Governance,
    variables: BTreeMap<VariableName, String>,
    findings: Vec<Finding>,
}

/// Checks a file's entries against the table.
pub(super) fn file(
    key: &ClusterKey,
    path: &str,
    entries: &[Entry],
    governance: &Governance,
) -> Result<ClusterConfig, Vec<Finding>> {
    let mut check = Check { key, path, governance, variables: BTreeMap::new(), findings: Vec::new() };
    let mut top = check.mapping(entries, RULES, "", Place::START);
    let variables = entries.iter().find(|entry| entry.key == "terraform_vars");
    let (nested, place) = match variables {
        Some(entry) => (entry.value.mapping().unwrap_or_default(), entry.place),
        None => (&[][..], Place::START),
    };
    let mut vars = check.mapping(nested, VARIABLE_RULES, "terraform_vars.", place);
    let alias = check.alias(&mut top, entries);
    let management = check.management(&mut vars, entries, nested, alias.as_ref());
    check.pass_on(top.iter().chain(&vars));
    for (name, value) in TAG_DEFAULTS {
        if let Ok(name) = name.parse() {
            check.variables.entry(name).or_insert_with(|| (*value).to_owned());
        }
    }
    let flag = |name: &str| matches!(top.get(name), Some(Checked::Bool(true)));
    let (delete, delete_pipeline) = (flag("delete"), flag("delete_pipeline"));
    match (top.remove("account_id"), top.remove("region"), alias, management, check.findings.is_empty()) {
        (Some(Checked::Account(account)), Some(Checked::Region(region)), Some(alias), Some(management), true) => {
            let (key, variables) = (key.clone(), check.variables);
            Ok(ClusterConfig { key, account, region, alias, management, delete, delete_pipeline, variables })
        }
        _ => {
            check.findings.sort_by_key(|finding| (finding.line, finding.column));
            Err(check.findings)
        }
    }
}

impl Check<'_> {
    fn find(&mut self, place: Place, rule: &str, key: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.findings.push(Finding::error(self.path, place, rule, found, expected).key(shown(key)));
    }

    fn mapping(&mut self, entries: &[Entry], rules: &'static [Rule], prefix: &str, place: Place) -> Values {
        let mut values = Values::new();
        let here: Vec<&Rule> = rules.iter().filter(|rule| rule.applies.to(&self.key.kind)).collect();
        for entry in entries {
            let Some(rule) = here.iter().find(|rule| rule.key == entry.key) else {
                self.unknown(entry, rules, &here, prefix);
                continue;
            };
            if let Some(value) = self.value(rule, entry, prefix) {
                values.insert(rule.key, value);
            }
        }
        for rule in here {
            if rule.required && !entries.iter().any(|entry| entry.key == rule.key) {
                self.find(place, "missing-key", &format!("{prefix}{}", rule.key), "nothing", expected(rule.kind));
            }
        }
        values
    }

    /// A key without a row: a variable when it stands below `terraform_vars`, else an error.
    fn unknown(&mut self, entry: &Entry, rules: &[Rule], here: &[&Rule], prefix: &str) {
        let name = format!("{prefix}{}", entry.key);
        if let Some(rule) = rules.iter().find(|rule| rule.key == entry.key && prefix.is_empty()) {
            let file = if rule.applies == Applies::Regional { "regional.yaml" } else { "management/<cluster>.yaml" };
            let found = format!("a key of {file}");
            return self.find(entry.place, "unknown-key", &name, found, "a key of this kind of file");
        }
        if prefix.is_empty() {
            let finding = Finding::error(
                self.path,
                entry.place,
                "unknown-key",
                format!("the key {}", quoted(&entry.key, 80)),
                "a known key; variables for terraform stand below terraform_vars",
            );
            self.findings.push(finding.nearest(&entry.key, here.iter().map(|rule| rule.key)));
        } else {
            self.variable(entry, &name);
        }
    }

    fn variable(&mut self, entry: &Entry, name: &str) {
        let variable = match entry.key.parse::<VariableName>() {
            Ok(variable) => variable,
            Err(error) => return self.find(entry.place, "variable-name", name, error.found, error.expected),
        };
        let key = variable.as_str();
        if let Some(expected) = taken(key) {
            return self.find(entry.place, "variable-name", name, quoted(key, 80), expected);
        }
        let value = &entry.value;
        let text = match (value.text(), value.bool(), value.int()) {
            (Some(text), _, _) => text.to_owned(),
            (_, Some(truth), _) => truth.to_string(),
            (_, _, Some(number)) => number.to_string(),
            (None, None, None) => {
                let expected = "text in quotes, true, false or a whole number";
                return self.find(value.place, "variable-value", name, value.found(), expected);
            }
        };
        // What an approver reads in the plan must be what terraform gets.
        if text.chars().count() > MAX_VALUE || text.chars().any(is_hidden) {
            let expected =
                format!("one line of at most {MAX_VALUE} characters, without control characters or invisible ones");
            return self.find(value.place, "variable-value", name, quoted(&text, 80), expected);
        }
        self.variables.insert(variable, text);
    }

    fn value(&mut self, rule: &Rule, entry: &Entry, prefix: &str) -> Option<Checked> {
        let node = &entry.value;
        let checked = match rule.kind {
            Kind::Variables => node.mapping().map(|_| Checked::Plain(String::new())).ok_or_else(|| node.found()),
            Kind::Account => return self.account(rule.key, node, prefix),
            Kind::Region => parsed(node).map(Checked::Region),
            Kind::Name => parsed(node).map(Checked::Name),
            Kind::EnvironmentOfPath => same(node, self.key.environment.as_str()),
            Kind::RegionAliasOfPath => same(node, self.key.region_alias.as_str()),
            Kind::Bool => node.bool().map(Checked::Bool).ok_or_else(|| node.found()),
            Kind::Count(low, high) => {
                let number = node.int().filter(|number| (low..=high).contains(number));
                number.map(|number| Checked::Plain(number.to_string())).ok_or_else(|| node.found())
            }
            Kind::Choice(words) => text_if(node, |text| words.contains(&text)),
            Kind::Tag => text_if(node, tag_value),
            Kind::Domain => text_if(node, domain),
            Kind::Clusters => return self.clusters(rule.key, node),
        };
        match checked {
            Ok(value) => Some(value),
            Err(found) => {
                let expected = match rule.kind {
                    Kind::EnvironmentOfPath => format!("{}, as the file's path says", self.key.environment),
                    Kind::RegionAliasOfPath => format!("{}, as the file's path says", self.key.region_alias),
                    kind => expected(kind),
                };
                let key = format!("{prefix}{}", rule.key);
                let finding = Finding::error(self.path, node.place, rule.key, found, expected).key(key);
                let words = if let Kind::Choice(words) = rule.kind { words } else { &[] };
                let found = node.text().unwrap_or_default();
                self.findings.push(finding.nearest(found, words.iter().copied()));
                None
            }
        }
    }

    /// An account: by its grammar, and by the registry when it is an id.
    fn account(&mut self, key: &str, node: &Node, prefix: &str) -> Option<Checked> {
        let name = format!("{prefix}{key}");
        let Some(text) = node.text() else {
            self.find(node.place, key, &name, node.found(), expected(Kind::Account));
            return None;
        };
        let environment = &self.key.environment;
        let own = self.governance.environments.get(environment).and_then(|environment| environment.accounts);
        if let Ok(parameter) = text.parse::<AccountParameter>() {
            // What a parameter holds is known in Validate only; whose it is, its name must say.
            if own.is_some() && !text.starts_with(&format!("ssm:///infra/{environment}/")) {
                let expected = format!(
                    "a parameter below ssm:///infra/{environment}/, since environments.yaml lists the accounts of {environment}"
                );
                self.find(node.place, "account-environment", &name, quoted(text, 80), expected);
                return None;
            }
            return Some(Checked::Account(AccountRef::Parameter(parameter)));
        }
        let Ok(id) = text.parse::<AccountId>() else {
            self.find(node.place, key, &name, quoted(text, 80), expected(Kind::Account));
            return None;
        };
        let accounts = &self.governance.accounts;
        if !accounts.knows(&id) {
            let expected = "an account of accounts.yaml";
            let finding = Finding::error(self.path, node.place, "account-unlisted", quoted(text, 80), expected);
            self.findings.push(finding.key(name).nearest(text, accounts.listed.keys().map(AccountId::as_str)));
            return None;
        }
        if let Some(own) = own.filter(|own| !own.contains(&id)) {
            let expected = format!("an account that environments.yaml lists for {environment}");
            let finding = Finding::error(self.path, node.place, "account-environment", quoted(text, 80), expected);
            self.findings.push(finding.key(name).nearest(text, own.iter().map(AccountId::as_str)));
            return None;
        }
        Some(Checked::Account(AccountRef::Id(id)))
    }

    /// `management_clusters_info`: passed on as the JSON that terraform reads for a list of objects.
    fn clusters(&mut self, key: &str, node: &Node) -> Option<Checked> {
        let before = self.findings.len();
        let Some(items) = node.sequence() else {
            self.find(node.place, key, key, node.found(), expected(Kind::Clusters));
            return None;
        };
        let mut list = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let prefix = format!("{key}[{at}].");
            let fields = item.mapping().unwrap_or_default();
            let get = |name: &str| fields.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
            let (Some(id), Some(account), 2) = (get("id"), get("account_id"), fields.len()) else {
                self.find(item.place, key, &format!("{key}[{at}]"), item.found(), "exactly the keys id and account_id");
                continue;
            };
            let account = self.account("account_id", account, &prefix);
            match (parsed::<ClusterName>(id), account) {
                (Ok(id), Some(Checked::Account(account))) => {
                    list.push(format!(r#"{{"id":"{id}","account_id":"{}"}}"#, account.as_str()));
                }
                (Err(found), _) => {
                    self.find(id.place, key, &format!("{prefix}id"), found, expected(Kind::Name));
                }
                (Ok(_), _) => {}
            }
        }
        (self.findings.len() == before).then(|| Checked::Plain(format!("[{}]", list.join(","))))
    }

    /// `alias`, or the later name of the same thing.
    fn alias(&mut self, top: &mut Values, entries: &[Entry]) -> Option<ClusterName> {
        let later = if self.key.kind == ClusterKind::Regional { "regional_id" } else { "management_id" };
        let given = |name: &str| entries.iter().find(|entry| entry.key == name);
        match (top.remove("alias"), top.remove(later), given("alias"), given(later)) {
            (_, _, None, None) => {
                let expected = format!("a cluster name here or in {later}");
                self.find(Place::START, "missing-key", "alias", "nothing", expected);
                None
            }
            (Some(Checked::Name(alias)), Some(Checked::Name(id)), _, Some(entry)) if alias != id => {
                let expected = format!("the same as alias, {alias}");
                self.find(entry.value.place, "alias", later, quoted(id.as_str(), 80), expected);
                None
            }
            (Some(Checked::Name(name)), ..) | (None, Some(Checked::Name(name)), None, _) => Some(name),
            _ => None,
        }
    }

    /// The inner option is the answer for a regional cluster; the outer one is nothing after an error.
    #[expect(clippy::option_option, reason = "nothing wrong and nothing there are different answers")]
    fn management(
        &self,
        vars: &mut Values,
        entries: &[Entry],
        nested: &[Entry],
        alias: Option<&ClusterName>,
    ) -> Option<Option<ManagementConfig>> {
        if self.key.kind == ClusterKind::Regional {
            return Some(None);
        }
        let Some(Checked::Account(regional_account)) = vars.remove("regional_aws_account_id") else { return None };
        let cluster_id = match vars.remove("cluster_id") {
            Some(Checked::Name(id)) => id,
            _ => alias?.clone(),
        };
        let place =
            |entries: &[Entry], key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.place);
        let by_alias = || place(entries, "alias").or_else(|| place(entries, "management_id"));
        let cluster_id_place = place(nested, "cluster_id").or_else(by_alias).unwrap_or(Place::START);
        let regional_account_place = place(nested, "regional_aws_account_id").unwrap_or(Place::START);
        Some(Some(ManagementConfig { cluster_id, cluster_id_place, regional_account, regional_account_place }))
    }

    /// What the file sets and no stage sets by itself goes on to terraform.
    fn pass_on<'v>(&mut self, values: impl Iterator<Item = (&'v &'static str, &'v Checked)>) {
        for (key, value) in values {
            let own = ["environment", "region_alias", "terraform_vars", "delete", "delete_pipeline"].contains(key);
            let text = match value {
                _ if own => continue,
                Checked::Plain(text) => text.clone(),
                Checked::Bool(truth) => truth.to_string(),
                Checked::Name(name) => name.to_string(),
                Checked::Account(_) | Checked::Region(_) => continue,
            };
            if let Ok(name) = key.parse() {
                self.variables.insert(name, text);
            }
        }
    }
}

/// Why a variable's name is not free: a stage sets it from what the file says elsewhere, and one may not contradict the other.
fn taken(variable: &str) -> Option<String> {
    let other = IDENTITY_VARIABLES.iter().find(|(name, _)| *name == variable).map(|(_, key)| *key);
    let same = || RULES.iter().map(|rule| rule.key).find(|key| *key == variable);
    if let Some(key) = other.or_else(same) {
        return Some(format!("another name: terraform gets this value from the key {key} at the top of the file"));
    }
    // Whoever asks has no row for it, so it is a row of the other kind of cluster.
    VARIABLE_RULES.iter().any(|rule| rule.key == variable).then(|| {
        "another name: this one says which management cluster it is, and stands in management/<cluster>.yaml only"
            .to_owned()
    })
}

/// What a value must be, in words.
fn expected(kind: Kind) -> String {
    fn of<T: FromStr<Err = IdError>>() -> String {
        "".parse::<T>().err().map_or_else(String::new, |error| error.expected.to_owned())
    }
    match kind {
        Kind::Account => format!("{}, or {}", of::<AccountId>(), of::<AccountParameter>()),
        Kind::Region => of::<AwsRegion>(),
        Kind::Name => of::<ClusterName>(),
        Kind::EnvironmentOfPath => "the environment's directory".to_owned(),
        Kind::RegionAliasOfPath => "the region alias's directory".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Count(low, high) => format!("a whole number from {low} to {high}"),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Tag => "1 to 256 of letters, digits, space and '_', '.', ':', '/', '=', '+', '@', '-', as text in quotes"
            .to_owned(),
        Kind::Domain => "a DNS name in lower case, such as int.example.org".to_owned(),
        Kind::Variables => "a mapping of variables".to_owned(),
        Kind::Clusters => "a list of {id, account_id}".to_owned(),
    }
}

fn parsed<T: FromStr<Err = IdError>>(node: &Node) -> Result<T, String> {
    node.text().and_then(|text| text.parse().ok()).ok_or_else(|| node.found())
}

fn text_if(node: &Node, allowed: impl Fn(&str) -> bool) -> Result<Checked, String> {
    node.text().filter(|text| allowed(text)).map(|text| Checked::Plain(text.to_owned())).ok_or_else(|| node.found())
}

fn same(node: &Node, of_path: impl Display + AsRef<str>) -> Result<Checked, String> {
    text_if(node, |text| text == of_path.as_ref())
}

fn tag_value(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _.:/=+@-".contains(&byte))
}

fn domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
