//! Confirmations: what was mailed to an address, and lets whoever reads it there do something.
//!
//! A letter holds a token for a link, and sometimes a code for people who read it on another device. Of both the store
//! has digests only, in the slot of the person: so using one is part of the commit that it allows, and works once. There
//! is one confirmation for each purpose, so a new one ends the older one. Each is for one address, and is good only while
//! the person has to do with that address in the way it was mailed for.
//!
//! What is wrong, used, too old, or meant for something else is all one to a client: [`Error::ConfirmationInvalid`].
//!
//! [`Error::ConfirmationInvalid`]: super::Error::ConfirmationInvalid

mod code;
mod find;
pub(super) mod record;
mod request;
mod reset;
#[cfg(test)]
mod tests;
mod token;
mod undo;
mod verify;

use std::{fmt, str::FromStr, time::Duration};

use self::code::CodeRecord;
pub(super) use self::record::{Confirmation, read};
pub use self::{code::ConfirmationCode, find::Proof, request::MailRequest, token::MailToken};
use super::{
    Accounts, clock::Timestamp, digest::Digest, email::EmailAddress, outbox::MailId, random::Random, user::User,
};
use crate::mail::LetterKind;

/// How long a code is good. Six digits can be guessed, so it is not for longer, and not for more than
/// [`TRIES`](code::TRIES) tries.
const CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What an operator decides about confirmations.
#[derive(Clone, Debug)]
pub struct ConfirmationSettings {
    /// Whether only who has confirmed the address of the account may sign in.
    pub required: bool,
    /// How long a link to confirm an address is good.
    pub verification_lifetime: Duration,
    /// How long a link to set a new password is good.
    pub reset_lifetime: Duration,
    /// How long the link of an invitation is good.
    pub invitation_lifetime: Duration,
}

/// What a confirmation allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Showing that an address is one's own.
    Verification,
    /// Setting a new password.
    Reset,
    /// Having the former address back.
    Undo,
}

impl Purpose {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Verification, Self::Reset, Self::Undo];

    fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Reset => "reset",
            Self::Undo => "undo",
        }
    }

    /// Until when a link that is made now is good.
    fn link_until(self, user: &User, now: Timestamp, settings: &ConfirmationSettings) -> Timestamp {
        match self {
            Self::Verification => now.plus(settings.verification_lifetime),
            Self::Reset => now.plus(settings.reset_lifetime),
            Self::Undo => user.previous_email.as_ref().map_or(now, |previous| previous.until),
        }
    }

    /// Whether the address is what the confirmation is about, as the person is now.
    fn is_about(self, address: &EmailAddress, user: &User, now: Timestamp) -> bool {
        let is = |other: &EmailAddress| other.is_same_mailbox(address);
        match self {
            Self::Verification => is(&user.email) || user.pending_email.as_ref().is_some_and(is),
            Self::Reset => is(&user.email),
            Self::Undo => {
                user.previous_email.as_ref().is_some_and(|previous| previous.is_good(now) && is(&previous.address))
            }
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such purpose.
#[derive(Debug)]
pub(super) struct UnknownPurpose;

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(name: &str) -> Result<Self, UnknownPurpose> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name).ok_or(UnknownPurpose)
    }
}

impl Confirmation {
    /// What nothing that was mailed confirms.
    fn of_nothing(email: &EmailAddress, now: Timestamp, random: Random) -> Self {
        let expires_at = now.plus(CODE_LIFETIME);
        let code = Some(CodeRecord::of_nothing(expires_at, random));
        Self { email: email.clone(), secret: Digest::of(&random.bytes::<32>()), code, mail: None, expires_at }
    }

    /// Makes this the confirmation of a mail in place of the former one. A mail that is tried again gives no more tries to
    /// guess its code. False when the former one is of a later mail.
    pub(super) fn replaces(&mut self, former: Option<&Self>, mail: MailId) -> bool {
        self.mail = Some(mail);
        let same = former.filter(|former| former.mail == self.mail).and_then(|former| former.code.as_ref());
        if let (Some(code), Some(same)) = (&mut self.code, same) {
            code.tries = same.tries;
        }
        former.is_none_or(|former| former.mail <= self.mail)
    }

    /// Makes what is kept and what is mailed: the token, and the code with its end if the letter has one. What nobody is
    /// told, somebody could still guess.
    pub(super) fn make(
        purpose: Purpose,
        kind: LetterKind,
        user: &User,
        email: EmailAddress,
        now: Timestamp,
        accounts: &Accounts,
    ) -> (Self, MailToken, Option<(ConfirmationCode, Timestamp)>) {
        let random = accounts.random;
        let (token, secret) = MailToken::make(user.id, random);
        let settings = &accounts.settings.confirmations;
        let expires_at = match kind {
            // Whoever is invited did not ask for it, and does not wait for the letter.
            LetterKind::Invitation => now.plus(settings.invitation_lifetime),
            _ => purpose.link_until(user, now, settings),
        };
        let (code, record) = kind
            .has_code()
            .then(|| {
                let code = ConfirmationCode::make(random);
                let until = now.plus(CODE_LIFETIME).min(expires_at);
                let record = CodeRecord::of(&code, until, random);
                ((code, until), record)
            })
            .unzip();
        (Self { email, secret, code: record, mail: None, expires_at }, token, code)
    }
}
