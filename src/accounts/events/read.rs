//! Reading events, the newest first.

use super::{Event, EventId, Log, Month, Who};
use crate::{
    accounts::{
        Accounts,
        authority::Authority,
        capability::Capability,
        error::Error,
        keys::{self, Home},
        token::SignedIn,
        user::UserId,
    },
    store::{EXPIRY_GRACE, Key},
};

/// How many months are read at once: at the most a few megabytes.
const AT_ONCE: usize = 4;

/// Some of the events of an account, the newest first.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The events.
    pub items: Vec<Event>,
    /// The last of them, if there are more: those are before it.
    pub next: Option<EventId>,
}

impl Accounts {
    /// The latest `limit` events of the person who is signed in, or those before an event. From where and in which session
    /// somebody else did something, they are not told.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn events(&self, who: &SignedIn, before: Option<EventId>, limit: usize) -> Result<EventPage, Error> {
        let own = who.user().id;
        let mut page = self.read_events(own, before, limit).await?;
        for event in &mut page.items {
            let is_by_another = match event.by {
                Who::User(id) => id != own,
                Who::ApiKey(_) | Who::Operator => true,
                // The person, with a letter, or whoever guesses.
                Who::Anonymous => false,
            };
            if is_by_another {
                (event.session, event.address) = (None, None);
            }
        }
        Ok(page)
    }

    /// The latest `limit` events of a user, or those before an event.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::UserNotFound`]; the errors of the store.
    pub async fn events_of(
        &self,
        by: &Authority,
        id: UserId,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        by.needs(Capability::ReadUsers)?;
        self.find_active(id).await?;
        self.read_events(id, before, limit).await
    }

    /// The latest `limit` events of roles and API keys, or those before an event.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; the errors of the store.
    pub async fn service_events(
        &self,
        by: &Authority,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        by.needs(Capability::ReadUsers)?;
        by.needs(Capability::ReadRoles)?;
        let logs = |month| [keys::roles(), keys::api_keys()].map(|slot| slot.key(&keys::service_events(month))).into();
        self.read_logs(logs, before, limit).await
    }

    async fn read_events(&self, id: UserId, before: Option<EventId>, limit: usize) -> Result<EventPage, Error> {
        let home = Home::of(id);
        let logs = |month| Log::ALL.map(|log| home.key(&home.log(log, month))).into();
        self.read_logs(logs, before, limit).await
    }

    /// Reads logs, of which there are some for each month, as one.
    async fn read_logs(
        &self,
        logs_of: impl Fn(Month) -> Vec<Key>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage, Error> {
        let now = self.clock.now();
        let oldest = now.minus(self.settings.events.retention);
        let latest = now.plus(EXPIRY_GRACE); // another instance's clock may be ahead
        let first = before.map_or(latest, |before| before.at().min(latest));
        let months = Month::of(first).back_to(oldest).collect::<Vec<_>>();
        let mut items = Vec::new();
        for months in months.chunks(AT_ONCE) {
            let logs = months.iter().copied().flat_map(&logs_of).collect::<Vec<_>>();
            let logs = self.store.logs(&logs).await?;
            let events = logs.iter().flatten().filter_map(|line| Event::of_line(line));
            let is_wanted = |event: &Event| event.at >= oldest && before.is_none_or(|before| event.id < before);
            let mut events = events.filter(is_wanted).collect::<Vec<_>>();
            events.sort_unstable_by_key(|event| std::cmp::Reverse(event.id));
            items.append(&mut events);
            if items.len() > limit {
                break;
            }
        }
        let is_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().map(|event| event.id).filter(|_| is_more);
        Ok(EventPage { items, next })
    }
}
