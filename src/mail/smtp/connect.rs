//! How a mail server is reached: with TLS from the first byte (RFC 8314), after STARTTLS (RFC 3207), or in plain text.

use std::{fmt, io, sync::Arc};

use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    extension::ClientId,
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    failure::{Failure, Stage},
    stream::{Channel, Stream},
};
use crate::{
    authorities::trusting,
    mail::options::{Security, SmtpOptions},
};

/// More than any server says before TLS.
const LONGEST_ANSWER: usize = 16 * 1024;

/// What is needed to reach one server.
pub(super) struct Connector {
    host: String,
    port: u16,
    security: Security,
    tls: TlsConnector,
    name: ServerName<'static>,
    client: ClientId,
    credentials: Option<Credentials>,
}

impl Connector {
    /// Reads the certificates. `domain` is what the server is greeted with.
    pub(super) fn new(options: SmtpOptions, domain: &str) -> Result<Self, String> {
        let SmtpOptions { host, port, security, credentials, ca_file, .. } = options;
        let tls = TlsConnector::from(Arc::new(trusting(ca_file.as_deref())?.with_no_client_auth()));
        let name = ServerName::try_from(host.clone()).map_err(|e| e.to_string())?;
        let client = ClientId::Domain(domain.to_owned());
        let credentials = credentials.map(|given| Credentials::new(given.user, (*given.password).clone()));
        Ok(Self { host, port, security, tls, name, client, credentials })
    }

    /// A connection that letters can be handed over.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let mut tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let stream = match self.security {
            Security::Plain => Stream::new(Channel::Plain(tcp)),
            Security::Tls => Stream::new(self.encrypt(tcp).await?),
            Security::StartTls => {
                start_tls(&mut tcp, &self.client).await.map_err(unreachable)?;
                Stream::greeted(self.encrypt(tcp).await?)
            }
        };
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.client).await;
        let mut connection = connection.map_err(Stage::Connection.failed())?;
        if let Some(credentials) = &self.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await.map_err(Stage::SignIn.failed())?;
        }
        Ok(connection)
    }

    async fn encrypt(&self, tcp: TcpStream) -> Result<Channel, Failure> {
        let tls = self.tls.connect(self.name.clone(), tcp).await;
        Ok(Channel::Tls(Box::new(tls.map_err(|e| Failure::Connection(format!("TLS failed: {e}")))?)))
    }
}

fn unreachable(error: impl fmt::Display) -> Failure {
    Failure::Connection(error.to_string())
}

/// Asks a server to begin with TLS. Without it nothing else is said.
///
/// lettre could do this, but it would take what somebody on the way has put behind the answer to STARTTLS for an answer
/// over TLS. Here nothing is read beyond that answer, so TLS gets it and fails.
async fn start_tls(tcp: &mut TcpStream, client: &ClientId) -> io::Result<()> {
    expect("220", &answer(tcp).await?)?;
    tcp.write_all(format!("EHLO {client}\r\n").as_bytes()).await?;
    let offered = answer(tcp).await?;
    expect("250", &offered)?;
    if !offered.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))) {
        return Err(io::Error::other("it does not offer STARTTLS, and without TLS nothing is sent to it"));
    }
    tcp.write_all(b"STARTTLS\r\n").await?;
    expect("220", &answer(tcp).await?)
}

fn expect(code: &str, answer: &str) -> io::Result<()> {
    if answer.starts_with(code) { Ok(()) } else { Err(io::Error::other(format!("it answered {}", answer.trim_end()))) }
}

/// One answer, byte by byte, so that nothing behind it is read: lines whose code has a dash behind it, and one that has not.
async fn answer(tcp: &mut TcpStream) -> io::Result<String> {
    let (mut answer, mut line) = (Vec::new(), 0);
    while answer.len() < LONGEST_ANSWER {
        answer.push(tcp.read_u8().await?);
        if answer.ends_with(b"\n") {
            if answer.get(line + 3) != Some(&b'-') {
                return Ok(String::from_utf8_lossy(&answer).into_owned());
            }
            line = answer.len();
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "its answer is too long"))
}
