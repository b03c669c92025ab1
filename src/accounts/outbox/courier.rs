//! The courier: sends what is in the outbox. Every instance has one, and no request waits for it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::Instant,
};
use tracing::{Instrument, Span, field::Empty};

use super::{SPARE, entry::Entry, pending::Due, settle::Outcome};
use crate::{
    accounts::{Accounts, error::Error, metrics::Sending, user::Stored},
    mail::{Mailer, SendError},
    traces::{self, Trace},
};

/// How often the outbox is looked through, for what is tried again and for what another instance has left. What this
/// instance has put there is sent a moment later.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// As many mails are sent at once.
const AT_ONCE: usize = 8;

/// As many of them were asked for more than a minute ago. They may all be for a place where mail is taken slowly, or not at
/// all, and leave room for those that were just asked for.
const OLD_AT_ONCE: usize = 6;

/// For how long it is tried to note what came of a mail. What is not noted is sent again.
const NOTING: Duration = Duration::from_secs(10 * 60);

impl Accounts {
    /// Sends what is in the outbox, until `stop` is done; then what is under way is finished.
    pub async fn deliver(self: &Arc<Self>, mailer: &Arc<Mailer>, stop: impl Future<Output = ()>) {
        let mut under_way = JoinSet::new();
        tokio::select! {
            () = stop => {}
            () = self.keep_sending(mailer, &mut under_way) => {}
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Looks for what is due and begins to send it, again and again.
    async fn keep_sending(self: &Arc<Self>, mailer: &Arc<Mailer>, under_way: &mut JoinSet<String>) {
        let (free, free_for_old) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(OLD_AT_ONCE)));
        let (mut ours, mut is_unread) = (HashSet::new(), false);
        loop {
            let (due, unread) = self.due_mails().await;
            match &unread {
                Some(error) if !is_unread => tracing::warn!(%error, "the outbox could not be read"),
                None if is_unread => tracing::info!("the outbox can be read again"),
                _ => {}
            }
            is_unread = unread.is_some();
            let begin_all = async {
                for due in due {
                    while let Some(done) = under_way.try_join_next() {
                        match done {
                            Ok(member) => drop(ours.remove(&member)),
                            Err(_) => ours.clear(), // a panic does not say whose
                        }
                    }
                    // A clock that jumps ends leases, and we know better.
                    if ours.contains(&due.member) {
                        continue;
                    }
                    let mut permits = Vec::new();
                    for semaphore in due.is_old.then_some(&free_for_old).into_iter().chain([&free]) {
                        permits.extend(Arc::clone(semaphore).acquire_owned().await);
                    }
                    ours.insert(due.member.clone());
                    let (accounts, mailer) = (Arc::clone(self), Arc::clone(mailer));
                    let span = traced(&due);
                    let deliver = async move {
                        if let Err(error) = accounts.deliver_one(&due, &mailer, permits).await {
                            tracing::warn!(mail.id = due.member, %error, "a mail was left in the outbox");
                        }
                        due.member
                    };
                    under_way.spawn(deliver.instrument(span));
                }
                self.mail_queued.notified().await;
                tokio::time::sleep(self.random.moment()).await;
            };
            // Where many wait, somebody may have come who is to be first.
            let _ = tokio::time::timeout(LOOK_EVERY, begin_all).await;
        }
    }

    async fn deliver_one(&self, due: &Due, mailer: &Mailer, permits: Vec<OwnedSemaphorePermit>) -> Result<(), Error> {
        let begun = Instant::now();
        let Some(taken) = self.take_mail(due, mailer.timeout() + SPARE).await? else { return Ok(()) };
        let Entry { id, kind, attempts, .. } = taken.value;
        let outcome = match self.write_letter(&taken.value).await {
            Ok(None) => Outcome::Moot,
            // Whoever was stopped for so long must not send what another instance has by now.
            Ok(Some(_)) if begun.elapsed() > SPARE => return Ok(()),
            Ok(Some(letter)) => {
                let span = tracing::info_span!(
                    target: traces::TARGET, "send", otel.kind = "client", mail.kind = %kind, mail.attempts = attempts, error.type = Empty
                );
                let sent = mailer.send(&letter).instrument(span.clone()).await;
                match &sent {
                    Ok(()) => {}
                    Err(SendError::Temporary(_)) => drop(span.record("error.type", "temporary")),
                    Err(SendError::Permanent(_)) => drop(span.record("error.type", "permanent")),
                }
                sent.map_or_else(Outcome::Failed, |()| Outcome::Sent)
            }
            Err(e) => Outcome::Failed(SendError::Temporary(e.to_string())),
        };
        match &outcome {
            Outcome::Sent => tracing::info!(mail.id = %id, %kind, attempts, "a mail was sent"),
            Outcome::Moot => tracing::debug!(mail.id = %id, %kind, "a mail is not needed any more"),
            Outcome::Failed(error) => tracing::warn!(mail.id = %id, %kind, attempts, %error, "a mail was not sent"),
        }
        let sending = match &outcome {
            Outcome::Sent => Sending::Sent,
            Outcome::Moot => Sending::NotNeeded,
            Outcome::Failed(_) => Sending::Failed,
        };
        self.metrics.mails.of(kind).of(sending).add_one();
        drop(permits); // noting waits for one part of the store, and others may be fine
        self.note(due, &taken, &outcome).await
    }

    /// Notes what came of a mail, also when its lease is over: the commit expects it as it was taken, so nothing is
    /// undone that somebody else did with it since.
    async fn note(&self, due: &Due, taken: &Stored<Entry>, outcome: &Outcome) -> Result<(), Error> {
        let end = Instant::now() + NOTING;
        loop {
            match self.settle_mail(due.bucket, taken, outcome).await {
                Err(_) if Instant::now() < end => tokio::time::sleep(LOOK_EVERY).await,
                done => return done,
            }
        }
    }
}

/// The span of a trace that begins with this mail, if it is recorded. That of the request which needs it has ended.
fn traced(due: &Due) -> Span {
    let Some(trace) = Trace::begin().filter(Trace::is_recorded) else { return Span::none() };
    let span = tracing::info_span!(target: traces::TARGET, "deliver", trace.id = %trace);
    trace.begin_at(&span);
    traces::say!(&span, mail.id = due.member);
    span
}

#[cfg(test)]
mod tests;
