//! The letters that a change of one's own account sends.

use super::UserPatch;
use crate::{
    accounts::{
        Accounts,
        claims::Handle,
        clock::Timestamp,
        confirmations::Purpose,
        keys::Home,
        locale::Locale,
        outbox::{Entry, enqueue},
        throttle::Subject,
        user::User,
    },
    mail::LetterKind,
    store::Batch,
};

impl Accounts {
    /// Whether another address of this user waits until they have shown that it is theirs: it must not take the place of
    /// one that was shown to be.
    pub(super) fn waits_for_confirmation(&self, user: &User) -> bool {
        self.settings.confirmations.required || user.email_verified
    }

    /// Whom a patch counts for as asking for a mail, if it does.
    pub(super) fn mailing(&self, user: &User, patch: &UserPatch) -> Vec<Subject> {
        match patch.new_email(user).filter(|_| self.waits_for_confirmation(user)) {
            Some(address) => {
                vec![Subject::Mails(LetterKind::EmailChange, Handle::email(address)), Subject::MailsBy(user.id)]
            }
            None => Vec::new(),
        }
    }

    /// Adds to `batch` the letters of a patch that makes `user` into `next`. Answers whether there are any.
    pub(super) fn add_letters(
        &self,
        batch: &mut Batch,
        user: &User,
        next: &User,
        patch: &UserPatch,
        languages: &[Locale],
        now: Timestamp,
    ) -> bool {
        let letter = |kind, to| Entry::of_user(kind, user.id, to, languages, now, self.random);
        let mut letters = Vec::new();
        let wanted = patch.new_email(user).and(next.pending_email.as_ref());
        if wanted.is_some() || next.pending_email != user.pending_email {
            // Also when no other letter comes, which is for somebody else to know.
            batch.delete(Home::of(user.id).confirmation(Purpose::Verification));
        }
        if let Some(address) = wanted {
            letters.push(letter(LetterKind::EmailChange, address));
        }
        if next.password_hash != user.password_hash {
            // Who asked for a new password and remembered the old one has no use for the link any more.
            batch.delete(Home::of(user.id).confirmation(Purpose::Reset));
            if user.email_verified {
                letters.push(letter(LetterKind::PasswordChanged, &user.email));
            }
        }
        for letter in &letters {
            enqueue(batch, letter);
        }
        !letters.is_empty()
    }
}
