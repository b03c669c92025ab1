//! Swagger UI at `/docs`: a small page that shows `/openapi.json`, and the two files that it is made of. They are those
//! of npm's package, packed; `swagger-ui/README.md` says which version and how another is taken.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use poem::{
    IntoResponse, Response, Route,
    endpoint::make_sync,
    get,
    http::{HeaderValue, header},
};
use sha2::{Digest, Sha256};

/// A file of the page, packed with gzip. It is sent so, whatever the client says it accepts: browsers take it, and
/// nobody else has a use for it (RFC 9110, 12.5.3).
struct File {
    path: &'static str,
    media_type: &'static str,
    packed: &'static [u8],
    /// SHA-256 of what is packed, in Base64: the browser holds the file against it (Subresource Integrity).
    digest: &'static str,
}

// Each path names what is there by the beginning of its digest in Base64url, so it may be kept forever.
const STYLE: File = File {
    path: "/docs/XtCHV-U9o-Am.css",
    media_type: "text/css; charset=utf-8",
    packed: include_bytes!("swagger-ui/swagger-ui.css.gz"),
    digest: "XtCHV+U9o+Am1svsxh/l1DWFyVYLMC1TStVmklGaJz0=",
};
const SCRIPT: File = File {
    path: "/docs/5qiYaS8tdo6A.js",
    media_type: "text/javascript; charset=utf-8",
    packed: include_bytes!("swagger-ui/swagger-ui-bundle.js.gz"),
    digest: "5qiYaS8tdo6AfDukYmBopposXdlg3Wx28+TTo94YCvI=",
};

/// Where the page and its files are.
pub(super) const PATHS: [&str; 3] = ["/docs", STYLE.path, SCRIPT.path];

/// What starts it. Without a validator, since the one it knows is a service elsewhere.
const START: &str = "SwaggerUIBundle({url: 'openapi.json', dom_id: '#ui', deepLinking: true, tryItOutEnabled: true, validatorUrl: null})";

/// Adds the page and its files to `route`.
pub(super) fn add(route: Route) -> Route {
    let (page, policy) = (Bytes::from(page()), content_security_policy());
    let page = make_sync(move |_| {
        let mut response = answer("text/html; charset=utf-8", page.clone(), "no-cache");
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    });
    [STYLE, SCRIPT].into_iter().fold(route.at("/docs", get(page)), |route, file| {
        let File { path, media_type, packed, .. } = file;
        let packed = make_sync(move |_| {
            let mut response = answer(media_type, Bytes::from_static(packed), "public, max-age=31536000, immutable");
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        });
        route.at(path, get(packed))
    })
}

fn answer(media_type: &'static str, bytes: Bytes, cache: &'static str) -> Response {
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// The page. Its paths are relative, so that it also works where a proxy puts the service below a path.
fn page() -> String {
    let element =
        |open: &str, file: &File| format!("{open}\"{}\" integrity=\"sha256-{}\"", &file.path[1..], file.digest);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Latchkey</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{}>\n<div id=\"ui\"></div>\n{}></script>\n\
         <script>{START}</script>\n</html>\n",
        element("<link rel=\"stylesheet\" href=", &STYLE),
        element("<script src=", &SCRIPT),
    )
}

/// A policy that lets the page run its two scripts, call this origin, and nothing else. Swagger UI writes styles into
/// its elements, which no hash can name.
fn content_security_policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{}' 'sha256-{}'; style-src 'self' 'unsafe-inline'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        SCRIPT.digest,
        STANDARD.encode(Sha256::digest(START)),
    )
}
