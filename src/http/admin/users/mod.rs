//! `/v1/admin/users`: what those who run the service do with the accounts of others.

mod list;
mod schema;
mod sessions;
mod standing;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use self::{
    list::{Parameters, Sort, given},
    schema::{ManagedUser, ManagedUserChanges, ManagedUserList, Status, UserCreation},
};
pub(in crate::http) use self::{
    schema::{user_json, users_json},
    sessions::{UserSessions, sessions_json},
    standing::UserStanding,
};
use super::auth::Administrator;
use crate::{
    accounts::{self, Accounts, Error, Timestamp, UserId},
    http::{
        Tags,
        body::Body,
        etag::{self, IfMatch},
        header::Given,
        problem::Problem,
        scalar::{Id, OrNull},
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
enum Made {
    /// The account.
    #[oai(status = 201)]
    Created(
        Json<ManagedUser>,
        /// The path of the user.
        #[oai(header = "Location")]
        String,
        /// The version of the user.
        #[oai(header = "ETag")]
        String,
    ),
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
        let page = accounts.users(&by.0, &parameters.parse()?).await?;
        let now = accounts.now();
        let items = page.items.iter().map(|user| ManagedUser::new(user, now)).collect();
        let next_cursor = OrNull(page.next.map(|next| next.to_string()));
        Ok(Many::Found(Json(ManagedUserList { items, next_cursor })))
    }

    /// Make an account
    ///
    /// For somebody else. With `invite`, they are mailed a link to set a password, which also confirms their address. It needs
    /// `users:write`, and `roles:write` for roles and permissions, of which nobody gives more than they have.
    #[oai(path = "/", method = "post", operation_id = "create_user")]
    async fn create(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        body: Body<UserCreation>,
    ) -> Result<Made, Problem> {
        let user = accounts.create_user(by.0, body.0).await?;
        let location = format!("/v1/admin/users/{}", user.id);
        Ok(Made::Created(Json(ManagedUser::new(&user, accounts.now())), location, etag::of(&user)))
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

    /// Delete a user
    ///
    /// Ends every session too. The email address and the username are free at once. What is kept is the id, the time, and who
    /// did it. It needs `users:delete`.
    #[oai(path = "/:id", method = "delete", operation_id = "delete_user")]
    async fn delete(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The `ETag` of the version that is to be deleted.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
    ) -> Result<Done, Problem> {
        accounts.delete_managed_user(by.0, parse_user(&id)?, if_match.0.0).await?;
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
