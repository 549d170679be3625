//! What the tests, the story and the local stack share.

pub mod chance;
#[cfg(feature = "forge")]
pub mod engine;
#[cfg(feature = "forge")]
pub mod forge;
pub mod fortnight;
pub mod intake;
pub mod journey;
#[cfg(test)]
mod losses;
