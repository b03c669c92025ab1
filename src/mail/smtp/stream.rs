//! The bytes to and from a mail server, as lettre wants them.

use std::{
    io::{self, Error, ErrorKind},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// More than any server answers at once.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A connection, with or without TLS.
#[derive(Debug)]
pub(super) enum Channel {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection whose answers are bounded.
#[derive(Debug)]
pub(super) struct Stream {
    channel: Channel,
    /// What is read before anything that the server says.
    greeting: &'static [u8],
    /// How much was read since something was last written.
    read: usize,
}

impl Stream {
    /// A server that greets.
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, greeting: b"", read: 0 }
    }

    /// A server that has greeted already: after STARTTLS it does not greet again (RFC 3207, 4.2), but lettre waits for it.
    pub(super) fn greeted(channel: Channel) -> Self {
        Self { channel, greeting: b"220 again\r\n", read: 0 }
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.channel {
            Channel::Plain(stream) => stream.peer_addr(),
            Channel::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some((now, later)) = self.greeting.split_at_checked(buffer.remaining().min(self.greeting.len()))
            && !now.is_empty()
        {
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Channel::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        self.read += buffer.filled().len() - before;
        if self.read > LONGEST_ANSWER {
            return Poll::Ready(Err(Error::new(ErrorKind::InvalidData, "its answer is too long")));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.read = 0;
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Channel::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Channel::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Channel::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
