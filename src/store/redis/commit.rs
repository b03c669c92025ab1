//! One commit: WATCH and read, compare, then MULTI, the writes and EXEC, in two round trips.
//!
//! The reply of EXEC can be lost, and then nobody knows whether it was applied. So every commit carries a random
//! operation id, and its EXEC also writes a marker under it. An attempt that ends in doubt is repeated with the same
//! id: the marker tells whether an earlier attempt was applied, and because it is watched as well, a late EXEC of an
//! earlier attempt and the EXEC of this one exclude each other.

use std::sync::Arc;

use fred::{
    error::{Error, ErrorKind},
    interfaces::{ClientLike, KeysInterface},
};
use tokio::time::Instant;

use super::{
    confirm::Confirm,
    lease::Lease,
    node::command,
    servers::{Pauses, Servers},
    transaction::{Executed, Found, Transaction},
};
use crate::store::{COMMIT_DEADLINE, CommitError, Unavailable};

/// How one attempt ended.
enum Attempt {
    /// The writes are there, and as safe as they were to be.
    Applied,
    /// This attempt wrote nothing, because a record was not as expected.
    Mismatch,
    /// This attempt wrote nothing, for want of room.
    Full,
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
pub(super) async fn run(
    servers: Arc<Servers>,
    transaction: Transaction,
    confirm: Confirm,
    deadline: Instant,
) -> Result<(), CommitError> {
    let begun = Instant::now();
    let mut pauses = Pauses::until(deadline);
    let mut deadline = deadline;
    let mut in_doubt = false;
    let commit = Commit { servers: &servers, transaction: &transaction, confirm };
    loop {
        let attempt = match commit.attempt(deadline).await {
            // Whoever changed the record may have been an earlier attempt of this very commit.
            Attempt::Mismatch if in_doubt => commit.look_for_marker(deadline).await,
            attempt => attempt,
        };
        let error = match attempt {
            Attempt::Applied => return Ok(()),
            Attempt::Mismatch => return Err(CommitError::Conflict),
            Attempt::Full if !in_doubt => return Err(CommitError::Full),
            Attempt::Full => Error::new(ErrorKind::Unknown, "the store is full"),
            Attempt::Broken(error) => return Err(Unavailable(error.to_string()).into()),
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
        servers.learn_from(&error).await;
        if !pauses.pause().await {
            return Err(Unavailable(error.to_string()).into());
        }
    }
}

/// Deletes these keys of one slot, which is no transaction: when Redis is full, it refuses those even if they only
/// delete. To delete twice is as good as once, so a failure is tried again.
pub(super) async fn discard(
    servers: &Servers,
    keys: &[String],
    confirm: Confirm,
    deadline: Instant,
) -> Result<(), Error> {
    let Some(first) = keys.first() else { return Ok(()) };
    let mut pauses = Pauses::until(deadline);
    loop {
        let discarded = async {
            let mut lease = servers.node_of(first).await?.leases.borrow(deadline).await?;
            let client = lease.client();
            lease.answer(client.unlink::<i64, _>(keys.to_vec())).await?;
            confirm.wait(&mut lease).await?;
            lease.give_back();
            Ok::<_, Error>(())
        };
        let Err(error) = discarded.await else { return Ok(()) };
        servers.learn_from(&error).await;
        if !pauses.pause().await {
            return Err(error);
        }
    }
}

struct Commit<'a> {
    servers: &'a Servers,
    transaction: &'a Transaction,
    confirm: Confirm,
}

impl Commit<'_> {
    async fn attempt(&self, deadline: Instant) -> Attempt {
        let mut lease = match self.borrow(deadline).await {
            Ok(lease) => lease,
            Err(error) => return Attempt::NotSent(error),
        };
        match self.transaction.watch(&mut lease).await {
            Err(error) => return Attempt::NotSent(error),
            Ok(Found::Marker) => return self.confirm_marker(lease).await,
            Ok(Found::Mismatch) => {
                give_back_watching(lease).await;
                return Attempt::Mismatch;
            }
            Ok(Found::AsExpected) => {}
        }
        if Instant::now() > deadline {
            return Attempt::NotSent(Error::new(ErrorKind::Timeout, "too late to commit"));
        }
        match self.transaction.exec(&mut lease).await {
            Ok(Executed::Applied) => match self.confirm.wait(&mut lease).await {
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
    async fn look_for_marker(&self, deadline: Instant) -> Attempt {
        let mut lease = match self.borrow(deadline).await {
            Ok(lease) => lease,
            Err(error) => return Attempt::NotSent(error),
        };
        match self.transaction.is_marked(&mut lease).await {
            Ok(true) => self.confirm_marker(lease).await,
            Ok(false) => {
                lease.give_back();
                Attempt::Mismatch
            }
            Err(error) => Attempt::NotSent(error),
        }
    }

    /// Makes what an earlier attempt wrote as safe as it was to be.
    async fn confirm_marker(&self, mut lease: Lease) -> Attempt {
        let confirmed = async {
            if self.confirm.asks() {
                self.transaction.renew_marker(&mut lease).await?;
            }
            self.confirm.wait(&mut lease).await
        };
        match confirmed.await {
            Ok(()) => {
                give_back_watching(lease).await;
                Attempt::Applied
            }
            Err(error) => Attempt::Unconfirmed(error),
        }
    }

    async fn borrow(&self, deadline: Instant) -> Result<Lease, Error> {
        self.servers.node_of(&self.transaction.marker).await?.leases.borrow(deadline).await
    }
}

/// Gives a connection back that still watches something; if that fails, it is closed.
async fn give_back_watching(mut lease: Lease) {
    let client = lease.client();
    if lease.answer(client.custom::<(), String>(command("UNWATCH"), Vec::new())).await.is_ok() {
        lease.give_back();
    }
}
