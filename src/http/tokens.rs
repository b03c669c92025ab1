//! `/v1/tokens`: what services ask about a token (RFC 7662), and how it is ended by whoever has it (RFC 7009).

use std::sync::Arc;

use poem::{Request, web::Data};
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json, registry::MetaSchema};
use serde_json::Value;

use super::{
    Tags,
    api_key::Introspector,
    body::Form,
    field::{FieldProblems, FieldValue, Optional, Required, Wrong},
    problem::Problem,
    scalar::Id,
    token_text::TokenText,
    urlencoded::UrlEncoded,
    web::Web,
};
use crate::accounts::{self, AccessToken, Accounts};

/// A token.
#[derive(Debug, Object)]
pub(super) struct SentToken {
    /// The token.
    token: Required<TokenText>,
    /// What kind of token it is. It makes no difference.
    token_type_hint: Optional<Hint>,
}

/// Whatever a client says of its token.
#[derive(Debug)]
struct Hint;

impl FieldValue for Hint {
    fn schema() -> MetaSchema {
        MetaSchema { example: Some("access_token".into()), ..MetaSchema::new("string") }
    }

    fn read(_: Value) -> Result<Self, Wrong> {
        Ok(Self)
    }
}

impl Form for SentToken {
    type Parsed = TokenText;

    fn parse(self, problems: &mut FieldProblems) -> Option<TokenText> {
        problems.take("token", self.token.0)
    }
}

/// What there is to say of a token. Of one that is not good, it is only that.
#[derive(Debug, Default, Object)]
#[oai(skip_serializing_if_is_none)]
struct Introspection {
    /// Whether it is an access token that is good at this moment. If not, nothing else is here.
    active: bool,
    /// Who issued the token.
    iss: Option<String>,
    /// Which services it is for.
    aud: Option<String>,
    /// The user's id.
    sub: Option<Id>,
    /// The session's id.
    sid: Option<Id>,
    /// The token's id.
    jti: Option<String>,
    /// When the token was made, in seconds since 1970.
    iat: Option<i64>,
    /// When it ends, in seconds since 1970.
    exp: Option<i64>,
    /// When the password was given, in seconds since 1970.
    auth_time: Option<i64>,
    /// `Bearer` (RFC 6750).
    token_type: Option<String>,
    /// The client that the token was issued to: this service.
    client_id: Option<String>,
    /// The user's username, or else their email address.
    username: Option<String>,
    /// The user's roles, as they are at this moment.
    roles: Option<Vec<String>>,
    /// What the user may do, by permissions of their own and by their roles, as it is at this moment. The role `admin` gives none.
    permissions: Option<Vec<String>>,
    /// Whether the person has shown that the email address is theirs.
    email_verified: Option<bool>,
}

impl From<accounts::Introspection> for Introspection {
    fn from(accounts::Introspection { claims, user }: accounts::Introspection) -> Self {
        let username = user.username.as_ref().map(ToString::to_string);
        Self {
            active: true,
            iss: Some(claims.iss),
            aud: Some(claims.aud),
            sub: Some(Id(user.id.to_string())),
            sid: Some(Id(claims.sid)),
            jti: Some(claims.jti),
            iat: Some(claims.iat),
            exp: Some(claims.exp),
            auth_time: Some(claims.auth_time),
            token_type: Some("Bearer".to_owned()),
            client_id: Some(claims.client_id),
            username: Some(username.unwrap_or_else(|| user.email.as_str().to_owned())),
            roles: Some(user.grants.roles().iter().map(ToString::to_string).collect()),
            permissions: Some(user.permissions().into_iter().map(ToString::to_string).collect()),
            email_verified: Some(user.email_verified),
        }
    }
}

#[derive(ApiResponse)]
enum Introspected {
    /// What there is to say of the token.
    #[oai(status = 200)]
    Done(Json<Introspection>),
}

#[derive(ApiResponse)]
enum Revoked {
    /// The session has ended, if the token stood for one.
    #[oai(status = 200)]
    Done,
}

/// The operations of `/v1/tokens`.
pub(super) struct Tokens;

#[OpenApi(prefix_path = "/v1/tokens", tag = "Tags::Tokens")]
impl Tokens {
    /// Introspect a token
    ///
    /// For services that were sent an access token (RFC 7662). A refresh token is `{"active": false}`, as is everything
    /// else. This needs an API key with the scope `tokens:introspect`, as a bearer token or as the password of HTTP
    /// Basic.
    #[oai(path = "/introspect", method = "post", operation_id = "introspect_token")]
    async fn introspect(
        &self,
        accounts: Data<&Arc<Accounts>>,
        _service: Introspector,
        body: UrlEncoded<SentToken>,
    ) -> Result<Introspected, Problem> {
        let found = accounts.introspect(&AccessToken::new(body.0.reveal())).await?;
        Ok(Introspected::Done(Json(found.map(Introspection::from).unwrap_or_default())))
    }

    /// Revoke a token
    ///
    /// Ends the session of an access token or a refresh token (RFC 7009), with all its tokens. Whoever has the token
    /// may do that, so no key is needed. Any other text is no failure and ends nothing: an access token that has
    /// expired, whose session goes on, or an API key, which goes on being good until `latchkey api-keys revoke` ends
    /// it.
    #[oai(path = "/revoke", method = "post", operation_id = "revoke_token")]
    async fn revoke(
        &self,
        accounts: Data<&Arc<Accounts>>,
        web: Data<&Arc<Web>>,
        request: &Request,
        body: UrlEncoded<SentToken>,
    ) -> Result<Revoked, Problem> {
        accounts.revoke_token(body.0.reveal(), web.client_address(request)).await?;
        Ok(Revoked::Done)
    }
}
