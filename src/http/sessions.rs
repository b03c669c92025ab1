//! `/v1/sessions`: signing in, seeing where one is signed in, signing out.

use std::sync::Arc;

use poem::{
    Request,
    http::header,
    web::{Data, RemoteAddr},
};
use poem_openapi::{
    ApiResponse, Enum, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{
    Tags,
    auth::Authenticated,
    body::{Body, Form},
    field::{FieldProblems, Required},
    problem::Problem,
    scalar::{DateTime, Id, OrNull},
    users::User,
};
use crate::accounts::{self, Accounts, Device, Error, Password, SessionId, SignIn};

/// As much of a `User-Agent` as is kept, in characters.
const USER_AGENT_LENGTH: usize = 256;

/// A place where a person is signed in.
#[derive(Debug, Object)]
struct Session {
    /// The session's id.
    id: Id,
    /// Whether this is the session that asks.
    current: bool,
    /// When the person signed in.
    created_at: DateTime,
    /// When the session ends by itself.
    expires_at: DateTime,
    /// The `User-Agent` header of the sign-in.
    user_agent: OrNull<String>,
    /// The address that the sign-in came from.
    ip_address: OrNull<String>,
}

impl Session {
    fn new(session: &accounts::Session, current: SessionId) -> Self {
        Self {
            id: Id(session.id.to_string()),
            current: session.id == current,
            created_at: DateTime(session.created_at.to_string()),
            expires_at: DateTime(session.expires_at.to_string()),
            user_agent: OrNull(session.device.user_agent.clone()),
            ip_address: OrNull(session.device.address.map(|address| address.to_string())),
        }
    }
}

/// Sessions.
#[derive(Debug, Object)]
struct SessionList {
    /// The sessions, the latest first.
    items: Vec<Session>,
    /// Where the list goes on. It is null, since all sessions are in `items`.
    next_cursor: OrNull<String>,
}

/// What somebody signs in with.
#[derive(Debug, Object)]
pub(super) struct Credentials {
    /// An email address, a username or a user id.
    login: Required<String>,
    /// The password.
    password: Required<Password>,
}

impl Form for Credentials {
    type Parsed = (String, Password);

    fn parse(self, problems: &mut FieldProblems) -> Option<Self::Parsed> {
        let login = problems.take("login", self.login.0);
        let password = problems.take("password", self.password.0);
        Some((login?, password?))
    }
}

/// What signing in gives.
#[derive(Debug, Object)]
struct SignInResult {
    /// The token, to be sent as `Authorization: Bearer <token>`. It is shown only here.
    access_token: String,
    /// `Bearer` (RFC 6750).
    token_type: String,
    /// For how many seconds the token is good.
    expires_in: u64,
    /// The session.
    session: Session,
    /// Who signed in.
    user: User,
}

/// Which sessions end.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename_all = "snake_case", rename = "SessionScope")]
enum Scope {
    /// Every session, this one too.
    All,
    /// Every session but this one.
    Others,
}

#[derive(ApiResponse)]
enum SignedIn {
    /// The person is signed in.
    #[oai(status = 201)]
    Created(Json<SignInResult>),
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
        let signed_in = accounts.sign_in(SignIn { login, password, device: device(request) }).await?;
        Ok(SignedIn::Created(Json(SignInResult {
            access_token: signed_in.token.reveal().to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: accounts.settings().session_lifetime.as_secs(),
            session: Session::new(&signed_in.session, signed_in.session.id),
            user: User::from(&signed_in.user),
        })))
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
