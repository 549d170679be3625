//! What a function is told by its environment: exactly the variables that its manifest names, and those of AWS itself.
//!
//! Everything missing is reported at once, by name and meaning. Code cannot read a variable that the manifest does not name, so
//! that the contract, Terraform and the code agree.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{domain::id::quoted, fault::Fault, manifest::Manifest};

/// A function's configuration, read once at start.
#[derive(Debug, Clone)]
pub struct Config {
    function: &'static str,
    values: BTreeMap<&'static str, String>,
    aws: AwsSettings,
}

/// Where AWS is and who we are there.
///
/// Lambda sets region and credentials in the environment of each sandbox and replaces the sandbox with them, so reading them once
/// is enough.
#[derive(Clone)]
pub struct AwsSettings {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`: how the session of the function's role is called. Nothing outside Lambda.
    pub function_name: Option<String>,
    /// `AWS_ENDPOINT_URL`: for the local stack.
    pub endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_<SERVICE>` by `<SERVICE>`, before `AWS_ENDPOINT_URL`.
    pub endpoints: BTreeMap<String, String>,
}

/// The services that may have an endpoint of their own, by AWS's names for the variables.
const SERVICES: &[&str] =
    &["CODECOMMIT", "CODEPIPELINE", "DYNAMODB", "EVENTBRIDGE", "IOT", "S3", "SECRETS_MANAGER", "SESV2", "SQS", "STS"];

impl AwsSettings {
    /// The endpoint that replaces a service's own: for `DYNAMODB` and so on.
    pub fn endpoint(&self, service: &str) -> Option<&str> {
        self.endpoints.get(service).or(self.endpoint.as_ref()).map(String::as_str)
    }

    /// Settings for an emulator at this address that takes any credentials.
    pub fn emulator(endpoint: &str) -> Self {
        Self {
            region: "us-east-1".into(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            session_token: None,
            function_name: None,
            endpoint: Some(endpoint.into()),
            endpoints: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for AwsSettings {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, function_name, endpoint, endpoints, .. } = self;
        to.debug_struct("AwsSettings")
            .field("region", region)
            .field("function_name", function_name)
            .field("endpoint", endpoint)
            .field("endpoints", endpoints)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads what the manifest names. An empty variable is a missing one.
    ///
    /// # Errors
    /// `Bug` with every missing variable and what it should hold.
    pub fn read(manifest: &Manifest, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut missing = Vec::new();
        let mut required = |name: &str, meaning: &str| {
            variable(name).unwrap_or_else(|| {
                missing.push(format!("{name} ({meaning})"));
                String::new()
            })
        };
        let mut values = BTreeMap::new();
        for env in manifest.env.iter().filter(|env| env.required) {
            values.insert(env.name, required(env.name, env.meaning));
        }
        let aws = AwsSettings {
            region: required("AWS_REGION", "the region, set by Lambda"),
            access_key_id: required("AWS_ACCESS_KEY_ID", "set by Lambda"),
            secret_access_key: required("AWS_SECRET_ACCESS_KEY", "set by Lambda"),
            session_token: variable("AWS_SESSION_TOKEN"),
            function_name: variable("AWS_LAMBDA_FUNCTION_NAME"),
            endpoint: variable("AWS_ENDPOINT_URL"),
            endpoints: SERVICES
                .iter()
                .filter_map(|service| Some(((*service).to_owned(), variable(&format!("AWS_ENDPOINT_URL_{service}"))?)))
                .collect(),
        };
        for env in manifest.env.iter().filter(|env| !env.required) {
            if let Some(value) = variable(env.name) {
                values.insert(env.name, value);
            }
        }
        if !missing.is_empty() {
            return Err(Fault::bug(format!(
                "{} cannot start: set the environment variable{} {}",
                manifest.name,
                if missing.len() == 1 { "" } else { "s" },
                missing.join(", ")
            )));
        }
        Ok(Self { function: manifest.name, values, aws })
    }

    /// A variable that the manifest requires.
    ///
    /// # Errors
    /// `Bug` when the manifest does not name it as required.
    pub fn text(&self, name: &str) -> Result<&str, Fault> {
        self.optional(name).ok_or_else(|| {
            Fault::bug(format!("{} reads {name}, which its manifest does not name as required", self.function))
        })
    }

    /// A variable that may be absent.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A required variable of a stricter type than text.
    ///
    /// # Errors
    /// `Bug` that says what was found and what was expected.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<T, Fault> {
        let text = self.text(name)?;
        text.parse().map_err(|error| {
            Fault::bug(format!(
                "{}: environment variable {name}: {} is no good: {error}",
                self.function,
                quoted(text, 80)
            ))
        })
    }

    /// Where AWS is and who we are there.
    pub fn aws(&self) -> &AwsSettings {
        &self.aws
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::EnvVar;

    const MANIFEST: Manifest = Manifest {
        name: "example",
        purpose: "",
        idempotent_by: "",
        memory_mb: 128,
        timeout_s: 1,
        wakes: &[],
        env: &[
            EnvVar::required("TABLE_NAME", "the table"),
            EnvVar::required("GITHUB_APP_ID", "the App's id"),
            EnvVar::optional("GITHUB_API_URL", "another host"),
        ],
        grants: &[],
        calls: &[],
        emits: &[],
        alarms: &[],
    };

    fn read(variables: &[(&str, &str)]) -> Result<Config, Fault> {
        let variables: BTreeMap<_, _> = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Config::read(&MANIFEST, |name| variables.get(name).cloned())
    }

    const AWS: [(&str, &str); 3] =
        [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "canary-of-the-secret")];

    #[test]
    fn everything_missing_is_named_at_once() {
        let fault = read(&[("TABLE_NAME", "")]).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "example cannot start: set the environment variables TABLE_NAME (the table), GITHUB_APP_ID (the App's id), \
             AWS_REGION (the region, set by Lambda), AWS_ACCESS_KEY_ID (set by Lambda), AWS_SECRET_ACCESS_KEY (set by Lambda)"
        );
    }

    #[test]
    fn values_are_read_typed_and_only_when_the_manifest_names_them() {
        let ours = [
            ("TABLE_NAME", "penstock"),
            ("GITHUB_APP_ID", "twelve"),
            ("HOME", "/"),
            ("AWS_ENDPOINT_URL", "http://a"),
            ("AWS_ENDPOINT_URL_S3", "http://b"),
        ];
        let config = read(&[&AWS[..], &ours[..]].concat()).unwrap();
        assert_eq!(config.text("TABLE_NAME").unwrap(), "penstock");
        assert_eq!(config.optional("GITHUB_API_URL"), None);
        assert!(config.text("HOME").unwrap_err().to_string().contains("its manifest does not name"));
        assert_eq!(
            config.parse::<u64>("GITHUB_APP_ID").unwrap_err().to_string(),
            "example: environment variable GITHUB_APP_ID: \"twelve\" is no good: invalid digit found in string"
        );
        assert_eq!(config.aws().endpoint("S3"), Some("http://b"));
        assert_eq!(config.aws().endpoint("DYNAMODB"), Some("http://a"));
        assert!(!format!("{config:?}").contains("canary"), "credentials never show");
    }
}
