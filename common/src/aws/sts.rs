//! Other accounts: the role of ours in each of them is assumed, and what it is there is proven before anything is called.

use aws_sdk_sts::Client;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::{Aws, chain, config, fault, iot::Iot, vault::SecretsVault};
use crate::{
    domain::{
        certificate::Target,
        id::{AccountId, quoted},
    },
    fault::Fault,
    ports::Accounts,
};

/// The IAM actions that [`TargetAccounts`] needs at home; what is called in an account, its role may (`sts:GetCallerIdentity` needs no
/// permission).
pub const ACTIONS: &[&str] = &["sts:AssumeRole"];

/// How long the credentials work, in seconds: AWS's shortest. They are used within one call of the function.
const SECONDS: i32 = 900;

/// The role by which accounts are entered.
#[derive(Debug, Clone)]
pub struct TargetRole {
    /// Its name, the same in every account.
    pub name: String,
    /// What its trust policy wants to hear.
    pub external_id: Option<String>,
    /// What CloudTrail calls our session there.
    pub session: String,
}

/// The accounts that let us in.
#[derive(Debug, Clone)]
pub struct TargetAccounts {
    aws: Aws,
    role: TargetRole,
}

impl TargetAccounts {
    /// Over the function's own credentials.
    pub fn new(aws: &Aws, role: TargetRole) -> Self {
        Self { aws: aws.clone(), role }
    }

    /// Credentials of an account, for one region.
    ///
    /// # Errors
    /// `Reject` when the account does not let us in, or is another than it should be; `Retry` when nobody answered.
    async fn enter(&self, at: &Target) -> Result<Aws, Fault> {
        let TargetRole { name, external_id, session } = &self.role;
        let arn = format!("arn:{}:iam::{}:role/{name}", at.partition(), at.account);
        let what = format!("assuming {arn}");
        let sts = Client::from_conf(config!(aws_sdk_sts, &self.aws, "STS").build());
        let call = sts.assume_role().role_arn(&arn).role_session_name(session).duration_seconds(SECONDS);
        let answer = match call.set_external_id(external_id.clone()).send().await {
            Ok(answer) => answer,
            Err(error) if error.code().is_some_and(|code| code.starts_with("AccessDenied")) => {
                let why = chain(&error);
                tracing::warn!(role = arn, "an account does not let us in: {why}");
                return Err(Fault::reject(format!(
                    "the account {} does not let Penstock in: apply modules/certificate-target-role there, with the role's name {name}, this function's role and its external id",
                    at.account
                )));
            }
            Err(error) => return Err(fault(&what, error)),
        };
        let credentials =
            answer.credentials.ok_or_else(|| Fault::bug(format!("{what}: the answer lacks credentials")))?;
        let mut settings = self.aws.settings.clone();
        settings.region = at.region.to_string();
        settings.access_key_id = credentials.access_key_id;
        settings.secret_access_key = credentials.secret_access_key;
        settings.session_token = Some(credentials.session_token);
        let inside = Aws { settings, http: self.aws.http.clone() };
        inside.prove(&at.account).await?;
        Ok(inside)
    }
}

impl Aws {
    /// Proves that these credentials are of this account.
    async fn prove(&self, account: &AccountId) -> Result<(), Fault> {
        let what = "asking whose credentials these are";
        let sts = Client::from_conf(config!(aws_sdk_sts, self, "STS").build());
        let found = sts.get_caller_identity().send().await.map_err(|error| fault(what, error))?.account;
        let found = found.ok_or_else(|| Fault::bug(format!("{what}: the answer lacks the account")))?;
        if found == account.as_str() {
            return Ok(());
        }
        Err(Fault::reject(format!("the credentials for {account} are of {}: nothing was written", quoted(&found, 20))))
    }
}

impl Accounts for TargetAccounts {
    type Broker = Iot;
    type Vault = SecretsVault;

    async fn broker(&self, at: &Target) -> Result<Iot, Fault> {
        self.enter(at).await.map(|aws| Iot::new(&aws))
    }

    async fn vault(&self, at: &Target) -> Result<SecretsVault, Fault> {
        self.enter(at).await.map(|aws| SecretsVault::new(&aws))
    }
}
