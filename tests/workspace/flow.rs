//! Journeys end to end over the in-memory world: the real handlers, faults at every call, and the pains of the system that
//! this one replaces. A test that stands for a row of the pain table says so in its name or first line.

use common::testing::ClusterFile;

mod change;
mod faults;
mod fence;
mod limits;
mod pains;
mod push;
mod strangers;
mod teardown;
mod triggers;

/// A fleet as the demo has it: two environments, three region aliases, four management clusters.
pub(crate) fn fleet() -> Vec<ClusterFile> {
    vec![
        ClusterFile::regional("integration", "us-east-1"),
        ClusterFile::management("integration", "us-east-1", "mc01"),
        ClusterFile::management("integration", "us-east-1", "mc02"),
        ClusterFile::regional("integration", "us-east-1-b"),
        ClusterFile::management("integration", "us-east-1-b", "mc01"),
        ClusterFile::regional("production", "eu-west-1").set("region", "eu-west-1"),
        ClusterFile::management("production", "eu-west-1", "mc01").set("region", "eu-west-1"),
    ]
}
