//! story
fn main() {}
