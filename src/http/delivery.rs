//! How tokens come to a client and back.

use std::time::Duration;

use super::{
    code::FieldCode,
    cookies::{ACCESS, DEVICE, DEVICE_LIFETIME, REFRESH, SetCookies},
    csrf,
    problem::Problem,
    token_text::TokenText,
    web::Web,
};
use crate::accounts::{AccessToken, Issued};

/// How tokens come to a client: in the body of an answer, to be sent back in a header or a body; or in cookies, which a
/// browser sends back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenDelivery {
    Body,
    Cookie,
}

impl TokenDelivery {
    /// Refuses what this request must not have.
    pub(super) fn admit(self, request: &poem::Request, web: &Web) -> Result<(), Problem> {
        match self {
            Self::Body => Ok(()),
            Self::Cookie if web.has_cookies() => csrf::check(request, web),
            Self::Cookie => Err(Problem::wrong_field(
                "token_delivery",
                FieldCode::Invalid,
                "cannot be `cookie`, since this service has `LATCHKEY_COOKIES` off",
            )),
        }
    }

    /// A token as it goes into the body.
    pub(super) fn in_body(self, token: &str) -> Option<TokenText> {
        (self == Self::Body).then(|| TokenText::new(token))
    }

    /// What was issued as it goes into cookies.
    pub(super) fn cookies(self, issued: &Issued) -> SetCookies {
        let tokens = &issued.tokens;
        let access = self.access_cookie(&tokens.access, tokens.expires_in);
        match (self, &issued.device) {
            (Self::Body, _) => access,
            (Self::Cookie, device) => {
                let both = access.set(REFRESH, tokens.refresh.reveal(), tokens.refresh_expires_in);
                device.iter().fold(both, |cookies, token| cookies.set(DEVICE, token.reveal(), DEVICE_LIFETIME))
            }
        }
    }

    /// The access token as it goes into a cookie.
    pub(super) fn access_cookie(self, token: &AccessToken, expires_in: Duration) -> SetCookies {
        match self {
            Self::Body => SetCookies::default(),
            Self::Cookie => SetCookies::default().set(ACCESS, token.reveal(), expires_in),
        }
    }

    /// What is left when the session is over.
    pub(super) fn cleared(self) -> SetCookies {
        match self {
            Self::Body => SetCookies::default(),
            Self::Cookie => SetCookies::cleared(),
        }
    }
}
