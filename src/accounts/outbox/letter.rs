//! From an entry to a letter: who has to do with the address now, and the secret that is made for them.

use zeroize::Zeroizing;

use super::entry::Entry;
use crate::{
    accounts::{
        Accounts,
        claims::Handle,
        confirmations::{self, Confirmation, Purpose},
        email::EmailAddress,
        error::Error,
        keys::Home,
        user::{Stored, User},
    },
    mail::{Letter, LetterKind, LetterSecret},
    store::{Batch, CommitError, Expectation},
};

/// Who gets a letter, and which.
struct Addressee {
    user: Stored<User>,
    /// As it is stored: what somebody typed may only be the same to us, and another mailbox to the rest of the world.
    to: EmailAddress,
    kind: LetterKind,
}

/// What a letter lets its reader do.
fn purpose(kind: LetterKind) -> Option<Purpose> {
    match kind {
        LetterKind::Verification | LetterKind::EmailChange => Some(Purpose::Verification),
        LetterKind::PasswordReset | LetterKind::Invitation => Some(Purpose::Reset),
        LetterKind::EmailChanged => Some(Purpose::Undo),
        LetterKind::AlreadyRegistered | LetterKind::EmailReplaced | LetterKind::PasswordChanged => None,
    }
}

impl Accounts {
    /// Writes the letter of an entry, and keeps the digest of its secret. None when nobody needs it any more.
    pub(super) async fn write_letter(&self, entry: &Entry) -> Result<Option<Letter>, Error> {
        let mut retry = self.retry();
        loop {
            let Some(Addressee { user, to, kind }) = self.addressee(entry).await? else { return Ok(None) };
            let now = self.clock.now();
            let languages = user.value.locale.iter().chain(&entry.languages).map(ToString::to_string).collect();
            let mut letter =
                Letter { id: entry.id.to_string(), to: to.as_str().to_owned(), kind, languages, secret: None };
            let Some(purpose) = purpose(kind) else { return Ok(Some(letter)) };
            let (mut confirmation, token, code) = Confirmation::make(purpose, kind, &user.value, to, now, self);
            let home = Home::of(user.value.id);
            let found = self.store.get(&home.key(&home.confirmation(purpose))).await?;
            let former = found.as_ref().map(confirmations::read).transpose()?;
            if !confirmation.replaces(former.as_ref(), entry.id) {
                return Ok(None);
            }
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(user.revision));
            let expected = found.map_or(Expectation::Absent, |found| Expectation::Revision(found.revision));
            batch.expect(home.confirmation(purpose), expected);
            confirmation.keep(&mut batch, home, purpose);
            match self.store.commit(batch).await {
                Ok(_) => {
                    let token_lasts = now.until(confirmation.expires_at);
                    let code = code
                        .map(|(code, expires_at)| (Zeroizing::new(code.reveal().to_owned()), now.until(expires_at)));
                    letter.secret =
                        Some(LetterSecret { token: Zeroizing::new(token.reveal().to_owned()), token_lasts, code });
                    return Ok(Some(letter));
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Finds out whom an entry is for, as things are now.
    async fn addressee(&self, entry: &Entry) -> Result<Option<Addressee>, Error> {
        let user = match entry.user {
            Some(id) => self.find_user(id).await?.and_then(Stored::active),
            None => self.find_holder(&Handle::email(&entry.to)).await?,
        };
        let Some(user) = user else { return Ok(None) };
        let User { email, email_verified, pending_email, previous_email, .. } = &user.value;
        let now = self.clock.now();
        let is_suspended = user.value.is_suspended(now);
        let is = |other: &EmailAddress| other.canonical() == entry.to.canonical();
        // Nobody who is suspended is asked to do something that they may not do. What has happened they are told.
        let own = Some(email.clone()).filter(|own| is(own) && !is_suspended);
        let pending = pending_email.clone().filter(|pending| is(pending) && !is_suspended);
        let former = previous_email.as_ref().filter(|previous| previous.is_good(now)).map(|p| p.address.clone());
        let former = former.filter(is);
        let (kind, to) = match entry.kind {
            LetterKind::EmailChange => {
                let owner = self.find_by_handle(&Handle::email(&entry.to)).await?;
                if let Some(owner) = owner.filter(|owner| owner.value.id != user.value.id) {
                    let to = owner.value.email.clone();
                    let is_told = pending.is_some() && !owner.value.is_suspended(now);
                    let told = Addressee { user: owner, to, kind: LetterKind::AlreadyRegistered };
                    return Ok(is_told.then_some(told));
                }
                (entry.kind, pending)
            }
            LetterKind::Verification => (entry.kind, own.filter(|_| !email_verified)),
            // Somebody wants an address that an account has, or can have back.
            LetterKind::AlreadyRegistered if own.is_none() => (LetterKind::EmailChanged, former),
            LetterKind::PasswordReset | LetterKind::Invitation | LetterKind::AlreadyRegistered => (entry.kind, own),
            LetterKind::EmailChanged => (entry.kind, former),
            LetterKind::EmailReplaced | LetterKind::PasswordChanged => (entry.kind, Some(entry.to.clone())),
        };
        Ok(to.map(|to| Addressee { user, to, kind }))
    }
}
