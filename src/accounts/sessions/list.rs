//! Where a person is signed in.

use crate::accounts::{
    Accounts,
    error::Error,
    keys::Home,
    records,
    token::SignedIn,
    user::{Session, User},
};

impl Accounts {
    /// The sessions of the person that have not ended, the latest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sessions(&self, who: &SignedIn) -> Result<Vec<Session>, Error> {
        self.live_sessions(who.user()).await
    }

    pub(super) async fn live_sessions(&self, user: &User) -> Result<Vec<Session>, Error> {
        let home = Home::of(user.id);
        let ids = self.session_ids(user.id).await?;
        let keys = ids.iter().map(|id| home.key(&home.session(*id))).collect::<Vec<_>>();
        let records = self.store.get_many(&keys).await?;
        let found = ids.into_iter().zip(records).filter_map(|(id, record)| Some((id, record?)));
        let mut sessions =
            found.map(|(id, record)| records::read_session(id, &record)).collect::<Result<Vec<_>, _>>()?;
        let now = self.clock.now();
        sessions.retain(|session| session.is_live(user, now));
        sessions.sort_unstable_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
        Ok(sessions)
    }
}
