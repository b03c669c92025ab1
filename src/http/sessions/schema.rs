//! What goes over the wire about sessions.

use poem_openapi::{Enum, Object};

use crate::{
    accounts::{self, DeviceToken, Issued, Password, Reauthenticated, RefreshToken, SessionId},
    http::{
        body::Form,
        delivery::TokenDelivery,
        field::{FieldProblems, Optional, Required},
        scalar::{DateTime, Id, OrNull},
        token_text::TokenText,
        users::User,
    },
};

/// The kind of the access token (RFC 6750).
const BEARER: &str = "Bearer";

/// A place where a person is signed in.
#[derive(Debug, Object)]
pub(in crate::http) struct Session {
    /// The session's id.
    id: Id,
    /// Whether this is the session that asks.
    current: bool,
    /// When the person signed in.
    created_at: DateTime,
    /// When the session was last used, to the minute.
    last_used_at: DateTime,
    /// When the session ends by itself, if it is not used until then. Using it moves this, up to its longest life.
    expires_at: DateTime,
    /// When the password was last given in this session.
    authenticated_at: DateTime,
    /// What the person signed in with, such as `Firefox 145 on Linux`. It is read out of `user_agent`.
    device: OrNull<String>,
    /// The `User-Agent` header of the sign-in.
    user_agent: OrNull<String>,
    /// The address that the sign-in came from.
    ip_address: OrNull<String>,
}

impl Session {
    pub(in crate::http) fn new(session: &accounts::Session, current: Option<SessionId>) -> Self {
        Self {
            id: Id(session.id.to_string()),
            current: Some(session.id) == current,
            created_at: DateTime(session.created_at.to_string()),
            last_used_at: DateTime(session.last_used_at.to_string()),
            expires_at: DateTime(session.expires_at.to_string()),
            authenticated_at: DateTime(session.authenticated_at.to_string()),
            device: OrNull(session.device.name()),
            user_agent: OrNull(session.device.user_agent.clone()),
            ip_address: OrNull(session.device.address.map(|address| address.to_string())),
        }
    }
}

/// Sessions.
#[derive(Debug, Object)]
pub(in crate::http) struct SessionList {
    /// The sessions, the latest first.
    pub(in crate::http) items: Vec<Session>,
    /// Where the list goes on. It is null, since all sessions are in `items`.
    pub(in crate::http) next_cursor: OrNull<String>,
}

/// What somebody signs in with.
#[derive(Debug, Object)]
pub(super) struct Credentials {
    /// An email address, a username or a user id.
    login: Required<String>,
    /// The password.
    password: Required<Password>,
    /// Where the tokens go: into the body of the answer, which is the default, or into cookies that scripts cannot read.
    /// For cookies the service must have `LATCHKEY_COOKIES` on.
    token_delivery: Optional<TokenDelivery>,
    /// The `device_token` of an earlier sign-in to this account on this device. Others' wrong passwords do not keep such a
    /// device out. A request with cookies leaves it out: then it is taken from there.
    device_token: Optional<TokenText>,
}

/// The same, read.
pub(super) struct Parsed {
    pub(super) login: String,
    pub(super) password: Password,
    pub(super) delivery: TokenDelivery,
    pub(super) device_token: Option<DeviceToken>,
}

impl Form for Credentials {
    type Parsed = Parsed;

    fn parse(self, problems: &mut FieldProblems) -> Option<Parsed> {
        let login = problems.take("login", self.login.0);
        let password = problems.take("password", self.password.0);
        let delivery = problems.take("token_delivery", self.token_delivery.0);
        let device_token = problems.take("device_token", self.device_token.0)?;
        Some(Parsed {
            login: login?,
            password: password?,
            delivery: delivery?.unwrap_or(TokenDelivery::Body),
            device_token: device_token.map(|text| DeviceToken::new(text.reveal())),
        })
    }
}

/// What new tokens are had with.
#[derive(Debug, Object)]
pub(super) struct RefreshRequest {
    /// The refresh token. It is used up by this. A request with cookies leaves it out: then it is taken from there, and
    /// the next tokens go there too.
    refresh_token: Optional<TokenText>,
}

impl Form for RefreshRequest {
    type Parsed = Option<RefreshToken>;

    fn parse(self, problems: &mut FieldProblems) -> Option<Self::Parsed> {
        let token = problems.take("refresh_token", self.refresh_token.0)?;
        Some(token.map(|text| RefreshToken::new(text.reveal())))
    }
}

/// The password, given again.
#[derive(Debug, Object)]
pub(super) struct ReauthenticateRequest {
    /// The password as it is.
    current_password: Required<Password>,
}

impl Form for ReauthenticateRequest {
    type Parsed = Password;

    fn parse(self, problems: &mut FieldProblems) -> Option<Password> {
        problems.take("current_password", self.current_password.0)
    }
}

/// What signing in gives, and refreshing.
#[derive(Debug, Object)]
pub(super) struct SignInResult {
    /// A JWT (RFC 9068), to be sent as `Authorization: Bearer <token>`. It is absent when it is in a cookie.
    #[oai(skip_serializing_if_is_none)]
    access_token: Option<TokenText>,
    /// `Bearer` (RFC 6750).
    token_type: String,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// What `refresh_session` takes, once, for two new tokens. Keep it as a password is kept. It is absent when it is
    /// in a cookie.
    #[oai(skip_serializing_if_is_none)]
    refresh_token: Option<TokenText>,
    /// What to send with the next sign-in to this account on this device, also after signing out. Keep it as a password is
    /// kept. Only signing in gives it, and it is absent when it is in a cookie.
    #[oai(skip_serializing_if_is_none)]
    device_token: Option<TokenText>,
    /// The session.
    session: Session,
    /// Who is signed in.
    user: User,
}

impl SignInResult {
    pub(super) fn new(issued: &Issued, delivery: TokenDelivery) -> Self {
        Self {
            access_token: delivery.in_body(issued.tokens.access.reveal()),
            token_type: BEARER.to_owned(),
            expires_in: issued.tokens.expires_in.as_secs(),
            refresh_token: delivery.in_body(issued.tokens.refresh.reveal()),
            device_token: issued.device.as_ref().and_then(|token| delivery.in_body(token.reveal())),
            session: Session::new(&issued.session, Some(issued.session.id)),
            user: User::from(&issued.user),
        }
    }
}

/// What giving the password again gives.
#[derive(Debug, Object)]
pub(super) struct ReauthenticateResult {
    /// A JWT (RFC 9068) that tells when the password was given (`auth_time`). The former one goes on being good.
    /// It is absent when it is in a cookie.
    #[oai(skip_serializing_if_is_none)]
    access_token: Option<TokenText>,
    /// `Bearer` (RFC 6750).
    token_type: String,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// The session.
    session: Session,
}

impl ReauthenticateResult {
    pub(super) fn new(reauthenticated: &Reauthenticated, delivery: TokenDelivery) -> Self {
        Self {
            access_token: delivery.in_body(reauthenticated.access.reveal()),
            token_type: BEARER.to_owned(),
            expires_in: reauthenticated.expires_in.as_secs(),
            session: Session::new(&reauthenticated.session, Some(reauthenticated.session.id)),
        }
    }
}

/// Which sessions end.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename_all = "snake_case", rename = "SessionScope")]
pub(super) enum Scope {
    /// Every session, this one too.
    All,
    /// Every session but this one.
    Others,
}
