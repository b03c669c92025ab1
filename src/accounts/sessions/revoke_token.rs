//! Revoking a token (RFC 7009): whoever has it may end its session.

use std::net::IpAddr;

use crate::accounts::{
    Accounts,
    error::Error,
    token::{AccessToken, RefreshToken, SignedIn},
};

impl Accounts {
    /// Ends the session of an access token or a refresh token that came from `address`, also of a refresh token that was used before. A token
    /// that stands for no session has nothing to end.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_token(&self, text: &str, address: Option<IpAddr>) -> Result<(), Error> {
        let refresh = RefreshToken::new(text);
        let who = match self.session_of_refresh(&refresh, address).await? {
            Some(who) => Some(who),
            None => self.session_of(&AccessToken::new(text), address).await?,
        };
        match who {
            Some(who) => self.sign_out(&who).await,
            None => Ok(()),
        }
    }

    /// The session that a refresh token is of, whether or not it is used up.
    async fn session_of_refresh(
        &self,
        token: &RefreshToken,
        address: Option<IpAddr>,
    ) -> Result<Option<SignedIn>, Error> {
        let Some(parts) = token.parts() else { return Ok(None) };
        let who = self.load(parts.user, parts.session, address).await?;
        Ok(who.filter(|who| who.session().refresh.is_of(&parts)))
    }
}
