//! feedback
fn main() {}
