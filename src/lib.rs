//! wip
pub mod store;
