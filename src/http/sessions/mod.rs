//! `/v1/sessions`: signing in, seeing where one is signed in, signing out.

mod schema;

use std::sync::Arc;

use poem::{
    Request,
    http::header,
    web::{Data, RemoteAddr},
};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use self::schema::{
    Credentials, ReauthenticateRequest, ReauthenticateResult, RefreshRequest, Scope, Session, SessionList, SignInResult,
};
use super::{
    Tags,
    auth::Authenticated,
    body::Body,
    problem::Problem,
    scalar::{Id, OrNull},
};
use crate::accounts::{self, Accounts, Device, Error, SessionId, SignIn};

/// As much of a `User-Agent` as is kept, in characters.
const USER_AGENT_LENGTH: usize = 256;

#[derive(ApiResponse)]
enum SignedIn {
    /// The person is signed in.
    #[oai(status = 201)]
    Created(Json<SignInResult>),
}

#[derive(ApiResponse)]
enum Refreshed {
    /// New tokens.
    #[oai(status = 200)]
    Tokens(Json<SignInResult>),
}

#[derive(ApiResponse)]
enum Fresh {
    /// The session may do for 10 minutes what needs a recent password.
    #[oai(status = 200)]
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
    /// It has ended, everywhere and at once.
    #[oai(status = 204)]
    Done,
}

/// The operations of `/v1/sessions`.
pub(super) struct Sessions;

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tags::Sessions")]
impl Sessions {
    /// Sign in
    #[oai(path = "/", method = "post", operation_id = "sign_in")]
    async fn sign_in(
        &self,
        accounts: Data<&Arc<Accounts>>,
        request: &Request,
        body: Body<Credentials>,
    ) -> Result<SignedIn, Problem> {
        let (login, password) = body.0;
        let issued = accounts.sign_in(SignIn { login, password, device: device(request) }).await?;
        Ok(SignedIn::Created(Json(issued.into())))
    }

    /// Refresh the tokens
    ///
    /// Takes a refresh token and gives two new tokens. A refresh token is used up by this. For 10 seconds it gives the same
    /// next one again, so that two that ask at once, or one who missed the answer, stay signed in. After that it has been
    /// stolen, or was: it ends the session.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh_session")]
    async fn refresh(&self, accounts: Data<&Arc<Accounts>>, body: Body<RefreshRequest>) -> Result<Refreshed, Problem> {
        Ok(Refreshed::Tokens(Json(accounts.refresh(body.0).await?.into())))
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
    ) -> Result<Fresh, Problem> {
        Ok(Fresh::Done(Json(accounts.reauthenticate(who.0, body.0).await?.into())))
    }

    /// List your sessions
    #[oai(path = "/", method = "get", operation_id = "list_sessions")]
    async fn list(&self, accounts: Data<&Arc<Accounts>>, who: Authenticated) -> Result<Listed, Problem> {
        let current = who.0.session().id;
        let sessions = accounts.sessions(&who.0).await?;
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
    ) -> Result<Ended, Problem> {
        let scope = match scope.0 {
            Scope::All => accounts::Scope::All,
            Scope::Others => accounts::Scope::Others,
        };
        accounts.end_sessions(who.0, scope).await?;
        Ok(Ended::Done)
    }

    /// Sign out
    ///
    /// Ends the session that asks. Its token is refused from then on.
    #[oai(path = "/current", method = "delete", operation_id = "sign_out")]
    async fn sign_out(&self, accounts: Data<&Arc<Accounts>>, who: Authenticated) -> Result<Ended, Problem> {
        accounts.sign_out(&who.0).await?;
        Ok(Ended::Done)
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
    ) -> Result<Ended, Problem> {
        let id = id.0.0.parse::<SessionId>().map_err(|_| Error::SessionNotFound)?;
        accounts.end_session(&who.0, id).await?;
        Ok(Ended::Done)
    }
}

fn device(request: &Request) -> Device {
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let RemoteAddr(remote) = request.remote_addr();
    Device {
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_LENGTH).collect()),
        address: remote.as_socket_addr().map(|address| address.ip().to_canonical()),
    }
}
