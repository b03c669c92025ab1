//! Sessions: signing in, seeing where one is signed in, signing out.

mod last_used;
mod list;
mod manage;
mod reauthenticate;
mod refresh;
mod revoke_token;
mod sign_in;
mod sign_out;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(super) use self::last_used::BeingNoted;
pub use self::{sign_in::SignIn, sign_out::Scope};
use super::{
    Accounts,
    clock::Timestamp,
    error::Error,
    keys::{self, Home},
    records,
    token::SignedIn,
    user::{Session, SessionId, User, UserId, id_of_entry},
};
use crate::store::{Batch, Expectation};

/// More sessions than anybody has.
const ALL: usize = usize::MAX;

/// How long sessions last, and how many there are.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// How long a session lasts, used or not.
    pub lifetime: Duration,
    /// How long it lasts when it is not used. It is noted once a minute that it is, so this may be a minute less.
    pub idle_timeout: Duration,
    /// How many of them a person has at the most. The oldest ends when there is one more.
    pub most: usize,
}

impl Session {
    /// Whether this session of `user` still counts.
    ///
    /// A later epoch counts too. An epoch is written to user and session in one commit, but the two are read one after the
    /// other: a session that is ahead of its user was carried over between the two reads.
    pub(super) fn is_live(&self, user: &User, now: Timestamp) -> bool {
        !user.is_suspended(now) && self.epoch >= user.session_epoch && now < self.expires_at
    }

    /// Notes that it is used now, which moves its end.
    fn note_use(&mut self, now: Timestamp, settings: &SessionSettings) {
        self.last_used_at = now;
        self.expires_at = self.created_at.plus(settings.lifetime).min(now.plus(settings.idle_timeout));
    }
}

impl Accounts {
    /// The ids of a person's sessions, the first to expire first.
    pub(super) async fn session_ids(&self, user: UserId) -> Result<Vec<SessionId>, Error> {
        let home = Home::of(user);
        let members = self.store.range(&home.key(&home.sessions()), i64::MIN..=i64::MAX, ALL).await?;
        Ok(ids(&members))
    }

    /// The ids of a person's sessions, which end in one commit with their epoch. Where their index is damaged, none are
    /// known, and that must not keep them alive: they end by the epoch, and their records are then only in the way.
    pub(super) async fn ids_to_end(&self, user: UserId) -> Result<Vec<SessionId>, Error> {
        match self.session_ids(user).await {
            Err(Error::Corrupt(why)) => {
                tracing::error!(user.id = %user, error = why, "the index of the sessions that end is damaged");
                Ok(Vec::new())
            }
            outcome => outcome,
        }
    }
}

/// The sessions that an index names. What is no id names none and holds nobody up: the next sign-in takes it away, and
/// `latchkey check` finds it.
fn ids(members: &[String]) -> Vec<SessionId> {
    members.iter().filter_map(|member| id_of_entry(member)).collect()
}

/// A commit that expects user and session to be what they were when they were read: what ends sessions writes one of
/// them, so it comes before this commit or after it, and is not undone.
fn expect_unchanged(who: &SignedIn) -> Batch {
    let home = Home::of(who.user().id);
    let mut batch = Batch::new(home.slot());
    batch.expect(home.user(), Expectation::Revision(who.user.revision));
    batch.expect(home.session(who.session().id), Expectation::Revision(who.session.revision));
    batch
}

/// Adds to `batch` that a session is written.
pub(super) fn keep(batch: &mut Batch, home: Home, session: &Session) {
    let expiry = session.expires_at.as_millis();
    batch.put_until(home.session(session.id), records::write_session(session), expiry);
    batch.add(home.sessions(), session.id.to_string(), expiry);
    batch.add(keys::active(), home.id().to_string(), session.last_used_at.as_millis());
}

/// Adds to `batch` that these sessions of a person go.
pub(super) fn forget(batch: &mut Batch, home: Home, sessions: impl IntoIterator<Item = SessionId>) {
    for id in sessions {
        batch.delete(home.session(id)).remove(home.sessions(), id.to_string());
    }
}
