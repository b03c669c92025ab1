//! A service that is killed, stopped or frozen while letters wait or are being sent: none is lost.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    proxy::{Fault, Proxy},
    redis_server::{RedisServer, free_port},
    support::{
        ABANDONED, NEXT_TRY, PASSWORD, Process, TestApp, run, sent_by,
        smtp_server::{Mode, SmtpServer},
        victim::{self, Call},
    },
};

const ADA: &str = "ada@example.com";

/// Where the records of a service are that comes and goes.
enum Records {
    Redis(RedisServer),
    Embedded(TempDir),
}

impl Records {
    fn setting(&self) -> (&'static str, String) {
        match self {
            Self::Redis(redis) => ("LATCHKEY_REDIS_URL", redis.url()),
            Self::Embedded(folder) => ("LATCHKEY_DATA_DIR", data(folder.path())),
        }
    }

    /// A process whose letters go to the mail server at `url`.
    async fn process(&self, url: &str) -> Process {
        let (name, value) = self.setting();
        let url = url.to_owned();
        let start = move || {
            let mail = [("LATCHKEY_SMTP_URL", url.as_str()), ("LATCHKEY_MAIL_FROM", "a@example.com")];
            let patience = [("LATCHKEY_SMTP_TIMEOUT", "2s"), (name, value.as_str())];
            Process::start(&[victim::CHEAP.as_slice(), &mail, &patience].concat())
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    /// Whoever comes next, when nobody has a letter any more. Ends when all of them are sent.
    async fn send_the_rest(self, server: &SmtpServer) {
        let url = server.url();
        match self {
            Self::Redis(redis) => {
                let mut app = TestApp::on_with(&redis.url(), &sent_by(&url)).await;
                app.redis = Some(redis);
                app.clock.advance(ABANDONED);
                app.entries_when(<[_]>::is_empty).await;
                app.stop().await;
            }
            Self::Embedded(folder) => {
                let again = tempfile::tempdir().unwrap();
                std::fs::rename(data(folder.path()), data(again.path())).unwrap();
                let looked = data(again.path());
                let app = TestApp::in_folder(again, &sent_by(&url)).await;
                app.clock.advance(ABANDONED);
                server.next_letter().await;
                let folder = app.end().await;
                let doctor = run(&[("LATCHKEY_DATA_DIR", &looked)], &["doctor"]);
                let doctor = String::from_utf8(doctor.stdout).unwrap();
                assert!(doctor.contains("letters to be sent: 0; none was given up"), "{doctor}");
                drop(folder);
            }
        }
    }
}

fn data(folder: &Path) -> String {
    folder.join("data").to_str().unwrap().to_owned()
}

async fn post(process: &Process, path: &str, body: serde_json::Value) -> u16 {
    let request = reqwest::Client::new().post(format!("{}{path}", process.url)).json(&body);
    request.send().await.unwrap().status().as_u16()
}

/// Ada, who forgot her password.
async fn ask(process: &Process) {
    assert_eq!(post(process, "/v1/users", json!({"email": ADA, "password": PASSWORD})).await, 201);
    assert_eq!(post(process, "/v1/password-resets", json!({"email": ADA})).await, 202);
}

async fn kill(mut process: Process) {
    let kill = move || {
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    };
    tokio::task::spawn_blocking(kill).await.unwrap();
}

fn stores() -> [Records; 2] {
    [Records::Redis(RedisServer::start()), Records::Embedded(tempfile::tempdir().unwrap())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_letter_that_was_asked_for_outlives_the_service_while_there_is_no_mail_server() {
    for records in stores() {
        let nobody = format!("smtp://127.0.0.1:{}?disable_starttls=true", free_port());
        let process = records.process(&nobody).await;
        ask(&process).await;
        kill(process).await;
        let server = SmtpServer::start(Mode::Well).await;
        records.send_the_rest(&server).await;
        assert_eq!(server.letters().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_letter_that_was_being_sent_outlives_the_service() {
    for records in stores() {
        let server = SmtpServer::start(Mode::Hang).await;
        let process = records.process(&server.url()).await;
        ask(&process).await;
        server.busy_with(1).await;
        kill(process).await;
        server.set(Mode::Well).await;
        records.send_the_rest(&server).await;
        assert_eq!(server.letters().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_service_that_stops_finishes_its_letter_and_nobody_sends_it_again() {
    for records in stores() {
        let server = SmtpServer::start(Mode::Slow(Duration::from_secs(1))).await;
        let process = records.process(&server.url()).await;
        ask(&process).await;
        server.busy_with(1).await;
        process.signal("-TERM");
        let (code, log) = tokio::task::spawn_blocking(|| process.end()).await.unwrap();
        assert_eq!((code, log.matches("a mail was sent").count()), (Some(0), 1), "{log}");
        assert_eq!(server.letters().await.len(), 1);
        let (name, value) = records.setting();
        let doctor = run(&[(name, &value)], &["doctor"]);
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.contains("letters to be sent: 0; none was given up"), "{doctor}");
    }
}

/// At every transaction of a letter: that which asks for it, taking it, keeping the digest of its secret, and noting that it
/// was sent. Each is lost on its way to Redis, or applied without anybody hearing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_service_that_is_killed_at_any_step_of_a_letter_loses_none() {
    for exec in 1..=4 {
        for fault in [Fault::LoseRequest, Fault::LoseReply] {
            let redis = RedisServer::start();
            let app = TestApp::on(&redis.url()).await;
            app.register("ada").await.expect(201);
            app.stop().await;
            let was_asked = ask_and_kill(&redis.url(), exec, fault).await;
            assert!(was_asked || exec == 1, "{exec} {fault:?}");

            let mut next = TestApp::on(&redis.url()).await;
            next.redis = Some(redis);
            next.clock.advance(ABANDONED);
            next.entries_when(<[_]>::is_empty).await;
            let letters = next.letters(ADA).len();
            // Before the first one nothing was asked for, and behind the last one everything is done.
            let is_due = (exec, fault) != (1, Fault::LoseRequest) && (exec, fault) != (4, Fault::LoseReply);
            assert_eq!(letters, usize::from(is_due), "{exec} {fault:?}");
            next.stop().await;
        }
    }
}

/// Asks a service of its own for a letter, which is killed with SIGKILL at the EXEC of this number. Answers whether it said
/// that the letter will be sent.
async fn ask_and_kill(url: &str, exec: usize, fault: Fault) -> bool {
    let victim = Arc::new(Mutex::new(None::<Process>));
    let killer = Arc::clone(&victim);
    let kill = move || {
        let mut process = killer.lock().unwrap();
        let child = &mut process.as_mut().unwrap().child;
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let proxy = Proxy::start(url, fault, move |number| number == exec, kill).await;
    let process = victim::start(&proxy.url).await;
    let (url, body) = (process.url.clone(), Some(json!({"email": ADA})));
    *victim.lock().unwrap() = Some(process);
    let call = Call { method: Method::POST, path: "/v1/password-resets", token: None, key: None, body };
    let answer = call.send(&url).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while proxy.faults() == 0 {
        assert!(Instant::now() < deadline, "there is no step {exec}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    answer.is_ok_and(|(status, _)| status == 202)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_service_that_was_frozen_while_it_sent_does_not_undo_what_another_did() {
    let server = SmtpServer::start(Mode::Hang).await;
    let records = Records::Redis(RedisServer::start());
    let process = records.process(&server.url()).await;
    ask(&process).await;
    server.busy_with(1).await;
    let pid = Pid::from_child(&process.child);
    kill_process(pid, Signal::STOP).unwrap();
    server.set(Mode::Well).await;
    let Records::Redis(redis) = records else { panic!() };
    let url = server.url();
    let mut app = TestApp::on_with(&redis.url(), &sent_by(&url)).await;
    app.redis = Some(redis);
    app.clock.advance(NEXT_TRY); // somebody has it still
    app.register("bob").await.expect(201);
    app.forget_password("bob@example.com").await;
    assert_eq!(server.next_letter().await.to, ["bob@example.com"]);
    app.clock.advance(ABANDONED);
    assert_eq!(server.next_letter().await.to, [ADA]);
    app.entries_when(<[_]>::is_empty).await;

    kill_process(pid, Signal::CONT).unwrap();
    process.signal("-TERM");
    let (code, log) = tokio::task::spawn_blocking(|| process.end()).await.unwrap();
    assert_eq!((code, log.matches("a mail was not sent").count()), (Some(0), 1), "{log}");
    assert_eq!((app.entries().await.len(), server.letters().await.len()), (0, 2));
    app.stop().await;
}
