//! One commit: WATCH and read, compare, then MULTI, the writes and EXEC, in two round trips.
//!
//! The reply of EXEC can be lost, and then nobody knows whether it was applied. So every commit carries a random
//! operation id, and its EXEC also writes a marker under it. An attempt that ends in doubt is repeated with the same
//! id: the marker tells whether an earlier attempt was applied, and because it is watched as well, a late EXEC of an
//! earlier attempt and the EXEC of this one exclude each other.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::{Client, Pipeline},
    error::{Error, ErrorKind},
    interfaces::{ClientLike, HashesInterface, KeysInterface, SortedSetsInterface},
    types::{ClusterHash, CustomCommand, Expiration, Value},
};
use tokio::time::Instant;

use super::{
    REVISION,
    lease::{Lease, Leases},
};
use crate::store::{
    Batch, COMMIT_DEADLINE, CommitError, Expectation, Fields, REQUEST_DEADLINE, Revision, Unavailable, batch::Write,
    collectable_at,
};

/// How long a marker is kept: twice as long as anybody may still ask for it.
const MARKER_LIFE: Duration = Duration::from_secs(2 * COMMIT_DEADLINE.as_secs());

/// The first pause between attempts; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A batch in the words of Redis. It is the same for every attempt.
pub(super) struct Plan {
    marker: String,
    expectations: Vec<(String, Expectation)>,
    writes: Vec<(String, Write)>,
    revision: Revision,
}

/// How one attempt ended.
enum Attempt {
    /// The writes are there.
    Applied,
    /// This attempt wrote nothing, because a record was not as expected.
    Mismatch,
    /// This attempt wrote nothing, and the server said why.
    Refused(CommitError),
    /// Some of the writes are there, and the others never will be.
    Broken(Error),
    /// This attempt wrote nothing: it did not come as far as EXEC.
    NotSent(Error),
    /// EXEC was sent, and its reply was lost: it may have been applied, or may yet be.
    InDoubt(Error),
}

impl Plan {
    pub(super) fn new(batch: Batch, revision: Revision, prefix: &str) -> Self {
        let Batch { slot, expectations, writes } = batch;
        let key = |name| format!("{prefix}{}", slot.key(&name));
        Self {
            marker: format!("{prefix}{}", slot.marker(&revision.to_string())),
            expectations: expectations.into_iter().map(|(name, expectation)| (key(name), expectation)).collect(),
            writes: writes.into_iter().map(|(name, write)| (key(name), write)).collect(),
            revision,
        }
    }
}

/// Runs `plan` until its outcome is known, or until there is no time left.
///
/// While nothing is in doubt, that is the time its caller waits: what was refused is not done later. A commit in doubt is
/// carried on behind the caller's back.
pub(super) async fn run(leases: Arc<Leases>, plan: Plan) -> Result<(), CommitError> {
    let started = Instant::now();
    let mut deadline = started + REQUEST_DEADLINE;
    let mut in_doubt = false;
    let mut pause = PAUSE;
    loop {
        let error = match attempt(&leases, &plan, deadline).await {
            Attempt::Applied => return Ok(()),
            Attempt::Mismatch if !in_doubt => return Err(CommitError::Conflict),
            Attempt::Refused(refusal) if !in_doubt => return Err(refusal),
            Attempt::Broken(error) => return Err(Unavailable(error.to_string()).into()),
            // Whoever changed the record may have been an earlier attempt of this very commit.
            Attempt::Mismatch => match is_applied(&leases, &plan, deadline).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(CommitError::Conflict),
                Err(error) => error.to_string(),
            },
            Attempt::Refused(refusal) => refusal.to_string(),
            Attempt::NotSent(error) => error.to_string(),
            Attempt::InDoubt(error) => {
                in_doubt = true;
                deadline = started + COMMIT_DEADLINE;
                error.to_string()
            }
        };
        if Instant::now() + pause > deadline {
            return Err(Unavailable(error).into());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn attempt(leases: &Leases, plan: &Plan, deadline: Instant) -> Attempt {
    let mut lease = match leases.borrow(deadline).await {
        Ok(lease) => lease,
        Err(error) => return Attempt::NotSent(error),
    };
    match watch(&mut lease, plan).await {
        Err(error) => return Attempt::NotSent(error),
        Ok(Found::Marker) => return clean(leases, lease, Attempt::Applied).await,
        Ok(Found::Mismatch) => return clean(leases, lease, Attempt::Mismatch).await,
        Ok(Found::AsExpected) => {}
    }
    if Instant::now() > deadline {
        return Attempt::NotSent(Error::new(ErrorKind::Timeout, "too late to commit"));
    }
    let attempt = exec(&mut lease, plan).await;
    if matches!(attempt, Attempt::Applied | Attempt::Mismatch) {
        lease.give_back(leases); // EXEC ends every WATCH, also when it answers nil
    }
    attempt
}

/// Gives a connection back that still watches something; if that fails, it is closed.
async fn clean(leases: &Leases, mut lease: Lease, attempt: Attempt) -> Attempt {
    let client = lease.client();
    if lease.answer(client.custom::<(), String>(command("UNWATCH"), Vec::new())).await.is_ok() {
        lease.give_back(leases);
    }
    attempt
}

enum Found {
    Marker,
    Mismatch,
    AsExpected,
}

/// The first round trip: watch, then read what is expected. The marker is read last, so that a record that an earlier
/// attempt changed is never seen without it.
async fn watch(lease: &mut Lease, plan: &Plan) -> Result<Found, Error> {
    let pipeline = lease.client().pipeline();
    let watched = plan.expectations.iter().map(|(key, _)| key).chain([&plan.marker]).cloned().collect::<Vec<_>>();
    let _: () = pipeline.custom(command("WATCH"), watched).await?;
    for (key, _) in &plan.expectations {
        let _: () = pipeline.hget(key, REVISION).await?;
    }
    let _: () = pipeline.exists(&plan.marker).await?;

    let mut replies = lease.answer(pipeline.all::<Vec<Value>>()).await?;
    if replies.pop().is_some_and(|marker| marker.as_i64() == Some(1)) {
        return Ok(Found::Marker);
    }
    let revisions = replies.into_iter().skip(1);
    let holds = plan.expectations.iter().zip(revisions).all(|((_, expected), found)| match expected {
        Expectation::Absent => found.is_null(),
        Expectation::Exists => !found.is_null(),
        Expectation::Revision(revision) => found.as_str().and_then(|found| Revision::parse(&found)) == Some(*revision),
    });
    Ok(if holds { Found::AsExpected } else { Found::Mismatch })
}

/// The second round trip.
async fn exec(lease: &mut Lease, plan: &Plan) -> Attempt {
    let pipeline = lease.client().pipeline();
    if let Err(error) = queue(&pipeline, plan).await {
        return Attempt::NotSent(error);
    }
    let mut replies = match lease.answer(async { Ok(pipeline.try_all::<Value>().await) }).await {
        Ok(replies) => replies,
        Err(error) => return Attempt::InDoubt(error),
    };
    match replies.pop() {
        // A conflict is nil, which decodes as success into almost anything: only an array is one.
        Some(Ok(Value::Array(_))) => Attempt::Applied,
        Some(Ok(Value::Null)) => Attempt::Mismatch,
        Some(Err(error)) if error.details().starts_with("EXECABORT") => {
            let reasons = replies.iter().filter_map(|reply| reply.as_ref().err()).chain([&error]);
            Attempt::Refused(refusal(reasons.map(Error::details)))
        }
        // Redis does not undo what stands beside a command that fails. Ours can fail only on a key of another type.
        Some(Err(error)) if error.details().starts_with("WRONGTYPE") => {
            tracing::error!(%error, "a commit was applied in part: somebody made a key of another type");
            Attempt::Broken(error)
        }
        Some(Err(error)) => Attempt::InDoubt(error),
        Some(Ok(reply)) => Attempt::InDoubt(unexpected(&reply)),
        None => Attempt::InDoubt(unexpected(&Value::Null)),
    }
}

/// Puts the transaction into `pipeline`. Nothing is sent yet.
async fn queue(pipeline: &Pipeline<Client>, plan: &Plan) -> Result<(), Error> {
    let _: () = pipeline.custom(command("MULTI"), Vec::<String>::new()).await?;
    for (key, write) in &plan.writes {
        match write {
            Write::Put { fields, expires_at } => {
                let _: () = pipeline.del(key).await?;
                let _: () = pipeline.custom(command("HSET"), hash(key, fields, plan.revision)).await?;
                if let Some(at) = expires_at {
                    let _: () = pipeline.pexpire_at(key, collectable_at(*at), None).await?;
                }
            }
            Write::Delete => {
                let _: () = pipeline.del(key).await?;
            }
            Write::Add { member, score } => {
                #[expect(clippy::cast_precision_loss, reason = "the contract bounds scores to what a double holds")]
                let scored = (*score as f64, member.as_str());
                let _: () = pipeline.zadd(key, None, None, false, false, scored).await?;
            }
            Write::Remove { member } => {
                let _: () = pipeline.zrem(key, member).await?;
            }
        }
    }
    let life = i64::try_from(MARKER_LIFE.as_millis()).unwrap_or(i64::MAX);
    let _: () = pipeline.set(&plan.marker, 1, Some(Expiration::PX(life)), None, false).await?;
    pipeline.custom(command("EXEC"), Vec::<String>::new()).await
}

/// The arguments of HSET, in an order that a person can rely on.
fn hash(key: &str, fields: &Fields, revision: Revision) -> Vec<String> {
    let fields = fields.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    [key.to_owned(), REVISION.to_owned(), revision.to_string()].into_iter().chain(fields).collect()
}

/// Asks on a connection that no attempt used whether an earlier attempt was applied.
async fn is_applied(leases: &Leases, plan: &Plan, deadline: Instant) -> Result<bool, Error> {
    let mut lease = leases.borrow(deadline).await?;
    let client = lease.client();
    let found: i64 = lease.answer(client.exists(&plan.marker)).await?;
    lease.give_back(leases);
    Ok(found == 1)
}

/// What it means that the server discarded the transaction.
fn refusal<'a>(reasons: impl Iterator<Item = &'a str>) -> CommitError {
    let reasons = reasons.collect::<Vec<_>>();
    if reasons.iter().any(|reason| reason.contains("OOM")) {
        return CommitError::Full;
    }
    Unavailable(reasons.join("; ")).into()
}

fn unexpected(reply: &Value) -> Error {
    Error::new(ErrorKind::Protocol, format!("EXEC answered {reply:?}"))
}

fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}
