//! A panic that says a secret, in a process of its own, whose log is looked at.

use std::process::Command;

use clap::Parser;
use latchkey::{
    cli::Cli,
    http::{self, WebSettings},
    telemetry,
};
use poem::{
    Server,
    endpoint::make_sync,
    listener::{Acceptor, Listener, TcpListener},
};

use super::canary::{Canary, Kind};

/// What the process does: it panics in a request, in a task and in a thread, and its log goes where it always goes.
#[tokio::test]
#[ignore = "it runs in a process that another test starts"]
async fn say_a_secret_in_a_panic() {
    for format in ["json", "text"] {
        telemetry::start(&Cli::parse_from(["latchkey", "--log", "trace", "--log-format", format]).config, None);
    }
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let url = format!("http://{}/", acceptor.local_addr()[0].as_socket_addr().unwrap());
    let endpoint = make_sync(|_| -> String { panic!("zqpanic7391canary") });
    let server =
        tokio::spawn(Server::new_with_acceptor(acceptor).run(http::guarded(endpoint, &WebSettings::default())));
    assert_eq!(reqwest::get(url).await.unwrap().status(), 500);
    server.abort();
    assert!(tokio::spawn(async { panic!("zqpanic7391canary") }).await.is_err());
    let parse = || std::thread::spawn(|| "zqpanic7391canary".parse::<u8>().map_err(|_| "zqpanic7391canary").unwrap());
    assert!(parse().join().is_err());
}

#[test]
fn a_panic_does_not_say_what_was_sent() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "leaks::panics::say_a_secret_in_a_panic", "--ignored", "--nocapture"]);
    let output = command.env("RUST_BACKTRACE", "full").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("something panicked").count(), 3, "{text}");
    assert!(!Canary::text(Kind::Secret, "zqpanic7391canary").is_in(&said), "{text}");
}
