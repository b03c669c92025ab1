//! `latchkey import` and `latchkey export`: what is exported is imported without loss, and a wrong line harms no other.

use std::{os::unix::fs::PermissionsExt, process::Child};

use serde_json::{Value, json};

use crate::{
    redis_server::command,
    support::{
        TestApp, line,
        place::{Place, feed},
    },
};

/// Makes a test out of each store.
macro_rules! in_every_place {
    ($(async fn $test:ident($place:ident: Place $(, $other:ident: Place)?) $body:block)*) => {$(
        async fn $test($place: Place $(, $other: Place)?) $body
        mod $test {
            use crate::support::place::Place;
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$test(Place::embedded().await $(, { let $other = Place::embedded().await; $other })?).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                super::$test(Place::redis().await $(, { let $other = Place::redis().await; $other })?).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                super::$test(Place::cluster().await $(, { let $other = Place::cluster().await; $other })?).await;
            }
        }
    )*};
}

/// Of `correct horse`, as other services write it.
const HASHES: [&str; 5] = [
    "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg",
    "pbkdf2_sha256$100$saltysaltysalty$KM3O6PQOy4NBFhUd3oZl/aA/+OcAmU4jpP+EnxmRoaA=",
    "$argon2i$v=16$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$tGIxLiBuBRoNePzxgRL/rccpXV/9pZbAfObn5cPwCe8",
    "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$MDEyMzQ1Njc4OWFiY2RlZg==$hVEvsIBAjH42cP6vJyt4aQQD7kQnZG+EMK2ggwi47gt6vZnqVQMI1QfX91+zUCHxyHFUpIOykaF8tHSmqwQ5gA==",
];

/// Somebody of whom there is everything to say.
fn ada() -> Value {
    json!({
        "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "email": "Ada@Example.com", "email_verified": true, "username": "Ada",
        "name": "Ada \u{1f511}", "locale": "en-GB", "metadata": {"b": [1, 1.5, null, "\u{0}"], "a": {}},
        "roles": ["editor"], "permissions": ["articles:publish"], "created_at": "2020-02-29T12:30:00.5+01:00",
        "updated_at": "2021-01-01T00:00:00Z", "last_sign_in_at": "2022-01-01T00:00:00Z",
        "suspended": {"since": "2023-01-01T00:00:00Z", "until": "2024-01-01T00:00:00Z", "reason": "spam"},
        "password_hash": HASHES[0],
    })
}

/// Some people with ids, all made at one moment but the first.
pub fn crowd(who: &str, count: u32, with_ids: bool) -> String {
    let person = |n: u32| {
        let mut person = json!({
            "email": format!("{who}{n}@example.com"), "username": format!("{who}{n}"), "email_verified": n.is_multiple_of(2),
            "created_at": "2020-01-01T00:00:00Z", "password_hash": HASHES[0],
        });
        if with_ids {
            let start = u32::from_be_bytes(*who.as_bytes().first_chunk().unwrap());
            person["id"] = format!("{start:08x}-0000-4000-8000-0000{n:08x}").into();
        }
        format!("{person}\n")
    };
    (0..count).map(person).collect()
}

in_every_place! {
    async fn what_was_exported_is_imported_and_exported_again_as_it_was(place: Place, other: Place) {
        let nameless = r#"{"email": "nobody@example.com"}"#;
        let text = format!("{}\n{nameless}\n{}", ada(), crowd("crowd", 700, true));
        let imported = place.import(&text, &[]);
        assert_eq!((imported.code, imported.counts()), (0, [702, 0, 0, 0, 0]), "{}", imported.said);
        let exported = place.export();
        assert_eq!(exported.lines().count(), 702);
        let mut told = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let first = told.find(|user| user["email"] == "Ada@Example.com").unwrap();
        let expected = Value::Object(ada().as_object().unwrap().clone().into_iter().map(|(name, value)| {
            let canonical = match name.as_str() {
                "created_at" => json!("2020-02-29T11:30:00.500Z"),
                "updated_at" => json!("2021-01-01T00:00:00.000Z"),
                "last_sign_in_at" => json!("2022-01-01T00:00:00.000Z"),
                "suspended" => json!({"since": "2023-01-01T00:00:00.000Z", "until": "2024-01-01T00:00:00.000Z", "reason": "spam"}),
                _ => value,
            };
            (name, canonical)
        }).collect());
        assert_eq!(first.to_string(), expected.to_string());

        let again = other.import(&exported, &[]);
        assert_eq!((again.code, again.counts()), (0, [702, 0, 0, 0, 0]), "{}", again.said);
        assert_eq!(other.export(), exported);
        for lines in [&text, &exported] {
            let unchanged = place.import(lines, &[]);
            assert_eq!((unchanged.code, unchanged.counts()), (0, [0, 702, 0, 0, 0]), "{}", unchanged.said);
        }
        assert_eq!(place.export(), exported);
        place.check().expect_clean();
        other.check().expect_clean();
    }

    async fn a_wrong_line_keeps_no_other_one_out(place: Place) {
        place.import(r#"{"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "email": "here@example.com", "username": "here"}"#, &[]);
        let long = format!(r#"{{"email": "long@example.com", "name": "{}"}}"#, "x".repeat(70_000));
        let wrong = [
            "\u{feff}{\"email\": \"bom@example.com\"}\r",
            "{\"email\": \"broken@example.com\"",
            "\u{0}",
            &long,
            "",
            r#"{"email": "unknown@example.com", "phone": 1}"#,
            r#"{"email": "HERE@example.com"}"#,
            r#"{"email": "other@example.com", "username": "HERE"}"#,
            r#"{"id": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "email": "moved@example.com"}"#,
            r#"{"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "email": "here@example.com", "name": "Changed"}"#,
            r#"{"email": "twice@example.com", "username": "twice"}"#,
            r#"{"email": "Twice@example.com", "username": "twice-again"}"#,
            r#"{"email": "twice@example.com", "username": "twice"}"#,
            r#"{"email": "third@example.com", "username": "TWICE"}"#,
            r#"{"email": "last@example.com"}"#,
        ];
        let text = wrong.join("\n");
        let expected = [
            (1, "created", ""),
            (2, "invalid", "malformed_json"),
            (3, "invalid", "malformed_json"),
            (4, "invalid", "line_too_long"),
            (6, "invalid", "validation_failed"),
            (7, "conflict", "email_taken"),
            (8, "conflict", "username_taken"),
            (9, "conflict", "id_taken"),
            (10, "unchanged", ""),
            (11, "created", ""),
            (12, "conflict", "email_taken"),
            (13, "unchanged", ""),
            (14, "conflict", "username_taken"),
            (15, "created", ""),
        ];
        let before = place.export();
        let dry = place.import(&text, &["--dry-run"]);
        let same_as_before = |(line, outcome, code): (u64, &'static str, &'static str)| match line {
            13 => (line, "conflict", "email_taken"), // nothing is there yet that it could be the same as
            _ => (line, outcome, code),
        };
        assert_eq!((dry.code, dry.outcomes()), (1, expected.map(same_as_before).to_vec()));
        assert_eq!(place.export(), before, "a dry run writes nothing");
        let imported = place.import(&text, &[]);
        assert_eq!((imported.code, imported.outcomes()), (1, expected.to_vec()));
        for secret in ["example.com", "Changed", "twice"] {
            assert!(!imported.said.contains(secret), "{secret} in {}", imported.said);
        }
        place.check().expect_clean();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_whoever_is_imported_signs_in_with_the_password_that_they_have() {
    let place = Place::redis().await;
    let person = |(n, hash)| format!("{}\n", json!({"email": format!("p{n}@example.com"), "password_hash": hash}));
    let text = (0..).zip(HASHES).map(person).collect::<String>() + "{\"email\": \"none@example.com\"}\n";
    assert_eq!(place.import(&text, &[]).counts(), [6, 0, 0, 0, 0]);
    let suspended = json!({"email": "out@example.com", "password_hash": HASHES[0], "suspended": {}}).to_string();
    assert_eq!(place.import(suspended, &[]).counts(), [1, 0, 0, 0, 0]);
    let app = place.serve().await;
    for n in 0..HASHES.len() {
        let login = format!("p{n}@example.com");
        app.sign_in(&login, "correct horses").await.refused(401, "invalid_credentials");
        let user = app.sign_in(&login, "correct horse").await.expect(201).body["user"].clone();
        let stored = app.stored_user(user["id"].as_str().unwrap()).await;
        assert!(stored["password_setting"].starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{login}");
        app.sign_in(&login, "correct horse").await.expect(201);
    }
    for nobody in ["none@example.com", "out@example.com"] {
        app.sign_in(nobody, "correct horse").await.refused(401, "invalid_credentials");
    }
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_store_is_left_alone_while_the_service_runs() {
    let app = TestApp::embedded().await;
    let folder = app.end().await;
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let app = TestApp::in_folder(folder, &[]).await;
    for arguments in [["import", "/dev/null"], ["export", "/dev/null/x"]] {
        let said = line(&crate::support::run(&[("LATCHKEY_DATA_DIR", &data)], &arguments), 2);
        assert!(said.contains("LATCHKEY_DATA_DIR"), "{said}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_an_export_is_for_its_owner_and_replaces_nothing() {
    let place = Place::embedded().await;
    place.import(ada().to_string(), &[]);
    let file = place.file("users.ndjson");
    let path = file.to_str().unwrap();
    assert_eq!(place.run(&["export", path]).status.code(), Some(0));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), place.export());
    assert!(line(&place.run(&["export", path]), 2).contains("File exists"));
    assert!(line(&place.run(&["import", "/nowhere"]), 2).contains("/nowhere"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), place.export(), "it is as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_roles_that_cannot_be_read_fail_the_lines_that_give_some() {
    let place = Place::redis().await;
    let client = place.redis.as_ref().unwrap().client().await;
    let _: () = command(&client, "SET latchkey:{roles} text").await;
    let text = concat!(
        "{\"email\": \"ada@example.com\"}\n",
        "{\"email\": \"eve@example.com\", \"roles\": [\"editor\"]}\n",
        "{\"email\": \"bob@example.com\", \"permissions\": [\"articles:publish\"]}\n",
    );
    let imported = place.import(text, &[]);
    assert_eq!(imported.counts(), [2, 0, 0, 0, 1], "{}", imported.said);
    assert_eq!(imported.outcomes()[1].1, "failed", "{}", imported.said);
}

/// The most memory that a process ever had, in KiB.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_of_large_lines_stays_small() {
    let place = Place::redis().await;
    let mut import = place.import_from_pipe();
    let filler = "\\u0061".repeat(4_000);
    for n in 0..4_000 {
        feed(&mut import, &format!("{{\"email\": \"p{n}@example.com\", \"metadata\": {{\"a\": \"{filler}\"}}}}\n"));
    }
    assert!(peak(&import) < 100 * 1024, "{} KiB", peak(&import));
    drop(import.stdin.take());
    assert_eq!(import.wait().unwrap().code(), Some(0));
    assert_eq!(place.export().lines().count(), 4_000);
}
