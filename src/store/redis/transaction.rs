//! A batch in the words of Redis: what is watched and read, and what stands between MULTI and EXEC.

use std::time::Duration;

use fred::{
    clients::{Client, Pipeline},
    error::{Error, ErrorKind},
    interfaces::{ClientLike, HashesInterface, KeysInterface, SortedSetsInterface},
    types::{Expiration, Value},
};

use super::{
    REVISION,
    guard::{Guard, guards, is_of_type},
    lease::Lease,
    node::command,
    servers::is_of_connection,
    told,
};
use crate::store::{
    Batch, COMMIT_DEADLINE, Expectation, Fields, Revision,
    batch::{LeftOut, Rest, Write},
    collectable_at,
};

/// How long a marker is kept: twice as long as anybody may still ask for it.
const MARKER_LIFE: Duration = Duration::from_secs(2 * COMMIT_DEADLINE.as_secs());

/// A batch as Redis sees it. It is the same for every attempt.
pub(super) struct Transaction {
    /// The key that says that it was applied.
    pub(super) marker: String,
    expectations: Vec<(String, Expectation)>,
    guards: Vec<Guard>,
    writes: Vec<(String, Write)>,
    revision: Revision,
}

/// What the first round trip finds. Only when all is as expected, the connection is left in a transaction.
pub(super) enum Found {
    Marker,
    Mismatch,
    /// What is there is not what would be changed, and why not.
    Unreadable(String),
    /// But for what is to be left out.
    AsExpected(LeftOut),
}

/// What EXEC says.
pub(super) enum Executed {
    Applied,
    /// Something watched was written meanwhile.
    Conflict,
    /// There was no room.
    Full,
    /// The server refused it whole, and another one may not, or this one later.
    Refused(Error),
    /// Some of the writes are there, and the others never will be.
    Broken(Error),
    /// There is no telling.
    Unknown(Error),
}

impl Transaction {
    pub(super) fn new(batch: Batch, revision: Revision, prefix: &str) -> Self {
        let guards = guards(&batch, prefix);
        let Batch { slot, expectations, writes } = batch;
        let key = |name| format!("{prefix}{}", slot.key(&name));
        Self {
            marker: format!("{prefix}{}", slot.marker(&revision.to_string())),
            expectations: expectations.into_iter().map(|(name, expectation)| (key(name), expectation)).collect(),
            guards,
            writes: writes.into_iter().map(|(name, write)| (key(name), write)).collect(),
            revision,
        }
    }

    /// The first round trip: watch, read what is expected and what is [guarded](super::guard) against, and begin. The marker
    /// is read last, so that a record that an earlier attempt changed is never seen without it. No write is sent before
    /// MULTI was accepted: without it, each would be done at once, and alone.
    pub(super) async fn begin(&self, lease: &Lease) -> Result<Found, Error> {
        let pipeline = lease.client().pipeline();
        let watched = self.expectations.iter().map(|(key, _)| key).chain([&self.marker]).cloned().collect::<Vec<_>>();
        let _: () = pipeline.custom(command("WATCH"), watched).await?;
        for (key, _) in &self.expectations {
            let _: () = pipeline.hget(key, REVISION).await?;
        }
        for guard in &self.guards {
            let _: () = pipeline.custom(command(guard.command), guard.arguments.clone()).await?;
        }
        let _: () = pipeline.exists(&self.marker).await?;
        let _: () = pipeline.custom(command("MULTI"), Vec::<String>::new()).await?;

        let replies = async {
            let replies = pipeline.try_all::<Value>().await;
            let failed = replies.iter().find_map(|reply| reply.as_ref().err().filter(|error| !is_of_type(error)));
            failed.map_or(Ok(()), |error| Err(error.clone())).map(|()| replies)
        };
        let mut replies = lease.answer(replies).await?;
        replies.pop(); // of MULTI, which is no error
        let is_marked = replies.pop().is_some_and(|marker| marker.is_ok_and(|marker| marker.as_i64() == Some(1)));
        let mut replies = replies.into_iter().skip(1);
        let found = if is_marked {
            Found::Marker
        } else {
            match self.expected(&mut replies) {
                Ok(false) => Found::Mismatch,
                Ok(true) => match self.judge(replies) {
                    Ok(left_out) => return Ok(Found::AsExpected(left_out)),
                    Err(why) => Found::Unreadable(why),
                },
                Err(why) => Found::Unreadable(why),
            }
        };
        let client = lease.client();
        lease.answer(Box::pin(client.custom::<(), String>(command("DISCARD"), Vec::new()))).await?; // it ends WATCH too
        Ok(found)
    }

    /// Whether what was read of the records is what is expected, or why it is no record.
    fn expected(&self, replies: &mut impl Iterator<Item = Result<Value, Error>>) -> Result<bool, String> {
        for ((key, expected), found) in self.expectations.iter().zip(replies) {
            let found = found.map_err(|error| format!("{key}: {}", told(&error)))?;
            let holds = match expected {
                Expectation::Absent => found.is_null(),
                Expectation::Exists => !found.is_null(),
                Expectation::Revision(revision) => {
                    found.as_str().and_then(|found| Revision::parse(&found)) == Some(*revision)
                }
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is left out, or why all of it is refused.
    fn judge(&self, replies: impl Iterator<Item = Result<Value, Error>>) -> Result<LeftOut, String> {
        let mut left_out = LeftOut::new();
        for (guard, reply) in self.guards.iter().zip(replies) {
            guard.judge(reply, &mut left_out)?;
        }
        Ok(left_out)
    }

    /// The second round trip. An error means that nothing was sent.
    pub(super) async fn exec(&self, lease: &Lease, left_out: &LeftOut) -> Result<Executed, Error> {
        let pipeline = lease.client().pipeline();
        self.queue(&pipeline, left_out).await?;
        let mut replies = match lease.answer(async { Ok(pipeline.try_all::<Value>().await) }).await {
            Ok(replies) => replies,
            Err(error) => return Ok(Executed::Unknown(error)),
        };
        Ok(match replies.pop() {
            // A conflict is nil, which decodes as success into almost anything: only an array is one.
            Some(Ok(Value::Array(_))) => Executed::Applied,
            Some(Ok(Value::Null)) => Executed::Conflict,
            Some(Ok(reply)) => Executed::Unknown(unexpected(&reply)),
            Some(Err(error)) if lease.is_lost(&error) => Executed::Unknown(error),
            Some(Err(error)) => {
                let queued = replies.iter().filter_map(|reply| reply.as_ref().err());
                classify(&error, &queued.collect::<Vec<_>>())
            }
            None => Executed::Unknown(unexpected(&Value::Null)),
        })
    }

    /// Writes the marker of an applied transaction anew, so that what is asked of this connection next covers it.
    pub(super) async fn renew_marker(&self, lease: &Lease) -> Result<(), Error> {
        let client = lease.client();
        lease.answer(Box::pin(client.set(&self.marker, 1, Some(marker_life()), None, false))).await
    }

    /// Whether an earlier attempt was applied.
    pub(super) async fn is_marked(&self, lease: &Lease) -> Result<bool, Error> {
        let client = lease.client();
        lease.answer(Box::pin(client.exists::<i64, _>(&self.marker))).await.map(|found| found == 1)
    }

    /// Puts the transaction into `pipeline`. Nothing is sent yet.
    async fn queue(&self, pipeline: &Pipeline<Client>, left_out: &LeftOut) -> Result<(), Error> {
        for (at, (key, write)) in self.writes.iter().enumerate() {
            let rest = left_out.get(&at);
            if rest == Some(&Rest::Nothing) {
                continue;
            }
            match write {
                Write::Put { fields, expires_at } => {
                    let _: () = pipeline.del(key).await?;
                    let _: () = pipeline.custom(command("HSET"), hash(key, fields, self.revision)).await?;
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
                Write::Append { entry, keep } => {
                    let _: () = pipeline.custom(command("RPUSH"), words(key, [entry])).await?;
                    let oldest = format!("-{}", keep.most.max(1));
                    let _: () = pipeline.custom(command("LTRIM"), words(key, [&oldest, "-1"])).await?;
                    let _: () = pipeline.pexpire_at(key, collectable_at(keep.until), None).await?;
                }
                Write::CountUp { field, by, until } => {
                    if rest.is_none() {
                        let _: () = pipeline.custom(command("HINCRBY"), words(key, [field, &by.to_string()])).await?;
                    }
                    let revision = self.revision.to_string();
                    let _: () = pipeline.custom(command("HSET"), words(key, [REVISION, &revision])).await?;
                    if let Some(at) = until {
                        let _: () = pipeline.pexpire_at(key, collectable_at(*at), None).await?;
                    }
                }
            }
        }
        let _: () = pipeline.set(&self.marker, 1, Some(marker_life()), None, false).await?;
        pipeline.custom(command("EXEC"), Vec::<String>::new()).await
    }
}

/// What an error of EXEC means, with the errors of the commands before it. Redis does not undo what stands beside a
/// command that fails: so an error that does not say that all was discarded is one of those. The [guards](super::guard)
/// leave few.
fn classify(error: &Error, queued: &[&Error]) -> Executed {
    let says = |words: &[&str]| words.iter().any(|word| error.details().starts_with(word));
    if says(&["EXECABORT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"]) {
        // The first of the queued errors says why.
        let reason = queued.first().copied().unwrap_or(error);
        let is_full = reason.details().starts_with("OOM") || error.details().contains("because of: OOM");
        return if is_full { Executed::Full } else { Executed::Refused(reason.clone()) };
    }
    if is_of_connection(error) || matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Backpressure) {
        return Executed::Unknown(error.clone());
    }
    tracing::error!(error = told(error), "a commit was applied in part");
    Executed::Broken(error.clone())
}

/// The arguments of HSET, in an order that a person can rely on.
fn hash(key: &str, fields: &Fields, revision: Revision) -> Vec<String> {
    let fields = fields.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    [key.to_owned(), REVISION.to_owned(), revision.to_string()].into_iter().chain(fields).collect()
}

/// The arguments of a command on one key.
fn words<const N: usize>(key: &str, rest: [&str; N]) -> Vec<String> {
    [key].into_iter().chain(rest).map(str::to_owned).collect()
}

fn marker_life() -> Expiration {
    Expiration::PX(i64::try_from(MARKER_LIFE.as_millis()).unwrap_or(i64::MAX))
}

fn unexpected(reply: &Value) -> Error {
    Error::new(ErrorKind::Protocol, format!("EXEC answered {reply:?}"))
}
