//! The server: connections, from the moment they are accepted to their last byte. It knows nothing of what is served.
//!
//! No client can hold more than it is given: how many connections there are, and how long each may take for its headers,
//! for a whole request and between two of them, is bounded, and bytes that drip do not stretch it. The `watch` looks at
//! all connections a few times in the shortest of these times, and closes what is late. So no timer is set for a request,
//! and what is late is closed up to a quarter of a second, or of a shorter time's quarter, after that time.

mod connection;
mod files;
mod register;
mod serving;
mod socket;
mod stream;
mod tls;
mod watch;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use poem::{Endpoint, Response};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub use self::{
    files::raise_open_files,
    tls::{Identity, Tls, TlsError, tls_to_self},
};
use self::{
    register::{Register, Registered},
    serving::Serving,
};
use crate::metrics::Source;

/// How long to wait after no connection could be accepted, since there are no files left for one.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What the server gives to its clients.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// How many connections there may be at once.
    pub connections: usize,
    /// How long the headers of a request may take: those of the first one since the connection was made, with the
    /// handshake of TLS; those of later ones since their first byte. Where that is not seen, since it comes over HTTP/2 or
    /// together with the request before, they end with the time that a connection may be without a request.
    pub header_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a request may take from its headers until its whole answer was given to the client. Over HTTP/2 it begins
    /// anew with each request that ends beside others.
    pub request_timeout: Duration,
}

/// A bound address, and what clients of it are given.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    register: Arc<Register>,
    tls: Option<Tls>,
}

impl Server {
    /// Binds an address.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub async fn bind(address: SocketAddr, limits: ServerLimits) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, register: Arc::new(Register::new(limits)), tls: None })
    }

    /// The same server, with TLS.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What there is to count of its connections.
    #[must_use]
    pub fn numbers(&self) -> Arc<dyn Source> {
        Arc::<Register>::clone(&self.register)
    }

    /// Serves until `stop` is done. Then no connection is accepted any more, and requests under way have this long to be
    /// finished.
    pub async fn run<E>(self, endpoint: E, stop: impl Future<Output = ()>, shutdown_timeout: Duration)
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let register = self.register;
        let watch = tokio::spawn(watch::keep(Arc::clone(&register)));
        let certificate = self.tls.clone().map(|tls| tokio::spawn(tls.keep()));
        let serving = Arc::new(Serving::new(endpoint, self.address, self.tls.as_ref().map(Tls::acceptor)));
        tokio::pin!(stop);
        loop {
            let (stream, peer, registered) = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&self.listener, &register) => accepted,
            };
            tokio::spawn(Arc::clone(&serving).serve(stream, peer, registered));
        }
        drop(self.listener);
        register.drain();
        if tokio::time::timeout(shutdown_timeout, register.emptied()).await.is_err() {
            register.abort();
            register.emptied().await;
        }
        watch.abort();
        certificate.inspect(JoinHandle::abort);
    }
}

/// The next connection, once there is room for it. Until then others wait in the queue of the system.
async fn accept(listener: &TcpListener, register: &Arc<Register>) -> (TcpStream, SocketAddr, Registered) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // An answer is written at once, so there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                return (stream, peer, register.room().await);
            }
            Err(e) if is_of_the_client(&e) => {}
            Err(error) => {
                register.tell(|| tracing::warn!(%error, "no connection can be accepted"));
                register.make_room();
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Whether only this connection failed, which its client gave up.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}
