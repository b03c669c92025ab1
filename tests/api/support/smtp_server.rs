//! A mail server that speaks SMTP over real connections, and can be got into trouble: aiosmtpd, as a process of its own.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use super::Pair;

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Well,
    /// It refuses so many recipients for the time being.
    Greylist(u32),
    /// It is nobody's address, it says, and quotes it.
    Reject,
    /// The letter is spam, it says, and quotes it.
    RejectLetter,
    /// It wants another sender.
    RefuseSender,
    /// It sends nothing on for people who have not signed in.
    NoRelay,
    /// It is too busy to talk.
    Busy,
    /// It takes a connection and says nothing.
    HangOnConnect,
    /// It takes a letter and says nothing.
    Hang,
    /// It does so with letters to whoever's address begins so.
    HangOver(&'static str),
    /// It takes its time for each letter.
    Slow(Duration),
    /// A byte now and then.
    Drip,
    /// It dies while the letter is under way.
    Die,
    /// It takes the letter, and dies before it can say so.
    LoseAnswer,
    /// Somebody on the way puts an answer behind the one to STARTTLS.
    Inject,
}

/// How the way to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Plain,
    StartTls,
    Tls,
}

/// A letter that the server took.
#[derive(Clone, Debug)]
pub struct Received {
    pub mail_from: String,
    pub to: Vec<String>,
    pub subject: String,
    pub headers: HashMap<String, String>,
    pub text: String,
    pub html: String,
    /// As it came over the wire.
    pub raw: String,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// Who had signed in.
    pub user: Option<String>,
}

impl Received {
    /// Where its link leads.
    pub fn link(&self) -> &str {
        let mut links = self.text.lines().filter(|line| line.starts_with("http"));
        let link = links.next().unwrap_or_else(|| panic!("there is no link in {}", self.text));
        assert_eq!(links.next(), None, "{}", self.text);
        link
    }

    /// The token in its link.
    pub fn token(&self) -> String {
        let link = self.link();
        let (_, token) = link.split_once("token=").unwrap_or_else(|| panic!("there is no token in {link}"));
        token.to_owned()
    }

    /// Its code.
    pub fn code(&self) -> String {
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        let code = self.text.lines().find(is_code);
        code.unwrap_or_else(|| panic!("there is no code in {}", self.text)).to_owned()
    }
}

/// A running server, which needs a user and a password unless the way to it is plain. Dropping it ends it.
pub struct SmtpServer {
    process: Child,
    orders: tokio::sync::Mutex<ChildStdin>,
    events: watch::Receiver<Vec<Value>>,
    /// How many letters [`next_letter`](Self::next_letter) gave.
    given: Mutex<usize>,
    way: Way,
    port: u16,
    folder: TempDir,
}

impl SmtpServer {
    pub const USER: &str = "latchkey@example.com";
    pub const PASSWORD: &str = "p@ss/word?";

    /// A server that anybody may use in plain text.
    pub async fn start(mode: Mode) -> Self {
        Self::launch(Way::Plain, mode, true).await
    }

    /// A server for those who sign in, as [`USER`](Self::USER).
    pub async fn secured(way: Way, mode: Mode) -> Self {
        Self::launch(way, mode, true).await
    }

    /// A server that knows no addresses but ASCII.
    pub async fn without_smtputf8() -> Self {
        Self::launch(Way::Plain, Mode::Well, false).await
    }

    async fn launch(way: Way, mode: Mode, smtputf8: bool) -> Self {
        let libraries = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/smtp"));
        assert!(libraries.exists(), "`make test-tools` installs aiosmtpd; `--skip smtp` leaves these tests out");
        let folder = tempfile::tempdir().unwrap();
        Pair::new().write(folder.path());
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let user = (way != Way::Plain).then_some(Self::USER);
        let settings = json!({
            "security": match way {
                Way::Plain => "plain",
                Way::StartTls => "starttls",
                Way::Tls => "tls",
            },
            "certificate": file("chain.pem"),
            "key": file("key.pem"),
            "user": user,
            "password": user.map(|_| Self::PASSWORD),
            "smtputf8": smtputf8,
            "mode": described(mode),
        });
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/smtp/server.py");
        // It ends with the test, also when that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "python3", script, &settings.to_string()]).env("PYTHONPATH", libraries);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("setpriv and python3");
        let orders = tokio::sync::Mutex::new(process.stdin.take().unwrap());
        let (sender, events) = watch::channel(Vec::new());
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap();
                sender.send_modify(|events: &mut Vec<Value>| events.push(event));
            }
        });
        let mut server = Self { process, orders, events, given: Mutex::default(), way, port: 0, folder };
        let listening = server.event(|event| event["event"] == "listening", 0).await;
        server.port = listening["port"].as_u64().unwrap().try_into().unwrap();
        server
    }

    /// What `LATCHKEY_SMTP_URL` is to be: the user is in it, and the password.
    pub fn url(&self) -> String {
        let (user, port) = ("latchkey%40example.com:p%40ss%2Fword%3F", self.port);
        match self.way {
            Way::Plain => format!("smtp://127.0.0.1:{port}?disable_starttls=true"),
            Way::StartTls => format!("smtp://{user}@localhost:{port}"),
            Way::Tls => format!("smtps://{user}@localhost:{port}"),
        }
    }

    /// The certificate to trust, which is for `localhost`.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    /// From now on it answers so. Connections that are there stay.
    pub async fn set(&self, mode: Mode) {
        self.order(&json!({"mode": described(mode)})).await;
    }

    /// Ends all connections.
    pub async fn hang_up(&self) {
        self.order(&json!({"hang_up": true})).await;
    }

    async fn order(&self, order: &Value) {
        let mut orders = self.orders.lock().await;
        let done = self.count("done");
        writeln!(orders, "{order}").unwrap();
        self.event(|event| event["event"] == "done", done).await;
    }

    /// How many connections there were.
    pub async fn connections(&self) -> usize {
        self.order(&json!({})).await;
        self.count("connection")
    }

    /// How many times it refused something.
    pub async fn refusals(&self) -> usize {
        self.order(&json!({})).await;
        self.count("refused")
    }

    /// Waits until it has had so many letters that it hangs over, or takes its time for.
    pub async fn busy_with(&self, letters: usize) {
        self.event(|event| event["event"] == "busy", letters - 1).await;
    }

    /// The letters so far.
    pub async fn letters(&self) -> Vec<Received> {
        self.order(&json!({})).await;
        self.events.borrow().iter().filter(|event| event["event"] == "letter").map(received).collect()
    }

    /// The next letter that was not given by this before. It is waited for.
    pub async fn next_letter(&self) -> Received {
        let before = {
            let mut given = self.given.lock().unwrap();
            *given += 1;
            *given - 1
        };
        received(&self.event(|event| event["event"] == "letter", before).await)
    }

    fn count(&self, name: &str) -> usize {
        self.events.borrow().iter().filter(|event| event["event"] == name).count()
    }

    /// The event of this kind behind so many others of it.
    async fn event(&self, wanted: impl Fn(&Value) -> bool, before: usize) -> Value {
        let mut events = self.events.clone();
        let found = |events: &Vec<Value>| events.iter().filter(|event| wanted(event)).nth(before).cloned();
        let waiting = events.wait_for(|events| found(events).is_some());
        let seen = tokio::time::timeout(Duration::from_secs(20), waiting).await.ok().and_then(Result::ok);
        let event = seen.and_then(|events| found(&events));
        let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        event.unwrap_or_else(|| panic!("the mail server saw nothing but {:?}\n{}", self.events.borrow(), log()))
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn described(mode: Mode) -> Value {
    match mode {
        Mode::Well => json!({"name": "well"}),
        Mode::Greylist(times) => json!({"name": "greylist", "times": times}),
        Mode::Reject => json!({"name": "reject"}),
        Mode::RejectLetter => json!({"name": "reject_letter"}),
        Mode::RefuseSender => json!({"name": "refuse_sender"}),
        Mode::NoRelay => json!({"name": "no_relay"}),
        Mode::Busy => json!({"name": "busy"}),
        Mode::HangOnConnect => json!({"name": "hang_on_connect"}),
        Mode::Hang => json!({"name": "hang"}),
        Mode::HangOver(whom) => json!({"name": "hang_over", "whom": whom}),
        Mode::Slow(time) => json!({"name": "slow", "seconds": time.as_secs_f64()}),
        Mode::Drip => json!({"name": "drip"}),
        Mode::Die => json!({"name": "die"}),
        Mode::LoseAnswer => json!({"name": "lose_answer"}),
        Mode::Inject => json!({"name": "inject"}),
    }
}

fn received(event: &Value) -> Received {
    assert_eq!(event["defects"], json!([]), "{event}");
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    let headers = serde_json::from_value::<Vec<(String, String)>>(event["headers"].clone()).unwrap();
    let headers = headers.into_iter().collect::<HashMap<_, _>>();
    Received {
        mail_from: text("mail_from"),
        to: serde_json::from_value(event["to"].clone()).unwrap(),
        subject: headers["Subject"].clone(),
        headers,
        text: text("text").replace("\r\n", "\n"),
        html: text("html").replace("\r\n", "\n"),
        raw: text("raw"),
        is_secure: event["secure"].as_bool().unwrap(),
        user: event["user"].as_str().map(str::to_owned),
    }
}
