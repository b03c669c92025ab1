//! What is looked for, in every form that bytes are written in.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// What may be found where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A password or an idempotency key: nowhere.
    Secret,
    /// A token: in the answer that gives it.
    Token,
    /// What is in a letter, and nowhere else.
    Mailed,
    /// What a person says of themselves: in their own record, and in answers to them.
    Personal,
    /// What a browser says of itself: in the record of its session, and in answers to the person.
    Agent,
    /// What somebody typed where it means nothing: nowhere.
    Typed,
}

/// A text that is found again wherever it comes to.
#[derive(Clone)]
pub struct Canary {
    pub kind: Kind,
    pub name: String,
    /// In any case of letters.
    folded: Vec<Vec<u8>>,
    /// Letter by letter.
    exact: Vec<Vec<u8>>,
    /// Six digits that stand alone: within others they are found by chance.
    digits: Option<Vec<u8>>,
}

impl Canary {
    /// Looks for these letters and digits, which no way of quoting changes.
    pub fn text(kind: Kind, letters: &str) -> Self {
        assert!(letters.len() >= 12 && letters.chars().all(|c| c.is_ascii_alphanumeric()), "{letters}");
        Self::new(kind, letters, letters.as_bytes())
    }

    /// Looks for the secret bytes at the end of a token of base64url.
    pub fn token(name: &str, encoded: &str, secret: &[u8]) -> Self {
        let mut canary = Self::new(Kind::Token, name, secret);
        // The last characters are all of the secret.
        canary.exact.push(encoded.as_bytes()[encoded.len() - 20..].to_owned());
        canary
    }

    /// Looks for six digits.
    pub fn code(name: &str, digits: &str) -> Self {
        let mut canary = Self::new(Kind::Mailed, name, digits.as_bytes());
        // Shorter forms than this are found by chance as well.
        canary.folded.retain(|form| form.len() >= 12);
        canary.exact.retain(|form| form.len() >= 8);
        canary.digits = Some(digits.into());
        canary
    }

    /// Looks for a secret of the service's own, such as the hash of a password.
    pub fn own(name: &str, text: &str) -> Self {
        Self::new(Kind::Secret, name, text.as_bytes())
    }

    fn new(kind: Kind, name: &str, bytes: &[u8]) -> Self {
        let each = |form: fn(&u8) -> String, between: &str| bytes.iter().map(form).collect::<Vec<_>>().join(between);
        let folded = [
            each(|byte| format!("{byte:02x}"), ""),
            each(|byte| format!("%{byte:02x}"), ""),
            each(|byte| format!("\\x{byte:02x}"), ""),
            each(|byte| format!("\\u{byte:04x}"), ""),
            each(|byte| format!("{byte:02x}"), ", "),
            each(ToString::to_string, ", "),
            each(ToString::to_string, ","),
        ];
        let backwards = bytes.iter().rev().map(u8::to_ascii_lowercase).collect();
        let folded = folded.into_iter().map(String::into_bytes).chain([bytes.to_ascii_lowercase(), backwards]);
        Self { kind, name: name.to_owned(), folded: folded.collect(), exact: in_base64(bytes), digits: None }
    }

    /// Whether it is in this text, in whatever form.
    pub fn is_in(&self, text: &[u8]) -> bool {
        if self.digits.as_ref().is_some_and(|digits| stands_alone(text, digits)) {
            return true;
        }
        let lower = text.to_ascii_lowercase();
        self.exact.iter().any(|form| contains(text, form)) || self.folded.iter().any(|form| contains(&lower, form))
    }
}

/// Within a longer text the first and the last bytes share characters with others: three begins tell the rest apart.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let cuts = (0..3).map(|cut| STANDARD_NO_PAD.encode(&bytes[cut..bytes.len() - (bytes.len() - cut) % 3]));
    cuts.flat_map(|text| [text.replace('+', "-").replace('/', "_").into_bytes(), text.into_bytes()]).collect()
}

/// How long an id is at least, in hexadecimal digits. Those that are searched hold some 1,500 times six digits by chance.
const ID: usize = 16;

/// Whether these digits are in a text between others than digits, and are no fraction of a second and no part of an id.
fn stands_alone(text: &[u8], digits: &[u8]) -> bool {
    let of_number = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let of_id = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b'-';
    text.windows(digits.len()).enumerate().any(|(at, part)| {
        let (before, after) = (&text[..at], &text[at + digits.len()..]);
        let beside = || before.iter().rev().take_while(of_id).count() + after.iter().take_while(of_id).count();
        // No group of an id is as short as a code.
        let is_within = letter(before.last()) || letter(after.first());
        part == digits
            && !of_number(before.last())
            && before.last() != Some(&b'.')
            && !of_number(after.first())
            && !(is_within && beside() + digits.len() >= ID)
    })
}

/// Steps over what cannot begin a hit: the texts are long, and this is not optimised.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == part[0]) {
        if rest[at..].starts_with(part) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

#[test]
fn a_canary_is_found_in_every_form() {
    let canary = Canary::text(Kind::Secret, "zqfind7391canary");
    for text in [
        "a zqfind7391canary b",
        "ZQFIND7391CANARY",
        "yranac1937dnifqz",
        "7a7166696e643733393163616e617279",
        "%7A%71%66%69%6E%64%37%33%39%31%63%61%6E%61%72%79",
        r"\x7a\x71\x66\x69\x6e\x64\x37\x33\x39\x31\x63\x61\x6e\x61\x72\x79",
        r"\u007A\u0071\u0066\u0069\u006e\u0064\u0037\u0033\u0039\u0031\u0063\u0061\u006e\u0061\u0072\u0079",
        "[122, 113, 102, 105, 110, 100, 55, 51, 57, 49, 99, 97, 110, 97, 114, 121]",
    ] {
        assert!(canary.is_in(text.as_bytes()), "{text}");
    }
    for before in ["", "x", "xy", "xyz"] {
        for after in ["", "!", "!?"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}zqfind7391canary{after}"));
            assert!(canary.is_in(text.as_bytes()), "{text}");
        }
    }
    assert!(!canary.is_in(b"zqfind7391canarie"));
    let code = Canary::code("c", "012345");
    for text in ["012345", "code=012345.", "\"012345\"", "\n012345\r", "MDEyMzQ1", "303132333435"] {
        assert!(code.is_in(text.as_bytes()), "{text}");
    }
    assert!(!code.is_in(b"1012345") && !code.is_in(b"0123456") && !code.is_in(b"12:00:00.012345Z"));
    for id in ["8b28a012345c8510", "a012345b-8177-71e5-a7e6-250670df3ed7"] {
        assert!(!code.is_in(id.as_bytes()), "{id}");
        for beside in [format!("{id} 012345"), format!("{id}-012345"), format!("012345-{id}")] {
            assert!(code.is_in(beside.as_bytes()), "{beside}");
        }
    }
    for text in ["code-012345", "\\n012345\\r", "2026-01-31-012345", "-----012345-----", "ab012345"] {
        assert!(code.is_in(text.as_bytes()), "{text}");
    }
    let token = Canary::token("t", "lkr_AAAAAAAAAAAAAAAAAAAAAAAAAAAA", &[250; 16]);
    assert!(token.is_in(&[1, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 2]));
    assert!(token.is_in(b"lkr_AAAAAAAAAAAAAAAAAAAAAAAAAAAA") && !token.is_in(&[250; 15]));
}
