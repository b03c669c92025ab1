//! HTTP to one service, over a connection that is kept for the next request.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::authorities::trusting;

/// The longest answer that is read. One of Have I Been Pwned has some 100 kB.
const LONGEST: usize = 1024 * 1024;

/// One service.
pub(crate) struct Client {
    url: Url,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Option<Sender>>,
}

type Sender = SendRequest<Full<Bytes>>;

/// Why there is no answer. It says nothing of what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(pub(crate) String);

fn failed(error: impl fmt::Display) -> Failed {
    Failed(error.to_string())
}

impl Client {
    /// A client of the service at `url`, which trusts the authorities in `ca_file` or those of the system.
    pub(crate) fn new(url: &Url, ca_file: Option<&Path>) -> Result<Self, String> {
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err("the URL has no host".to_owned()),
        };
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        let tls = match url.scheme() {
            "https" => {
                let name = ServerName::try_from(host.clone()).map_err(|e| e.to_string())?;
                Some((TlsConnector::from(Arc::new(trusting(ca_file)?.with_no_client_auth())), name))
            }
            _ => None,
        };
        Ok(Self { url: url.clone(), host, port, tls, idle: Mutex::default() })
    }

    /// Sends a request for `name`, which is put behind the URL, and answers with the status and the body. It may be sent
    /// twice, so it must do no more then. Whoever stops waiting for it closes the connection.
    pub(crate) async fn send(
        &self,
        method: &Method,
        name: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let request = || {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = format!("{}{name}", self.url.path()).parse().map_err(failed)?;
            let host = HeaderValue::from_str(self.url.authority()).map_err(failed)?;
            let agent = HeaderValue::from_static(concat!("latchkey/", env!("CARGO_PKG_VERSION")));
            let own = [(header::HOST, host), (header::USER_AGENT, agent)];
            request.headers_mut().extend(own.into_iter().chain(headers.iter().cloned()));
            Ok(request)
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(idle) = idle.filter(|idle| !idle.is_closed())
            // The service may close a connection that it has kept for long, just then.
            && let Ok(answer) = self.ask(idle, request()?).await
        {
            return Ok(answer);
        }
        self.ask(self.connect().await?, request()?).await
    }

    async fn ask(&self, mut sender: Sender, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failed> {
        sender.ready().await.map_err(failed)?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(failed)?.to_bytes();
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok((status, body))
    }

    async fn connect(&self) -> Result<Sender, Failed> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(failed)?;
        match &self.tls {
            Some((tls, name)) => shake_hands(tls.connect(name.clone(), stream).await.map_err(failed)?).await,
            None => shake_hands(stream).await,
        }
    }
}

async fn shake_hands(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Sender, Failed> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // It ends with the sender, or when the service closes it. Whoever waits for an answer hears why.
    tokio::spawn(connection);
    Ok(sender)
}
