//! A JSON object as YAML 1.2, in block style: lines that people read and compare.

use std::fmt::Write;

use serde_json::Value;

/// The words that YAML, or an older YAML, takes for something else than text.
const TAKEN: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// The document as YAML, with a line feed at the end.
pub(super) fn to_string(document: &Value) -> String {
    let mut out = String::new();
    value(&mut out, document, 0);
    out.trim_start().to_owned() + "\n"
}

/// A value, behind what it is the value of.
fn value(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (at, (key, value)) in object.iter().enumerate() {
                begin(out, depth, at);
                text(out, key);
                out.push(':');
                self::value(out, value, depth + 1);
            }
        }
        Value::Array(array) if !array.is_empty() => {
            for (at, item) in array.iter().enumerate() {
                begin(out, depth, at);
                out.push('-');
                self::value(out, item, depth + 1);
            }
        }
        Value::String(value) if is_block(value) => block(out, value, depth),
        Value::String(value) => {
            out.push(' ');
            text(out, value);
        }
        value => {
            let _ = write!(out, " {value}");
        }
    }
}

/// A line of its own, but for what is first in an item of a list.
fn begin(out: &mut String, depth: usize, at: usize) {
    if at == 0 && out.ends_with('-') {
        out.push(' ');
    } else {
        line(out, depth);
    }
}

fn line(out: &mut String, depth: usize) {
    let _ = write!(out, "\n{:1$}", "", depth * 2);
}

/// Whether it can be written line by line: with a line feed in it, and at most one at its end.
fn is_block(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let is_special = |character| character != '\n' && is_special(character);
    text.contains('\n') && !text.starts_with([' ', '\n']) && !text.ends_with('\n') && !text.contains(is_special)
}

/// Whether a character is none that everybody can see, or none of YAML's: YAML 1.1 ends lines at some more of them.
fn is_special(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Its lines as they are, each indented. With `|` it ends with a line feed, with `|-` it does not.
fn block(out: &mut String, text: &str, depth: usize) {
    out.push_str(if text.ends_with('\n') { " |" } else { " |-" });
    for each in text.lines() {
        if each.is_empty() {
            out.push('\n');
        } else {
            line(out, depth);
            out.push_str(each);
        }
    }
}

/// Text as it is where nothing in it means anything to YAML, and else as JSON writes it, which is YAML too.
fn text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        for character in Value::from(text).to_string().chars() {
            let _ = if is_special(character) {
                write!(out, "\\u{:04x}", u32::from(character))
            } else {
                out.write_char(character)
            };
        }
    }
}

fn is_plain(text: &str) -> bool {
    let is_taken = || TAKEN.iter().any(|word| word.eq_ignore_ascii_case(text));
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(is_special)
        && !is_taken()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_written_in_lines_that_people_read() {
        let document = json!({
            "openapi": "3.0.0",
            "paths": {"/v1/users/{id}": {"tags": ["users", {"a": 1}, []]}},
            "text": "One.\n\n- Two\n",
            "empty": {},
        });
        let expected = "openapi: \"3.0.0\"\npaths:\n  /v1/users/{id}:\n    tags:\n      - users\n      - a: 1\n      - []\n\
                        text: |\n  One.\n\n  - Two\nempty: {}\n";
        assert_eq!(to_string(&document), expected);
    }

    #[test]
    fn what_yaml_could_take_for_something_else_comes_back_as_it_was() {
        let texts = [
            "",
            " ",
            "~",
            "null",
            "Yes",
            "NO",
            "off",
            "1",
            "1.0",
            "0x1f",
            "1_000",
            "-",
            "- a",
            "a: b",
            "a:",
            "a #b",
            "a#b",
            "a:b",
            "#a",
            "&a",
            "*a",
            "!a",
            "?",
            "? a",
            "|",
            ">",
            "%a",
            "@a",
            "`a`",
            "'a'",
            "\"a\"",
            "{a}",
            "[a]",
            ",",
            "a ",
            " a",
            "a\n",
            "\na",
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            " a\nb",
            "a\n b",
            "a\n\tb",
            "a\r\nb",
            "\ta\nb",
            "a\tb",
            "é",
            "\u{1}",
            "a\u{85}b",
            "a\u{2028}b\nc",
            "\u{feff}a",
            "\u{fffe}",
            "a\u{ffff}b",
            "😀",
            "2026-01-01",
            "=",
            "<<",
            "a\n  \nb",
            "a\n\n\nb",
            "a\n#b",
            "NaN",
            ".inf",
            "---",
            "a\n---\nb",
            "...",
            "/v1/{id}",
            "a, b",
        ];
        for text in texts {
            let document = json!({text: [text, {"in": text}]});
            let read: serde_yaml::Value =
                serde_yaml::from_str(&to_string(&document)).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!(serde_json::to_value(&read).unwrap(), document, "{}", to_string(&document));
        }
        for value in [
            json!(null),
            json!(true),
            json!(-1.5e300),
            json!(18_446_744_073_709_551_615_u64),
            json!([]),
            json!([[1, [2]], {}]),
        ] {
            let read: serde_yaml::Value = serde_yaml::from_str(&to_string(&value)).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), value);
        }
    }
}
