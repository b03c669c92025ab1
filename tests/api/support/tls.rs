//! Certificates, and a client that looks at the one it is shown.

use std::{fs, path::Path, sync::Arc};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A certificate for `localhost`, and its key.
pub struct Pair {
    pub certificate: CertificateDer<'static>,
    pub chain: String,
    pub key: String,
}

impl Pair {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        Self { chain: certificate.pem(), certificate: certificate.into(), key: key.serialize_pem() }
    }

    /// Puts the two files into a folder.
    pub fn write(&self, folder: &Path) {
        for (file, text) in [("chain.pem", &self.chain), ("key.pem", &self.key)] {
            fs::write(folder.join(".new"), text).unwrap();
            fs::rename(folder.join(".new"), folder.join(file)).unwrap();
        }
    }
}

/// A connection whose certificate was trusted.
pub struct Secure(pub TlsStream<TcpStream>);

impl Secure {
    /// Greets a server as a client that trusts only this certificate, with TLS of all versions or of one.
    pub async fn to(url: &str, trusted: &Pair, protocols: &[&str], only_12: Option<bool>) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.certificate.clone()).unwrap();
        let versions = match only_12 {
            None => vec![&TLS12, &TLS13],
            Some(true) => vec![&TLS12],
            Some(false) => vec![&TLS13],
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_protocol_versions(&versions).unwrap().with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(url.strip_prefix("https://").unwrap()).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(Self)
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The answer to a HEAD, over a connection that stays.
    pub async fn head(&mut self, path: &str) -> String {
        self.send(format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        let mut read = Vec::new();
        while !read.windows(4).any(|four| four == b"\r\n\r\n") {
            assert!(self.0.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
        }
        String::from_utf8_lossy(&read).into_owned()
    }
}
