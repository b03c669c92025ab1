//! Finding what a token or a code confirms.

use super::{Confirmation, MailToken, Purpose, code::ConfirmationCode, record};
use crate::{
    accounts::{
        Accounts,
        claims::Handle,
        clock::Timestamp,
        email::EmailAddress,
        error::Error,
        keys::Home,
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
    /// once. It is noted for nobody too, and for whom no code was mailed: each is the same reads and the same commit, and
    /// those that come at once are in each other's way alike.
    async fn find_by_code(
        &self,
        email: &EmailAddress,
        code: &ConfirmationCode,
        purpose: Purpose,
    ) -> Result<Found, Error> {
        let mut retry = self.retry();
        loop {
            let user = self.find_by_handle(&Handle::email(email)).await?;
            let home = Home::of(user.map_or_else(|| UserId::of_nobody(email.canonical()), |user| user.value.id));
            let (user, found) = self.read_with_confirmation(home, purpose).await?;
            let now = self.clock.now();
            let expected = found.as_ref().map_or(Expectation::Absent, |found| Expectation::Revision(found.revision));
            let mut tried =
                found.map_or_else(|| Confirmation::of_nothing(email, now, self.random), |found| found.value);
            let is_open = tried.code.as_ref().is_some_and(|code| code.is_open(now));
            if let Some(code) = &mut tried.code {
                code.tries = code.tries.saturating_add(1);
            }
            let mut batch = Batch::new(home.slot());
            batch.expect(home.confirmation(purpose), expected);
            tried.keep(&mut batch, home, purpose);
            match self.store.commit(batch).await {
                Ok(revision) => {
                    let is_right = is_open && tried.code.as_ref().is_some_and(|tried| tried.is(code));
                    let found = good(user, Some(Stored { value: tried, revision }), purpose, now);
                    return found.filter(|_| is_right).ok_or(Error::ConfirmationInvalid);
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Takes back that a code was tried which was right, and could not be used for another reason. Where that fails, the try
    /// counts.
    pub(super) async fn untry(&self, found: &Found, purpose: Purpose) {
        let home = Home::of(found.user.value.id);
        let mut untried = found.confirmation.value.clone();
        if let Some(code) = &mut untried.code {
            code.tries = code.tries.saturating_sub(1);
        }
        let mut batch = Batch::new(home.slot());
        batch.expect(home.confirmation(purpose), Expectation::Revision(found.confirmation.revision));
        untried.keep(&mut batch, home, purpose);
        let _ = self.store.commit(batch).await;
    }

    /// The person's confirmation for a purpose, if it is good.
    async fn read_confirmation(&self, id: UserId, purpose: Purpose) -> Result<Option<Found>, Error> {
        let (user, confirmation) = self.read_with_confirmation(Home::of(id), purpose).await?;
        Ok(good(user, confirmation, purpose, self.clock.now()))
    }

    async fn read_with_confirmation(&self, home: Home, purpose: Purpose) -> Result<Read, Error> {
        let keys = [home.key(&home.user()), home.key(&home.confirmation(purpose))];
        let mut records = self.store.get_many(&keys).await?.into_iter();
        let user = match records.next().flatten() {
            Some(user) => Stored { value: records::read_user(home.id(), &user)?, revision: user.revision }.active(),
            None => None,
        };
        let confirmation = match records.next().flatten() {
            Some(found) => Some(Stored { value: record::read(&found)?, revision: found.revision }),
            None => None,
        };
        Ok((user, confirmation))
    }
}

/// A user and one of their confirmations, as they were read.
type Read = (Option<Stored<User>>, Option<Stored<Confirmation>>);

/// What was read, if it is good and about an address that the person has to do with.
fn good(
    user: Option<Stored<User>>,
    confirmation: Option<Stored<Confirmation>>,
    purpose: Purpose,
    now: Timestamp,
) -> Option<Found> {
    let (user, confirmation) = (user?, confirmation?);
    let is_good = !user.value.is_suspended(now)
        && now < confirmation.value.expires_at
        && purpose.is_about(&confirmation.value.email, &user.value, now);
    is_good.then_some(Found { user, confirmation })
}
