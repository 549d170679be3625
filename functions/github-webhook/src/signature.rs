//! `X-Hub-Signature-256`: exactly one value, of exactly one form. Looked at before the secret is read and before the body is.
//!
//! A proxy may join two headers with a comma; the grammar refuses that, as it refuses white space, upper case and SHA-1.

use std::fmt;

use common::http::Request;
use subtle::{Choice, ConstantTimeEq};

use crate::refusal::Refusal;

/// A well-formed signature; whether it is right, only [`crate::secret`] can say.
pub struct Signature([u8; 32]);

/// Not even a refused signature belongs into a log.
impl fmt::Debug for Signature {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Signature(…)")
    }
}

impl Signature {
    /// The signature of a request.
    ///
    /// # Errors
    /// The refusals of status 401, except [`Refusal::WrongSignature`].
    pub fn of(request: &Request) -> Result<Self, Refusal> {
        match request.values("x-hub-signature-256").as_slice() {
            [] if request.values("x-hub-signature").is_empty() => Err(Refusal::NoSignature),
            [] => Err(Refusal::OnlySha1),
            [value] => Self::parse(value),
            _ => Err(Refusal::ManySignatures),
        }
    }

    fn parse(value: &str) -> Result<Self, Refusal> {
        if value.contains(',') {
            return Err(Refusal::ManySignatures);
        }
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = value.strip_prefix("sha256=").filter(|digits| digits.bytes().all(lower_hex));
        let mut bytes = [0; 32];
        match digits.map(|digits| hex::decode_to_slice(digits, &mut bytes)) {
            Some(Ok(())) => Ok(Self(bytes)),
            _ => Err(Refusal::MalformedSignature),
        }
    }

    /// Whether this is that digest, in a time that does not depend on where they differ.
    pub fn matches(&self, digest: &[u8]) -> Choice {
        self.0.ct_eq(digest)
    }
}
