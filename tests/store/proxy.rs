//! A proxy between the store and Redis that does something to every few EXECs: the worst moment for a commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// What the proxy does with an EXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server gets it, and the connection is cut before the client hears of it.
    LoseReply,
    /// The connection is cut before the server gets it.
    LoseRequest,
    /// The server gets it, and the client hears of it so much later.
    DelayReply(Duration),
    /// The server gets it so much later, also when the client has given up by then.
    DelayRequest(Duration),
}

/// A running proxy. Dropping it ends it.
pub(crate) struct Proxy {
    pub(crate) url: String,
    faults: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Stands before the server at `url`, and does `fault` to every `every`th EXEC.
    pub(crate) async fn start(url: &str, fault: Fault, every: usize) -> Self {
        let server = url.strip_prefix("redis://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (faults, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&faults);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let relay = Relay { fault, every, seen: Arc::clone(&seen), faults: Arc::clone(&count) };
                tokio::spawn(relay.run(client, server));
            }
        });
        Self { url, faults, task }
    }

    /// How many EXECs something was done to.
    pub(crate) fn faults(&self) -> usize {
        self.faults.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Relay {
    fault: Fault,
    every: usize,
    seen: Arc<AtomicUsize>,
    faults: Arc<AtomicUsize>,
}

impl Relay {
    /// Relays until one side ends, or until a fault that cuts it.
    async fn run(self, client: TcpStream, server: TcpStream) {
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let late = match self.fault {
            Fault::DelayReply(late) => late,
            _ => Duration::ZERO,
        };
        let (delay, delayed) = tokio::sync::watch::channel(Duration::ZERO);
        let answers = tokio::spawn(copy(from_server, to_client, delayed));
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            let request = &buffer[..length];
            if self.is_due(request) {
                match self.fault {
                    Fault::LoseRequest => break,
                    Fault::LoseReply => {
                        // No answer is relayed any more when the server gets this.
                        answers.abort();
                        while !answers.is_finished() {
                            tokio::task::yield_now().await;
                        }
                        to_server.write_all(request).await.unwrap();
                        to_server.flush().await.unwrap();
                        break;
                    }
                    Fault::DelayReply(_) => delay.send(late).unwrap(),
                    Fault::DelayRequest(late) => tokio::time::sleep(late).await, // the fault
                }
            }
            if to_server.write_all(request).await.is_err() {
                break;
            }
        }
        answers.abort(); // both connections are closed
    }

    fn is_due(&self, request: &[u8]) -> bool {
        let is_exec = request.windows(4).any(|word| word == b"EXEC");
        let due = is_exec && self.seen.fetch_add(1, Ordering::Relaxed) % self.every == self.every - 1;
        self.faults.fetch_add(usize::from(due), Ordering::Relaxed);
        due
    }
}

/// Relays answers, each later by what `delay` says.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: tokio::sync::watch::Receiver<Duration>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let late = *delay.borrow();
        tokio::time::sleep(late).await; // the fault, or no time at all
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
