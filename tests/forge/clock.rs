//! The one place where the forge asks what time it is and throws dice: it is a server, not a decision.

use jiff::Timestamp;

/// Now.
#[allow(clippy::disallowed_methods, reason = "a server's own clock")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// A delivery's GUID, as a version 4 UUID: never the same again, also not after a restart.
#[allow(clippy::disallowed_methods, reason = "GitHub's GUIDs are random")]
pub(super) fn guid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The secret part of a token.
#[allow(clippy::disallowed_methods, reason = "GitHub's tokens are random")]
pub(super) fn token() -> String {
    format!("ghs_{:032x}", fastrand::u128(..))
}
