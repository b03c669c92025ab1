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
    /// Connects to the server that `builder` names.
    pub(super) async fn open(mut builder: Builder) -> Result<Self, Error> {
        builder.with_config(|c| c.fail_fast = true).with_connection_config(|c: &mut ConnectionConfig| {
            c.max_command_attempts = 1;
            c.max_redirections = 0;
            c.reconnect_errors = Vec::new();
        });
        let client = builder.build()?;
        // The task is ours before anything is waited for: whoever gives up meanwhile closes it.
        let handle = client.connect();
        let task = handle.abort_handle();
        let connection = Self { client: client.clone(), ended: handle.map(drop).boxed().shared(), task };
        connection.answer(Box::pin(client.wait_for_connect())).await?;
        Ok(connection)
    }

    /// Waits for an answer, or for the end of the connection: a client whose connection has ended takes commands and
    /// never answers them.
    pub(super) async fn answer<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.ended.clone() => Err(Error::new(ErrorKind::IO, "the connection was closed")),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
