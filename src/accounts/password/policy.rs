//! Which passwords may be chosen. It is asked when somebody chooses one, and never when they sign in: a password that
//! was good enough once stays good.

use super::{Advice, InvalidPassword, NewPassword, strength::Context};
use crate::accounts::{Accounts, email::EmailAddress, error::Error, profile::DisplayName, username::Username};

/// What a new password must be.
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    /// The least number of code points: at least [`NewPassword::MIN`].
    pub min_length: usize,
    /// The least score of zxcvbn: 0 to 4. With 0, nothing is too easy to guess.
    pub min_score: u32,
}

/// Why a password that has the right form may not be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitPassword {
    /// Its length is not one that a password may have.
    #[error(transparent)]
    Length(#[from] InvalidPassword),
    /// Too few guesses find it.
    #[error("is too easy to guess. {0}")]
    TooGuessable(Advice),
    /// Somebody lost it, and it was published since.
    #[error(
        "is known from a data breach, so whoever tries passwords would try it. Choose one that you use nowhere else."
    )]
    Breached,
}

impl PasswordSettings {
    /// Whether a password is long enough.
    ///
    /// # Errors
    /// [`InvalidPassword::TooShort`] when it is not.
    pub fn check_length(&self, password: &NewPassword) -> Result<(), InvalidPassword> {
        let least = self.min_length;
        if password.as_str().chars().count() < least { Err(InvalidPassword::TooShort(least)) } else { Ok(()) }
    }
}

/// Who chooses a password, as far as somebody would know who guesses it.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) struct Chooser<'a> {
    pub(in crate::accounts) email: &'a EmailAddress,
    pub(in crate::accounts) username: Option<&'a Username>,
    pub(in crate::accounts) name: Option<&'a DisplayName>,
}

impl Chooser<'_> {
    fn words(&self) -> impl Iterator<Item = &str> {
        let (email, username, name) = (self.email.as_str(), self.username, self.name);
        [Some(email), username.map(Username::as_str), name.map(DisplayName::as_str)].into_iter().flatten()
    }
}

impl Accounts {
    /// Decides whether these people may have this password: all who they are and will be. No store and no hash is needed
    /// for it. Whether it is known from a breach is asked last, since that may take a while.
    ///
    /// # Errors
    /// [`Error::UnfitPassword`].
    pub(in crate::accounts) async fn check_new_password(
        &self,
        password: &NewPassword,
        choosers: &[Chooser<'_>],
    ) -> Result<(), Error> {
        let settings = &self.settings.passwords;
        settings.check_length(password).map_err(UnfitPassword::from)?;
        if settings.min_score > 0 {
            let service = self.settings.tokens.issuer.split("://").last();
            let words = choosers.iter().flat_map(Chooser::words).chain(service);
            let strength = Context::new(words, self.clock.now().year()).estimate(password.as_str());
            if strength.score < settings.min_score {
                return Err(UnfitPassword::TooGuessable(strength.advice).into());
            }
        }
        if self.breaches.know(password.as_str().as_bytes()).await {
            return Err(UnfitPassword::Breached.into());
        }
        Ok(())
    }
}
