//! One connection: HTTP/1.1 or HTTP/2, from its first byte to its last.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use poem::{
    Addr, Endpoint, IntoResponse, Response,
    http::{self, Method, Version, header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    connection::{Connection, Order, UnderWay},
    register::Registered,
    socket::Socket,
    stream::Stream,
};

/// The most bytes of the headers of a request, and of an answer that wait in the buffer of a connection.
const HEADERS: usize = 16 * 1024;
/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 100;
/// Bytes of one body of HTTP/2 that a client may send before they are read: a whole body by default.
const STREAM_WINDOW: u32 = 64 * 1024;
/// Bytes of all bodies of one connection.
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// Bytes of answers that wait for one stream of HTTP/2.
const SEND_BUFFER: usize = 64 * 1024;

/// What all connections have in common.
pub(super) struct Serving<E> {
    endpoint: E,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    protocols: auto::Builder<TokioExecutor>,
}

impl<E: Endpoint<Output = Response> + 'static> Serving<E> {
    pub(super) fn new(endpoint: E, address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let mut protocols = auto::Builder::new(TokioExecutor::new());
        // Of the fields of a request, hyper takes 100.
        protocols.http1().max_buf_size(HEADERS);
        // A client that resets its streams as fast as it opens them is cut off by h2, after 20 that wait.
        #[expect(clippy::cast_possible_truncation, reason = "it is a small constant")]
        protocols
            .http2()
            .max_header_list_size(HEADERS as u32)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER);
        Self { endpoint, address, tls, protocols }
    }

    /// Serves a connection until it ends, or is told to.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, registered: Registered) {
        let connection = &registered.connection;
        let socket = Socket::new(stream, Arc::clone(connection));
        let stream = match &self.tls {
            None => Stream::Plain(socket),
            // In a box, like what follows, since a task has the room of all that it ever does.
            Some(acceptor) => match Box::pin(greet(acceptor, socket, connection)).await {
                Some(stream) => Stream::Tls(Box::new(stream)),
                None => return,
            },
        };
        Box::pin(self.serve_http(stream, peer, connection)).await;
    }

    async fn serve_http(self: Arc<Self>, stream: Stream, peer: SocketAddr, connection: &Arc<Connection>) {
        let scheme = if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let service = service_fn(|request: http::Request<Incoming>| {
            let under_way = connection.begin(request.version() == Version::HTTP_2);
            let with_body = request.method() != Method::HEAD;
            let (serving, connection, scheme) = (Arc::clone(&self), Arc::clone(connection), scheme.clone());
            // In a box, since a connection keeps the room of a request while it has none.
            Box::pin(async move {
                let (local, remote) = (LocalAddr(Addr::SocketAddr(serving.address)), RemoteAddr(peer.into()));
                let request = poem::Request::from((request, local, remote, scheme));
                let response = serving.endpoint.call(request).await.unwrap_or_else(poem::Error::into_response);
                if response.headers().contains_key(header::CONNECTION) {
                    connection.cut();
                }
                let mut answer: http::Response<_> = response.into_response().into();
                if !with_body {
                    tell_length(&mut answer);
                }
                let body = |body| Answer { body: Some(body).filter(|_| with_body), _under_way: under_way };
                Ok::<_, Infallible>(answer.map(body))
            })
        });
        let mut served = pin!(self.protocols.serve_connection(TokioIo::new(stream), service));
        loop {
            tokio::select! {
                biased;
                outcome = &mut served => {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, "a connection broke");
                    }
                    return;
                }
                order = connection.told() => match order {
                    Order::Drain => served.as_mut().graceful_shutdown(),
                    Order::Abort => return,
                },
            }
        }
    }
}

/// The handshake of TLS: nothing, when it fails or the connection is told to end.
async fn greet(acceptor: &TlsAcceptor, socket: Socket, connection: &Connection) -> Option<TlsStream<Socket>> {
    tokio::select! {
        greeted = acceptor.accept(socket) => {
            greeted.inspect_err(|error| tracing::debug!(%error, "no TLS came about")).ok()
        }
        _ = connection.told() => None,
    }
}

/// Writes how long the body is that HEAD is not given.
fn tell_length(answer: &mut http::Response<impl Body>) {
    if let Some(length) = answer.body().size_hint().exact().filter(|length| *length > 0) {
        answer.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
}

/// The body of an answer, whose request is under way until it was handed over. HEAD is given none: hyper leaves it out by
/// itself over HTTP/1.1, but not over HTTP/2.
struct Answer<B> {
    body: Option<B>,
    _under_way: UnderWay,
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}
