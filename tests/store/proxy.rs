//! A proxy between the store and Redis that loses replies of EXEC: the server has applied the transaction, and nobody
//! hears of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
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
}

/// A running proxy. Dropping it ends it.
pub(crate) struct Proxy {
    pub(crate) url: String,
    cuts: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Stands before the server at `url`, and does `fault` to every `every`th EXEC.
    pub(crate) async fn start(url: &str, fault: Fault, every: usize) -> Self {
        let server = url.strip_prefix("redis://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (cuts, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&cuts);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let (seen, cuts) = (Arc::clone(&seen), Arc::clone(&count));
                tokio::spawn(async move {
                    if relay(client, server, fault, every, &seen).await {
                        cuts.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self { url, cuts, task }
    }

    /// How many connections it has cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Relays until one side ends, or until a fault: then it answers true.
async fn relay(client: TcpStream, server: TcpStream, fault: Fault, every: usize, seen: &AtomicUsize) -> bool {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(copy(from_server, to_client));
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let request = &buffer[..length];
        let is_exec = request.windows(4).any(|word| word == b"EXEC");
        if is_exec && seen.fetch_add(1, Ordering::Relaxed) % every == every - 1 {
            answers.abort();
            if fault == Fault::LoseReply {
                // No answer is relayed any more when the server gets this.
                let _ = answers.await;
                to_server.write_all(request).await.unwrap();
                to_server.flush().await.unwrap();
            }
            return true; // both connections are closed
        }
        if to_server.write_all(request).await.is_err() {
            break;
        }
    }
    answers.abort();
    false
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}
