//! The first administrator, whom nobody can have made.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::accounts::{
    Accounts, EmailAddress, NewAccount, authority::Authority, claims::Handle, error::Error, grants::Grants,
    user::UserId,
};

/// For how long it is tried: longer than what somebody has claimed, who is not there any more, keeps others out.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long another instance is left to it in between.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// What came of making the first administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstAdmin {
    /// This user was made and sent an invitation.
    Invited(UserId),
    /// Somebody is an administrator already.
    IsThere,
    /// The address has an account, which stays what it is: whoever registered it first need not be who was meant.
    HasAccount,
}

impl Accounts {
    /// Makes an account with the role `admin` and without a password, and mails an invitation there, unless somebody is an
    /// administrator. Another instance may be about to do so, or have died while it was: that is waited for.
    ///
    /// # Errors
    /// [`Error::Throttled`], [`Error::Contended`] and the errors of the store.
    pub async fn invite_first_admin(self: &Arc<Self>, email: EmailAddress) -> Result<FirstAdmin, Error> {
        let (address, end) = (Handle::email(&email), Instant::now() + PATIENCE);
        let mut is_taken = false;
        loop {
            if self.has_admin().await? {
                return Ok(FirstAdmin::IsThere);
            }
            if is_taken {
                return Ok(FirstAdmin::HasAccount);
            }
            let account = NewAccount { grants: Grants::admin(), invite: true, ..NewAccount::of(email.clone()) };
            let refused = match self.create_user(Authority::operator(), account).await {
                Ok(user) => return Ok(FirstAdmin::Invited(user.id)),
                Err(e @ (Error::EmailTaken | Error::Throttled(_) | Error::Contended)) => e,
                Err(e) => return Err(e),
            };
            is_taken = self.is_taken(&address).await?;
            if !is_taken {
                if Instant::now() > end {
                    return Err(refused);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{ThrottleSettings, clock::SystemClock, testing, throttle::Subject};
    use crate::mail::LetterKind;

    #[tokio::test]
    async fn it_is_tried_for_a_while_where_nobody_can_be_invited() {
        let mails_per_address = "1/1h".parse().unwrap();
        let throttle = ThrottleSettings { mails_per_address, ..ThrottleSettings::default() };
        let accounts = testing::accounts_with(Arc::new(SystemClock), throttle).await;
        let ada = EmailAddress::parse("ada@example.com").unwrap();
        let mails = [Subject::Mails(LetterKind::Invitation, Handle::email(&ada))];
        let invited = accounts.attempt(&mails).await.unwrap();
        accounts.end(invited, true).await;
        tokio::time::pause();
        let begun = Instant::now();
        assert!(matches!(accounts.invite_first_admin(ada).await, Err(Error::Throttled(_))));
        assert!((PATIENCE..PATIENCE + 2 * LOOK_AGAIN).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
}
