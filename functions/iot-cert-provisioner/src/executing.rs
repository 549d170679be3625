//! Carries the steps of a plan out, in their order. It chooses nothing: a step that does not go as planned ends the call, and the next one
//! looks and plans again.

use std::collections::BTreeMap;

use common::{
    domain::{
        certificate::{Identity, Issued, Rules, Seen, Status, Step, Subject, document},
        id::CertificateId,
    },
    fault::Fault,
    keys::{self, Minted, Request},
    ports::{Broker, BrokerCertificate, NewCertificate, Vault},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::secret::{self, Contents};

/// The key of the certificate that a plan makes.
pub enum Key {
    /// Made here.
    Ours(Minted),
    /// The caller's, of whom only the request is here.
    Theirs(Request),
}

impl Key {
    /// The request for its certificate.
    pub fn request(&self) -> &Request {
        match self {
            Self::Ours(minted) => &minted.request,
            Self::Theirs(request) => request,
        }
    }

    fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Ours(minted) => Some(&minted.key),
            Self::Theirs(_) => None,
        }
    }
}

struct Made {
    id: CertificateId,
    arn: String,
    pem: String,
    not_after: Timestamp,
}

/// What steps are carried out with.
pub struct Executor<'a, B, V> {
    /// Whose.
    pub identity: &'a Identity,
    /// By which rules.
    pub rules: &'a Rules,
    /// The authority that clients trust.
    pub authority: &'a str,
    /// What was seen.
    pub seen: &'a Seen,
    /// The certificates as the broker has them.
    pub certificates: &'a BTreeMap<CertificateId, BrokerCertificate>,
    /// The broker.
    pub broker: &'a B,
    /// The secrets; nothing for a plan that does not touch them.
    pub vault: Option<&'a V>,
    /// The key of the certificate that is made, when one is.
    pub key: Option<&'a Key>,
    /// Now.
    pub now: Timestamp,
}

impl<B: Broker, V: Vault> Executor<'_, B, V> {
    /// Carries them out; answers the certificate that was made.
    ///
    /// # Errors
    /// That of the step that did not go as planned; `Bug` for a plan that makes no sense.
    pub async fn execute(&self, steps: &[Step]) -> Result<Option<Issued>, Fault> {
        let mut made = None;
        for step in steps {
            self.step(step, &mut made).await?;
        }
        let Some(Made { id, not_after, .. }) = made else { return Ok(None) };
        let public_key = self.key()?.request().public_key.clone();
        let secret_version = secret::version(&public_key, &id);
        let ends = self.rules.ends(self.now, not_after);
        Ok(Some(Issued { certificate: id, public_key, since: self.now, ends, secret_version }))
    }

    async fn step(&self, step: &Step, made: &mut Option<Made>) -> Result<(), Fault> {
        let broker = self.broker;
        let (thing, policy, name) = (self.identity.thing(), self.identity.policy(), self.identity.secret());
        let owner = self.identity.cluster.to_string();
        let wanted = || document(self.identity, &self.rules.topics).to_string();
        match step {
            Step::CreateThing => broker.create_thing(&thing, &owner).await,
            Step::CreatePolicy => broker.create_policy(&policy, &wanted()).await,
            Step::PrunePolicy(version) => broker.prune_policy(&policy, version).await,
            Step::ReplacePolicy => broker.replace_policy(&policy, &wanted()).await,
            Step::RestoreSecret => self.vault()?.restore(&name).await,
            Step::CreateSecret => self.vault()?.create(&name, &owner).await,
            Step::Issue => {
                *made = Some(self.issue().await?);
                Ok(())
            }
            Step::AttachPolicy(subject) => broker.attach_policy(&policy, self.arn(subject, made.as_ref())?).await,
            Step::AttachThing(subject) => broker.attach_thing(&thing, self.arn(subject, made.as_ref())?).await,
            Step::Store => self.store(new(made.as_ref())?).await,
            Step::Activate(subject) => broker.set_status(self.id(subject, made.as_ref())?, Status::Active).await,
            Step::Promote(subject) => {
                let version = self.version(subject, made.as_ref())?;
                self.vault()?.promote(&name, &version).await
            }
            Step::Revoke(id) => broker.set_status(id, Status::Revoked).await,
            Step::Deactivate(id) => broker.set_status(id, Status::Inactive).await,
            Step::DetachPolicy(id) => broker.detach_policy(&policy, self.known(id)?).await,
            Step::DetachThing(id) => broker.detach_thing(&thing, self.known(id)?).await,
            Step::Delete(id) => broker.delete_certificate(id).await,
            Step::DeletePolicy => broker.delete_policy(&policy).await,
            Step::DeleteThing => broker.delete_thing(&thing).await,
            Step::DeleteSecret => self.vault()?.delete(&name).await,
        }
    }

    fn vault(&self) -> Result<&V, Fault> {
        self.vault.ok_or_else(|| Fault::bug("a plan that was made without the secret writes into it"))
    }

    fn key(&self) -> Result<&Key, Fault> {
        self.key.ok_or_else(|| Fault::bug("a plan makes a certificate, and no key was made for it"))
    }

    async fn issue(&self) -> Result<Made, Fault> {
        let request = self.key()?.request();
        let NewCertificate { id, arn, pem } = self.broker.issue(&request.pem).await?;
        let read = keys::certificate(&pem)?;
        if read.id != id || read.public_key != request.public_key {
            return Err(Fault::bug(format!(
                "the broker answered {id}, a certificate of another key or name than asked for"
            )));
        }
        Ok(Made { id, arn, pem, not_after: read.not_after })
    }

    /// Puts certificate and key aside, and proves by reading them that they are there.
    async fn store(&self, made: &Made) -> Result<(), Fault> {
        let key = self.key()?;
        let text = secret::write(&Contents {
            certificate: &made.pem,
            id: &made.id,
            key: key.secret(),
            authority: self.authority,
            cluster: &self.identity.cluster,
            issued_at: self.now,
        })?;
        let (name, version) = (self.identity.secret(), secret::version(&key.request().public_key, &made.id));
        let vault = self.vault()?;
        vault.put_aside(&name, &version, &text).await?;
        let found = vault.text(&name, &version).await?;
        if found.is_some_and(|found| found.expose_secret() == text.expose_secret()) {
            return Ok(());
        }
        Err(Fault::retry(format!("reading the secret {name} back: it does not hold what was put there")))
    }

    fn known(&self, id: &CertificateId) -> Result<&str, Fault> {
        let found = self.certificates.get(id).map(|certificate| certificate.arn.as_str());
        found.ok_or_else(|| Fault::bug(format!("a plan names the certificate {id}, which was not seen")))
    }

    fn id<'s>(&self, subject: &'s Subject, made: Option<&'s Made>) -> Result<&'s CertificateId, Fault> {
        match subject {
            Subject::New => new(made).map(|made| &made.id),
            Subject::Known(id) => Ok(id),
        }
    }

    fn arn<'s>(&'s self, subject: &Subject, made: Option<&'s Made>) -> Result<&'s str, Fault> {
        match subject {
            Subject::New => new(made).map(|made| made.arn.as_str()),
            Subject::Known(id) => self.known(id),
        }
    }

    fn version(&self, subject: &Subject, made: Option<&Made>) -> Result<String, Fault> {
        match subject {
            Subject::New => Ok(secret::version(&self.key()?.request().public_key, &new(made)?.id)),
            Subject::Known(id) => {
                let pending = self.seen.secret.pending.as_ref().filter(|held| held.certificate == *id);
                let pending = pending.ok_or_else(|| Fault::bug(format!("{id} is not put aside in its secret")))?;
                Ok(pending.version.clone())
            }
        }
    }
}

fn new(made: Option<&Made>) -> Result<&Made, Fault> {
    made.ok_or_else(|| Fault::bug("a plan speaks of a new certificate before it is made"))
}
