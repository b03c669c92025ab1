//! `/v1/admin`: what those who run the service do with the accounts of others.

mod auth;
mod statistics;
mod users;

pub(super) use self::{statistics::ServiceStatistics, users::ManagedUsers};
