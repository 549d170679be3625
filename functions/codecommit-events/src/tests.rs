//! Of the whole function over the in-memory world: `examples` has AWS's own events, `forged` what contradicts, `copies` what comes again,
//! `samples` the inputs for a person's hand.

mod copies;
mod examples;
mod forged;
mod log;
mod samples;
mod support;
