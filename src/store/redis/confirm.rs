//! Waiting until a commit is as safe as it was to be: on the server's disk, or on replicas.

use std::time::Duration;

use fred::{
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::Value,
};

use super::{
    lease::Lease,
    node::{Node, STEP, command},
    options::Durability,
};

/// How long one question may wait on the server: less than one step, so that its answer comes.
const PATIENCE: Duration = STEP.saturating_sub(Duration::from_millis(200));

/// What is asked of a connection after its EXEC. It covers all that this connection wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirm {
    /// Nothing: the reply of EXEC is enough.
    Reply,
    /// WAITAOF: the server's own disk.
    Disk,
    /// WAIT: the memory of so many replicas.
    Replicas(u32),
}

impl Confirm {
    /// What `durability` needs on a server like `node`. One without WAITAOF syncs before it replies, when its
    /// `appendfsync` is `always`.
    pub(super) async fn new(durability: Durability, node: &Node) -> Self {
        match durability {
            Durability::Fsync if knows_waitaof(node).await => Self::Disk,
            Durability::Relaxed | Durability::Fsync => Self::Reply,
            Durability::Replicated(replicas) => Self::Replicas(replicas),
        }
    }

    /// Whether anything is asked.
    pub(super) fn asks(self) -> bool {
        self != Self::Reply
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When it is not safe enough, or nobody knows.
    pub(super) async fn wait(self, lease: &mut Lease) -> Result<(), Error> {
        let patience = PATIENCE.as_millis().to_string();
        let (question, arguments, needed) = match self {
            Self::Reply => return Ok(()),
            Self::Disk => ("WAITAOF", vec!["1".to_owned(), "0".to_owned(), patience], 1),
            Self::Replicas(replicas) => ("WAIT", vec![replicas.to_string(), patience], replicas),
        };
        let client = lease.client();
        let answer: Value = lease.answer(client.custom(command(question), arguments)).await?;
        // WAITAOF answers two numbers, and the first is of the server itself.
        let confirmed = answer.into_array().first().and_then(Value::as_i64).unwrap_or_default();
        if confirmed < i64::from(needed) {
            let told = format!("written, but {question} was answered by {confirmed} of {needed}");
            return Err(Error::new(ErrorKind::Timeout, told));
        }
        Ok(())
    }
}

/// Redis has WAITAOF since 7.2, and so has Valkey. A server that does not permit the question is taken for an older one.
pub(super) async fn knows_waitaof(node: &Node) -> bool {
    let known = node.reader().custom::<Value, _>(command("COMMAND"), vec!["INFO", "WAITAOF"]).await;
    known.is_ok_and(|known| known.into_array().first().is_some_and(|command| !command.is_null()))
}
