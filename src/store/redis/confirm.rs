//! Waiting until a commit is as safe as it was to be: on the server's disk, or on replicas.

use std::{collections::HashMap, time::Duration};

use fred::{
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::Value,
};

use super::{
    connection::Connection,
    lease::Lease,
    node::{STEP, command},
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
    /// What `durability` needs on the server of this connection.
    ///
    /// A server syncs before it replies when its `appendfsync` is `always`. One that has no WAITAOF (Redis 7.2, Valkey)
    /// must prove that it does; any other is asked, and one that knows no answer confirms nothing.
    ///
    /// # Errors
    /// When the connection ends.
    pub(super) async fn of(durability: Durability, connection: &Connection) -> Result<Self, Error> {
        match durability {
            Durability::Relaxed => Ok(Self::Reply),
            Durability::Replicated(replicas) => Ok(Self::Replicas(replicas)),
            Durability::Fsync => {
                let syncs = knows_waitaof(connection).await? == Some(false) && always_syncs(connection).await?;
                Ok(if syncs { Self::Reply } else { Self::Disk })
            }
        }
    }

    /// Whether anything is asked.
    pub(super) fn asks(self) -> bool {
        self != Self::Reply
    }
}

impl Lease {
    /// Waits until what this connection wrote is as safe as it is to be.
    ///
    /// # Errors
    /// When it is not safe enough, or nobody knows.
    pub(super) async fn confirm(&self) -> Result<(), Error> {
        let patience = PATIENCE.as_millis().to_string();
        let (question, arguments, needed) = match self.confirm {
            Confirm::Reply => return Ok(()),
            Confirm::Disk => ("WAITAOF", vec!["1".to_owned(), "0".to_owned(), patience], 1),
            Confirm::Replicas(replicas) => ("WAIT", vec![replicas.to_string(), patience], replicas),
        };
        let client = self.client();
        let answer: Value = self.answer(Box::pin(client.custom(command(question), arguments))).await?;
        // WAITAOF answers two numbers, and the first is of the server itself.
        let confirmed = answer.into_array().first().and_then(Value::as_i64).unwrap_or_default();
        if confirmed < i64::from(needed) {
            let told = format!("written, but {question} was answered by {confirmed} of {needed}");
            return Err(Error::new(ErrorKind::Unknown, told));
        }
        Ok(())
    }
}

/// Whether the server has WAITAOF, if it permits the question.
pub(super) async fn knows_waitaof(connection: &Connection) -> Result<Option<bool>, Error> {
    let asked = Box::pin(connection.client.custom::<Value, _>(command("COMMAND"), vec!["INFO", "WAITAOF"]));
    let known = permitted(connection.answer(asked).await)?;
    Ok(known.map(|known| known.into_array().first().is_some_and(|command| !command.is_null())))
}

async fn always_syncs(connection: &Connection) -> Result<bool, Error> {
    let asked = Box::pin(connection.client.custom::<Value, _>(command("CONFIG"), vec!["GET", "appendfsync"]));
    let setting = permitted(connection.answer(asked).await)?;
    let setting = setting.and_then(|setting| setting.convert::<HashMap<String, String>>().ok());
    Ok(setting.is_some_and(|setting| setting.get("appendfsync").is_some_and(|value| value == "always")))
}

/// The answer, or none when the server refuses the question.
fn permitted(answer: Result<Value, Error>) -> Result<Option<Value>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled) => Err(e),
        Err(_) => Ok(None),
    }
}
