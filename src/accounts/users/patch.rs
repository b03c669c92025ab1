//! Changing a user: the patch is applied in memory, what it claims is claimed, and one commit writes it all.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::change::Change;
use crate::{
    accounts::{
        Accounts,
        claims::{Difference, Gains},
        clock::Timestamp,
        detached,
        email::EmailAddress,
        error::Error,
        hashing::{PasswordHash, Verdict},
        keys::Home,
        locale::Locale,
        password::{Chooser, NewPassword, Password},
        profile::{DisplayName, Metadata, MetadataTooLarge},
        sessions::Scope,
        throttle::Subject,
        token::SignedIn,
        user::{OperationId, User},
        username::Username,
    },
    store::{Batch, CommitError, Expectation},
};

/// A JSON merge patch (RFC 7396) of a user, parsed.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    /// The new username.
    pub username: Change<Username>,
    /// The new display name.
    pub name: Change<DisplayName>,
    /// The new language.
    pub locale: Change<Locale>,
    /// A merge patch of the metadata.
    pub metadata: Change<Map<String, Value>>,
    /// Changes that need the current password.
    pub guarded: Option<GuardedPatch>,
}

/// A patch, and what it depends on.
#[derive(Clone, Debug)]
pub struct PatchRequest {
    /// What is to change.
    pub patch: UserPatch,
    /// The versions that it is meant for.
    pub expected: VersionMatch,
    /// The languages that the person reads, as far as the request says, the best first.
    pub languages: Vec<Locale>,
}

/// The part of a patch that only somebody who knows the current password may make. A password that is given is checked,
/// whether or not anything depends on it.
#[derive(Clone, Debug)]
pub struct GuardedPatch {
    /// The password as it is.
    pub current_password: Password,
    /// The new email address.
    pub email: Option<EmailAddress>,
    /// The new password. It ends every other session.
    pub password: Option<NewPassword>,
}

/// The versions of a user that a change is meant for (`If-Match`, RFC 9110, 13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionMatch {
    /// Whatever it is.
    Any,
    /// One of these.
    OneOf(Vec<u64>),
}

impl VersionMatch {
    pub(super) fn check(&self, user: &User) -> Result<(), Error> {
        self.check_version(Some(user.version))
    }

    /// Checks the version of what is there, if anything is.
    pub(in crate::accounts) fn check_version(&self, version: Option<u64>) -> Result<(), Error> {
        match (self, version) {
            (Self::OneOf(_), None) => Err(Error::VersionMismatch),
            (Self::OneOf(versions), Some(version)) if !versions.contains(&version) => Err(Error::VersionMismatch),
            _ => Ok(()),
        }
    }
}

impl UserPatch {
    /// Who chooses a new password with it: the user as they are, and as they will be.
    pub(super) fn choosers<'a>(&'a self, user: &'a User) -> [Chooser<'a>; 2] {
        let now = Chooser { email: &user.email, username: user.username.as_ref(), name: user.name.as_ref() };
        let email = self.guarded.as_ref().and_then(|guarded| guarded.email.as_ref()).unwrap_or(&user.email);
        [Chooser { email, username: self.username.as_set(), name: self.name.as_set() }, now]
    }

    /// The address that it gives the user instead of theirs, if it does.
    pub(super) fn new_email(&self, user: &User) -> Option<&EmailAddress> {
        let email = self.guarded.as_ref()?.email.as_ref()?;
        (!email.is_same_mailbox(&user.email)).then_some(email)
    }

    /// The user after this patch: another version of them if anything that a client sees has changed. Another address
    /// `waits` until the person has shown that it is theirs, or is theirs at once.
    pub(super) fn apply(
        &self,
        user: &User,
        password_hash: Option<&PasswordHash>,
        waits: bool,
        op: OperationId,
        now: Timestamp,
    ) -> Result<User, MetadataTooLarge> {
        let mut next = user.clone();
        next.name = self.name.apply(user.name.as_ref());
        next.locale = self.locale.apply(user.locale.as_ref());
        next.username = self.username.apply(user.username.as_ref());
        next.metadata = match &self.metadata {
            Change::Keep => next.metadata,
            Change::Clear => Metadata::default(),
            Change::Set(patch) => user.metadata.merge(patch)?,
        };
        if let Some(email) = self.guarded.as_ref().and_then(|guarded| guarded.email.as_ref()) {
            let waiting = self.new_email(user).filter(|_| waits);
            if waiting.is_none() {
                next.change_email(email.clone(), op);
            }
            next.pending_email = waiting.cloned();
        } else if password_hash.is_some() {
            // Whoever knew the old password may have asked for it.
            next.pending_email = None;
        }
        if next != *user {
            next.note_change(now);
        }
        // What follows, a client does not see.
        let (old_name, new_name) = (user.username.as_ref(), next.username.as_ref());
        let renamed = old_name.map(Username::canonical) != new_name.map(Username::canonical);
        if renamed {
            next.username_op = new_name.map(|_| op);
            next.fence += 1;
        }
        if let Some(hash) = password_hash {
            next.password_hash = hash.clone();
        }
        Ok(next)
    }
}

impl Accounts {
    /// Changes the user who is signed in, all of it or nothing. Another email address is only noted, and a letter goes
    /// there, when the present one was shown to be theirs or has to be: it is theirs once they have
    /// [confirmed](Self::confirm_email) it.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] when the user is in no version that is expected; [`Error::UnfitPassword`];
    /// [`Error::CurrentPasswordIncorrect`];
    /// [`Error::EmailTaken`], [`Error::UsernameTaken`], [`Error::MetadataTooLarge`]; [`Error::TokenInvalid`] when the
    /// session has ended meanwhile; [`Error::Throttled`] after too many wrong passwords; [`Error::Overloaded`],
    /// [`Error::Contended`] and the errors of the store.
    pub async fn patch_user(self: &Arc<Self>, who: SignedIn, request: PatchRequest) -> Result<User, Error> {
        let accounts = Arc::clone(self);
        let (id, origin) = (who.user().id, who.origin());
        let subject = request.patch.guarded.as_ref().map(|_| Subject::User(id));
        detached("patch_user", async move {
            let work = Box::pin(accounts.run_patch(who, &request));
            let outcome = accounts.trying(subject.as_slice(), work).await;
            if let Err(Error::CurrentPasswordIncorrect) = outcome {
                accounts.note_failed_reauthentication(id, origin);
            }
            outcome
        })
        .await
    }

    async fn run_patch(&self, who: SignedIn, request: &PatchRequest) -> Result<User, Error> {
        let PatchRequest { patch, expected, .. } = request;
        expected.check(who.user())?;
        let mut new_hash = None;
        if let Some(guarded) = &patch.guarded {
            if let Some(password) = &guarded.password {
                self.check_new_password(password, &patch.choosers(who.user())).await?;
            }
            self.check_current_password(guarded, who.user()).await?;
            if let Some(password) = &guarded.password {
                new_hash = Some(self.hasher.hash(password.to_password()).await?);
            }
        }
        let mailing = self.attempt(&self.mailing(who.user(), patch)).await?;
        let op = OperationId::new(self.random);
        let mut gains = Gains::new();
        let outcome = self.apply_until_it_sticks(who, request, new_hash, op, &mut gains).await;
        self.end(mailing, outcome.is_ok()).await;
        self.settle_gains(&gains, &outcome).await;
        outcome
    }

    async fn apply_until_it_sticks(
        &self,
        mut who: SignedIn,
        request: &PatchRequest,
        new_hash: Option<PasswordHash>,
        op: OperationId,
        gains: &mut Gains,
    ) -> Result<User, Error> {
        let PatchRequest { patch, languages, .. } = request;
        let mut retry = self.retry();
        loop {
            let user = who.user();
            let now = self.clock.now();
            let home = Home::of(user.id);
            let mut batch = Batch::new(home.slot());
            let waits = self.waits_for_confirmation(user);
            let next = patch.apply(user, new_hash.as_ref(), waits, op, now);
            let mut next = next.map_err(|_| Error::MetadataTooLarge)?;
            let has_letters = self.add_letters(&mut batch, user, &next, patch, languages, now);
            if !has_letters && next == *user {
                return Ok(next);
            }
            let Difference { gained, lost } = Difference::between(user, &next);
            match self.claim_gains(user, gained, op, now, gains).await {
                Ok(()) => {}
                // It may be this very person who has it by now, through another request.
                Err(taken @ (Error::EmailTaken | Error::UsernameTaken)) => {
                    let latest = self.look_again(&who, request).await?;
                    if latest.user.revision == who.user.revision {
                        return Err(taken);
                    }
                    who = latest;
                    retry.pause().await?;
                    continue;
                }
                Err(e) => return Err(e),
            }
            batch.expect(home.user(), Expectation::Revision(who.user.revision));
            if new_hash.is_some() {
                self.add_end_of_sessions(&mut batch, &mut next, &who, Scope::Others).await?;
            } else {
                batch.expect(home.session(who.session().id), Expectation::Exists);
            }
            self.note_changes(&mut batch, user, &next, who.origin(), now);
            super::write(&mut batch, Some(user), &next);
            match self.store.commit(batch).await {
                Ok(_) => {
                    if has_letters {
                        self.mail_queued.notify_one();
                    }
                    for (handle, op) in lost {
                        self.release(&handle, next.id, op).await;
                    }
                    return Ok(next);
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            who = self.look_again(&who, request).await?;
        }
    }

    /// Reads the person again, who has changed, and checks again what the change depends on.
    async fn look_again(&self, who: &SignedIn, request: &PatchRequest) -> Result<SignedIn, Error> {
        let PatchRequest { patch, expected, .. } = request;
        let latest = self.reload(who).await?;
        expected.check(latest.user())?;
        let has_new_password = latest.user().password_hash != who.user().password_hash;
        if let Some(guarded) = patch.guarded.as_ref().filter(|_| has_new_password) {
            self.check_current_password(guarded, latest.user()).await?;
        }
        Ok(latest)
    }

    async fn check_current_password(&self, guarded: &GuardedPatch, user: &User) -> Result<(), Error> {
        let verdict = self.hasher.verify(guarded.current_password.clone(), Some(user.password_hash.clone()));
        match verdict.await? {
            Verdict::Wrong => Err(Error::CurrentPasswordIncorrect),
            Verdict::Right | Verdict::RightButOutdated => Ok(()),
        }
    }
}
