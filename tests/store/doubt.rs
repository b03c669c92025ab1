//! A commit in doubt: EXEC was sent, and no reply came. What is met afterwards says nothing of what it did.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use latchkey::store::{CommitError, Expectation, Revision, Store};

use super::{
    cluster_of_servers::until,
    connect, key, name,
    proxy::{Fault, Proxy},
    put,
    redis_server::{RedisServer, command},
};

/// What became of a commit, and what it came through.
struct Doubt {
    server: RedisServer,
    _through: (Proxy, Arc<Store>),
    outcome: Result<Revision, CommitError>,
}

impl Doubt {
    /// Does `fault` to the EXEC of a commit. Where something is lost, the server is told `words` before anybody notices.
    async fn of(fault: Fault, words: &str) -> Self {
        let server = RedisServer::start();
        let (port, words) = (server.port(), format!("{words}\r\n"));
        let at_fault = move || {
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            server.write_all(words.as_bytes()).unwrap();
            let mut answer = [0; 100];
            let length = server.read(&mut answer).unwrap();
            assert_eq!(answer[0], b'+', "{:?}", String::from_utf8_lossy(&answer[..length]));
        };
        let proxy = Proxy::start(&server.url(), fault, |exec| exec == 1, at_fault).await;
        let store = connect(&proxy.url).await;
        let mut batch = put("a", "1");
        batch.expect(name("a"), Expectation::Absent); // so that it cannot be applied twice
        let outcome = store.commit(batch).await;
        assert_eq!(proxy.faults(), 1);
        Self { server, _through: (proxy, store), outcome }
    }

    async fn is_applied(&self) {
        let found = connect(&self.server.url()).await.get(&key("a")).await.unwrap().unwrap();
        assert_eq!(self.outcome.as_ref().unwrap(), &found.revision);
    }

    fn is_unknown(&self) {
        assert!(matches!(self.outcome, Err(CommitError::Unavailable(_))), "{:?}", self.outcome);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_commit_whose_reply_is_lost_is_found_to_be_applied() {
    Doubt::of(Fault::LoseReply, "PING").await.is_applied().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_commit_whose_request_is_lost_is_made_again() {
    Doubt::of(Fault::LoseRequest, "PING").await.is_applied().await;
}

/// The second attempt finds that somebody has written meanwhile: the first one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_commit_that_overtakes_itself_is_no_conflict() {
    Doubt::of(Fault::UntilNext, "PING").await.is_applied().await;
}

/// And the commit is carried on when there is room again, though its caller has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_full_meanwhile_does_not_say_that_nothing_was_written() {
    let doubt = Doubt::of(Fault::LoseRequest, "CONFIG SET maxmemory 1").await;
    doubt.is_unknown();
    let _: () = command(&doubt.server.client().await, "CONFIG SET maxmemory 0").await;
    let store = connect(&doubt.server.url()).await;
    until(async || store.get(&key("a")).await.unwrap().is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_damaged_meanwhile_does_not_say_that_nothing_was_written() {
    Doubt::of(Fault::LoseRequest, &format!("SET test:{} text", key("a"))).await.is_unknown();
}
