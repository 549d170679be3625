//! **Purpose.** Sees to the certificates by which clusters speak with their broker: mints, stores, rotates, revokes and sweeps them. A private
//! key is made in memory and stands in the cluster's secret; it is in no log, event, row, answer or state. Or the caller keeps it, and sends
//! a signing request.
//!
//! **Wakes on** the jobs of the actions EnsureIotCertificate and DeleteIotCertificate, on Certificate Requested, on its schedule (rotation
//! that is due, ends that have come, calls that stopped half-way), and on a direct call, by hand or by Terraform.
//!
//! **Commits** an intent before the first call to another account, with the digest of the key that is about to have a certificate; after
//! the last one the outcome, the record and the events, in one transaction. **Emits** Certificate Issued, Rotated, Revoked, Orphan Removed
//! and Failed.
//!
//! **Idempotent by** the cluster: every call looks at what stands and does what is missing; a rotation also by its request. A call that
//! stopped anywhere is completed by the next, or its remains are removed.
//!
//! **Fails** for one cluster at a time. `Reject`: an account does not let us in, a name is somebody else's, a signing request is weak.
//! `Retry`: AWS did not answer, or another call works on the same cluster.
//!
//! | file | what |
//! |---|---|
//! | `handler` | load, plan, claim, carry out, commit |
//! | `seeing` | what stands at the broker and in the secret |
//! | `executing` | the steps of a plan |
//! | `secret` | what the secret holds |
//! | `consumers` | who the regional cluster's consumers are |
//! | `jobs` | the two actions of pipelines |
//! | `request`, `answer` | direct calls |
//! | `telling` | audit entries, events, sentences |

pub use crate::handler::{CertificateProvisioner, Work};

pub mod answer;
pub mod consumers;
pub mod executing;
pub mod handler;
pub mod jobs;
pub mod request;
pub mod secret;
pub mod seeing;
mod telling;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;
