//! A large body, which is only read once it is known who sends it.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use poem::{
    Body, Request, RequestBody,
    error::ReadBodyError,
    http::{Method, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{code::Code, problem::Problem};

/// What takes such a body: the only operation.
const PATH: &str = "/v1/admin/imports";

/// The largest one, in bytes.
pub(super) const MOST: usize = 16 * 1024 * 1024;

const MEDIA_TYPE: &str = "application/x-ndjson";

/// How many are in memory at once. Others wait, for as long as a body may take to come.
static ROOM: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// How long such a body may take to come.
#[derive(Clone, Copy)]
pub(super) struct UploadTime(pub(super) Duration);

/// A body that is still to be read.
pub(super) struct Upload {
    body: Body,
    time: Duration,
}

/// Whether the body of a request is left to its handler.
pub(super) fn is_upload(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path() == PATH
}

impl<'a> ApiExtractor<'a> for Upload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = vec![MetaMediaType { content_type: MEDIA_TYPE, schema }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let media_type =
            request.header(header::CONTENT_TYPE).and_then(|given| given.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(Problem::new(Code::UnsupportedMediaType).into());
        }
        let UploadTime(time) = request.data().copied().ok_or_else(|| Problem::new(Code::InternalError))?;
        Ok(Self { body: body.take()?, time })
    }
}

impl Upload {
    /// Reads it, and answers it with the room that it takes.
    pub(super) async fn read(self) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
        let read = async {
            let room = Arc::clone(&ROOM).acquire_owned().await.map_err(|_| Problem::new(Code::InternalError))?;
            let bytes = self.body.into_bytes_limit(MOST).await.map_err(|e| match e {
                ReadBodyError::PayloadTooLarge => Problem::new(Code::BodyTooLarge),
                _ => Problem::new(Code::MalformedBody),
            })?;
            Ok((bytes, room))
        };
        tokio::time::timeout(self.time, read).await.map_err(|_| Problem::new(Code::RequestTimeout))?
    }
}
