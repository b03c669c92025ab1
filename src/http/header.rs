//! Request headers that an operation takes as arguments. Such a header is never overlooked: what cannot be read is
//! refused, in whichever of its lines it stands.

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
};

use super::{code::Code, problem::Problem};
use crate::accounts::IdempotencyKey;

/// What a header means.
pub(super) trait HeaderValue: Sized + Send {
    /// The form of one line, as a regular expression for the document.
    const PATTERN: &'static str;
    /// What is allowed, for whoever sent something else: it follows "must be".
    const ALLOWED: &'static str;
    /// The greatest length, if there is one.
    const MAX_LENGTH: Option<usize> = None;

    /// Reads all lines of the header: none when it is absent.
    fn read(lines: &[&str]) -> Option<Self>;
}

/// A header, read.
pub(super) struct Given<H>(pub(super) H);

impl<'a, H: HeaderValue> ApiExtractor<'a> for Given<H> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        let pattern = Some(H::PATTERN.to_owned());
        let schema = MetaSchema { pattern, max_length: H::MAX_LENGTH, ..MetaSchema::new("string") };
        Some(MetaSchemaRef::Inline(Box::new(schema)))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let lines = request.headers().get_all(options.name).iter().map(|line| line.to_str());
        let lines = lines.collect::<Result<Vec<_>, _>>().ok();
        let value = lines.and_then(|lines| H::read(&lines)).ok_or_else(|| {
            let detail = format!("The header `{}` must be {}.", options.name, H::ALLOWED);
            Problem::new(Code::InvalidParameter).with_detail(detail)
        })?;
        Ok(Self(value))
    }
}

impl HeaderValue for Option<IdempotencyKey> {
    const PATTERN: &'static str = "^[!-~]+$";
    const ALLOWED: &'static str = "1 to 255 visible ASCII characters, once";
    const MAX_LENGTH: Option<usize> = Some(255);

    fn read(lines: &[&str]) -> Option<Self> {
        match lines {
            [] => Some(None),
            [key] => IdempotencyKey::parse(key).ok().map(Some),
            _ => None,
        }
    }
}
