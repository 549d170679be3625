//! Personal links: a token that says who may answer which run, signed, for some days. Whoever holds the token is taken for that person, so
//! it goes to nobody else; whether their answer counts is decided when they give it, as for every answer.
//!
//! Nothing is kept of a token until it is used: it follows from what an event says and from a key that no event has. Who reads the
//! archive of events, or the table, can make none.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::domain::{
    cluster::ClusterKey,
    id::{CommitSha, Digest, ExecutionId, PersonName},
};

/// How long a link is good for: over a weekend.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(72);

/// The fewest bytes of a key.
pub const SHORTEST_KEY: usize = 32;

/// The most characters of a token: more is none of ours, and is not read.
pub const LONGEST_TOKEN: usize = 1_024;

/// What the signature begins with: the key signs nothing else, and could.
const PURPOSE: &[u8] = b"penstock approval link 1\n";

/// How many characters of a token are the signature.
const SIGNATURE: usize = 64;

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose it is.
    pub by: PersonName,
    /// Whose run.
    pub cluster: ClusterKey,
    /// Which run.
    pub execution: ExecutionId,
    /// What they were told that it deploys.
    pub commit: CommitSha,
    /// From when it is good for nothing, in whole seconds.
    pub until: Timestamp,
}

/// The key that signs links. Its text is in no message and no log.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

impl fmt::Debug for LinkKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("LinkKey(…)")
    }
}

/// Why a token is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// It was not made with this key, or not by us at all.
    #[error("this is no link of ours, or its key has been replaced")]
    NotOurs,
    /// Its time is over.
    #[error("this link has expired")]
    Expired,
}

impl LinkKey {
    /// The key of this text.
    ///
    /// # Errors
    /// It is too short to be one.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim().as_bytes();
        let short = || format!("found {} bytes, expected a key of {SHORTEST_KEY} or more", text.len());
        if text.len() < SHORTEST_KEY {
            return Err(short());
        }
        Hmac::new_from_slice(text).map(Self).map_err(|_| short())
    }

    fn over(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(PURPOSE);
        mac.update(text.as_bytes());
        mac
    }
}

impl Link {
    /// The token: its signature and what it says, in hexadecimal digits.
    pub fn token(&self, key: &LinkKey) -> String {
        let text = self.text();
        format!("{}{}", hex::encode(key.over(&text).finalize().into_bytes()), hex::encode(text))
    }

    /// Reads a token. The signature is compared first, in a time that does not depend on where it differs.
    ///
    /// # Errors
    /// Why it is no link.
    pub fn read(token: &str, key: &LinkKey, now: Timestamp) -> Result<Self, BadLink> {
        if token.len() > LONGEST_TOKEN || !token.is_ascii() {
            return Err(BadLink::NotOurs);
        }
        let (signature, text) = token.split_at_checked(SIGNATURE).ok_or(BadLink::NotOurs)?;
        let bytes = |digits| hex::decode(digits).map_err(|_| BadLink::NotOurs);
        let text = String::from_utf8(bytes(text)?).map_err(|_| BadLink::NotOurs)?;
        key.over(&text).verify_slice(&bytes(signature)?).map_err(|_| BadLink::NotOurs)?;
        let link = Self::parse(&text).ok_or(BadLink::NotOurs)?;
        // One spelling only: what is used once is known by the digest of its text.
        if link.token(key) != token {
            return Err(BadLink::NotOurs);
        }
        if link.until <= now { Err(BadLink::Expired) } else { Ok(link) }
    }

    // No grammar of these has a line's end in it.
    fn text(&self) -> String {
        let Self { by, cluster, execution, commit, until } = self;
        format!("{by}\n{cluster}\n{execution}\n{commit}\n{}", until.as_second())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let link = Self {
            by: lines.next()?.parse().ok()?,
            cluster: lines.next()?.parse().ok()?,
            execution: lines.next()?.parse().ok()?,
            commit: lines.next()?.parse().ok()?,
            until: Timestamp::from_second(lines.next()?.parse().ok()?).ok()?,
        };
        lines.next().is_none().then_some(link)
    }
}

/// What is kept of a token that was used: never itself.
pub fn digest(token: &str) -> Digest {
    Digest::of_parts(["approval link", token])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> LinkKey {
        LinkKey::new(&text.repeat(SHORTEST_KEY)).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn link() -> Link {
        Link {
            by: "bob".parse().unwrap(),
            cluster: "production/us-east-1/management/mc01".parse().unwrap(),
            execution: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            commit: "a".repeat(40).parse().unwrap(),
            until: at(1_000),
        }
    }

    #[test]
    fn a_token_is_read_with_its_key_until_its_end() {
        let token = link().token(&key("k"));
        assert_eq!(Link::read(&token, &key("k"), at(999)), Ok(link()));
        assert_eq!(Link::read(&token, &key("k"), at(1_000)), Err(BadLink::Expired));
        assert_eq!(Link::read(&token, &key("x"), at(999)), Err(BadLink::NotOurs));
        assert_eq!(Link::read(&token.to_uppercase(), &key("k"), at(999)), Err(BadLink::NotOurs), "one spelling");
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()) && token.len() < LONGEST_TOKEN, "{token}");
        assert_eq!(format!("{:?}", key("s")), "LinkKey(…)", "the key does not show");
    }

    #[test]
    fn a_key_that_somebody_could_guess_is_none() {
        assert_eq!(LinkKey::new("short").unwrap_err(), "found 5 bytes, expected a key of 32 or more");
        assert!(LinkKey::new(&" ".repeat(64)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is changed of a token, and whatever else is sent, is no link.
        #[test]
        fn nothing_else_is_a_link(at_byte in 0..400_usize, digit in "[0-9a-g\n]", noise in any::<String>()) {
            let token = link().token(&key("k"));
            let mut other = token.clone();
            if let Some(place) = other.get(at_byte..=at_byte).map(|_| at_byte..=at_byte) {
                other.replace_range(place, &digit);
            }
            for text in [other, format!("{token}00"), format!("{token}{noise}x"), noise] {
                if text != token {
                    prop_assert_eq!(Link::read(&text, &key("k"), at(0)), Err(BadLink::NotOurs));
                }
            }
        }
    }
}
