//! Everything that is kept of a person, for themselves (GDPR, article 15).

use crate::accounts::{
    Accounts,
    clock::Timestamp,
    confirmations::{self, Purpose},
    email::EmailAddress,
    error::Error,
    events::EventPage,
    keys::Home,
    records::read_session,
    token::SignedIn,
    user::{Session, User},
};

/// As many events are in it at the most. The rest is read page by page.
const MOST_EVENTS: usize = 5_000;

/// Everything that is kept of a person, but for digests and hashes, which are of use to nobody else.
#[derive(Debug)]
pub struct PersonalData {
    /// When it was read.
    pub at: Timestamp,
    /// The account.
    pub user: User,
    /// The address that the account had before, while it can have it back, and until when that is.
    pub former_email: Option<(EmailAddress, Timestamp)>,
    /// Every session that is kept, also of those that have expired and are not collected yet.
    pub sessions: Vec<Session>,
    /// What was mailed and can be confirmed.
    pub confirmations: Vec<Confirmable>,
    /// The latest 5,000 events.
    pub events: EventPage,
}

/// A letter that lets its reader do something.
#[derive(Debug)]
pub struct Confirmable {
    /// What for: `verification`, `reset` or `undo`.
    pub purpose: String,
    /// Where it was mailed to.
    pub email: EmailAddress,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Accounts {
    /// Everything that is kept of the person who is signed in. Letters that are still to be sent are not in it: they are
    /// kept by mail and not by person.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn export(&self, who: &SignedIn) -> Result<PersonalData, Error> {
        let (user, home) = (who.user().clone(), Home::of(who.user().id));
        let ids = self.session_ids(user.id).await?;
        let sessions = ids.iter().map(|id| home.session(*id));
        let names = Purpose::ALL.map(|purpose| home.confirmation(purpose)).into_iter().chain(sessions);
        let records = self.store.get_many(&names.map(|name| home.key(&name)).collect::<Vec<_>>()).await?;
        let (mailed, kept) = records.split_at(Purpose::ALL.len().min(records.len()));
        let mut confirmations = Vec::new();
        for (purpose, record) in Purpose::ALL.into_iter().zip(mailed) {
            if let Some(record) = record {
                let found = confirmations::read(record)?;
                let (purpose, expires_at) = (purpose.to_string(), found.expires_at);
                confirmations.push(Confirmable { purpose, email: found.email, expires_at });
            }
        }
        let found = ids.iter().zip(kept).filter_map(|(id, record)| Some(read_session(*id, record.as_ref()?)));
        Ok(PersonalData {
            at: self.clock.now(),
            former_email: user.previous_email.as_ref().map(|former| (former.address.clone(), former.until)),
            sessions: found.collect::<Result<Vec<_>, _>>()?,
            confirmations,
            events: self.events(who, None, MOST_EVENTS).await?,
            user,
        })
    }
}
