//! Cluster files as their authors write them.

/// A cluster's file while a test makes it: a path and lines of `key: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFile {
    /// Where it lies.
    pub path: String,
    lines: Vec<(String, String)>,
    variables: Vec<(String, String)>,
}

impl ClusterFile {
    /// The regional cluster of an (environment, region alias), in us-east-1.
    pub fn regional(environment: &str, alias: &str) -> Self {
        Self::new(environment, alias, "regional.yaml", &format!("regional-{alias}"))
    }

    /// A management cluster.
    pub fn management(environment: &str, alias: &str, cluster: &str) -> Self {
        Self::new(environment, alias, &format!("management/{cluster}.yaml"), cluster)
            .variable("cluster_id", cluster)
            .variable("regional_aws_account_id", "\"111111111111\"")
    }

    fn new(environment: &str, alias: &str, file: &str, name: &str) -> Self {
        let lines = [
            ("account_id", "\"111111111111\""),
            ("region", "us-east-1"),
            ("alias", name),
            ("region_alias", alias),
            ("environment", environment),
        ];
        Self {
            path: format!("deploy/{environment}/{alias}/terraform/{file}"),
            lines: lines.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            variables: Vec::new(),
        }
        .variable("app_code", "infra")
        .variable("cost_center", "\"000\"")
    }

    /// Sets a top-level key to a value, as YAML spells it.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        put(&mut self.lines, key, value);
        self
    }

    /// Sets a key of `terraform_vars`, as YAML spells it.
    pub fn variable(mut self, key: &str, value: &str) -> Self {
        put(&mut self.variables, key, value);
        self
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text: String = self.lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        text.push_str("terraform_vars:\n");
        text.extend(self.variables.iter().map(|(key, value)| format!("  {key}: {value}\n")));
        text
    }
}

fn put(pairs: &mut Vec<(String, String)>, key: &str, value: &str) {
    match pairs.iter_mut().find(|(found, _)| found == key) {
        Some((_, found)) => *found = value.to_owned(),
        None => pairs.push((key.to_owned(), value.to_owned())),
    }
}
