//! The API as a client sees it: real HTTP against the whole service, each test on a service and a store of its own, and
//! each test on every store.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
#![expect(unreachable_pub, reason = "what the tests share is for the tests")]

mod account_pages;
mod account_pages_browser;
mod account_pages_input;
mod admin_list;
mod admin_standing;
mod admin_users;
mod admins;
mod admins_made;
mod api_keys;
mod breaches;
mod breaking_changes;
mod browser;
mod check;
mod check_command;
mod check_logs;
mod check_loss;
mod check_mails;
mod claims;
mod client_address;
mod clients;
#[path = "../support/cluster.rs"]
mod cluster_of_servers;
mod collectors;
mod concealment;
mod concurrency;
mod cookies;
mod cors;
mod crashes;
mod crowds;
mod csrf;
mod damaged;
mod deployment;
mod discovery;
mod docs;
mod doctor;
mod draining;
mod email_changes;
mod email_verifications;
mod events;
mod events_kept;
mod examples;
mod expiry;
mod failover;
mod first_admin;
mod floods;
mod foreign;
mod former_addresses;
mod full_disk;
mod grants;
mod hashing;
mod health;
mod idempotency;
mod import_command;
mod import_outage;
mod import_races;
mod imports;
mod invitations;
mod json_commands;
mod kills;
mod leaks;
mod life;
mod load;
mod mail;
mod mail_hostile;
mod mail_languages;
mod mail_throttles;
mod metrics;
mod metrics_cost;
mod metrics_files;
mod nginx;
mod openapi;
mod outage;
mod outbox;
mod outbox_command;
mod outbox_crashes;
mod outbox_order;
mod parameters;
mod password_resets;
mod passwords;
mod patch;
mod problems;
mod process;
mod protected_service;
#[path = "../support/proxy.rs"]
mod proxy;
mod races;
#[path = "../support/redis.rs"]
mod redis_server;
mod refresh;
mod roles;
mod schemathesis;
mod sealing;
#[path = "../support/sentinel.rs"]
mod sentinel;
mod service_events;
mod sessions;
mod signing;
mod slow_clients;
mod snippets;
mod stored;
mod support;
mod suspend;
mod swagger_ui;
mod takeovers;
mod throttle;
mod tls;
mod tokens;
mod traces;
mod users;
mod users_command;
