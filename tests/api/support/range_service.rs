//! A service of lost passwords that speaks the protocol of Have I Been Pwned over real HTTP, and can be got into trouble.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// How the service answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    #[default]
    Well,
    /// With a list that says of the password that it was seen 0 times, which is padding.
    PaddingOnly,
    /// Not at all.
    Hang,
    /// With 503.
    Unavailable,
    /// With something else.
    Garbage,
    /// With a list without an end.
    Endless,
    /// With a byte now and then.
    Drip,
    /// It closes the connection.
    Close,
}

/// What the service knows and has seen.
#[derive(Default)]
struct State {
    mood: Mood,
    lost: Vec<String>,
    asked: Vec<String>,
    connections: usize,
}

/// A running service. Dropping it ends it.
pub struct RangeService {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// The SHA-1 digest of a password, in upper case.
pub fn sha1(password: &str) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    digest.as_ref().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02X}"))
}

impl RangeService {
    /// A service that knows these passwords.
    pub async fn start(lost: &[&str], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lost = lost.iter().map(|password| sha1(password)).collect();
        let state = Arc::new(Mutex::new(State { lost, ..State::default() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                state.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &state).await,
                            Err(_) => Ok(()),
                        },
                        None => serve(stream, &state).await,
                    }
                });
            }
        });
        Self { address, state, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/range/", self.address)
    }

    pub fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// The requests so far: everything that a client sent.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

impl Drop for RangeService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            if stream.read_line(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let (mood, list) = {
            let mut state = state.lock().unwrap();
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            state.asked.push(request);
            (state.mood, list(path.rsplit('/').next().unwrap(), &state))
        };
        let head = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        match mood {
            Mood::Well | Mood::PaddingOnly => stream.write_all((head(list.len()) + &list).as_bytes()).await?,
            Mood::Hang => std::future::pending().await,
            Mood::Unavailable => {
                stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await?;
            }
            Mood::Garbage => stream.write_all((head(20) + "<html>Hello!</html>\n").as_bytes()).await?,
            Mood::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(list.as_bytes()).await?;
                }
            }
            Mood::Drip => {
                stream.write_all(head(list.len()).as_bytes()).await?;
                for byte in list.bytes() {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(Duration::from_millis(100)).await; // the fault
                }
            }
            Mood::Close => return Ok(()),
        }
        stream.flush().await?;
    }
}

/// What is known of a range, among others of it and padding, with CRLF.
fn list(range: &str, state: &State) -> String {
    let count = if state.mood == Mood::PaddingOnly { 0 } else { 3 };
    let known = state.lost.iter().filter_map(|digest| digest.strip_prefix(range));
    let mut lines = known.map(|rest| format!("{rest}:{count}")).collect::<Vec<_>>();
    lines.extend((0..800).map(|n| format!("{:0>35X}:{}", n * 7919, n % 3)));
    lines.sort();
    lines.join("\r\n")
}
