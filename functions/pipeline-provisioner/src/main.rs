//! pipeline-provisioner
fn main() {}
