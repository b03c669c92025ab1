//! Latchkey: user accounts as one small service.
//!
//! # The rooms
//!
//! | room         | what happens there                                                                     |
//! |--------------|----------------------------------------------------------------------------------------|
//! | [`server`]   | connections: how many, for how long, and what of them is HTTP; nothing of what is served |
//! | [`http`]     | requests become calls of `accounts`, with typed arguments; outcomes become answers     |
//! | [`accounts`] | what an account is and what can be done with it; nothing of HTTP, Redis or files       |
//! | [`breaches`] | whether a password is among those that others have lost; nothing of users                |
//! | [`mail`]     | what a letter says, and how it is sent; nothing of accounts                              |
//! | [`traces`]   | what a request does and how long it takes, told to OpenTelemetry; nothing of what is done |
//! | [`store`]    | records, indexes and atomic batches, in Redis or in a file; nothing of users           |
//! | [`metrics`]  | how the rooms count, and the page that shows it; nothing of what is counted             |
//! | [`commands`] | what the binary does when it is told to, by way of [`cli`]                             |
//! | [`app`]      | puts these together out of [`config`]; alone it sees them all                      |
//!
//! Data flows one way, `http -> accounts -> store`, and `accounts -> breaches` and `accounts -> mail`; a test reads the imports and holds that.
//!
//! # One request, top to bottom
//!
//! `PATCH /v1/users/me` with `{"name": "Ada"}`:
//!
//! 1. `server::serving` reads its headers, in bounded time. `http::edge` gives the request an id and a span, `http::limits` reads its body, bounded.
//! 2. `http::auth` turns the bearer token into [`accounts::SignedIn`]: its signature is checked, and user and session are
//!    read from the store in one round trip.
//! 3. `http::body` turns the body into a [`accounts::UserPatch`], or answers with every wrong field at once.
//! 4. `Accounts::patch_user` applies the patch in memory and builds one [`store::Batch`]: it expects the user in the
//!    revision that was read and the session to be there, and writes the user and the index entries that change.
//! 5. [`store::Store::commit`] checks and writes all of it, or nothing. On a conflict, step 4 is done again.
//! 6. `http::users` answers with the user and an `ETag`.

pub mod accounts;
pub mod app;
mod authorities;
pub mod breaches;
pub mod cli;
mod client;
pub mod commands;
pub mod config;
pub mod http;
pub mod mail;
pub mod metrics;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod traces;
