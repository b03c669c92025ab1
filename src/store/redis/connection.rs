//! One connection to one server. It never reconnects: whoever finds it ended opens another, and by then it may have to
//! lead to another server.

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{Builder, config::ConnectionConfig},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::task::AbortHandle;

/// A client, and the task that owns its socket. Dropping it closes the connection.
pub(super) struct Connection {
    pub(super) client: Client,
    ended: Shared<BoxFuture<'static, ()>>,
    task: AbortHandle,
}

impl Connection {
    /// Connects to the server that `builder` names, on a task of its own: it is not cut off when whoever wants it gives
    /// up, and is closed then as soon as it is there.
    pub(super) async fn open(builder: Builder) -> Result<Self, Error> {
        let opened = tokio::spawn(Box::pin(Self::connect(builder))).await;
        opened.unwrap_or_else(|_| Err(Error::new(ErrorKind::Canceled, "the service is ending")))
    }

    async fn connect(mut builder: Builder) -> Result<Self, Error> {
        builder.with_config(|c| c.fail_fast = true).with_connection_config(|c: &mut ConnectionConfig| {
            c.max_command_attempts = 1;
            c.max_redirections = 0;
            c.reconnect_errors = Vec::new();
        });
        let client = builder.build()?;
        let handle = client.connect();
        let task = handle.abort_handle();
        let connection = Self { client: client.clone(), ended: handle.map(drop).boxed().shared(), task };
        tokio::select! {
            biased;
            connected = client.wait_for_connect() => connected?, // it says why not
            () = connection.ended.clone() => return Err(closed()),
        }
        Ok(connection)
    }

    /// Waits for an answer, or for the end of the connection: a client whose connection has ended takes commands and
    /// never answers them.
    pub(super) async fn answer<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let answer = tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = self.ended.clone() => None,
        };
        match answer {
            Some(Err(error)) if self.is_lost(&error) => Err(closed()), // what the client says of that tells nothing
            Some(answer) => answer,
            None => Err(closed()),
        }
    }

    /// Closes a connection that owes an answer for too long: whatever else waits for it is asked elsewhere. fred would
    /// notice only if nothing more was sent on it.
    pub(super) fn give_up(&self) {
        self.task.abort();
    }

    /// Whether an error says no more than that the connection has ended, or is ending.
    pub(super) fn is_lost(&self, error: &Error) -> bool {
        self.has_ended() || error.details().starts_with("Failed to send command")
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::IO, "the connection was closed")
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
