//! Writing events: into the commit of the act.

use std::time::Duration;

use super::{Act, Event, Log, Month, Who, changes::changes};
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        clock::Timestamp,
        keys::{self, Home},
        user::User,
    },
    store::{Batch, Keep, Name},
};

/// How long it is kept what came of a login that nobody has, or of an account that was not made. Nobody reads it.
const SOON: Duration = Duration::from_secs(60 * 60);

impl Accounts {
    /// Adds to `batch`, which is in the slot of the person, that this happens to their account, or was tried on it.
    pub(in crate::accounts) fn note_act(&self, batch: &mut Batch, home: Home, now: Timestamp, act: Act) {
        let log = act.kind.log();
        let (name, until) = (home.log(log, Month::of(now)), now.plus(self.settings.events.retention));
        append(batch, name, &act.at(now, self.random), log, until);
    }

    /// Adds to `batch`, which is in the slot of roles or of API keys, that this happens to one of them.
    pub(in crate::accounts) fn note_service_act(&self, batch: &mut Batch, now: Timestamp, act: Act) {
        let (name, until) = (keys::service_events(Month::of(now)), now.plus(self.settings.events.retention));
        append(batch, name, &act.at(now, self.random), Log::Events, until);
    }

    /// Adds to `batch` that this was tried on an account that is not there, or is not made: as much work as
    /// [`note_act`](Self::note_act).
    pub(in crate::accounts) fn note_act_of_nobody(&self, batch: &mut Batch, now: Timestamp, act: Act) {
        append(batch, keys::failures_of_nobody(), &act.at(now, self.random), Log::Failures, now.plus(SOON));
    }

    /// Adds to `batch` what happens to an account that is to become `after`: nothing, if that is as it was.
    pub(in crate::accounts) fn note_changes(
        &self,
        batch: &mut Batch,
        before: &User,
        after: &User,
        origin: Origin,
        now: Timestamp,
    ) {
        for act in changes(before, after, origin) {
            self.note_act(batch, Home::of(after.id), now, act);
        }
    }

    /// Adds to `batch`, which deletes an account, that its events go, and that there is one entry of it for good.
    pub(in crate::accounts) fn note_deletion(batch: &mut Batch, home: Home, origin: Origin, now: Timestamp) {
        for month in Month::all(now) {
            for log in Log::ALL {
                batch.delete(home.log(log, month));
            }
        }
        batch.add(keys::deleted(), format!("{} {}", home.id(), Who::from(origin.actor)), now.as_millis());
    }
}

fn append(batch: &mut Batch, name: Name, event: &Event, log: Log, until: Timestamp) {
    batch.append(name, event.to_line(), Keep { most: log.most(), until: until.as_millis() });
}
