//! The courier: sends what is in the outbox. Every instance has one, and no request waits for it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use super::{MailId, SPARE, entry::Entry, settle::Outcome};
use crate::{
    accounts::{Accounts, error::Error, keys::Bucket, user::Stored},
    mail::Mailer,
};

/// How often the outbox is looked through, for what is tried again and for what another instance has left. What this
/// instance has put there is sent at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// As many mails are sent at once.
const AT_ONCE: usize = 8;

impl Accounts {
    /// Sends what is in the outbox, until `stop` is done; then what is under way is finished.
    pub async fn deliver(self: &Arc<Self>, mailer: &Arc<Mailer>, stop: impl Future<Output = ()>) {
        let free = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let due = tokio::select! {
                () = &mut stop => break,
                due = self.due_mails() => due,
            };
            let due = due.unwrap_or_else(|error| {
                tracing::warn!(%error, "the outbox could not be read");
                Vec::new()
            });
            for (bucket, id) in due {
                let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
                let (accounts, mailer) = (Arc::clone(self), Arc::clone(mailer));
                under_way.spawn(async move {
                    let _permit = permit;
                    if let Err(error) = accounts.deliver_one(bucket, id, &mailer).await {
                        tracing::warn!(mail.id = %id, %error, "a mail was left in the outbox");
                    }
                });
            }
            while under_way.try_join_next().is_some() {}
            let woken = tokio::time::timeout(LOOK_EVERY, self.mail_queued.notified());
            tokio::select! {
                () = &mut stop => break,
                _ = woken => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn deliver_one(&self, bucket: Bucket, id: MailId, mailer: &Mailer) -> Result<(), Error> {
        let lease = mailer.timeout() + SPARE;
        let lease_ends = Instant::now() + lease;
        let Some(taken) = self.take_mail(bucket, id, lease).await? else { return Ok(()) };
        let Entry { kind, attempts, .. } = taken.value;
        let outcome = match self.write_letter(&taken.value).await? {
            None => Outcome::Moot,
            Some(letter) => mailer.send(&letter).await.map_or_else(Outcome::Failed, |()| Outcome::Sent),
        };
        match &outcome {
            Outcome::Sent => tracing::info!(mail.id = %id, %kind, attempts, "a mail was sent"),
            Outcome::Moot => tracing::debug!(mail.id = %id, %kind, "a mail is not needed any more"),
            Outcome::Failed(error) => tracing::warn!(mail.id = %id, %kind, attempts, %error, "a mail was not sent"),
        }
        self.settle_in_time(bucket, &taken, &outcome, lease_ends).await
    }

    /// Notes what came of a mail, for as long as nobody else may take it: what is not noted is sent again.
    async fn settle_in_time(
        &self,
        bucket: Bucket,
        taken: &Stored<Entry>,
        outcome: &Outcome,
        lease_ends: Instant,
    ) -> Result<(), Error> {
        loop {
            match self.settle_mail(bucket, taken, outcome).await {
                Ok(()) => return Ok(()),
                Err(_) if Instant::now() + LOOK_EVERY < lease_ends => tokio::time::sleep(LOOK_EVERY).await,
                Err(e) => return Err(e),
            }
        }
    }
}
