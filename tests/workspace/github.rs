//! The source host's adapter against the forge, in process, with real pushes: every method of its ports, and what must not happen.

mod archive;
mod authors;
mod change_marks;
mod deliveries;
mod hooks;
pub(crate) mod host;
mod marks;
mod read;
mod sources;
