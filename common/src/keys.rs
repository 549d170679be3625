//! Keys, signing requests and certificates: a key is made here, in memory, and leaves it as a [`SecretString`] only, which is wiped when it
//! is dropped and shows nothing in a log.
//!
//! Not everything that a key passes through can be wiped: the buffers of the JSON writer and reader, and those of the SDK's request, are
//! freed as they are. They are in the function's memory and nowhere else; a sandbox is ended by Lambda and not handed on.
//!
//! Keys are ECDSA over P-256, of ring's randomness. A request that somebody else made is taken when it is of a key that is strong enough,
//! for the name that it must be for, and signed with that key.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use secrecy::{ExposeSecret as _, SecretString};
use x509_parser::{
    certification_request::X509CertificationRequest,
    extensions::ParsedExtension,
    prelude::{FromDer as _, Pem, X509Certificate},
    public_key::PublicKey,
    x509::{SubjectPublicKeyInfo, X509Name},
};

use crate::{
    domain::id::{CertificateId, Digest, quoted},
    fault::Fault,
};

/// The most bytes of a signing request.
pub const MAX_REQUEST: usize = 8 * 1024;

/// The fewest bits of an RSA key.
const RSA_BITS: usize = 2_048;

/// What id-ecPublicKey is followed by: the curve P-256 (RFC 5480).
const P256: &str = "1.2.840.10045.3.1.7";

/// A key that was made here, with the request for its certificate.
#[derive(Debug)]
pub struct Minted {
    /// The private key as PKCS #8 in PEM.
    pub key: SecretString,
    /// The request.
    pub request: Request,
}

/// A signing request that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// It, as PEM.
    pub pem: String,
    /// The sha256 of its public key.
    pub public_key: Digest,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// AWS IoT's id of it: the sha256 of its DER form.
    pub id: CertificateId,
    /// The sha256 of its public key.
    pub public_key: Digest,
    /// When it ends by itself.
    pub not_after: jiff::Timestamp,
}

/// Makes a key and the request for its certificate.
///
/// # Errors
/// `Bug` when the system has no randomness.
pub fn mint(common_name: &str) -> Result<Minted, Fault> {
    let broken = |error| Fault::bug_from("making a key", error);
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(broken)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let pem = params.serialize_request(&pair).and_then(|request| request.pem()).map_err(broken)?;
    let public_key = Digest::of(&pair.subject_public_key_info());
    Ok(Minted { key: SecretString::from(pair.serialize_pem()), request: Request { pem, public_key } })
}

/// Reads a signing request that somebody else made.
///
/// # Errors
/// `Reject` with everything that is wrong with it.
pub fn request(pem: &str, common_name: &str) -> Result<Request, Fault> {
    if pem.len() > MAX_REQUEST {
        return Err(Fault::reject(format!("csr: {} bytes, expected at most {MAX_REQUEST}", pem.len())));
    }
    let der = contents(pem, "CERTIFICATE REQUEST")
        .ok_or_else(|| Fault::reject("csr: expected one CERTIFICATE REQUEST as PEM, and nothing else"))?;
    let (rest, request) = X509CertificationRequest::from_der(&der)
        .map_err(|_| Fault::reject("csr: it cannot be read: expected a request as RFC 2986 says"))?;
    let info = &request.certification_request_info;
    let mut wrong = Vec::new();
    if !rest.is_empty() {
        wrong.push("something stands behind it".to_owned());
    }
    match one_name(&info.subject) {
        Some(name) if name == common_name => {}
        Some(name) => wrong.push(format!("its name is {}, expected CN={common_name}", quoted(&name, 80))),
        None => wrong.push(format!("its subject is not one common name alone, expected CN={common_name}")),
    }
    if let Some(weak) = weakness(&info.subject_pki) {
        wrong.push(weak);
    }
    for extension in request.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::BasicConstraints(constraints) = extension
            && constraints.ca
        {
            wrong.push("it asks to be an authority".to_owned());
        }
    }
    if request.verify_signature().is_err() {
        wrong.push("it is not signed with its own key".to_owned());
    }
    if wrong.is_empty() {
        return Ok(Request { pem: pem.to_owned(), public_key: Digest::of(info.subject_pki.raw) });
    }
    Err(Fault::reject(format!("csr: {}", wrong.join("; "))))
}

/// Reads a certificate.
///
/// # Errors
/// `Reject` when it is none.
pub fn certificate(pem: &str) -> Result<Certificate, Fault> {
    let unreadable = || Fault::reject("what should be a certificate cannot be read as one");
    let der = contents(pem, "CERTIFICATE").ok_or_else(unreadable)?;
    let (_, read) = X509Certificate::from_der(&der).map_err(|_| unreadable())?;
    let not_after = jiff::Timestamp::from_second(read.validity().not_after.timestamp()).map_err(|_| unreadable())?;
    let id = Digest::of(&der).as_str().parse().map_err(|error| Fault::bug_from("naming a certificate", error))?;
    Ok(Certificate { id, public_key: Digest::of(read.public_key().raw), not_after })
}

/// The sha256 of the public half of a private key; nothing when it cannot be read, without saying why: what is wrong with a key says
/// something about it.
pub fn public_key_of(key: &SecretString) -> Option<Digest> {
    let pair = KeyPair::from_pem(key.expose_secret()).ok()?;
    Some(Digest::of(&pair.subject_public_key_info()))
}

/// The one block of a PEM text.
fn contents(pem: &str, label: &str) -> Option<Vec<u8>> {
    let mut blocks = Pem::iter_from_buffer(pem.trim().as_bytes());
    let first = blocks.next()?.ok()?;
    (first.label == label && blocks.next().is_none() && pem.trim().starts_with("-----BEGIN ")).then_some(first.contents)
}

fn one_name(subject: &X509Name<'_>) -> Option<String> {
    let mut all = subject.iter_attributes();
    let (only, common) = (all.next()?, subject.iter_common_name().next()?);
    (all.next().is_none() && only == common).then(|| common.as_str().ok().map(str::to_owned)).flatten()
}

fn weakness(key: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok()).map(|oid| oid.to_id_string());
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() >= RSA_BITS => None,
        Ok(PublicKey::RSA(rsa)) => {
            Some(format!("its RSA key has {} bits, expected {RSA_BITS} or more", rsa.key_size()))
        }
        Ok(PublicKey::EC(_)) if curve.as_deref() == Some(P256) => None,
        _ => Some(format!("its key is neither RSA of {RSA_BITS} bits or more nor of the curve P-256")),
    }
}

#[cfg(test)]
mod tests;
