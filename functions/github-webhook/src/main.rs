//! github-webhook
fn main() {}
