//! HTTP: requests into calls of [`accounts`](crate::accounts), and what comes of them into answers.
//!
//! A request passes, from the outside in: the `edge`, which gives it an id, turns every failure into a problem
//! document and says whose pages may read the answer; the `limits`; the routes; then its handler, whose arguments are
//! parsed already.

mod admin;
mod api_key;
mod auth;
mod body;
mod challenge;
mod client_address;
mod code;
mod confirmations;
mod cookies;
mod cors;
mod csrf;
mod delivery;
mod discovery;
mod docs;
mod edge;
mod etag;
mod events;
mod examples;
mod export;
mod field;
mod header;
mod health;
mod languages;
mod limits;
mod links;
mod log;
mod metrics;
mod openapi;
mod operations;
mod origin;
mod pages;
mod problem;
mod refusals;
mod requests;
mod scalar;
mod sessions;
mod swagger_ui;
mod token_text;
mod tokens;
mod upload;
mod urlencoded;
mod users;
mod web;
mod yaml;

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route};
use serde_json::Value;

use self::{
    admin::{AuditTrail, Imports, ManagedUsers, Roles, ServiceStatistics, UserSessions, UserStanding},
    confirmations::Confirmations,
    cors::Cors,
    discovery::Discovery,
    edge::Edge,
    events::Events,
    export::Exports,
    health::HealthChecks,
    limits::Limits,
    operations::{KnownParameters, Operations},
    sessions::Sessions,
    tokens::Tokens,
    users::Users,
    web::Web,
};
pub use self::{
    client_address::{ForwardedBy, InvalidNetwork, Network, Proxies},
    code::Code,
    health::Drain,
    limits::RequestLimits,
    metrics::{InvalidMetricsToken, MetricsPage, MetricsToken},
    origin::{InvalidOrigin, Origin},
    requests::Requests,
    web::WebSettings,
};
use crate::accounts::{Accounts, DefinedRole, Session, Timestamp, User, UserCursor};

/// Names all that is routed by the document: its type, and the thing.
macro_rules! routed {
    ($($part:ident),* $(,)?) => {
        type Api = ($($part),*);

        /// What is routed by the document. Handlers find the accounts in the data of the request.
        const API: Api = ($($part),*);
    };
}

routed! {
    Users,
    Events,
    Exports,
    Sessions,
    Confirmations,
    Tokens,
    ManagedUsers,
    UserSessions,
    UserStanding,
    AuditTrail,
    Roles,
    Imports,
    ServiceStatistics,
    Discovery,
    HealthChecks,
}

/// The chapters of the document.
#[derive(poem_openapi::Tags)]
enum Tags {
    /// Registering, and one's own account.
    Users,
    /// Signing in and out.
    Sessions,
    /// What is mailed, and confirmed by whoever reads it: addresses and new passwords.
    Confirmations,
    /// Asking about tokens, and ending them.
    Tokens,
    /// What those who run the service do with the accounts of others: users who have the permissions for it, and services
    /// with an API key that has the scopes.
    Administration,
    /// For services that check access tokens by themselves.
    Discovery,
    /// For whoever keeps the service running.
    Health,
}

/// The whole API over these accounts, until `drain` begins and while it lasts. Its requests are counted in `requests`, and it
/// shows `metrics`, if any.
#[must_use]
pub fn api(
    accounts: Arc<Accounts>,
    web: &WebSettings,
    limits: RequestLimits,
    drain: Drain,
    requests: Arc<Requests>,
    metrics: Option<MetricsPage>,
) -> impl Endpoint<Output = Response> + 'static {
    let service = openapi::service(API);
    let document = openapi::document(&service);
    let operations = Arc::new(Operations::new(&document, pages::methods()));
    let extra = docs::PATHS.into_iter().chain(swagger_ui::PATHS).chain(metrics.is_some().then_some(metrics::PATH));
    requests.learn(operations.methods().chain(extra.map(|path| (path, vec!["GET"]))));
    let routes = pages::add(swagger_ui::add(docs::add(Route::new(), &document)));
    let routes = match metrics {
        Some(page) => page.add(routes),
        None => routes,
    };
    let routes = routes.nest("/", service);
    let own = Web::new(web, &accounts.settings().tokens.issuer);
    let routes = routes.data(accounts).data(Arc::new(own)).data(drain.clone());
    routes.with(KnownParameters(Arc::clone(&operations))).with(Limits(limits)).with(Edge {
        drain,
        operations,
        cors: Cors::new(web),
        strict_transport: web.strict_transport,
        requests,
    })
}

/// Puts an endpoint behind the edge and the limits, as the API is.
pub fn guarded<E: IntoEndpoint<Endpoint: 'static>>(
    endpoint: E,
    web: &WebSettings,
) -> impl Endpoint<Output = Response> + use<E> {
    endpoint.into_endpoint().with(Limits(RequestLimits::default())).with(Edge {
        drain: Drain::default(),
        operations: Arc::default(),
        cors: Cors::new(web),
        strict_transport: web.strict_transport,
        requests: Arc::default(),
    })
}

/// A user as JSON, as those who run the service see them.
#[must_use]
pub fn user_json(user: &User, now: Timestamp) -> Value {
    admin::user_json(user, now)
}

/// A page of users as JSON, as those who run the service see it.
#[must_use]
pub fn users_json(users: &[User], next: Option<UserCursor>, now: Timestamp) -> Value {
    admin::users_json(users, next, now)
}

/// The sessions of a user as JSON, as those who run the service see them.
#[must_use]
pub fn sessions_json(sessions: &[Session]) -> Value {
    admin::sessions_json(sessions)
}

/// A role as JSON, as those who run the service see it.
#[must_use]
pub fn role_json(role: &DefinedRole) -> Value {
    admin::role_json(role)
}

/// All roles as JSON, as those who run the service see them.
#[must_use]
pub fn roles_json(roles: &[DefinedRole]) -> Value {
    admin::roles_json(roles)
}

/// The OpenAPI document as JSON.
#[must_use]
pub fn openapi_json() -> String {
    docs::json(&openapi::document(&openapi::service(API)))
}

/// The OpenAPI document as YAML.
#[must_use]
pub fn openapi_yaml() -> String {
    docs::yaml(&openapi::document(&openapi::service(API)))
}
