//! Making accounts for others, and having somebody asked to choose a password.
#![expect(clippy::unused_async, reason = "the macro of poem-openapi takes async handlers only")]

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};

use super::{
    parse_user,
    schema::{ManagedUser, NewManagedUser},
};
use crate::{
    accounts::Accounts,
    http::{
        Tags,
        admin::auth::Administrator,
        body::Body,
        etag::{self, IfMatch},
        header::Given,
        problem::Problem,
        scalar::Id,
        users::Acceptance,
    },
};

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment")]
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
enum Mailed {
    /// A letter is on its way.
    #[oai(status = 202)]
    Accepted(Json<Acceptance>),
}

/// The operations that make accounts, and let people into theirs.
pub(in crate::http) struct UserMaking;

#[OpenApi(prefix_path = "/v1/admin/users", tag = "Tags::Administration")]
impl UserMaking {
    /// Make an account
    ///
    /// For somebody else. With `invite`, they are mailed a link to set a password, which also confirms their address. It needs
    /// `users:write`, and `roles:write` for roles and permissions, of which nobody gives more than they have.
    #[oai(path = "/", method = "post", operation_id = "create_user")]
    async fn create(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        body: Body<NewManagedUser>,
    ) -> Result<Made, Problem> {
        let user = accounts.create_user(by.0, body.0).await?;
        let location = format!("/v1/admin/users/{}", user.id);
        Ok(Made::Created(Json(ManagedUser::new(&user, accounts.now())), location, etag::of(&user)))
    }

    /// Have a user asked to set a new password
    ///
    /// A letter with a link and a code goes to their address. The password stays as it is until they have set another one, and
    /// nobody else learns or chooses it. It needs `users:write`.
    #[oai(path = "/:id/password-reset", method = "post", operation_id = "request_user_password_reset")]
    async fn request_reset(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The `ETag` of the version that the letter is meant for.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
    ) -> Result<Mailed, Problem> {
        accounts.start_password_reset(by.0, parse_user(&id)?, if_match.0.0).await?;
        Ok(Mailed::Accepted(Json(Acceptance {})))
    }
}
