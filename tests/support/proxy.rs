//! A proxy between the service and Redis that does something at EXEC: the worst moment for a commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// What the proxy does with an EXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server applies it, and the connection is cut before the client hears of it.
    LoseReply,
    /// The connection is cut before the server gets it.
    LoseRequest,
    /// The server applies it, and the client hears of it so much later.
    DelayReply(Duration),
    /// The server gets it so much later, also when the client has given up by then.
    DelayRequest(Duration),
    /// The server gets it when the next one has come, and before that one.
    UntilNext,
}

/// A running proxy. Dropping it ends it.
pub(crate) struct Proxy {
    pub(crate) url: String,
    faults: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// What a proxy does to its connections.
struct Plan<W, C> {
    fault: Fault,
    /// Whether the fault comes at an EXEC, by its number from 1 on.
    when: W,
    /// What happens at a fault before a connection is closed.
    at_fault: C,
    seen: AtomicUsize,
    faults: Arc<AtomicUsize>,
    /// Whether one is kept until the next one, that this one has come, and that the other is done then.
    is_kept: AtomicBool,
    next: Notify,
    done: Notify,
}

impl Proxy {
    /// Stands before the server at `url`, and does `fault` to each EXEC whose number `when` says. `at_fault` is called when
    /// the fault has come and before the client can notice.
    pub(crate) async fn start(
        url: &str,
        fault: Fault,
        when: impl Fn(usize) -> bool + Send + Sync + 'static,
        at_fault: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let server = url.strip_prefix("redis://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let faults = Arc::new(AtomicUsize::new(0));
        let plan = Arc::new(Plan {
            fault,
            when,
            at_fault,
            seen: AtomicUsize::new(0),
            faults: Arc::clone(&faults),
            is_kept: AtomicBool::new(false),
            next: Notify::new(),
            done: Notify::new(),
        });
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let plan = Arc::clone(&plan);
                tokio::spawn(async move { plan.relay(client, server).await });
            }
        });
        Self { url, faults, task }
    }

    /// How many EXECs something was done to.
    pub(crate) fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<W: Fn(usize) -> bool, C: Fn()> Plan<W, C> {
    /// Relays until one side ends, or until a fault that cuts the connection.
    async fn relay(&self, mut client: TcpStream, mut server: TcpStream) {
        let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        loop {
            tokio::select! {
                read = client.read(&mut request) => {
                    let Ok(length @ 1..) = read else { return };
                    let request = &request[..length];
                    let is_exec = request.windows(4).any(|word| word == b"EXEC");
                    let fault = if is_exec { self.fault_of_next() } else { None };
                    match fault {
                        Some(Fault::DelayRequest(late)) => tokio::time::sleep(late).await, // the fault
                        Some(Fault::LoseRequest) => return (self.at_fault)(), // both connections are closed
                        Some(Fault::UntilNext) => self.next.notified().await,
                        None if is_exec && self.is_kept.swap(false, Ordering::SeqCst) => {
                            self.next.notify_one();
                            self.done.notified().await;
                        }
                        _ => {}
                    }
                    if server.write_all(request).await.is_err() {
                        return;
                    }
                    if let Some(Fault::LoseReply | Fault::DelayReply(_) | Fault::UntilNext) = fault {
                        let Ok(length @ 1..) = server.read(&mut answer).await else { return }; // so it is applied
                        self.done.notify_one();
                        let Some(Fault::DelayReply(late)) = fault else { return (self.at_fault)() };
                        tokio::time::sleep(late).await; // the fault
                        if client.write_all(&answer[..length]).await.is_err() {
                            return;
                        }
                    }
                }
                read = server.read(&mut answer) => {
                    let Ok(length @ 1..) = read else { return };
                    if client.write_all(&answer[..length]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// What is to be done to one more EXEC.
    fn fault_of_next(&self) -> Option<Fault> {
        let is_due = (self.when)(self.seen.fetch_add(1, Ordering::SeqCst) + 1);
        self.faults.fetch_add(usize::from(is_due), Ordering::SeqCst);
        self.is_kept.fetch_or(is_due && self.fault == Fault::UntilNext, Ordering::SeqCst);
        is_due.then_some(self.fault)
    }
}
