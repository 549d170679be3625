//! What the tests and the local stack share.

#[cfg(feature = "forge")]
pub mod forge;
