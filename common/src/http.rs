//! HTTP as API Gateway hands it over and takes it back: what every function with routes shares.
//!
//! | module | what it is |
//! |---|---|
//! | [`request`] | the request: method, path, query, headers, raw body, claims |
//! | [`body`] | a JSON body read into a type, with field, line and column of what is wrong |
//! | [`response`] | the answer: JSON, or a problem document (RFC 9457) |

pub use self::{
    body::Unread,
    request::{BodyError, Request},
    response::{Problem, Response},
};

pub mod body;
pub mod request;
pub mod response;
