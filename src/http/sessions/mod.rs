//! `/v1/sessions`: signing in, seeing where one is signed in, signing out.

mod schema;

use std::sync::Arc;

use poem::{Request, http::header, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::{Json, Response},
};

use self::schema::{
    Credentials, Parsed, ReauthenticateRequest, ReauthenticateResult, RefreshRequest, Scope, SignInResult,
};
pub(super) use self::schema::{Session, SessionList};
use super::{
    Tags,
    auth::{Authenticated, Leaving},
    body::Body,
    code::{Code, FieldCode},
    cookies::{self, SetCookies},
    csrf,
    delivery::TokenDelivery,
    problem::Problem,
    scalar::{Id, OrNull},
    web::Web,
};
use crate::accounts::{self, Accounts, Device, DeviceToken, Error, RefreshToken, Rotation, SessionId, SignIn};

/// As much of a `User-Agent` as is kept, in characters.
const USER_AGENT_LENGTH: usize = 256;

#[derive(ApiResponse)]
enum SignedIn {
    /// The person is signed in.
    #[oai(status = 201, header(name = "Set-Cookie", ty = "Option<String>"))]
    Created(Json<SignInResult>),
}

#[derive(ApiResponse)]
enum Refreshed {
    /// New tokens.
    #[oai(status = 200, header(name = "Set-Cookie", ty = "Option<String>"))]
    Tokens(Json<SignInResult>),
}

#[derive(ApiResponse)]
enum Fresh {
    /// The session may do for 10 minutes what needs a recent password.
    #[oai(status = 200, header(name = "Set-Cookie", ty = "Option<String>"))]
    Done(Json<ReauthenticateResult>),
}

#[derive(ApiResponse)]
enum Listed {
    /// The sessions.
    #[oai(status = 200)]
    Found(Json<SessionList>),
}

#[derive(ApiResponse)]
enum Ended {
    /// It has ended, everywhere and at once, and so have the cookies of a request that came with its own.
    #[oai(status = 204, header(name = "Set-Cookie", ty = "Option<String>"))]
    Done,
}

/// The operations of `/v1/sessions`.
pub(super) struct Sessions;

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tags::Sessions")]
impl Sessions {
    /// Sign in
    ///
    /// A sign-in that asks for cookies ends the session whose cookies the request came with, since the browser forgets it.
    #[oai(path = "/", method = "post", operation_id = "sign_in")]
    async fn sign_in(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<Credentials>,
    ) -> Result<Response<SignedIn>, Problem> {
        let Parsed { login, password, delivery, device_token } = body.0;
        delivery.admit(request, &web)?;
        let device_token = device_token.or_else(|| {
            web.takes_cookies_of(request)
                .then(|| cookies::read(request.headers(), cookies::DEVICE))
                .flatten()
                .map(DeviceToken::new)
        });
        let device = device(request, &web);
        let issued = accounts.sign_in(SignIn { login, password, device, device_token }).await?;
        if delivery == TokenDelivery::Cookie {
            // The browser forgets the session that it was in, so nobody could sign out of it.
            for former in cookies::tokens(request.headers()) {
                if let Err(error) = accounts.revoke_token(former, web.client_address(request)).await {
                    tracing::warn!(%error, "the session that a browser forgets could not be ended");
                }
            }
        }
        let result = SignInResult::new(&issued, delivery);
        Ok(delivery.cookies(&issued).on(SignedIn::Created(Json(result))))
    }

    /// Refresh the tokens
    ///
    /// Takes a refresh token and gives two new tokens. A refresh token is used up by this. For 10 seconds it gives the
    /// one that is current by then, so that two that ask at once, or one who missed the answer, stay signed in. After
    /// that somebody else has it too: it ends the session. A token from a cookie gives cookies, and is used up every 10
    /// seconds at the most.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh_session")]
    async fn refresh(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<RefreshRequest>,
    ) -> Result<Response<Refreshed>, Problem> {
        let (token, delivery, rotation) = match body.0 {
            Some(token) => (token, TokenDelivery::Body, Rotation::Always),
            None => (refresh_cookie(request, &web)?, TokenDelivery::Cookie, Rotation::Spaced),
        };
        let issued = accounts.refresh(token, rotation, web.client_address(request)).await?;
        let result = SignInResult::new(&issued, delivery);
        Ok(delivery.cookies(&issued).on(Refreshed::Tokens(Json(result))))
    }

    /// Give the password again
    ///
    /// For 10 minutes the session may do what needs a recent password, such as deleting the account.
    #[oai(path = "/current/reauthenticate", method = "post", operation_id = "reauthenticate")]
    async fn reauthenticate(
        &self,
        accounts: Data<&Arc<Accounts>>,
        who: Authenticated,
        body: Body<ReauthenticateRequest>,
    ) -> Result<Response<Fresh>, Problem> {
        let Authenticated { signed_in: who, delivery } = who;
        let done = accounts.reauthenticate(who, body.0).await?;
        let result = ReauthenticateResult::new(&done, delivery);
        Ok(delivery.access_cookie(&done.access, done.expires_in).on(Fresh::Done(Json(result))))
    }

    /// List your sessions
    ///
    /// Where you are signed in, and since when: all sessions, the latest first.
    #[oai(path = "/", method = "get", operation_id = "list_sessions")]
    async fn list(&self, accounts: Data<&Arc<Accounts>>, who: Authenticated) -> Result<Listed, Problem> {
        let current = Some(who.signed_in.session().id);
        let sessions = accounts.sessions(&who.signed_in).await?;
        let items = sessions.iter().map(|session| Session::new(session, current)).collect();
        Ok(Listed::Found(Json(SessionList { items, next_cursor: OrNull(None) })))
    }

    /// Sign out everywhere
    ///
    /// Ends all your sessions, or all others. Their tokens are refused from then on.
    #[oai(path = "/", method = "delete", operation_id = "end_sessions")]
    async fn end_many(
        &self,
        accounts: Data<&Arc<Accounts>>,
        who: Authenticated,
        /// Which sessions end.
        scope: Query<Scope>,
    ) -> Result<Response<Ended>, Problem> {
        let Authenticated { signed_in: who, delivery } = who;
        let (scope, cookies) = match scope.0 {
            Scope::All => (accounts::Scope::All, delivery.cleared()),
            Scope::Others => (accounts::Scope::Others, SetCookies::default()),
        };
        accounts.end_sessions(who, scope).await?;
        Ok(cookies.on(Ended::Done))
    }

    /// Sign out
    ///
    /// Ends the session that asks. Its token is refused from then on. A browser's cookies are cleared, and whatever
    /// session they are still good for ends, also when the access token has expired.
    #[oai(path = "/current", method = "delete", operation_id = "sign_out")]
    async fn sign_out(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        who: Leaving,
    ) -> Result<Response<Ended>, Problem> {
        let cookies = match who {
            Leaving::ByToken(who) => {
                accounts.sign_out(&who).await?;
                SetCookies::default()
            }
            Leaving::ByCookies(tokens) => {
                for token in tokens {
                    accounts.revoke_token(&token, web.client_address(request)).await?;
                }
                SetCookies::cleared()
            }
        };
        Ok(cookies.on(Ended::Done))
    }

    /// End a session
    ///
    /// Ends one of your sessions. Its token is refused from then on.
    #[oai(path = "/:id", method = "delete", operation_id = "end_session")]
    async fn end_one(
        &self,
        accounts: Data<&Arc<Accounts>>,
        who: Authenticated,
        /// The session's id.
        id: Path<Id>,
    ) -> Result<Response<Ended>, Problem> {
        let id = id.0.0.parse::<SessionId>().map_err(|_| Error::SessionNotFound)?;
        let Authenticated { signed_in: who, delivery } = who;
        accounts.end_session(&who, id).await?;
        let cookies = if id == who.session().id { delivery.cleared() } else { SetCookies::default() };
        Ok(cookies.on(Ended::Done))
    }
}

/// The refresh token of a request that has none in its body.
fn refresh_cookie(request: &Request, web: &Web) -> Result<RefreshToken, Problem> {
    if !web.takes_cookies_of(request) {
        return Err(Problem::wrong_field("refresh_token", FieldCode::Required, "is required"));
    }
    let token = cookies::read(request.headers(), cookies::REFRESH);
    let token = token.ok_or_else(|| Problem::new(Code::RefreshTokenInvalid))?;
    csrf::check(request, web)?;
    Ok(RefreshToken::new(token))
}

fn device(request: &Request, web: &Web) -> Device {
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    Device {
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_LENGTH).collect()),
        address: web.client_address(request),
    }
}
