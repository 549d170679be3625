//! Where certificates live: the broker of an account, and the secrets of an account.
//!
//! An account is entered by name, and the adapter proves that it is that account before anything can be called there: a broker and a vault
//! are of one place and no other.

use std::{collections::BTreeSet, future::Future};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    domain::{
        certificate::{SeenPolicy, SeenThing, Status, Target},
        id::CertificateId,
    },
    fault::Fault,
};

/// The accounts in which certificates are kept.
pub trait Accounts: Sync {
    /// A broker in one of them.
    type Broker: Broker;
    /// The secrets in one of them.
    type Vault: Vault;

    /// The broker of a place.
    ///
    /// # Errors
    /// `Reject` when the account does not let us in, or is another than it should be: what must be put right stands in it. `Retry` when
    /// nobody answered.
    fn broker(&self, at: &Target) -> impl Future<Output = Result<Self::Broker, Fault>> + Send;

    /// The secrets of a place.
    ///
    /// # Errors
    /// As [`Accounts::broker`].
    fn vault(&self, at: &Target) -> impl Future<Output = Result<Self::Vault, Fault>> + Send;
}

/// A certificate, as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerCertificate {
    /// Its ARN.
    pub arn: String,
    /// It, as PEM.
    pub pem: String,
    /// How it stands.
    pub status: Status,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A certificate that was just made: inactive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificate {
    /// Its id.
    pub id: CertificateId,
    /// Its ARN.
    pub arn: String,
    /// It, as PEM.
    pub pem: String,
}

/// What is attached to a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// Policies, by name.
    pub policies: BTreeSet<String>,
    /// Things, by name.
    pub things: BTreeSet<String>,
}

/// AWS IoT Core in one account and region, as far as certificates need it.
///
/// # Errors
/// Of all calls: `Retry` when nobody knows how it ended, when something changed meanwhile, or when the service wants to be asked later (it
/// takes minutes until a detached certificate can be deleted); `Bug` when it says that we are wrong.
///
/// Deleting and detaching what is not there is done. Nothing else is idempotent beyond what is said: who calls has read before.
pub trait Broker: Send + Sync {
    /// The address that clients connect to.
    fn endpoint(&self) -> impl Future<Output = Result<String, Fault>> + Send;
    /// A thing.
    fn thing(&self, name: &str) -> impl Future<Output = Result<Option<SeenThing>, Fault>> + Send;
    /// Makes a thing with its owner. Idempotent for the same owner.
    fn create_thing(&self, name: &str, owner: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Deletes a thing.
    fn delete_thing(&self, name: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// The certificates of a thing.
    fn of_thing(&self, name: &str) -> impl Future<Output = Result<BTreeSet<CertificateId>, Fault>> + Send;
    /// A policy.
    fn policy(&self, name: &str) -> impl Future<Output = Result<Option<SeenPolicy>, Fault>> + Send;
    /// Makes a policy.
    fn create_policy(&self, name: &str, document: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Puts a document in force, as a new version.
    fn replace_policy(&self, name: &str, document: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Deletes a version that is not in force.
    fn prune_policy(&self, name: &str, version: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Deletes a policy that has one version and is attached to nothing.
    fn delete_policy(&self, name: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// The certificates that a policy is attached to.
    fn of_policy(&self, name: &str) -> impl Future<Output = Result<BTreeSet<CertificateId>, Fault>> + Send;
    /// Makes an inactive certificate of a request. Each call makes another.
    fn issue(&self, request: &str) -> impl Future<Output = Result<NewCertificate, Fault>> + Send;
    /// A certificate.
    fn certificate(&self, id: &CertificateId) -> impl Future<Output = Result<Option<BrokerCertificate>, Fault>> + Send;
    /// Sets how a certificate stands: active, inactive or revoked.
    fn set_status(&self, id: &CertificateId, status: Status) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Deletes a certificate that is not active, and that nothing is attached to.
    fn delete_certificate(&self, id: &CertificateId) -> impl Future<Output = Result<(), Fault>> + Send;
    /// What is attached to a certificate.
    fn attached(&self, id: &CertificateId, arn: &str) -> impl Future<Output = Result<Attached, Fault>> + Send;
    /// Attaches a policy. Idempotent.
    fn attach_policy(&self, policy: &str, arn: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Detaches a policy.
    fn detach_policy(&self, policy: &str, arn: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Attaches a certificate to a thing and to no other. Idempotent.
    fn attach_thing(&self, thing: &str, arn: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Detaches a certificate from a thing.
    fn detach_thing(&self, thing: &str, arn: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// The inactive certificates of the account that were made at that time or later.
    fn inactive_since(&self, from: Timestamp) -> impl Future<Output = Result<BTreeSet<CertificateId>, Fault>> + Send;
}

/// A secret, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFacts {
    /// Its ARN.
    pub arn: String,
    /// Whether it is to be deleted soon.
    pub leaving: bool,
    /// The cluster that its tag says it belongs to.
    pub owner: Option<String>,
    /// The version called `AWSCURRENT`.
    pub current: Option<String>,
    /// The version called `AWSPENDING`.
    pub pending: Option<String>,
}

/// Secrets Manager in one account and region.
///
/// # Errors
/// As those of [`Broker`].
pub trait Vault: Send + Sync {
    /// A secret; also one that is to be deleted soon.
    fn secret(&self, name: &str) -> impl Future<Output = Result<Option<SecretFacts>, Fault>> + Send;
    /// The text of a version.
    fn text(&self, name: &str, version: &str) -> impl Future<Output = Result<Option<SecretString>, Fault>> + Send;
    /// Makes a secret without a value, with its owner.
    fn create(&self, name: &str, owner: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Has a secret back that was to be deleted.
    fn restore(&self, name: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Puts a text aside (`AWSPENDING`) as the version of this name: 32 to 64 characters. The first version of a secret is in use at once:
    /// the service gives it `AWSCURRENT`, too.
    ///
    /// Idempotent by the version's name: the same text again is done, and another is refused by the service.
    fn put_aside(
        &self,
        name: &str,
        version: &str,
        text: &SecretString,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Puts a text into use at once, as the version of this name. Idempotent likewise.
    fn put(&self, name: &str, version: &str, text: &SecretString) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Brings a version into use (`AWSCURRENT`), in the place of the one that is. Idempotent.
    fn promote(&self, name: &str, version: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Lets a secret be deleted after the service's waiting time.
    fn delete(&self, name: &str) -> impl Future<Output = Result<(), Fault>> + Send;
}
