//! How a write of what was said once ended.

/// How a write ended whose first row exists once: a post, an answer, a hold, what a gate said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidCommitted {
    /// Everything is written.
    Done,
    /// Nothing was written, because it is so already: the row stands, or is not any more as it was read.
    Already,
    /// Nothing was written: somebody else was at the same rows. The same may pass in a moment.
    Conflict,
}
