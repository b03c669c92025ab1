//! Finding what a token or a code confirms.

use super::{Confirmation, MailToken, Purpose, code::ConfirmationCode, record};
use crate::{
    accounts::{
        Accounts,
        claims::Handle,
        email::EmailAddress,
        error::Error,
        keys::{Bucket, Home},
        records,
        user::{Stored, User, UserId},
    },
    store::{Batch, CommitError, Expectation},
};

/// What somebody shows who has read a letter.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The token of the link.
    Token(MailToken),
    /// The code, and the address that the account has.
    Code {
        /// The address.
        email: EmailAddress,
        /// The code.
        code: ConfirmationCode,
    },
}

/// What was found: it is good, and about an address that the person has to do with.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) user: Stored<User>,
    pub(super) confirmation: Stored<Confirmation>,
}

impl Found {
    /// A commit that uses the confirmation up, of the person as they were read.
    pub(super) fn use_up(&self, purpose: Purpose) -> Batch {
        let home = Home::of(self.user.value.id);
        let mut batch = Batch::new(home.slot());
        batch.expect(home.user(), Expectation::Revision(self.user.revision));
        batch.expect(home.confirmation(purpose), Expectation::Revision(self.confirmation.revision));
        batch.delete(home.confirmation(purpose));
        batch
    }
}

impl Accounts {
    /// Finds what is confirmed.
    ///
    /// # Errors
    /// [`Error::ConfirmationInvalid`], [`Error::Contended`] and the errors of the store.
    pub(super) async fn find_confirmation(&self, proof: &Proof, purpose: Purpose) -> Result<Found, Error> {
        match proof {
            Proof::Token(token) => {
                let (user, secret) = token.parts().ok_or(Error::ConfirmationInvalid)?;
                let found = self.read_confirmation(user, purpose).await?;
                found.filter(|found| found.confirmation.value.secret == secret).ok_or(Error::ConfirmationInvalid)
            }
            Proof::Code { email, code } => self.find_by_code(email, code, purpose).await,
        }
    }

    /// Reads again what has changed meanwhile.
    ///
    /// # Errors
    /// [`Error::ConfirmationInvalid`] when it is used up, or there is another one; and the errors of the store.
    pub(super) async fn find_again(&self, found: &Found, purpose: Purpose) -> Result<Found, Error> {
        let again = self.read_confirmation(found.user.value.id, purpose).await?;
        let is_same = |again: &Found| again.confirmation.value.secret == found.confirmation.value.secret;
        again.filter(is_same).ok_or(Error::ConfirmationInvalid)
    }

    /// A try is noted before the code is compared: so there are no more of them than there may be, however many come at
    /// once. One for nobody, or for whom no code was mailed, makes as many round trips and as much of a commit.
    async fn find_by_code(
        &self,
        email: &EmailAddress,
        code: &ConfirmationCode,
        purpose: Purpose,
    ) -> Result<Found, Error> {
        let mut retry = self.retry();
        loop {
            let user = self.find_by_handle(&Handle::email(email)).await?;
            let id = user.map_or(UserId::NIL, |user| user.value.id);
            let mut found = self.read_confirmation(id, purpose).await?.filter(|found| {
                found.confirmation.value.code.as_ref().is_some_and(|code| code.is_open(self.clock.now()))
            });
            let committed = match &mut found {
                Some(found) => {
                    let home = Home::of(id);
                    let Stored { value, revision } = &mut found.confirmation;
                    if let Some(code) = &mut value.code {
                        code.tries += 1;
                    }
                    let mut batch = Batch::new(home.slot());
                    batch.expect(home.confirmation(purpose), Expectation::Revision(*revision));
                    value.keep(&mut batch, home, purpose);
                    let committed = self.store.commit(batch).await;
                    committed.map(|written| *revision = written)
                }
                None => self.store.commit(decoy(email, purpose)).await.map(drop),
            };
            match committed {
                Ok(()) => {
                    let is_right = |found: &Found| found.confirmation.value.code.as_ref().is_some_and(|c| c.is(code));
                    return found.filter(is_right).ok_or(Error::ConfirmationInvalid);
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The person's confirmation for a purpose, if it is good and about an address that they have to do with.
    async fn read_confirmation(&self, id: UserId, purpose: Purpose) -> Result<Option<Found>, Error> {
        let (home, now) = (Home::of(id), self.clock.now());
        let keys = [home.key(&home.user()), home.key(&home.confirmation(purpose))];
        let Ok([user, confirmation]) = <[_; 2]>::try_from(self.store.get_many(&keys).await?) else { return Ok(None) };
        let (Some(user), Some(confirmation)) = (user, confirmation) else { return Ok(None) };
        let user = Stored { value: records::read_user(id, &user)?, revision: user.revision }.active();
        let confirmation = Stored { value: record::read(&confirmation)?, revision: confirmation.revision };
        let is_good = |user: &Stored<User>| {
            let confirmation = &confirmation.value;
            let is_about = purpose.is_about(&confirmation.email, &user.value, now);
            user.value.suspended_at.is_none() && now < confirmation.expires_at && is_about
        };
        let user = user.filter(is_good);
        Ok(user.map(|user| Found { user, confirmation }))
    }
}

/// A commit that leaves nothing behind.
fn decoy(email: &EmailAddress, purpose: Purpose) -> Batch {
    let mut batch = Batch::new(Bucket::of(email.canonical().as_bytes()).slot());
    let name = Home::of(UserId::NIL).confirmation(purpose);
    batch.put_until(name.clone(), crate::store::Fields::new(), 0).delete(name);
    batch
}
