//! `/v1/admin`: what those who run the service do with the accounts of others.

#[expect(dead_code, reason = "the operations come next")]
mod auth;
