//! github-webhook
