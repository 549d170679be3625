//! The source host's adapter against the forge, in process, with real pushes: every method of both ports, and what must not happen.

mod hooks;
mod host;
mod marks;
mod read;
