//! pipeline-provisioner
