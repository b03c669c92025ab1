//! Rust as far as the rules of the rooms need it: code without comments and literals, and the paths it names.

use std::collections::BTreeSet;

/// The words and marks of some code, in order. `::` is one mark. Comments, strings and characters are left out.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest).or_else(|| string(rest)).or_else(|| character(rest)) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The paths that a file names, in `use` or in between, from `crate` or from an extern crate on.
pub(super) fn paths(file: &str, text: &str) -> BTreeSet<String> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // In a type, `use<…>` says what it captures, and names no path.
        if tokens[at] == "use" && tokens.get(at + 1).is_none_or(|next| next != "<") {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if is_word(&tokens[at]) && tokens.get(at + 1).is_some_and(|next| next == "::") {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|t| t == "::") && tokens.get(at + 2).is_some_and(|t| is_word(t)) {
                path.push(tokens[at + 2].clone());
                at += 2;
            }
            found.push(path);
            at += 1;
        } else {
            at += 1;
        }
    }
    found.into_iter().map(|path| resolve(file, &path)).collect()
}

/// Reads one tree of a `use` from `at` on, and says where it ends.
fn use_tree(tokens: &[String], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens[at] != "}" {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(tokens[at] == ",");
                }
                return at + 1;
            }
            "as" => at += 1, // and the new name, which says nothing
            "," | ";" | "}" => break,
            "::" => {}
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    found.push(path);
    at
}

/// The path from the root of the crate. `self` and `super` are taken as outside of inner modules.
fn resolve(file: &str, path: &[String]) -> String {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module = inside.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect::<Vec<_>>();
    let mut words = path.iter().map(String::as_str).peekable();
    let relative = matches!(words.peek(), Some(&("self" | "super")));
    while let Some(word) = words.next_if(|word| matches!(*word, "self" | "super")) {
        if word == "super" {
            module.pop();
        }
    }
    if matches!(words.peek(), Some(&("crate" | "latchkey"))) {
        words.next();
        module.clear();
    } else if !relative {
        return words.collect::<Vec<_>>().join("::");
    }
    ["crate"].into_iter().chain(module).chain(words).collect::<Vec<_>>().join("::")
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        let rest = &text[at..];
        let step = match rest.get(..2) {
            Some("/*") => 1,
            Some("*/") => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { 2 };
        if depth == 0 || at >= text.len() {
            return at;
        }
    }
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let body = hashes.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(hashes.len() - body.len()));
    let body = body.strip_prefix('"')?;
    Some(text.len() - body.len() + body.find(&end)? + end.len())
}

fn string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("b\"").or_else(|| text.strip_prefix('"'))?;
    let mut escaped = false;
    let end = body.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(text.len() - body.len() + end + 1)
}

/// The length of a character, or of a lifetime's mark.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let mut characters = body.chars();
    match (characters.next()?, characters.next()) {
        ('\\', Some(escaped)) => {
            let from = 1 + escaped.len_utf8();
            Some(1 + from + body[from..].find('\'')? + 1)
        }
        (character, Some('\'')) => Some(character.len_utf8() + 2),
        _ => Some(1),
    }
}

#[test]
fn the_reader_sees_grouped_nested_and_inline_paths() {
    let text = r"
        use crate::{accounts::{self, User as Person}, store::*};
        use super::problem::Problem;
        pub use self::code::Code;
        fn f<'a>(x: &'a str) -> poem::http::StatusCode { fred::Client::new('\'', crate::app::App) }
        fn g<'a>() -> impl Sized + use<'a> {}
    ";
    let expected = [
        "crate::accounts::User",
        "crate::accounts::self",
        "crate::app::App",
        "crate::http::code::Code",
        "crate::http::problem::Problem",
        "crate::store::*",
        "fred::Client::new",
        "poem::http::StatusCode",
    ];
    let found = paths("src/http/mod.rs", &text.replace("super::", "self::"));
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    assert!(paths("src/http/users.rs", text).contains("crate::http::problem::Problem"));
    assert!(paths("src/accounts/users/mod.rs", "use super::super::http::Code;").contains("crate::http::Code"));
}

#[test]
fn the_reader_passes_over_comments_and_literals() {
    let text = "/// fred::a\n/* fred::b /* fred::c */ fred::d */ \"fred::e \\\" fred::f\" r#\"fred::g \" fred::h\"# 'x' b\"fred::i\" redb::j";
    assert_eq!(tokens(text), ["redb", "::", "j"]);
}
