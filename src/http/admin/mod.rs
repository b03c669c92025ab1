//! `/v1/admin`: what those who run the service do with the accounts of others.

mod auth;
mod events;
mod imports;
mod roles;
mod statistics;
mod users;

pub(super) use self::{
    events::AuditTrail,
    imports::Imports,
    roles::{Roles, role_json, roles_json},
    statistics::ServiceStatistics,
    users::{ManagedUsers, UserSessions, UserStanding, sessions_json, user_json, users_json},
};
