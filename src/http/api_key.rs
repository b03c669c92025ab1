//! Which service is asking: its API key, as a bearer token (RFC 6750) or as the password of HTTP Basic (RFC 7617),
//! which is how many OAuth libraries authenticate a client.

use std::sync::Arc;

use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    auth::{Basic, BasicAuthorization, Bearer, BearerAuthorization},
    registry::{MetaSecurityScheme, Registry},
};

use super::{auth::is_said_twice, code::Code, problem::Problem};
use crate::accounts::{Accounts, ApiKeyText, Capability};

/// What the document calls an API key as a bearer token.
pub(super) const BEARER: &str = "api_key";

/// The two ways to send an API key: what the document calls them, what HTTP does, and what it means.
const WAYS: [(&str, &str, &str); 2] = [
    (BEARER, "bearer", "An API key, which `latchkey api-keys create` makes."),
    ("api_key_basic", "basic", "An API key as the password, with any user name."),
];

/// A service that may ask about tokens.
pub(super) struct Introspector;

impl<'a> ApiExtractor<'a> for Introspector {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        for (name, scheme, description) in WAYS {
            let scheme = MetaSecurityScheme {
                ty: "http",
                description: Some(description),
                name: None,
                key_in: None,
                scheme: Some(scheme),
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            };
            registry.create_security_scheme(name, scheme);
        }
    }

    fn security_schemes() -> Vec<&'static str> {
        WAYS.map(|(name, ..)| name).into()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let accounts = request.data::<Arc<Accounts>>().ok_or_else(|| Problem::new(Code::InternalError))?;
        if is_said_twice(request) {
            return Err(Problem::new(Code::ApiKeyInvalid).into());
        }
        let key = sent(request).ok_or_else(|| Problem::new(Code::ApiKeyRequired))?;
        accounts.authenticate_api_key(&key, Capability::IntrospectTokens).await.map_err(Problem::from)?;
        Ok(Self)
    }
}

fn sent(request: &Request) -> Option<ApiKeyText> {
    let bearer = Bearer::from_request(request).map(|bearer| bearer.token);
    let sent = bearer.or_else(|_| Basic::from_request(request).map(|basic| basic.password));
    sent.ok().map(|text| ApiKeyText::new(&zeroize::Zeroizing::new(text)))
}
