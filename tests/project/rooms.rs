//! The rules of the rooms: who may name whom, and how long a file may be.

use std::collections::BTreeSet;

use super::{rust_code, rust_files};

const ROOMS: [&str; 3] = ["crate::http", "crate::accounts", "crate::store"];

#[test]
fn data_flows_one_way_through_the_rooms() {
    let rules: [(&str, &[&str]); 8] = [
        (
            "src/server/",
            &["crate::http", "crate::accounts", "crate::store", "crate::config", "poem_openapi", "fred", "redb"],
        ),
        ("src/http/", &["crate::store", "crate::breaches", "crate::mail", "crate::server", "fred", "redb"]),
        ("src/accounts/", &["crate::http", "crate::server", "poem", "poem_openapi", "fred", "redb"]),
        (
            "src/store/",
            &[
                "crate::http",
                "crate::accounts",
                "crate::breaches",
                "crate::mail",
                "crate::server",
                "poem",
                "poem_openapi",
            ],
        ),
        (
            "src/breaches/",
            &[
                "crate::http",
                "crate::accounts",
                "crate::store",
                "crate::server",
                "crate::config",
                "poem",
                "fred",
                "redb",
            ],
        ),
        (
            "src/traces/",
            &[
                "crate::http",
                "crate::accounts",
                "crate::store",
                "crate::server",
                "crate::config",
                "crate::breaches",
                "crate::mail",
                "poem",
                "fred",
                "redb",
            ],
        ),
        (
            "src/mail/",
            &[
                "crate::http",
                "crate::accounts",
                "crate::store",
                "crate::server",
                "crate::config",
                "crate::breaches",
                "poem",
                "fred",
                "redb",
            ],
        ),
        (
            "src/metrics/",
            &[
                "crate::http",
                "crate::accounts",
                "crate::store",
                "crate::server",
                "crate::config",
                "crate::breaches",
                "crate::mail",
                "poem",
                "fred",
                "redb",
            ],
        ),
    ];
    let files = sources();
    let mut wrong = Vec::new();
    for (folder, forbidden) in rules {
        let room = files.iter().filter(|(file, _)| file.starts_with(folder)).collect::<Vec<_>>();
        assert!(room.len() > 4, "{folder} has only {} files", room.len());
        for (file, text) in room {
            let paths = rust_code::paths(file, text);
            let bad = paths.iter().filter(|path| forbidden.iter().any(|name| is_in(path, name)));
            wrong.extend(bad.map(|path| format!("{file} names {path}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accounts_know_no_status_and_the_store_knows_no_user() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for word in rust_code::tokens(&text) {
            let status = file.starts_with("src/accounts/") && word == "StatusCode";
            let user = file.starts_with("src/store/") && names_a_user(&word);
            if status || user {
                wrong.push(format!("{file} says {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(["user", "UserId", "users_of", "by_user"].into_iter().all(names_a_user));
    assert!(!names_a_user("Fuser"));
}

#[test]
fn only_the_composition_root_sees_all_rooms() {
    for (file, text) in sources() {
        let mut seen = rooms_named(&file, &text);
        seen.extend(ROOMS.into_iter().filter(|room| is_in(&module(&file), room)));
        match file.as_str() {
            "src/app.rs" => assert_eq!(seen.len(), 3, "{file} names {seen:?}"),
            "src/main.rs" | "src/lib.rs" => {}
            _ => assert!(seen.len() < 3, "{file} names every room"),
        }
    }
}

#[test]
fn no_file_is_longer_than_300_lines() {
    let mut files = sources();
    files.extend(rust_files("tests"));
    files.extend(rust_files("examples"));
    let long = files.iter().map(|(file, text)| (text.lines().count(), file)).filter(|(lines, _)| *lines > 300);
    let long = long.map(|(lines, file)| format!("{file} has {lines} lines")).collect::<Vec<_>>();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_opens_with_what_lives_in_it() {
    let mut files = sources();
    files.extend(rust_files("tests"));
    files.extend(rust_files("examples"));
    let silent = files.iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(file, _)| file.as_str());
    assert_eq!(silent.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_examples_know_nothing_of_our_code() {
    let files = rust_files("examples");
    assert!(!files.is_empty());
    let knowing = files.iter().filter(|(_, text)| rust_code::tokens(text).iter().any(|word| word == "latchkey"));
    assert_eq!(knowing.map(|(file, _)| file.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}

fn sources() -> Vec<(String, String)> {
    let files = rust_files("src");
    assert!(files.len() > 20, "only {} files were found", files.len());
    files
}

fn rooms_named(file: &str, text: &str) -> BTreeSet<&'static str> {
    let paths = rust_code::paths(file, text);
    ROOMS.into_iter().filter(|room| paths.iter().any(|path| is_in(path, room))).collect()
}

fn module(file: &str) -> String {
    file.replacen("src", "crate", 1).replace('/', "::").replace(".rs", "")
}

fn is_in(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether one of the words of an identifier is "user" or "users", in any style.
fn names_a_user(identifier: &str) -> bool {
    let mut words = String::new();
    for c in identifier.chars() {
        if c.is_uppercase() {
            words.push('_');
        }
        words.extend(c.to_lowercase());
    }
    words.split('_').any(|word| matches!(word, "user" | "users"))
}
