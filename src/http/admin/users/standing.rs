//! What a user may do, whether they may sign in, and having them asked to set a new password.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};

use super::{
    One, parse_user,
    schema::{GrantChanges, Suspension},
};
use crate::{
    accounts::Accounts,
    http::{
        Tags, admin::auth::Administrator, body::Body, code::FieldCode, etag::IfMatch, header::Given, problem::Problem,
        scalar::Id, users::Acceptance,
    },
};

#[derive(ApiResponse)]
enum Mailed {
    /// A letter is on its way.
    #[oai(status = 202)]
    Accepted(Json<Acceptance>),
}

/// The operations on the standing of users.
pub(in crate::http) struct UserStanding;

#[OpenApi(prefix_path = "/v1/admin/users", tag = "Tags::Administration")]
impl UserStanding {
    /// Change a user's roles and permissions
    ///
    /// It acts on this service at once, and on others with the next access token. It needs `roles:write`, and whatever of
    /// Latchkey's own permissions is given; nobody changes those of a user who may do something here that they may not
    /// themselves. The role `admin` is given by an administrator, and to nobody who is suspended; the last one who has it and
    /// can sign in keeps it.
    #[oai(path = "/:id/grants", method = "patch", operation_id = "patch_user_grants")]
    async fn patch_grants(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The `ETag` of the version that the change is meant for.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: Body<GrantChanges>,
    ) -> Result<One, Problem> {
        let (id, (roles, permissions)) = (parse_user(&id)?, body.0);
        let expected = if_match.0.0;
        let user = accounts.set_grants(&by.0, id, roles.as_ref(), permissions.as_ref(), &expected).await?;
        Ok(One::of(&user, accounts.now()))
    }

    /// Suspend a user
    ///
    /// Ends all their sessions at once, and lets them begin none. Whoever is suspended already stays so, with this reason and
    /// this end. The role `admin` is lost, and does not come back. It needs `users:write`.
    #[oai(path = "/:id/suspension", method = "put", operation_id = "suspend_user")]
    async fn suspend(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The `ETag` of the version that the change is meant for.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: Body<Suspension>,
    ) -> Result<One, Problem> {
        let (reason, until) = body.0;
        if until.is_some_and(|until| until <= accounts.now()) {
            return Err(Problem::wrong_field("until", FieldCode::Invalid, "must be in the future"));
        }
        let user = accounts.suspend_user(&by.0, parse_user(&id)?, until, reason, &if_match.0.0).await?;
        Ok(One::of(&user, accounts.now()))
    }

    /// Let a user sign in again
    ///
    /// The sessions that were ended stay ended. It needs `users:write`.
    #[oai(path = "/:id/suspension", method = "delete", operation_id = "unsuspend_user")]
    async fn unsuspend(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// The `ETag` of the version that the change is meant for.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
    ) -> Result<One, Problem> {
        let user = accounts.unsuspend_user(&by.0, parse_user(&id)?, &if_match.0.0).await?;
        Ok(One::of(&user, accounts.now()))
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
