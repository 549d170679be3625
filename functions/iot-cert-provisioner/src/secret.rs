//! What stands in a cluster's secret: certificate, key, authority, and whose it is. It is composed and read here and nowhere else.
//!
//! ```json
//! {"certificate": "…", "privateKey": "…", "caCert": "…", "certificateId": "…", "cluster": "…", "issuedAt": "…"}
//! ```
//! Without `privateKey` when the agent keeps its key itself. The first three are what the chart mounts as files.

use common::{
    domain::{
        certificate::Held,
        cluster::ClusterKey,
        id::{CertificateId, Digest},
    },
    fault::Fault,
    keys,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    certificate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<&'a str>,
    ca_cert: &'a str,
    certificate_id: &'a CertificateId,
    cluster: &'a ClusterKey,
    issued_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    certificate: String,
    private_key: Option<SecretKey>,
}

/// A key on its way out of a text that is secret itself.
struct SecretKey(SecretString);

impl<'de> Deserialize<'de> for SecretKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(SecretString::from(text)))
    }
}

/// What is put into the secret.
pub struct Contents<'a> {
    /// The certificate, as PEM.
    pub certificate: &'a str,
    /// Its id.
    pub id: &'a CertificateId,
    /// The private key, unless the agent has it.
    pub key: Option<&'a SecretString>,
    /// The authority that clients trust, as PEM.
    pub authority: &'a str,
    /// Whose.
    pub cluster: &'a ClusterKey,
    /// When the certificate was made.
    pub issued_at: Timestamp,
}

/// The text of a secret.
///
/// # Errors
/// `Bug` when it cannot be written as JSON, which text can always.
pub fn write(contents: &Contents<'_>) -> Result<SecretString, Fault> {
    let Contents { certificate, id, key, authority, cluster, issued_at } = contents;
    let written = Written {
        certificate,
        private_key: key.map(|key| key.expose_secret()),
        ca_cert: authority,
        certificate_id: id,
        cluster,
        issued_at: *issued_at,
    };
    // Without the error: it could repeat a part of what it was given.
    let text = serde_json::to_string(&written).map_err(|_| Fault::bug("a secret's text cannot be written"))?;
    Ok(SecretString::from(text))
}

/// What a version of the secret holds; nothing when it is not what is written here.
pub fn read(version: &str, text: &SecretString) -> Option<Held> {
    let Read { certificate, private_key } = serde_json::from_str(text.expose_secret()).ok()?;
    let certificate = keys::certificate(&certificate).ok()?;
    let key = private_key.as_ref().map(|key| keys::public_key_of(&key.0));
    Some(Held {
        version: version.to_owned(),
        matches: key.as_ref().is_none_or(|key| key.as_ref() == Some(&certificate.public_key)),
        without_key: key.is_none(),
        certificate: certificate.id,
        public_key: certificate.public_key,
    })
}

/// The name of the version that holds a certificate: of the key and of the certificate, so that no text is put under the token of another.
pub fn version(public_key: &Digest, certificate: &CertificateId) -> String {
    Digest::of_parts(["penstock-secret-version", public_key.as_str(), certificate.as_str()]).to_string()
}
