//! Sessions: signing in, seeing where one is signed in, signing out.

mod list;
mod sign_in;
mod sign_out;

pub use self::{
    sign_in::{SignIn, SignInCompleted},
    sign_out::Scope,
};
use super::{
    Accounts,
    clock::Timestamp,
    error::Error,
    keys::Home,
    user::{Session, SessionId, User, UserId},
};
use crate::store::Batch;

/// More sessions than anybody has.
const ALL: usize = usize::MAX;

impl Session {
    /// Whether this session of `user` still counts.
    ///
    /// A later epoch counts too. An epoch is written to user and session in one commit, but the two are read one after the
    /// other: a session that is ahead of its user was carried over between the two reads.
    pub(super) fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.epoch >= user.session_epoch && now < self.expires_at
    }
}

impl Accounts {
    /// The ids of a person's sessions, the first to expire first.
    pub(super) async fn session_ids(&self, user: UserId) -> Result<Vec<SessionId>, Error> {
        let home = Home::of(user);
        let members = self.store.range(&home.key(&home.sessions()), i64::MIN..=i64::MAX, ALL).await?;
        parse_ids(&members)
    }
}

fn parse_ids(members: &[String]) -> Result<Vec<SessionId>, Error> {
    let parse = |id: &String| id.parse().map_err(|_| Error::Corrupt(format!("the session id `{id}`")));
    members.iter().map(parse).collect()
}

/// Adds to `batch` that these sessions of a person go.
pub(super) fn forget(batch: &mut Batch, home: Home, sessions: impl IntoIterator<Item = SessionId>) {
    for id in sessions {
        batch.delete(home.session(id)).remove(home.sessions(), id.to_string());
    }
}
