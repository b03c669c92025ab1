//! The nginx of docs/tokens.md: before a service that trusts Latchkey's tokens, and before Latchkey under a path.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, header};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    protected_service::{Pair, access},
    redis_server::free_port,
    snippets::snippet,
    support::Process,
};

/// A running nginx. Dropping it ends the process.
struct Nginx {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Nginx {
    /// With these locations.
    fn start(locations: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let places = places.map(|name| format!("{name}_temp_path {path}/{name};")).join("\n");
        // Another process may take the port between our look and nginx's start, so this is tried again.
        for _ in 0..10 {
            let port = free_port();
            let settings = format!(
                "daemon off; master_process off; pid {path}/pid;\n\
                 events {{}}\n\
                 http {{ access_log off;\n{places}\n\
                 server {{ listen 127.0.0.1:{port};\n{locations}\n}} }}\n"
            );
            fs::write(folder.path().join("nginx.conf"), settings).unwrap();
            // Debian has it where only administrators look for programs.
            let mut process = Command::new("sh")
                .args(["-c", "PATH=$PATH:/usr/sbin exec setpriv --pdeathsig KILL nginx -e log -c nginx.conf -p \"$0\""])
                .arg(folder.path())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            while Instant::now() < deadline && process.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { process, url: format!("http://127.0.0.1:{port}"), _folder: folder };
                }
                std::thread::yield_now();
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("nginx does not start: `make test` installs it, `--skip redis` leaves this test out\n{log}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nginx_lets_in_who_is_signed_in_at_that_moment() {
    let mut pair = Pair::start().await;
    let service = pair.articles.trim_end_matches("/articles");
    let locations = snippet("From a proxy", "nginx", &pair.latchkey.url).replace("http://127.0.0.1:9444", service);
    let nginx = Nginx::start(&locations);
    let tokens = pair.sign_in().await;
    let token = access(&tokens).to_owned();
    let request = |method: Method| pair.client.request(method, format!("{}/articles", nginx.url));
    let status = async |request: RequestBuilder| request.send().await.unwrap().status().as_u16();

    let refused = request(Method::GET).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"latchkey\"");
    assert_eq!(status(request(Method::GET).bearer_auth("garbage")).await, 401);
    assert_eq!(status(pair.client.get(format!("{}/.signed-in", nginx.url)).bearer_auth(&token)).await, 404);
    assert_eq!(status(request(Method::GET).bearer_auth(&token)).await, 200);
    for (name, value) in [(header::IF_NONE_MATCH, "\"1\""), (header::IF_NONE_MATCH, "*")] {
        let conditional = request(Method::GET).bearer_auth(&token).header(&name, value);
        assert_eq!(status(conditional).await, 200, "{name}: {value}");
    }
    let long = format!(r#"{{"title": "{}"}}"#, "a".repeat(50_000));
    let writing = async || status(request(Method::POST).bearer_auth(&token).body(long.clone())).await;
    assert_eq!(writing().await, 403, "the service behind says what may be written");

    let session = pair.client.delete(format!("{}/v1/sessions/current", pair.latchkey.url)).bearer_auth(&token);
    assert_eq!(status(session).await, 204);
    assert_eq!(status(request(Method::GET).bearer_auth(&token)).await, 401);
    assert_eq!(pair.read(&token).await.0, 200, "whoever looks at the signature alone hears of it later");

    let token = access(&pair.sign_in().await).to_owned();
    assert_eq!(status(request(Method::GET).bearer_auth(&token)).await, 200);
    pair.latchkey.child.kill().unwrap();
    pair.latchkey.child.wait().unwrap();
    assert_eq!(status(pair.client.get(format!("{}/articles", nginx.url)).bearer_auth(&token)).await, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nginx_leads_an_issuer_with_a_path_to_its_metadata_and_keys() {
    let latchkey = Process::start(&[("LATCHKEY_ISSUER", "https://example.com/accounts")]);
    let nginx = Nginx::start(&snippet("An issuer with a path", "nginx", &latchkey.url));
    let get = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", nginx.url)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap()
    };
    let metadata = get("/.well-known/oauth-authorization-server/accounts").await;
    assert_eq!(get("/accounts/.well-known/openid-configuration").await, metadata);
    assert_eq!(metadata["issuer"], "https://example.com/accounts");
    let keys = metadata["jwks_uri"].as_str().unwrap().strip_prefix("https://example.com").unwrap();
    assert_eq!(get(keys).await["keys"].as_array().unwrap().len(), 1);
}
