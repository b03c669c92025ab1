//! Who is asking: the access token of a request, turned into somebody who is signed in.

use std::sync::Arc;

use poem::{Request, RequestBody, http::header::AUTHORIZATION};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    auth::{Bearer, BearerAuthorization},
    registry::{MetaSecurityScheme, Registry},
};

use super::{code::Code, cookies, csrf, delivery::TokenDelivery, problem::Problem, web::Web};
use crate::accounts::{AccessToken, Accounts, SignedIn};

/// Somebody who is signed in, and how their token came.
pub(super) struct Authenticated {
    pub(super) signed_in: SignedIn,
    pub(super) delivery: TokenDelivery,
}

/// Somebody who wants to be signed out: by a token that is good, or by the cookies of a browser, whatever they are
/// worth.
pub(super) enum Leaving {
    ByToken(Box<SignedIn>),
    ByCookies(Vec<String>),
}

const HEADER: (&str, MetaSecurityScheme) = (
    "access_token",
    MetaSecurityScheme {
        ty: "http",
        description: Some("The access token that signing in gave (RFC 6750)."),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    },
);

const COOKIE: (&str, MetaSecurityScheme) = (
    "access_cookie",
    MetaSecurityScheme {
        ty: "apiKey",
        description: Some(
            "The cookie that signing in with `\"token_delivery\": \"cookie\"` gave, if the service has cookies on. A method \
             other than GET and HEAD needs an `Origin` that the service knows. The header `Authorization` goes before it.",
        ),
        name: Some(cookies::ACCESS),
        key_in: Some("cookie"),
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    },
);

impl<'a> ApiExtractor<'a> for Authenticated {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        for (name, scheme) in [HEADER, COOKIE] {
            registry.create_security_scheme(name, scheme);
        }
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![HEADER.0, COOKIE.0]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let accounts = request.data::<Arc<Accounts>>().ok_or_else(|| Problem::new(Code::InternalError))?;
        let (token, delivery) = credential(request)?;
        let address = Web::of(request)?.client_address(request);
        let signed_in = accounts.authenticate(&token, address).await.map_err(Problem::from)?;
        Ok(Self { signed_in, delivery })
    }
}

impl<'a> ApiExtractor<'a> for Leaving {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Authenticated::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Authenticated::security_schemes()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let web = Web::of(request)?;
        if web.takes_cookies_of(request) {
            let tokens = cookies::tokens(request.headers()).map(str::to_owned).collect::<Vec<_>>();
            if !tokens.is_empty() {
                csrf::check(request, web)?;
                return Ok(Self::ByCookies(tokens));
            }
        }
        Ok(Self::ByToken(Box::new(Authenticated::from_request(request, body, options).await?.signed_in)))
    }
}

/// Whether a request says more than once who is asking: then nobody knows which is meant.
pub(super) fn is_said_twice(request: &Request) -> bool {
    request.headers().get_all(AUTHORIZATION).iter().count() > 1
}

/// The token of a request.
fn credential(request: &Request) -> poem::Result<(AccessToken, TokenDelivery)> {
    let web = Web::of(request)?;
    if web.takes_cookies_of(request)
        && let Some(token) = cookies::read(request.headers(), cookies::ACCESS)
    {
        csrf::check(request, web)?;
        return Ok((AccessToken::new(token), TokenDelivery::Cookie));
    }
    if is_said_twice(request) {
        return Err(Problem::new(Code::TokenInvalid).into());
    }
    let bearer = Bearer::from_request(request)?;
    Ok((AccessToken::new(&bearer.token), TokenDelivery::Body))
}
