//! `/v1/users`: registering, and what people do with their own account.
#![expect(clippy::unused_async, reason = "the macro of poem-openapi takes async handlers only")]

mod schema;

use std::sync::Arc;

use poem::{Request, web::Data};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    payload::{Json, Response},
};

pub(super) use self::schema::User;
use self::schema::{Registration, UserChanges};
use super::{
    Tags,
    auth::Authenticated,
    body::Body,
    etag::{self, IfMatch, IfNoneMatch},
    header::Given,
    languages,
    problem::Problem,
    web::Web,
};
use crate::accounts::{self, Accounts, IdempotencyKey, PatchRequest};

/// Nothing.
#[derive(Debug, Object)]
pub(super) struct Acceptance {}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment")]
enum Registered {
    /// With `LATCHKEY_CONCEAL_ACCOUNTS` or `LATCHKEY_REQUIRE_VERIFICATION` on: there is an account with this email address,
    /// made now or before.
    #[oai(status = 202)]
    Accepted(Json<Acceptance>),
    /// The account that was made, or that the same `Idempotency-Key` made before.
    #[oai(status = 201)]
    Created(
        Json<User>,
        /// The path of the user.
        #[oai(header = "Location")]
        String,
        /// The version of the user.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment")]
enum Read {
    /// The user.
    #[oai(status = 200)]
    Found(
        Json<User>,
        /// The version of the user.
        #[oai(header = "ETag")]
        String,
    ),
    /// The client has this version already.
    #[oai(status = 304)]
    NotModified(
        /// The version of the user.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Changed {
    /// The user as they are now.
    #[oai(status = 200)]
    Done(
        Json<User>,
        /// The version of the user.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Deleted {
    /// The account is gone, and the cookies of a request that came with them.
    #[oai(status = 204, header(name = "Set-Cookie", ty = "Option<String>"))]
    Done,
}

/// The operations of `/v1/users`.
pub(super) struct Users;

#[OpenApi(prefix_path = "/v1/users", tag = "Tags::Users")]
impl Users {
    /// Register
    ///
    /// Makes an account. An `Idempotency-Key` makes it safe to send the same request again within 24 hours: it makes no
    /// second account, and answers with the first one. A service that has `LATCHKEY_CONCEAL_ACCOUNTS` on answers 202 to new
    /// and known addresses alike, and tells by nothing which of both it was. So does one that has
    /// `LATCHKEY_REQUIRE_VERIFICATION` on: a letter goes to the address, and says more to whoever reads it there.
    #[oai(path = "/", method = "post", operation_id = "register")]
    async fn register(
        &self,
        accounts: Data<&Arc<Accounts>>,
        /// The client's own name for this request: 1 to 255 visible ASCII characters.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<Option<IdempotencyKey>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: Body<Registration>,
    ) -> Result<Registered, Problem> {
        Ok(match accounts.register(body.0, idempotency_key.0, web.mail_request(request)).await? {
            accounts::Registered::Made(user) => {
                Registered::Created(Json(User::from(&user)), "/v1/users/me".to_owned(), etag::of(&user))
            }
            accounts::Registered::Accepted => Registered::Accepted(Json(Acceptance {})),
        })
    }

    /// Read your account
    ///
    /// The `ETag` changes with whatever is shown, also when a role is given another meaning. `If-Match` compares the version of
    /// the account in it alone.
    #[oai(path = "/me", method = "get", operation_id = "get_me")]
    async fn get_me(
        &self,
        who: Authenticated,
        /// The `ETag` of a version that the client has.
        #[oai(name = "If-None-Match")]
        if_none_match: Given<IfNoneMatch>,
    ) -> Result<Read, Problem> {
        let user = who.signed_in.user();
        let tag = etag::of(user);
        Ok(if if_none_match.0.has(&tag) { Read::NotModified(tag) } else { Read::Found(Json(User::from(user)), tag) })
    }

    /// Change your account
    ///
    /// A JSON merge patch (RFC 7396), all of it or nothing; `application/merge-patch+json` is understood as well. The email address and the password need `current_password`;
    /// a new password ends every other session. An address that was confirmed stays until the new one is: that one is shown
    /// as `pending_email`, and a letter goes there. The present address calls such a change off.
    #[oai(path = "/me", method = "patch", operation_id = "patch_me")]
    async fn patch_me(
        &self,
        accounts: Data<&Arc<Accounts>>,
        who: Authenticated,
        /// The `ETag` of the version that the change is meant for.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        request: &Request,
        body: Body<UserChanges>,
    ) -> Result<Changed, Problem> {
        let languages = languages::of(request);
        let change = PatchRequest { patch: body.0, expected: if_match.0.0, languages };
        let user = accounts.patch_user(who.signed_in, change).await?;
        Ok(Changed::Done(Json(User::from(&user)), etag::of(&user)))
    }

    /// Delete your account
    ///
    /// Ends every session too. The email address and the username are free at once. It needs a sign-in of the last 10
    /// minutes.
    #[oai(path = "/me", method = "delete", operation_id = "delete_me")]
    async fn delete_me(
        &self,
        accounts: Data<&Arc<Accounts>>,
        who: Authenticated,
        /// The `ETag` of the version that is to be deleted.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
    ) -> Result<Response<Deleted>, Problem> {
        accounts.delete_user(who.signed_in, if_match.0.0).await?;
        Ok(who.delivery.cleared().on(Deleted::Done))
    }
}
