//! One commit: WATCH and read, compare, then MULTI, the writes and EXEC, in two round trips.
//!
//! The reply of EXEC can be lost, and then nobody knows whether it was applied. So every commit carries a random
//! operation id, and its EXEC also writes a marker under it. An attempt that ends in doubt is repeated with the same
//! id: the marker tells whether an earlier attempt was applied, and because it is watched as well, a late EXEC of an
//! earlier attempt and the EXEC of this one exclude each other.

use std::sync::Arc;

use fred::{
    error::{Error, ErrorKind},
    interfaces::KeysInterface,
};
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    lease::Lease,
    node::Node,
    pauses::Pauses,
    servers::Servers,
    told,
    transaction::{Executed, Found, Transaction},
};
use crate::{
    store::{COMMIT_DEADLINE, CommitError, Unavailable, metrics::Reason},
    traces,
};

/// How one attempt ended.
enum Attempt {
    /// The writes are there, and as safe as they were to be.
    Applied,
    /// This attempt wrote nothing, because a record was not as expected.
    Mismatch,
    /// This attempt wrote nothing, for want of room.
    Full,
    /// This attempt wrote nothing, because what is there is not what it would change.
    Unreadable(String),
    /// Some of the writes are there, and the others never will be.
    Broken(Error),
    /// This attempt wrote nothing.
    NotSent(Error),
    /// EXEC was sent, and its reply was lost: it may have been applied, or may yet be.
    InDoubt(Error),
    /// The writes are there, but not as safe as they were to be.
    Unconfirmed(Error),
}

/// Runs `transaction` until its outcome is known, or until there is no time left.
///
/// While nothing is in doubt, that is the time its caller waits, until `deadline`: what was refused is not done later. A
/// commit in doubt is carried on behind the caller's back.
pub(super) async fn run(servers: Arc<Servers>, transaction: Transaction, deadline: Instant) -> Result<(), CommitError> {
    let begun = Instant::now();
    let mut pauses = Pauses::until(deadline);
    let mut deadline = deadline;
    let mut in_doubt = false;
    let mut number = 0_u64;
    loop {
        number += 1;
        let (node, attempt) = match servers.node_of(&transaction.marker).await {
            Ok(node) => {
                let span = tracing::info_span!(target: traces::TARGET, "attempt", store.attempt = number);
                let attempt = match attempt(&transaction, &node, deadline).instrument(span).await {
                    // Whoever changed the record may have been an earlier attempt of this very commit.
                    Attempt::Mismatch if in_doubt => look_for_marker(&transaction, &node, deadline).await,
                    attempt => attempt,
                };
                (Some(node), attempt)
            }
            Err(error) => (None, Attempt::NotSent(error)),
        };
        let error = match attempt {
            Attempt::Applied => return Ok(()),
            Attempt::Mismatch => return Err(CommitError::Conflict),
            Attempt::Full if !in_doubt => return Err(CommitError::Full),
            Attempt::Full => Error::new(ErrorKind::Unknown, "the store is full"),
            Attempt::Unreadable(why) if !in_doubt => return Err(CommitError::Unreadable(why)),
            Attempt::Unreadable(why) => Error::new(ErrorKind::Unknown, why),
            Attempt::Broken(error) => return Err(Unavailable(told(&error)).into()),
            Attempt::NotSent(error) => error,
            Attempt::InDoubt(error) => {
                in_doubt = true;
                deadline = begun + COMMIT_DEADLINE;
                pauses.extend(deadline);
                error
            }
            Attempt::Unconfirmed(error) => {
                in_doubt = true;
                error
            }
        };
        if !pauses.is_one_left() {
            return Err(Unavailable(told(&error)).into());
        }
        servers.metrics.retries.of(if in_doubt { Reason::InDoubt } else { Reason::NotSent }).add_one();
        servers.learn_from(node.as_deref(), &error).await;
        pauses.pause().await;
    }
}

/// Deletes these keys of one slot, which is no transaction: when Redis is full, it refuses those even if they only
/// delete. To delete twice is as good as once, so a failure is tried again.
pub(super) async fn discard(servers: &Servers, keys: &[String], deadline: Instant) -> Result<(), Error> {
    let Some(first) = keys.first() else { return Ok(()) };
    let mut pauses = Pauses::until(deadline);
    loop {
        let (node, error) = match servers.node_of(first).await {
            Err(error) => (None, error),
            Ok(node) => {
                let discarded = async {
                    let lease = node.leases.borrow(deadline).await?;
                    let client = lease.client();
                    lease.answer(Box::pin(client.unlink::<i64, _>(keys.to_vec()))).await?;
                    lease.confirm().await?;
                    lease.give_back();
                    Ok::<_, Error>(())
                };
                let Err(error) = discarded.await else { return Ok(()) };
                (Some(node), error)
            }
        };
        if !pauses.is_one_left() {
            return Err(error);
        }
        servers.learn_from(node.as_deref(), &error).await;
        pauses.pause().await;
    }
}

async fn attempt(transaction: &Transaction, node: &Node, deadline: Instant) -> Attempt {
    let lease = match node.leases.borrow(deadline).await {
        Ok(lease) => lease,
        Err(error) => return Attempt::NotSent(error),
    };
    let left_out = match transaction.begin(&lease).await {
        Err(error) => return Attempt::NotSent(error),
        Ok(Found::Marker) => return confirm_marker(transaction, lease).await,
        Ok(Found::Mismatch) => {
            lease.give_back();
            return Attempt::Mismatch;
        }
        Ok(Found::Unreadable(why)) => {
            lease.give_back();
            return Attempt::Unreadable(why);
        }
        Ok(Found::AsExpected(left_out)) => left_out,
    };
    if Instant::now() > deadline {
        return Attempt::NotSent(Error::new(ErrorKind::Backpressure, "too late to commit"));
    }
    match transaction.exec(&lease, &left_out).await {
        Ok(Executed::Applied) => match lease.confirm().await {
            Ok(()) => {
                lease.give_back();
                Attempt::Applied
            }
            Err(error) => Attempt::Unconfirmed(error),
        },
        Ok(Executed::Conflict) => {
            lease.give_back(); // EXEC ends every WATCH, also when it answers nil
            Attempt::Mismatch
        }
        Ok(Executed::Full) => Attempt::Full,
        Ok(Executed::Broken(error)) => Attempt::Broken(error),
        Ok(Executed::Unknown(error)) => Attempt::InDoubt(error),
        Ok(Executed::Refused(error)) | Err(error) => Attempt::NotSent(error),
    }
}

/// Asks on a connection that no attempt used whether an earlier attempt was applied.
async fn look_for_marker(transaction: &Transaction, node: &Node, deadline: Instant) -> Attempt {
    let lease = match node.leases.borrow(deadline).await {
        Ok(lease) => lease,
        Err(error) => return Attempt::NotSent(error),
    };
    match transaction.is_marked(&lease).await {
        Ok(true) => confirm_marker(transaction, lease).await,
        Ok(false) => {
            lease.give_back();
            Attempt::Mismatch
        }
        Err(error) => Attempt::NotSent(error),
    }
}

/// Makes what an earlier attempt wrote as safe as it was to be.
async fn confirm_marker(transaction: &Transaction, lease: Lease) -> Attempt {
    let confirmed = async {
        if lease.confirm.asks() {
            transaction.renew_marker(&lease).await?;
        }
        lease.confirm().await
    };
    match confirmed.await {
        Ok(()) => {
            lease.give_back();
            Attempt::Applied
        }
        Err(error) => Attempt::Unconfirmed(error),
    }
}
