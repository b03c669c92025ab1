//! Who acts on others: a user who is signed in, by token or cookie, or a service with an API key.

use std::sync::Arc;

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    auth::{Bearer, BearerAuthorization},
    registry::Registry,
};
use zeroize::Zeroizing;

use crate::{
    accounts::{Accounts, ApiKeyText, Authority},
    http::{
        api_key::{self, Introspector},
        auth::{Authenticated, is_said_twice},
        code::Code,
        problem::Problem,
        web::Web,
    },
};

/// Somebody who may act on others, and what they may do. Whether that is enough, each use case decides.
pub(in crate::http) struct Administrator(pub(in crate::http) Authority);

impl<'a> ApiExtractor<'a> for Administrator {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Authenticated::register(registry);
        Introspector::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Authenticated::security_schemes().into_iter().chain([api_key::BEARER]).collect()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let accounts = request.data::<Arc<Accounts>>().ok_or_else(|| Problem::new(Code::InternalError))?;
        let authority = if let Some(key) = api_key(request) {
            let address = Web::of(request)?.client_address(request);
            accounts.authority_of_api_key(&key, address).await
        } else {
            let who = Authenticated::from_request(request, body, options).await?;
            accounts.authority(&who.signed_in).await
        };
        Ok(Self(authority.map_err(Problem::from)?))
    }
}

/// The API key of a request, if that is what it says. As the password of HTTP Basic it counts for nothing here: a browser
/// sends that again unasked, and any page could have it act.
fn api_key(request: &Request) -> Option<ApiKeyText> {
    if is_said_twice(request) {
        return None;
    }
    let token = Zeroizing::new(Bearer::from_request(request).ok()?.token);
    ApiKeyText::is_meant_by(&token).then(|| ApiKeyText::new(&token))
}
