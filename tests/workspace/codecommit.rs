//! CodeCommit's adapter against the forge, in process, with real pushes: every method of its ports, and what must not happen.

mod changes;
mod events;
mod marks;
mod read;
mod sources;
