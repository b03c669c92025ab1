//! A connection whose bytes a test writes by itself.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// A request that any service answers.
pub const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Wire(pub TcpStream);

impl Wire {
    pub async fn to(url: &str) -> Self {
        Self(TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap())
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads so much that `end` is in it.
    pub async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&read).contains(end) {
                assert!(self.0.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
            }
        };
        timeout(PATIENCE, reading).await.expect("nothing comes");
        String::from_utf8_lossy(&read).into_owned()
    }

    /// A request that is answered with 200, over a connection that stays.
    pub async fn live(&mut self) {
        self.send(LIVE).await;
        assert!(self.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    }

    /// Everything until the other side closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        // A reset is a close as well.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut read)).await.expect("it is not closed");
        read
    }

    pub async fn rest_as_text(&mut self) -> String {
        String::from_utf8_lossy(&self.rest().await).into_owned()
    }

    /// Writes one byte after the other, at a pace that never rests, until the other side closes. Answers what it said.
    pub async fn drip(&mut self, bytes: impl IntoIterator<Item = u8>) -> String {
        let started = Instant::now();
        let mut answer = Vec::new();
        for byte in bytes {
            assert!(started.elapsed() < PATIENCE, "it is not closed");
            let read = timeout(Duration::from_millis(20), self.0.read_buf(&mut answer)).await;
            if matches!(read, Ok(Ok(0) | Err(_))) || self.0.write_all(&[byte]).await.is_err() {
                return String::from_utf8_lossy(&answer).into_owned();
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("it took all of it");
    }
}
