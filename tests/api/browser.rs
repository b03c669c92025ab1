//! A page in a real browser, on one port, that lives by cookies of the service on another.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use poem::{
    Endpoint, IntoResponse, Response, Server,
    endpoint::make,
    http::Method,
    listener::{Acceptor, Listener, TcpAcceptor, TcpListener},
    web::Html,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use crate::support::{TestApp, chromium::ARGUMENTS};

/// Chromium without a window. Dropping it ends the process.
struct Chromium {
    process: Child,
    _profile: TempDir,
}

impl Chromium {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromium");
        command.args(ARGUMENTS).arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, _profile: profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The two pages, and where one of them tells what came of it.
fn pages(results: mpsc::Sender<Value>) -> impl Endpoint<Output = Response> + 'static {
    make(move |mut request: poem::Request| {
        let results = results.clone();
        async move {
            let path = request.uri().path().to_owned();
            Ok::<_, poem::Error>(match (request.method(), path.as_str()) {
                (&Method::POST, "/result") => {
                    results.send(request.take_body().into_json().await?).await.unwrap();
                    ().into_response()
                }
                (_, "/foreign") => Html(include_str!("pages/foreign.html")).into_response(),
                _ => Html(include_str!("pages/listed.html")).into_response(),
            })
        }
    })
}

async fn listen() -> (TcpAcceptor, String) {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address: SocketAddr = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    (acceptor, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_in_chromium_lives_by_cookies_and_one_of_another_origin_cannot_touch_them() {
    let ((listed, origin), (foreign, foreign_origin)) = (listen().await, listen().await);
    let (sender, mut results) = mpsc::channel(1);
    let servers = [listed, foreign].map(|acceptor| {
        let server = Server::new_with_acceptor(acceptor).run(pages(sender.clone()));
        tokio::spawn(server)
    });
    let app = TestApp::with(&["--cookies", "--cors-origins", &origin]).await;
    app.register("ada").await.expect(201);

    let chromium = Chromium::open(&format!("{origin}/?api={}&foreign={foreign_origin}", app.url));
    let result = timeout(Duration::from_secs(60), results.recv()).await.expect("the page tells nothing").unwrap();
    drop(chromium);
    let expected = json!({
        "statuses": [201, 200, 200, 200, 401, 200, 204, 401],
        "fields": ["token_type", "expires_in", "session", "user"],
        "readable": "",
        "name": "Ada",
        "code": "authentication_required",
        "tried": {"read": "blocked", "change": "blocked", "end": "blocked"},
    });
    assert_eq!(result, expected);
    servers.iter().for_each(tokio::task::JoinHandle::abort);
    app.stop().await;
}
