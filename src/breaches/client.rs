//! HTTP to one service, over a connection that is kept for the next request.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header,
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
pub(super) struct Client {
    url: Url,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Option<Sender>>,
}

type Sender = SendRequest<Empty<Bytes>>;

/// Why there is no answer. It says nothing of what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failed(pub(super) String);

fn failed(error: impl fmt::Display) -> Failed {
    Failed(error.to_string())
}

impl Client {
    /// A client of the service at `url`, which trusts the authorities in `ca_file` or those of the system.
    pub(super) fn new(url: &Url, ca_file: Option<&Path>) -> Result<Self, String> {
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

    /// Asks for `name`, which is put behind the URL. Whoever stops waiting for it closes the connection.
    pub(super) async fn get(&self, name: &str) -> Result<Bytes, Failed> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(idle) = idle.filter(|idle| !idle.is_closed())
            // The service may close a connection that it has kept for long, just then.
            && let Ok(answer) = self.ask(idle, name).await
        {
            return Ok(answer);
        }
        self.ask(self.connect().await?, name).await
    }

    async fn ask(&self, mut sender: Sender, name: &str) -> Result<Bytes, Failed> {
        sender.ready().await.map_err(failed)?;
        let request = Request::get(format!("{}{name}", self.url.path()))
            .header(header::HOST, self.url.authority())
            .header(header::USER_AGENT, concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .header("Add-Padding", "true")
            .body(Empty::new())
            .map_err(failed)?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(Failed(format!("it answered {}", answer.status())));
        }
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(failed)?.to_bytes();
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(body)
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
