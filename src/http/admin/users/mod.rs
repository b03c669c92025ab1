//! `/v1/admin/users`: what those who run the service do with the accounts of others.

mod list;
mod made;
mod schema;
mod standing;

use std::sync::Arc;

use poem::{Request, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use self::{
    list::{Parameters, Sort, given},
    schema::{ManagedUser, ManagedUserChanges, ManagedUserList, Status},
};
pub(in crate::http) use self::{
    made::UserMaking,
    schema::{user_json, users_json},
    standing::UserStanding,
};
use super::auth::Administrator;
use crate::{
    accounts::{self, Accounts, Actor, Authority, Error, SessionId, Timestamp, UserId},
    http::{
        Tags,
        body::Body,
        etag::{self, IfMatch},
        header::Given,
        problem::Problem,
        scalar::{Id, OrNull},
        sessions::{Session, SessionList},
    },
};

#[derive(ApiResponse)]
enum One {
    /// The user.
    #[oai(status = 200)]
    Found(
        Json<ManagedUser>,
        /// The version of the user.
        #[oai(header = "ETag")]
        String,
    ),
}

impl One {
    fn of(user: &accounts::User, now: Timestamp) -> Self {
        Self::Found(Json(ManagedUser::new(user, now)), etag::of(user))
    }
}

#[derive(ApiResponse)]
enum Many {
    /// A page of users.
    #[oai(status = 200)]
    Found(Json<ManagedUserList>),
}

#[derive(ApiResponse)]
enum Sessions {
    /// The user's sessions.
    #[oai(status = 200)]
    Found(Json<SessionList>),
}

#[derive(ApiResponse)]
enum Done {
    /// It is done.
    #[oai(status = 204)]
    Done,
}

/// The operations of `/v1/admin/users`.
pub(in crate::http) struct ManagedUsers;

#[OpenApi(prefix_path = "/v1/admin/users", tag = "Tags::Administration")]
#[expect(clippy::too_many_arguments, reason = "each parameter of an operation is an argument")]
impl ManagedUsers {
    /// List users
    ///
    /// All users, by when they were made, a page at a time. Whoever is there from the first page to the last is met exactly
    /// once, whoever comes and goes meanwhile. One request looks at no more than 5,000 users: so a page of a list that is
    /// filtered may hold fewer than `limit`, and even none, and go on nevertheless. It needs `users:read`.
    #[oai(path = "/", method = "get", operation_id = "list_users")]
    async fn list(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        request: &Request,
        /// The order.
        sort: Query<Option<Sort>>,
        /// How many users a page holds at the most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// The `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
        /// What the email address begins with, whatever its case. The domain is meant in ASCII (IDNA).
        #[oai(validator(min_length = 1, max_length = 254))]
        email_prefix: Query<Option<String>>,
        /// What the username begins with, whatever its case.
        #[oai(validator(min_length = 1, max_length = 32))]
        username_prefix: Query<Option<String>>,
        /// What stands somewhere in the display name, whatever its case.
        #[oai(validator(min_length = 1, max_length = 200))]
        name_contains: Query<Option<String>>,
        /// When the account was made, at the earliest (RFC 3339).
        created_from: Query<Option<String>>,
        /// When the account was made, before this (RFC 3339).
        created_before: Query<Option<String>>,
        /// Whether the user may sign in.
        status: Query<Option<Status>>,
        /// A role that the user has.
        role: Query<Option<String>>,
        /// Whether the address is confirmed.
        email_verified: Query<Option<bool>>,
    ) -> Result<Many, Problem> {
        let parameters = Parameters {
            sort: given(sort),
            limit: limit.0,
            cursor: given(cursor),
            email_prefix: given(email_prefix),
            username_prefix: given(username_prefix),
            name_contains: given(name_contains),
            created_from: given(created_from),
            created_before: given(created_before),
            status: given(status),
            role: given(role),
            email_verified: given(email_verified),
        };
        let page = accounts.users(&by.0, &parameters.parse(request)?).await?;
        let now = accounts.now();
        let items = page.items.iter().map(|user| ManagedUser::new(user, now)).collect();
        let next_cursor = OrNull(page.next.map(|next| next.to_string()));
        Ok(Many::Found(Json(ManagedUserList { items, next_cursor })))
    }

    /// Read a user
    ///
    /// It needs `users:read`.
    #[oai(path = "/:id", method = "get", operation_id = "get_user")]
    async fn get(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
    ) -> Result<One, Problem> {
        let user = accounts.user(&by.0, parse_user(&id)?).await?;
        Ok(One::of(&user, accounts.now()))
    }

    /// Change a user
    ///
    /// A JSON merge patch (RFC 7396), all of it or nothing. It needs `users:write`.
    #[oai(path = "/:id", method = "patch", operation_id = "patch_user")]
    async fn patch(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The `ETag` of the version that the change is meant for.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: Body<ManagedUserChanges>,
    ) -> Result<One, Problem> {
        let user = accounts.manage_user(by.0, parse_user(&id)?, body.0, if_match.0.0).await?;
        Ok(One::of(&user, accounts.now()))
    }

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
        let current = session_of(&by.0);
        let items = sessions.iter().map(|session| Session::new(session, current)).collect();
        Ok(Sessions::Found(Json(SessionList { items, next_cursor: OrNull(None) })))
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

fn default_limit() -> u64 {
    50
}

/// Which user a path names. What is no id is the id of nobody.
pub(super) fn parse_user(id: &Path<Id>) -> Result<UserId, Error> {
    id.0.0.parse().map_err(|_| Error::UserNotFound)
}

/// The session that asks, if a session does.
fn session_of(by: &Authority) -> Option<SessionId> {
    match by.origin().actor {
        Actor::User(_, session) => Some(session),
        Actor::ApiKey(_) | Actor::Operator | Actor::Anonymous => None,
    }
}
