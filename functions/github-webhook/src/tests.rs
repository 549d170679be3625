//! The function over the in-memory world. Each module says what it proves.

mod attacks;
mod bodies;
mod durability;
mod examples;
mod garbage;
mod log;
mod mapping;
mod requests;
mod rotation;
mod samples;
mod sentences;
mod support;
