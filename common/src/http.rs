//! HTTP as API Gateway hands it over and takes it back: what every function with routes shares.
//!
//! | module | what it is |
//! |---|---|
//! | [`request`] | the request: method, path, query, headers, raw body, claims |
//! | [`body`] | a JSON body read into a type, with field, line and column of what is wrong |
//! | [`places`] | that there is no place, as a problem document |
//! | [`refusal`] | why a request is not a call, with its status and sentence |
//! | [`response`] | the answer: JSON, or a problem document (RFC 9457) |

pub use self::{
    body::Unread,
    refusal::{MAX_BODY, Refusal},
    request::{BodyError, Request},
    response::{Problem, Response, failed},
};

pub mod body;
pub mod places;
pub mod refusal;
pub mod request;
pub mod response;
