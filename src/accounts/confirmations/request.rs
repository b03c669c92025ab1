//! Asking for a mail by address. It is the same for every address, by what is done and not by care: nothing is looked up,
//! and one entry is written into a slot that comes from the address. Who has it is found out when the mail is sent.

use std::{net::IpAddr, sync::Arc};

use crate::{
    accounts::{
        Accounts,
        authority::{Actor, Origin},
        claims::Handle,
        detached,
        email::EmailAddress,
        error::Error,
        keys::Bucket,
        locale::Locale,
        outbox::{Entry, enqueue},
        throttle::Subject,
    },
    mail::LetterKind,
    store::Batch,
};

/// Who asks for a mail to an address.
#[derive(Clone, Debug, Default)]
pub struct MailRequest {
    /// The languages that the person reads, as far as the request says, the best first.
    pub languages: Vec<Locale>,
    /// Where the request comes from, if that is known.
    pub from: Option<IpAddr>,
}

impl MailRequest {
    /// Who that is, as it stands in the audit trail: what is mailed tells nobody who reads it.
    pub(in crate::accounts) fn origin(&self) -> Origin {
        Origin { actor: Actor::Anonymous, address: self.from }
    }
}

impl Accounts {
    /// Mails a link and a code to confirm the address, if somebody has it and has not confirmed it yet.
    ///
    /// # Errors
    /// [`Error::Throttled`], and the errors of the store.
    pub async fn request_verification(self: &Arc<Self>, to: EmailAddress, request: MailRequest) -> Result<(), Error> {
        self.request_mail(LetterKind::Verification, to, request).await
    }

    /// Mails a link and a code to set a new password, if somebody has the address.
    ///
    /// # Errors
    /// [`Error::Throttled`], and the errors of the store.
    pub async fn request_password_reset(self: &Arc<Self>, to: EmailAddress, request: MailRequest) -> Result<(), Error> {
        self.request_mail(LetterKind::PasswordReset, to, request).await
    }

    async fn request_mail(
        self: &Arc<Self>,
        kind: LetterKind,
        to: EmailAddress,
        request: MailRequest,
    ) -> Result<(), Error> {
        let accounts = Arc::clone(self);
        detached("request_mail", async move {
            let address = Handle::email(&to);
            let bucket = Bucket::of(address.canonical.as_bytes());
            let sender = Subject::address(request.from, Subject::MailsFrom);
            let subjects = [Subject::Mails(kind, address)].into_iter().chain(sender).collect::<Vec<_>>();
            let attempt = accounts.attempt(&subjects).await?;
            let entry = Entry::of_address(kind, &to, &request.languages, accounts.clock.now(), accounts.random);
            let mut batch = Batch::new(bucket.slot());
            enqueue(&mut batch, &entry);
            let committed = accounts.store.commit(batch).await;
            accounts.end(attempt, committed.is_ok()).await;
            accounts.mail_queued.notify_one();
            Ok(committed.map(drop)?)
        })
        .await
    }
}
