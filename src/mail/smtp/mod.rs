//! A mail server that letters are handed to (SMTP, RFC 5321), and connections to it that are kept for the next letter.

mod connect;
mod failure;
mod stream;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::{
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Rcpt},
    extension::{Extension, MailBodyParameter, MailParameter},
};
use tokio::time::{Instant, timeout};

use self::{
    connect::Connector,
    failure::{Failure, Stage},
};
use super::{
    SendError,
    message::Message,
    options::{OpenError, SmtpOptions},
};

/// How long a connection is kept that no letter needs. Servers close them after minutes (RFC 5321, 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(30);
/// So many of them.
const IDLE_CONNECTIONS: usize = 4;
/// How long a server may take to say that a connection is still there, or to say goodbye.
const NOD: Duration = Duration::from_secs(3);

/// One mail server.
pub(super) struct Smtp {
    connector: Connector,
    /// The server, for people.
    place: String,
    /// How long one letter may take, from the look for a connection to the server's last word.
    timeout: Duration,
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// A connection between two letters, and since when.
type Idle = (AsyncSmtpConnection, Instant);

impl Smtp {
    /// The server, which is greeted with this domain. It is not connected to yet.
    pub(super) fn open(options: SmtpOptions, domain: &str) -> Result<Self, OpenError> {
        let place = format!("{}:{}", options.host, options.port);
        let timeout = options.timeout;
        let connector = Connector::new(options, domain).map_err(OpenError::Smtp)?;
        Ok(Self { connector, place, timeout, idle: Arc::default() })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Hands a letter over.
    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        self.bounded(async {
            let mut connection = match self.idle_connection().await {
                Some(connection) => connection,
                None => self.connector.connect().await?,
            };
            match hand_over(&mut connection, message).await {
                Ok(()) => self.keep(connection),
                Err(failure) => {
                    // A server that is slow to say goodbye must not make another failure of this one.
                    tokio::spawn(async move { timeout(NOD, connection.abort()).await });
                    return Err(failure);
                }
            }
            Ok(())
        })
        .await
    }

    /// Connects and signs in as for a letter, and says goodbye.
    pub(super) async fn check(&self) -> Result<(), SendError> {
        self.bounded(async {
            let mut connection = self.connector.connect().await?;
            let _ = timeout(NOD, connection.quit()).await;
            Ok(())
        })
        .await
    }

    /// Whoever is not done in time is dropped with the connection: nobody goes on with one in the middle of a letter.
    async fn bounded(&self, work: impl Future<Output = Result<(), Failure>>) -> Result<(), SendError> {
        match timeout(self.timeout, work).await {
            Ok(done) => done.map_err(|failure| failure.told(&self.place)),
            Err(_) => Err(SendError::Temporary(format!("{}: it took longer than {:?}", self.place, self.timeout))),
        }
    }

    /// A connection that was kept and is still there.
    async fn idle_connection(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let is_there = since.elapsed() < IDLE && timeout(NOD, connection.test_connected()).await.unwrap_or(false);
            if is_there {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next letter, and ends it when none comes.
    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= IDLE_CONNECTIONS {
            return;
        }
        idle.push((connection, Instant::now()));
        let idle = Arc::downgrade(&self.idle);
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            let Some(idle) = idle.upgrade() else { return };
            let old = {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.extract_if(.., |(_, since)| since.elapsed() >= IDLE).collect::<Vec<_>>()
            };
            for (mut connection, _) in old {
                let _ = timeout(NOD, connection.quit()).await;
            }
        });
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smtp({})", self.place)
    }
}

/// One letter over a connection that is between letters.
async fn hand_over(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Failure> {
    let mut parameters = Vec::new();
    if !message.to.to_string().is_ascii() {
        // RFC 6531, 3.2: without it, no such address may be sent.
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::Unsupported("SMTPUTF8, which the address needs"));
        }
        parameters.extend([MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]);
    }
    let sender = Some(message.from.clone());
    connection.command(Mail::new(sender, parameters)).await.map_err(Stage::Sender.failed())?;
    connection.command(Rcpt::new(message.to.clone(), Vec::new())).await.map_err(Stage::Recipient.failed())?;
    connection.command(Data).await.map_err(Stage::Letter.failed())?;
    connection.message(&message.bytes).await.map_err(Stage::Letter.failed())?;
    Ok(())
}
