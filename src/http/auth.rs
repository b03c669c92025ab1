//! Who is asking: the bearer token (RFC 6750) of a request, turned into somebody who is signed in.

use std::sync::Arc;

use poem::Request;
use poem_openapi::{SecurityScheme, auth::Bearer};

use super::{code::Code, problem::Problem};
use crate::accounts::{AccessToken, Accounts, SignedIn};

/// The access token that signing in gave.
#[derive(SecurityScheme)]
#[oai(rename = "access_token", ty = "bearer", checker = "check")]
pub(super) struct Authenticated(pub(super) SignedIn);

async fn check(request: &Request, bearer: Bearer) -> poem::Result<SignedIn> {
    let accounts = request.data::<Arc<Accounts>>().ok_or_else(|| Problem::new(Code::InternalError))?;
    Ok(accounts.authenticate(&AccessToken::new(&bearer.token)).await.map_err(Problem::from)?)
}
