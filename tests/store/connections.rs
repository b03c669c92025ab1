//! Ways to a server: TLS, a socket, users and passwords.

use std::{fs, path::PathBuf};

use latchkey::store::{OpenError, Redis, RedisOptions, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::{
    key, put,
    redis_server::{RedisServer, command, free_port},
};

/// Writes and reads over this way.
async fn use_it(options: &RedisOptions) -> Result<(), OpenError> {
    let store = Store::Redis(Redis::connect(options).await?);
    store.commit(put("a", "1")).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().fields["value"], "1");
    store.close().await;
    Ok(())
}

/// An authority of our own, a certificate of the server and one of ours, as files.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn issue() -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        write("ca.pem", authority.pem());
        for who in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, who);
            write(&format!("{who}.pem"), params.signed_by(&key, &authority).unwrap().pem());
            write(&format!("{who}.key"), key.serialize_pem());
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server that asks its clients for a certificate of this authority, and its options without one.
    fn server(&self) -> (RedisServer, RedisOptions) {
        let port = free_port().to_string();
        let [ca, certificate, key] = ["ca.pem", "server.pem", "server.key"].map(|name| self.file(name));
        let server = RedisServer::start_with(&[
            "--tls-port",
            &port,
            "--tls-ca-cert-file",
            ca.to_str().unwrap(),
            "--tls-cert-file",
            certificate.to_str().unwrap(),
            "--tls-key-file",
            key.to_str().unwrap(),
        ]);
        (server, RedisOptions::new(format!("rediss://localhost:{port}"), "test:"))
    }
}

#[tokio::test]
async fn redis_is_reached_over_tls_with_our_own_authority_and_certificate() {
    let certificates = Certificates::issue();
    let (_server, mut options) = certificates.server();
    assert!(use_it(&options).await.is_err(), "the system does not trust our authority");
    options.ca_file = Some(certificates.file("ca.pem"));
    assert!(use_it(&options).await.is_err(), "the server wants a certificate of ours");
    options.identity = Some((certificates.file("client.pem"), certificates.file("client.key")));
    use_it(&options).await.unwrap();
    options.ca_file = Some(Certificates::issue().file("ca.pem"));
    assert!(use_it(&options).await.is_err(), "another authority did not sign the server");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_the_words_of_the_system() {
    let options = RedisOptions::new(format!("redis://127.0.0.1:{}", free_port()), "test:");
    let refused = use_it(&options).await.unwrap_err().to_string();
    assert!(refused.starts_with("Connection refused"), "{refused}");
}

#[tokio::test]
async fn redis_files_that_cannot_be_used_are_named() {
    let certificates = Certificates::issue();
    fs::write(certificates.file("empty.pem"), "").unwrap();
    let mut options = RedisOptions::new("rediss://localhost:1", "test:");
    for name in ["missing.pem", "empty.pem"] {
        options.ca_file = Some(certificates.file(name));
        let refused = use_it(&options).await.unwrap_err().to_string();
        assert!(refused.contains(name), "{refused}");
    }
    options.ca_file = None;
    options.identity = Some((certificates.file("client.pem"), certificates.file("missing.key")));
    let refused = use_it(&options).await.unwrap_err().to_string();
    assert!(refused.contains("missing.key"), "{refused}");
}

#[tokio::test]
async fn redis_is_reached_by_its_socket() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("redis.sock");
    let _server = RedisServer::start_with(&["--unixsocket", socket.to_str().unwrap()]);
    use_it(&RedisOptions::new(format!("unix://{}", socket.display()), "test:")).await.unwrap();
}

#[tokio::test]
async fn redis_lets_a_user_in_by_the_password_of_the_url_or_by_another_one() {
    let server = RedisServer::start();
    let client = server.client().await;
    let _: () = command(&client, "ACL SETUSER latchkey on >s3cret ~test:* +@all").await;
    let _: () = command(&client, "ACL SETUSER default off").await;
    let address = server.url().replace("redis://", "");
    use_it(&RedisOptions::new(format!("redis://latchkey:s3cret@{address}"), "test:")).await.unwrap();
    let mut options = RedisOptions::new(format!("redis://latchkey:wrong@{address}"), "test:");
    assert!(use_it(&options).await.is_err());
    options.password = Some("s3cret".to_owned());
    use_it(&options).await.unwrap();
    assert!(use_it(&RedisOptions::new(format!("redis://{address}"), "test:")).await.is_err());
}
