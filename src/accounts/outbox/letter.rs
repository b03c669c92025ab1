//! From an entry to a letter: who has to do with the address now, and the secret that is made for them.

use zeroize::Zeroizing;

use super::entry::Entry;
use crate::{
    accounts::{
        Accounts,
        claims::Handle,
        confirmations::{Confirmation, Purpose},
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
        LetterKind::Verification => Some(Purpose::Verification),
        LetterKind::PasswordReset | LetterKind::AlreadyRegistered => Some(Purpose::Reset),
        LetterKind::EmailChanged => Some(Purpose::Undo),
        LetterKind::EmailReplaced | LetterKind::PasswordChanged => None,
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
            let (confirmation, token, code) = Confirmation::make(purpose, kind.has_code(), &user.value, to, now, self);
            let home = Home::of(user.value.id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(user.revision));
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
        let address = Handle::email(&entry.to);
        let user = match entry.user {
            Some(id) => self.find_user(id).await?.and_then(Stored::active),
            None => self.find_by_handle(&address).await?,
        };
        let gets_mail = |user: &Stored<User>| user.value.suspended_at.is_none();
        let Some(user) = user.filter(gets_mail) else { return Ok(None) };
        let is = |other: &EmailAddress| other.canonical() == entry.to.canonical();
        let is_own = is(&user.value.email);
        let pending = user.value.pending_email.clone().filter(is);
        let to = match entry.kind {
            LetterKind::Verification if pending.is_some() && entry.user.is_some() => {
                if let Some(owner) = self.find_by_handle(&address).await? {
                    let to = owner.value.email.clone();
                    let owner = Some(owner).filter(gets_mail);
                    return Ok(owner.map(|user| Addressee { user, to, kind: LetterKind::AlreadyRegistered }));
                }
                pending
            }
            LetterKind::Verification => Some(user.value.email.clone()).filter(|_| is_own && !user.value.email_verified),
            LetterKind::PasswordReset | LetterKind::AlreadyRegistered => {
                Some(user.value.email.clone()).filter(|_| is_own)
            }
            LetterKind::EmailChanged => {
                let previous = user.value.previous_email.as_ref().filter(|previous| previous.until > self.clock.now());
                previous.map(|previous| previous.address.clone()).filter(is)
            }
            LetterKind::EmailReplaced | LetterKind::PasswordChanged => Some(entry.to.clone()),
        };
        Ok(to.map(|to| Addressee { user, to, kind: entry.kind }))
    }
}
