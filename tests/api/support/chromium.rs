//! Chromium with somebody at its keyboard, by its debugging protocol over pipes. It runs no script of a page unless it is
//! asked to.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

/// How Chromium is started. Its sandbox wants more than a container may, and it is shown nothing but the pages of a test.
pub const ARGUMENTS: [&str; 6] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
];

/// The protocol has its pipes at 3 and 4.
const START: &str = "exec chromium --remote-debugging-pipe \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null";

const DEADLINE: Duration = Duration::from_secs(60);

/// How often a page is asked whether something is there.
const PACE: Duration = Duration::from_millis(20);

/// A browser with one page. Dropping it ends the process.
pub struct Chromium {
    process: Child,
    commands: ChildStdin,
    messages: mpsc::UnboundedReceiver<Vec<u8>>,
    session: Option<String>,
    calls: u64,
    loads: usize,
    complaints: Vec<String>,
    requests: Vec<String>,
    _profile: TempDir,
}

impl Chromium {
    /// A browser that runs no scripts.
    pub async fn start() -> Self {
        let mut browser = Self::with_scripts().await;
        browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
        browser
    }

    /// A browser as most people have it.
    pub async fn with_scripts() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", START, "chromium"]).args(ARGUMENTS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (commands, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (sender, messages) = mpsc::unbounded_channel();
        // A message ends with a zero byte.
        thread::spawn(move || {
            BufReader::new(output).split(0).map_while(Result::ok).try_for_each(|message| sender.send(message))
        });
        let mut browser = Self {
            process,
            commands,
            messages,
            session: None,
            calls: 0,
            loads: 0,
            complaints: Vec::new(),
            requests: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Log", "Runtime", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Calls a method of the protocol.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.message().await;
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Reads one message, and notes what happened.
    async fn message(&mut self) -> Value {
        let bytes = timeout(DEADLINE, self.messages.recv()).await.expect("Chromium says nothing");
        let message: Value = serde_json::from_slice(&bytes.expect("Chromium has ended")).unwrap();
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.loads += 1,
            Some("Network.requestWillBeSent") => {
                self.requests.push(message["params"]["request"]["url"].as_str().unwrap().to_owned());
            }
            Some("Log.entryAdded") if !is_about_the_page(&message["params"]["entry"]) => {}
            Some("Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown") => {
                self.complaints.push(message["params"].to_string());
            }
            _ => {}
        }
        message
    }

    async fn wait_for_load(&mut self, before: usize) {
        while self.loads == before {
            self.message().await;
        }
    }

    /// Opens an address.
    pub async fn open(&mut self, url: &str) {
        let before = self.loads;
        self.call("Page.navigate", json!({"url": url})).await;
        self.wait_for_load(before).await;
    }

    /// What an expression is on the page: the tool may ask, also where pages run no scripts.
    pub async fn ask(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", asked).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What an expression is on the page once it is something.
    pub async fn wait_for(&mut self, expression: &str) -> Value {
        let asked_at = Instant::now();
        while asked_at.elapsed() < DEADLINE {
            match self.ask(expression).await {
                Value::Null | Value::Bool(false) => tokio::time::sleep(PACE).await,
                value => return value,
            }
        }
        panic!("{expression} is nothing: {}", self.text().await)
    }

    /// Clicks what a selector finds, as soon as it is there.
    pub async fn click(&mut self, selector: &str) {
        self.wait_for(&format!("!!document.querySelector('{selector}')")).await;
        self.ask(&format!("document.querySelector('{selector}').click()")).await;
    }

    /// Replaces what is in the field that a selector finds, as soon as it is there.
    pub async fn replace(&mut self, selector: &str, text: &str) {
        self.wait_for(&format!("!!document.querySelector('{selector}')")).await;
        self.ask(&format!("document.querySelector('{selector}').select()")).await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// What is seen of the page, as a PNG.
    pub async fn screenshot(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({})).await;
        STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }

    /// The addresses that were asked so far.
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// What is shown.
    pub async fn text(&mut self) -> String {
        self.ask("document.body.innerText").await.as_str().unwrap().to_owned()
    }

    /// The id of the field that the page gives the focus to. Chromium does that some time after it has loaded the page.
    pub async fn focus(&mut self) -> String {
        for _ in 0..500 {
            match self.ask("document.activeElement.id").await.as_str() {
                Some(id) if !id.is_empty() => return id.to_owned(),
                _ => tokio::time::sleep(PACE).await,
            }
        }
        panic!("nothing has the focus")
    }

    /// Types into the field with this id.
    pub async fn fill(&mut self, id: &str, text: &str) {
        self.ask(&format!("document.getElementById('{id}').focus()")).await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Goes to the button and presses Enter, and waits for what comes.
    pub async fn press_button(&mut self) {
        let before = self.loads;
        self.ask("document.querySelector('button').focus()").await;
        let key =
            json!({"type": "keyDown", "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13});
        self.call("Input.dispatchKeyEvent", key).await;
        self.wait_for_load(before).await;
    }

    /// Loads the page again, as somebody does who presses F5.
    pub async fn reload(&mut self) {
        let before = self.loads;
        self.call("Page.reload", json!({})).await;
        self.wait_for_load(before).await;
    }

    /// Nothing was said in the console, a page that its policy does not let have what it wants included.
    #[track_caller]
    pub fn expect_no_complaint(&self) {
        assert_eq!(self.complaints, Vec::<String>::new());
    }

    /// Waits until something was said in the console that has this text.
    pub async fn wait_for_complaint(&mut self, text: &str) {
        let asked_at = Instant::now();
        while !self.complaints.iter().any(|complaint| complaint.contains(text)) {
            assert!(asked_at.elapsed() < DEADLINE, "{text}: {:?}", self.complaints);
            self.ask("null").await;
            tokio::time::sleep(PACE).await;
        }
    }
}

/// That an operation or a form was refused is no complaint about the page; nor is that a form for a password has no field for
/// a name, since the page that a link leads to does not know whose it is.
fn is_about_the_page(entry: &Value) -> bool {
    match entry["source"].as_str() {
        Some("network") => {
            let url = entry["url"].as_str().and_then(|url| url.parse::<reqwest::Url>().ok());
            let is_asked =
                url.is_some_and(|url| ["/v1/", "/account/"].iter().any(|asked| url.path().starts_with(asked)));
            let is_refused = entry["text"].as_str().is_some_and(|text| text.contains("responded with a status of 4"));
            !(is_asked && is_refused)
        }
        Some("recommendation") => false,
        _ => true,
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
