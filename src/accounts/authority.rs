//! Who acts, from where, and what they may do to others.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    Accounts,
    api_keys::{ApiKeyId, ApiKeyText},
    capability::{Capability, capabilities},
    error::Error,
    token::SignedIn,
    user::{SessionId, User, UserId},
};

/// Who does something, as it stands in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, in one of their sessions.
    User(UserId, SessionId),
    /// A service, by its API key.
    ApiKey(ApiKeyId),
    /// Whoever runs the command line beside the store.
    Operator,
    /// Somebody who is not signed in, such as with a link that was mailed.
    Anonymous,
}

/// Who does something and from where, as far as the request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// The address of the client.
    pub address: Option<IpAddr>,
}

/// Somebody who acts on others, and what they may do.
#[derive(Clone, Debug)]
pub struct Authority {
    pub(super) origin: Origin,
    pub(super) capabilities: BTreeSet<Capability>,
    /// Whether they are an administrator, or may do all that one may.
    is_admin: bool,
}

impl Authority {
    /// Whoever can reach the store may do everything.
    #[must_use]
    pub fn operator() -> Self {
        let origin = Origin { actor: Actor::Operator, address: None };
        Self { origin, capabilities: Capability::ALL.into(), is_admin: true }
    }

    /// Who it is, and from where.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Checks that this is somebody else. What changes hands or goes for good needs the password of one's own account, which
    /// is not asked for here.
    pub(super) fn expect_another(&self, user: UserId) -> Result<(), Error> {
        match self.origin.actor {
            Actor::User(own, _) if own == user => Err(Error::OwnAccount),
            _ => Ok(()),
        }
    }

    /// Checks that they may act on this user: patch, suspend or delete them, end their sessions, have them asked for a new
    /// password. Nobody does that to a user who may do something at Latchkey that they may not themselves: by a change of
    /// address they could be that user.
    pub(super) fn may_act_on(&self, user: &User) -> Result<(), Error> {
        self.may_give(&user.capabilities())?;
        if user.has_admin_role() { self.needs_admin() } else { Ok(()) }
    }

    /// Checks that they may give the role `admin`, and act on somebody who has it: only an administrator and the operator
    /// may, and no API key, whatever its scopes.
    pub(super) fn needs_admin(&self) -> Result<(), Error> {
        if self.is_admin { Ok(()) } else { Err(Error::AdminNeeded) }
    }

    /// Checks that they may give these to somebody, who could do what they may not do themselves.
    pub(super) fn may_give(&self, capabilities: &BTreeSet<Capability>) -> Result<(), Error> {
        capabilities.iter().try_for_each(|capability| self.needs(*capability))
    }

    /// Checks that they may do this, before anything costs something.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or, of an API key, [`Error::InsufficientScope`].
    pub fn needs(&self, capability: Capability) -> Result<(), Error> {
        if self.capabilities.contains(&capability) {
            return Ok(());
        }
        Err(match self.origin.actor {
            Actor::ApiKey(_) => Error::InsufficientScope(capability),
            Actor::User(..) | Actor::Operator | Actor::Anonymous => Error::PermissionDenied(capability),
        })
    }
}

impl Accounts {
    /// What somebody who is signed in may do to others. An administrator may do everything.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn authority(&self, who: &SignedIn) -> Result<Authority, Error> {
        let user = who.user();
        let is_admin = self.is_admin(user).await?;
        let capabilities = if is_admin { Capability::ALL.into() } else { capabilities(user.permissions()) };
        Ok(Authority { origin: who.origin(), capabilities, is_admin })
    }

    /// What the API key lets a service do that sent it from `address`.
    ///
    /// # Errors
    /// [`Error::ApiKeyInvalid`] when there is no such key any more, and the errors of the store.
    pub async fn authority_of_api_key(&self, text: &ApiKeyText, address: Option<IpAddr>) -> Result<Authority, Error> {
        let key = self.find_api_key(text).await?;
        let origin = Origin { actor: Actor::ApiKey(key.id), address };
        Ok(Authority { origin, capabilities: key.scopes, is_admin: false })
    }
}
