//! AWS IoT and Secrets Manager in several accounts, with the conditions of the real ones: a policy keeps five versions, a certificate that is active or attached is not deleted, a token is of one text.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa, KeyPair};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    domain::{
        certificate::{SeenPolicy, SeenThing, Status, Target},
        id::CertificateId,
    },
    fault::Fault,
    keys,
    ports::{Accounts, Attached, Broker, BrokerCertificate, Clock as _, NewCertificate, SecretFacts, Vault},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    places: BTreeMap<Target, Place>,
    closed: BTreeSet<Target>,
}

#[derive(Default)]
struct Place {
    things: BTreeMap<String, Option<String>>,
    policies: BTreeMap<String, Policy>,
    certificates: BTreeMap<CertificateId, Certificate>,
    secrets: BTreeMap<String, Secret>,
}

struct Policy {
    versions: Vec<(String, String)>,
    made: usize,
}

struct Certificate {
    stands: BrokerCertificate,
    attached: Attached,
}

struct Secret {
    leaving: bool,
    owner: Option<String>,
    versions: BTreeMap<String, String>,
    current: Option<String>,
    previous: Option<String>,
    pending: Option<String>,
}

/// One place of the world: a broker and its account's secrets.
#[derive(Clone)]
pub struct WorldPlace {
    world: World,
    at: Target,
}

fn authority() -> &'static CertifiedIssuer<'static, KeyPair> {
    static AUTHORITY: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
    })
}

fn conflict(what: &str) -> Fault {
    Fault::retry(format!("the service answered: {what}"))
}

impl World {
    /// Lets nobody into an account any more, or again.
    pub fn close_account(&self, at: &Target, closed: bool) {
        let places = &mut self.state().accounts.closed;
        if closed {
            places.insert(at.clone())
        } else {
            places.remove(at)
        };
    }

    /// Every certificate of a place, with what is attached to it.
    pub fn broker_certificates(&self, at: &Target) -> BTreeMap<CertificateId, (BrokerCertificate, Attached)> {
        let mut state = self.state();
        let all = &state.accounts.places.entry(at.clone()).or_default().certificates;
        all.iter().map(|(id, one)| (id.clone(), (one.stands.clone(), one.attached.clone()))).collect()
    }

    /// What a place has beside certificates and secrets: things and policies, by name.
    pub fn broker_names(&self, at: &Target) -> BTreeSet<String> {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        place.things.keys().chain(place.policies.keys()).cloned().collect()
    }

    /// The text of a secret that is in use.
    pub fn secret_in_use(&self, at: &Target, name: &str) -> Option<String> {
        let mut state = self.state();
        let secret = state.accounts.places.entry(at.clone()).or_default().secrets.get(name)?;
        secret.versions.get(secret.current.as_ref()?).filter(|_| !secret.leaving).cloned()
    }

    /// A thing that somebody else made.
    pub fn put_thing(&self, at: &Target, name: &str, owner: Option<&str>) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        place.things.insert(name.to_owned(), owner.map(str::to_owned));
    }

    /// A version of a policy that somebody else put in force.
    pub fn put_policy(&self, at: &Target, name: &str, document: &str) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        let policy = place.policies.entry(name.to_owned()).or_insert_with(|| Policy { versions: Vec::new(), made: 0 });
        policy.made += 1;
        policy.versions.push((policy.made.to_string(), document.to_owned()));
        if policy.versions.len() > 5 {
            policy.versions.remove(0);
        }
    }

    /// Attaches one more policy to a certificate.
    pub fn attach_other_policy(&self, at: &Target, id: &CertificateId, policy: &str) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        place.certificates.get_mut(id).expect("a certificate").attached.policies.insert(policy.to_owned());
    }

    /// Somebody changes how a certificate stands, in the console.
    pub fn set_certificate_status(&self, at: &Target, id: &CertificateId, status: Status) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        place.certificates.get_mut(id).expect("a certificate").stands.status = status;
    }

    /// Somebody writes into a secret, past everything.
    pub fn write_secret(&self, at: &Target, name: &str, text: &str) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        let secret = place.secrets.get_mut(name).expect("a secret");
        let version = crate::domain::id::Digest::of(text.as_bytes()).to_string();
        secret.versions.insert(version.clone(), text.to_owned());
        bring_into_use(secret, &version);
    }

    /// The name of what is put aside stands on the version of before.
    pub fn leave_pending_behind(&self, at: &Target, name: &str) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        let secret = place.secrets.get_mut(name).expect("a secret");
        secret.pending.clone_from(&secret.previous);
    }

    /// Somebody takes the tag of a secret away.
    pub fn untag_secret(&self, at: &Target, name: &str) {
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        place.secrets.get_mut(name).expect("a secret").owner = None;
    }

    /// An active certificate of a key of somebody else's, attached to a thing.
    pub fn put_certificate(&self, at: &Target, thing: &str) -> CertificateId {
        let (id, mut stands) = sign(&keys::mint(thing).expect("a key").request.pem, self.now(), at);
        stands.status = Status::Active;
        let attached = Attached { policies: BTreeSet::new(), things: BTreeSet::from([thing.to_owned()]) };
        let mut state = self.state();
        let place = state.accounts.places.entry(at.clone()).or_default();
        place.certificates.insert(id.clone(), Certificate { stands, attached });
        id
    }
}

fn sign(request: &str, now: Timestamp, at: &Target) -> (CertificateId, BrokerCertificate) {
    let request = CertificateSigningRequestParams::from_pem(request).expect("a request");
    let pem = request.signed_by(authority()).expect("a certificate").pem();
    let id = keys::certificate(&pem).expect("a certificate").id;
    let arn = format!("{}cert/{id}", at.broker_arn());
    (id, BrokerCertificate { arn, pem, status: Status::Inactive, made_at: now })
}

impl Accounts for World {
    type Broker = WorldPlace;
    type Vault = WorldPlace;

    async fn broker(&self, at: &Target) -> Result<WorldPlace, Fault> {
        self.call("Accounts.broker", at.account.as_str(), false, |state| {
            if state.accounts.closed.contains(at) {
                return Err(Fault::reject(format!("the account {} does not let Penstock in", at.account)));
            }
            Ok(())
        })?;
        Ok(WorldPlace { world: self.clone(), at: at.clone() })
    }

    async fn vault(&self, at: &Target) -> Result<WorldPlace, Fault> {
        self.broker(at).await
    }
}

impl WorldPlace {
    fn call<T>(
        &self,
        name: &'static str,
        about: &str,
        write: bool,
        act: impl FnOnce(&mut Place, Timestamp) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.world.call(name, about, write, |state| {
            let now = state.now;
            act(state.accounts.places.entry(self.at.clone()).or_default(), now)
        })
    }

    fn of(&self, arn: &str) -> CertificateId {
        let (_, id) = arn.split_once(":cert/").expect("a certificate's ARN");
        assert!(arn.starts_with(&self.at.broker_arn()), "{arn} is of another place");
        id.parse().expect("a certificate's id")
    }
}

impl Broker for WorldPlace {
    async fn endpoint(&self) -> Result<String, Fault> {
        self.call("Iot.DescribeEndpoint", "", false, |_, _| {
            Ok(format!("a1b2c3-ats.iot.{}.amazonaws.com", self.at.region))
        })
    }

    async fn thing(&self, name: &str) -> Result<Option<SeenThing>, Fault> {
        self.call("Iot.DescribeThing", name, false, |place, _| {
            Ok(place.things.get(name).map(|owner| SeenThing { owner: owner.clone() }))
        })
    }

    async fn create_thing(&self, name: &str, owner: &str) -> Result<(), Fault> {
        self.call("Iot.CreateThing", name, true, |place, _| match place.things.get(name) {
            Some(found) if found.as_deref() != Some(owner) => Err(conflict("ResourceAlreadyExistsException")),
            _ => {
                place.things.insert(name.to_owned(), Some(owner.to_owned()));
                Ok(())
            }
        })
    }

    async fn delete_thing(&self, name: &str) -> Result<(), Fault> {
        self.call("Iot.DeleteThing", name, true, |place, _| {
            if place.certificates.values().any(|one| one.attached.things.contains(name)) {
                return Err(Fault::bug("a thing with principals is not deleted"));
            }
            place.things.remove(name);
            Ok(())
        })
    }

    async fn of_thing(&self, name: &str) -> Result<BTreeSet<CertificateId>, Fault> {
        self.call("Iot.ListThingPrincipals", name, false, |place, _| {
            let all = place.certificates.iter().filter(|(_, one)| one.attached.things.contains(name));
            Ok(all.map(|(id, _)| id.clone()).collect())
        })
    }

    async fn policy(&self, name: &str) -> Result<Option<SeenPolicy>, Fault> {
        self.call("Iot.GetPolicy", name, false, |place, _| {
            let Some((last, others)) = place.policies.get(name).and_then(|policy| policy.versions.split_last()) else {
                return Ok(None);
            };
            let others = others.iter().map(|(version, _)| version.clone()).collect();
            Ok(Some(SeenPolicy { document: last.1.clone(), others }))
        })
    }

    async fn create_policy(&self, name: &str, document: &str) -> Result<(), Fault> {
        self.call("Iot.CreatePolicy", name, true, |place, _| {
            if place.policies.contains_key(name) {
                return Err(conflict("ResourceAlreadyExistsException"));
            }
            let versions = vec![("1".to_owned(), document.to_owned())];
            place.policies.insert(name.to_owned(), Policy { versions, made: 1 });
            Ok(())
        })
    }

    async fn replace_policy(&self, name: &str, document: &str) -> Result<(), Fault> {
        self.call("Iot.CreatePolicyVersion", name, true, |place, _| {
            let policy = place.policies.get_mut(name).ok_or_else(|| conflict("ResourceNotFoundException"))?;
            if policy.versions.len() >= 5 {
                return Err(Fault::bug("VersionsLimitExceededException"));
            }
            policy.made += 1;
            policy.versions.push((policy.made.to_string(), document.to_owned()));
            Ok(())
        })
    }

    async fn prune_policy(&self, name: &str, version: &str) -> Result<(), Fault> {
        self.call("Iot.DeletePolicyVersion", name, true, |place, _| {
            let Some(policy) = place.policies.get_mut(name) else { return Ok(()) };
            if policy.versions.last().is_some_and(|(last, _)| last == version) {
                return Err(Fault::bug("a version in force is not deleted"));
            }
            policy.versions.retain(|(one, _)| one != version);
            Ok(())
        })
    }

    async fn delete_policy(&self, name: &str) -> Result<(), Fault> {
        self.call("Iot.DeletePolicy", name, true, |place, _| {
            let attached = place.certificates.values().any(|one| one.attached.policies.contains(name));
            if attached || place.policies.get(name).is_some_and(|policy| policy.versions.len() > 1) {
                return Err(conflict("DeleteConflictException"));
            }
            place.policies.remove(name);
            Ok(())
        })
    }

    async fn of_policy(&self, name: &str) -> Result<BTreeSet<CertificateId>, Fault> {
        self.call("Iot.ListTargetsForPolicy", name, false, |place, _| {
            let all = place.certificates.iter().filter(|(_, one)| one.attached.policies.contains(name));
            Ok(all.map(|(id, _)| id.clone()).collect())
        })
    }

    async fn issue(&self, request: &str) -> Result<NewCertificate, Fault> {
        self.call("Iot.CreateCertificateFromCsr", "", true, |place, now| {
            let (id, stands) = sign(request, now, &self.at);
            place
                .certificates
                .insert(id.clone(), Certificate { stands: stands.clone(), attached: Attached::default() });
            Ok(NewCertificate { id, arn: stands.arn, pem: stands.pem })
        })
    }

    async fn certificate(&self, id: &CertificateId) -> Result<Option<BrokerCertificate>, Fault> {
        self.call("Iot.DescribeCertificate", id.as_str(), false, |place, _| {
            Ok(place.certificates.get(id).map(|one| one.stands.clone()))
        })
    }

    async fn set_status(&self, id: &CertificateId, status: Status) -> Result<(), Fault> {
        self.call("Iot.UpdateCertificate", id.as_str(), true, |place, _| {
            let one = place.certificates.get_mut(id).ok_or_else(|| conflict("ResourceNotFoundException"))?;
            if one.stands.status == Status::Revoked && status != Status::Revoked {
                return Err(Fault::bug("a revoked certificate stays revoked"));
            }
            one.stands.status = status;
            Ok(())
        })
    }

    async fn delete_certificate(&self, id: &CertificateId) -> Result<(), Fault> {
        self.call("Iot.DeleteCertificate", id.as_str(), true, |place, _| {
            let Some(one) = place.certificates.get(id) else { return Ok(()) };
            if one.stands.status == Status::Active {
                return Err(conflict("CertificateStateException"));
            }
            if one.attached != Attached::default() {
                return Err(conflict("DeleteConflictException"));
            }
            place.certificates.remove(id);
            Ok(())
        })
    }

    async fn attached(&self, id: &CertificateId, _: &str) -> Result<Attached, Fault> {
        self.call("Iot.ListAttachedPolicies", id.as_str(), false, |place, _| {
            Ok(place.certificates.get(id).map(|one| one.attached.clone()).unwrap_or_default())
        })
    }

    async fn attach_policy(&self, policy: &str, arn: &str) -> Result<(), Fault> {
        let id = self.of(arn);
        self.call("Iot.AttachPolicy", policy, true, |place, _| {
            let known = place.policies.contains_key(policy);
            let one = place.certificates.get_mut(&id).filter(|_| known);
            one.ok_or_else(|| conflict("ResourceNotFoundException"))?.attached.policies.insert(policy.to_owned());
            Ok(())
        })
    }

    async fn detach_policy(&self, policy: &str, arn: &str) -> Result<(), Fault> {
        let id = self.of(arn);
        self.call("Iot.DetachPolicy", policy, true, |place, _| {
            if let Some(one) = place.certificates.get_mut(&id) {
                one.attached.policies.remove(policy);
            }
            Ok(())
        })
    }

    async fn attach_thing(&self, thing: &str, arn: &str) -> Result<(), Fault> {
        let id = self.of(arn);
        self.call("Iot.AttachThingPrincipal", thing, true, |place, _| {
            let known = place.things.contains_key(thing);
            let one = place.certificates.get_mut(&id).filter(|_| known);
            let things = &mut one.ok_or_else(|| conflict("ResourceNotFoundException"))?.attached.things;
            if things.iter().any(|other| other != thing) {
                return Err(Fault::bug("an exclusive certificate has one thing"));
            }
            things.insert(thing.to_owned());
            Ok(())
        })
    }

    async fn detach_thing(&self, thing: &str, arn: &str) -> Result<(), Fault> {
        let id = self.of(arn);
        self.call("Iot.DetachThingPrincipal", thing, true, |place, _| {
            if let Some(one) = place.certificates.get_mut(&id) {
                one.attached.things.remove(thing);
            }
            Ok(())
        })
    }

    async fn inactive_since(&self, from: Timestamp) -> Result<BTreeSet<CertificateId>, Fault> {
        self.call("Iot.ListCertificates", "", false, |place, _| {
            let all = place.certificates.iter();
            let all = all.filter(|(_, one)| one.stands.status == Status::Inactive && one.stands.made_at >= from);
            Ok(all.map(|(id, _)| id.clone()).collect())
        })
    }
}

fn existing<'p>(place: &'p mut Place, name: &str) -> Result<&'p mut Secret, Fault> {
    let secret = place.secrets.get_mut(name).ok_or_else(|| conflict("ResourceNotFoundException"))?;
    if secret.leaving { Err(conflict("InvalidRequestException")) } else { Ok(secret) }
}

fn keep(secret: &mut Secret, version: &str, text: &SecretString) -> Result<(), Fault> {
    assert!((32..=64).contains(&version.len()), "a token has 32 to 64 characters");
    let text = text.expose_secret();
    match secret.versions.get(version) {
        Some(found) if found != text => Err(conflict("ResourceExistsException")),
        _ => {
            secret.versions.insert(version.to_owned(), text.to_owned());
            Ok(())
        }
    }
}

fn bring_into_use(secret: &mut Secret, version: &str) {
    if secret.current.as_deref() != Some(version) {
        secret.previous = secret.current.replace(version.to_owned());
    }
}

impl Vault for WorldPlace {
    async fn secret(&self, name: &str) -> Result<Option<SecretFacts>, Fault> {
        self.call("Secrets.DescribeSecret", name, false, |place, _| {
            Ok(place.secrets.get(name).map(|secret| SecretFacts {
                arn: format!("arn:aws:secretsmanager:{}:{}:secret:{name}-AbCdEf", self.at.region, self.at.account),
                leaving: secret.leaving,
                owner: secret.owner.clone(),
                current: secret.current.clone(),
                pending: secret.pending.clone(),
            }))
        })
    }

    async fn text(&self, name: &str, version: &str) -> Result<Option<SecretString>, Fault> {
        self.call("Secrets.GetSecretValue", name, false, |place, _| {
            Ok(existing(place, name)?.versions.get(version).map(|text| SecretString::from(text.clone())))
        })
    }

    async fn create(&self, name: &str, owner: &str) -> Result<(), Fault> {
        self.call("Secrets.CreateSecret", name, true, |place, _| {
            if place.secrets.contains_key(name) {
                return Err(conflict("ResourceExistsException"));
            }
            let secret = Secret {
                leaving: false,
                owner: Some(owner.to_owned()),
                versions: BTreeMap::new(),
                current: None,
                previous: None,
                pending: None,
            };
            place.secrets.insert(name.to_owned(), secret);
            Ok(())
        })
    }

    async fn restore(&self, name: &str) -> Result<(), Fault> {
        self.call("Secrets.RestoreSecret", name, true, |place, _| {
            let secret = place.secrets.get_mut(name).ok_or_else(|| conflict("ResourceNotFoundException"))?;
            secret.leaving = false;
            Ok(())
        })
    }

    async fn put_aside(&self, name: &str, version: &str, text: &SecretString) -> Result<(), Fault> {
        self.call("Secrets.PutSecretValue", name, true, |place, _| {
            let secret = existing(place, name)?;
            let first = secret.versions.is_empty();
            keep(secret, version, text)?;
            secret.pending = Some(version.to_owned());
            if first {
                bring_into_use(secret, version);
            }
            Ok(())
        })
    }

    async fn put(&self, name: &str, version: &str, text: &SecretString) -> Result<(), Fault> {
        self.call("Secrets.PutSecretValue", name, true, |place, _| {
            let secret = existing(place, name)?;
            keep(secret, version, text)?;
            bring_into_use(secret, version);
            Ok(())
        })
    }

    async fn promote(&self, name: &str, version: &str) -> Result<(), Fault> {
        self.call("Secrets.UpdateSecretVersionStage", name, true, |place, _| {
            let secret = existing(place, name)?;
            if !secret.versions.contains_key(version) {
                return Err(conflict("InvalidParameterException"));
            }
            bring_into_use(secret, version);
            Ok(())
        })
    }

    async fn delete(&self, name: &str) -> Result<(), Fault> {
        self.call("Secrets.DeleteSecret", name, true, |place, _| {
            if let Some(secret) = place.secrets.get_mut(name) {
                secret.leaving = true;
            }
            Ok(())
        })
    }
}
