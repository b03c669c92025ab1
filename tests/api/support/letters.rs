//! The letters of a service that has no mail server: files in a folder.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use super::TestApp;

/// A letter, taken apart.
#[derive(Clone, Debug)]
pub struct Letter {
    pub id: String,
    pub to: String,
    pub subject: String,
    pub language: String,
    /// The plain text.
    pub text: String,
}

impl Letter {
    /// Takes a message apart whose first part is plain text, as it is or quoted-printable.
    pub fn parse(message: &str) -> Self {
        let message = message.replace("\r\n", "\n");
        let (head, body) = message.split_once("\n\n").unwrap();
        let head = head.replace("\n ", " ");
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
        };
        let boundary = header("Content-Type").split('"').nth(1).unwrap().to_owned();
        let part = body.split(&format!("--{boundary}")).nth(1).unwrap();
        let (about, text) = part.split_once("\n\n").unwrap();
        let text = if about.contains("quoted-printable") { unquoted(text) } else { text.to_owned() };
        let id = header("Message-ID").trim_start_matches('<').split('@').next().unwrap().to_owned();
        let (to, subject, language) = (header("To"), header("Subject"), header("Content-Language"));
        Self { id, to, subject, language, text }
    }

    /// What the link in it holds.
    #[track_caller]
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("lkm_").unwrap_or_else(|| panic!("no token in {}", self.text));
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(rest.len());
        format!("lkm_{}", &rest[..end])
    }

    /// The link in it: the line that is an address.
    #[track_caller]
    pub fn link(&self) -> &str {
        let mut lines = self.text.lines().map(str::trim);
        lines.find(|line| line.starts_with("http")).unwrap_or_else(|| panic!("no link in {}", self.text))
    }

    /// The code in it: a line of six digits.
    #[track_caller]
    pub fn code(&self) -> String {
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        self.text.lines().find(is_code).unwrap_or_else(|| panic!("no code in {}", self.text)).to_owned()
    }
}

/// Quoted-printable (RFC 2045, 6.7), in UTF-8.
fn unquoted(text: &str) -> String {
    let text = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'=' {
            let (digits, more) = rest.split_at(2);
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
            rest = more;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The letters to somebody in a folder until now, in the order in which they were asked for.
pub fn letters_in(folder: &Path, to: &str) -> Vec<Letter> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "eml"));
    let paths = paths.collect::<BTreeSet<_>>(); // their names begin with the time
    let letters = paths.into_iter().map(|path| Letter::parse(&std::fs::read_to_string(path).unwrap()));
    letters.filter(|letter| letter.to == to).collect()
}

/// The letter to somebody that comes into a folder when they had so many before.
#[track_caller]
pub fn letter_in(folder: PathBuf, to: &str, before: usize) -> impl Future<Output = Letter> + use<> {
    let to = to.to_owned();
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..500 {
            if let Some(letter) = letters_in(&folder, &to).get(before) {
                return letter.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no letter came to {to} after {before} others, at {caller}")
    }
}

impl TestApp {
    /// Where its letters are.
    pub fn outbox(&self) -> PathBuf {
        self.folder.path().join("data/outbox")
    }

    /// The letters to somebody until now, in the order in which they were asked for.
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        letters_in(&self.outbox(), to)
    }

    /// The letter to somebody that comes when they had so many before.
    #[track_caller]
    pub fn letter_after(&self, to: &str, before: usize) -> impl Future<Output = Letter> + use<> {
        letter_in(self.outbox(), to, before)
    }

    /// The first letter to somebody.
    #[track_caller]
    pub fn letter(&self, to: &str) -> impl Future<Output = Letter> {
        self.letter_after(to, 0)
    }
}
