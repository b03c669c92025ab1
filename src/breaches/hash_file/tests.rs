//! The search of a file, held against a look through all of it.

use std::{collections::BTreeSet, io::Write};

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn digest(password: u32) -> PasswordDigest {
    PasswordDigest::of(password.to_string().as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_is_there_and_nothing_else(
        passwords in proptest::collection::btree_set(0_u32..400, 1..300),
        counts in proptest::collection::vec(proptest::option::of(1_u64..u64::MAX), 300),
        crlf: bool,
        lower: bool,
        ends: bool,
    ) {
        let digests = passwords.iter().map(|password| digest(*password).digits().to_owned()).collect::<BTreeSet<_>>();
        let lines = digests.iter().zip(&counts).map(|(digits, count)| {
            let digits = if lower { digits.to_lowercase() } else { digits.clone() };
            count.map_or(digits.clone(), |count| format!("{digits}:{count}"))
        });
        let end = if crlf { "\r\n" } else { "\n" };
        let text = lines.collect::<Vec<_>>().join(end) + if ends { end } else { "" };
        let file = file(&text);
        let hashes = HashFile::open(file.path()).unwrap();
        for password in 0..400 {
            prop_assert_eq!(hashes.contains(&digest(password)).unwrap(), passwords.contains(&password), "{}", password);
        }
    }
}

#[test]
fn a_file_that_is_no_list_of_digests_is_not_opened() {
    let opened = |text: &str| HashFile::open(file(text).path()).map(|_| ()).unwrap_err().to_string();
    let line = |digit: &str| format!("{}:1\n", digit.repeat(40));
    let form = "a line must have 40 hexadecimal digits, and a number behind a colon";
    assert_eq!(opened(""), "there is nothing in it");
    assert_eq!(opened("hunter2\n"), format!("byte 0: {form}"));
    assert_eq!(opened(&(line("A") + "B\n")), format!("byte 43: {form}"));
    assert_eq!(opened(&format!("{}:x\n", "A".repeat(40))), format!("byte 0: {form}"));
    assert_eq!(opened(&(line("A") + "\n")), format!("byte 43: {form}"));
    assert_eq!(opened(&(line("A") + &line("b") + &line("1"))), "byte 86: the lines must be sorted");
    assert_eq!(opened(&(line("A") + &line("A"))), "byte 43: the lines must be sorted");
    assert!(HashFile::open(Path::new("/nowhere")).is_err());
}

#[test]
fn a_line_that_was_broken_since_is_an_error() {
    let file = file(&["1", "2", "3", "4"].map(|digit| format!("{}:1\n", digit.repeat(40))).concat());
    let hashes = HashFile::open(file.path()).unwrap();
    for broken in ["x".repeat(170), "x\n".repeat(85)] {
        std::fs::write(file.path(), broken).unwrap();
        assert_eq!(hashes.contains(&digest(1)).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
