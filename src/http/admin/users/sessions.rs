//! Where a user is signed in.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json, types::ToJSON};
use serde_json::Value;

use super::{Done, parse_user};
use crate::{
    accounts::{self, Accounts, Actor, Authority, Error, SessionId},
    http::{
        Tags,
        admin::auth::Administrator,
        problem::Problem,
        scalar::{Id, OrNull},
        sessions::{Session, SessionList},
    },
};

#[derive(ApiResponse)]
enum Sessions {
    /// The user's sessions.
    #[oai(status = 200)]
    Found(Json<SessionList>),
}

/// The operations on the sessions of users.
pub(in crate::http) struct UserSessions;

#[OpenApi(prefix_path = "/v1/admin/users", tag = "Tags::Administration")]
impl UserSessions {
    /// List a user's sessions
    ///
    /// It needs `users:read`.
    #[oai(path = "/:id/sessions", method = "get", operation_id = "list_user_sessions")]
    async fn sessions(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
    ) -> Result<Sessions, Problem> {
        let sessions = accounts.sessions_of(&by.0, parse_user(&id)?).await?;
        Ok(Sessions::Found(Json(list(&sessions, session_of(&by.0)))))
    }

    /// End a user's sessions
    ///
    /// All of them, at once. It needs `users:write`.
    #[oai(path = "/:id/sessions", method = "delete", operation_id = "end_user_sessions")]
    async fn end_sessions(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
    ) -> Result<Done, Problem> {
        accounts.end_sessions_of(by.0, parse_user(&id)?).await?;
        Ok(Done::Done)
    }

    /// End a session of a user
    ///
    /// It needs `users:write`.
    #[oai(path = "/:id/sessions/:session_id", method = "delete", operation_id = "end_user_session")]
    async fn end_session(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The session's id.
        session_id: Path<Id>,
    ) -> Result<Done, Problem> {
        let session = session_id.0.0.parse::<SessionId>().map_err(|_| Error::SessionNotFound)?;
        accounts.end_session_of(&by.0, parse_user(&id)?, session).await?;
        Ok(Done::Done)
    }
}

/// The session that asks, if a session does.
fn session_of(by: &Authority) -> Option<SessionId> {
    match by.origin().actor {
        Actor::User(_, session) => Some(session),
        Actor::ApiKey(_) | Actor::Operator | Actor::Anonymous => None,
    }
}

/// The sessions of a user as JSON, as the API shows them to those who run the service.
pub(in crate::http) fn sessions_json(sessions: &[accounts::Session]) -> Value {
    list(sessions, None).to_json().unwrap_or_default()
}

fn list(sessions: &[accounts::Session], current: Option<SessionId>) -> SessionList {
    let items = sessions.iter().map(|session| Session::new(session, current)).collect();
    SessionList { items, next_cursor: OrNull(None) }
}
