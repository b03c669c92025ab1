//! `latchkey outbox`, and what `latchkey doctor` says of letters.

use std::process::Output;

use serde_json::Value;

use crate::{
    claims::NOBODY,
    redis_server::command,
    support::{
        ABANDONED, Entry, NEXT_TRY, Process, TestApp, line, run, sent_by,
        smtp_server::{Mode, SmtpServer, Way},
    },
};

fn told(output: &Output) -> String {
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!text.contains("example.com"), "{text}");
    text
}

impl TestApp {
    async fn unsent(&self) -> Vec<Value> {
        serde_json::from_str(&told(&self.operator("outbox list --json").await)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_what_is_refused_for_good_is_given_up_and_shown_and_sent_when_an_operator_says_so() {
    let server = SmtpServer::start(Mode::Reject).await;
    let url = server.url();
    let app = TestApp::redis_with(&sent_by(&url)).await;
    let ada = app.person("ada").await;
    app.forget_password(&ada.email).await;
    app.entries_when(|entries| entries.iter().any(|entry| entry.contains_key("dead_at"))).await;
    server.set(Mode::Busy).await;
    app.register("bob").await.expect(201);
    app.forget_password("bob@example.com").await;
    app.entries_when(|entries| entries.iter().filter(|entry| entry.contains_key("last_error")).count() == 2).await;

    let [dead, waiting] = app.unsent().await.try_into().unwrap();
    assert_eq!(
        (&dead["kind"], &dead["attempts"], &dead["next_at"]),
        (&"password_reset".into(), &1.into(), &Value::Null)
    );
    assert!(dead["given_up_at"].is_string() && dead["last_error"].as_str().unwrap().contains("550 5.1.1"), "{dead}");
    assert!(waiting["next_at"].is_string() && waiting["given_up_at"].is_null(), "{waiting}");
    assert!(waiting["last_error"].as_str().unwrap().contains("421"), "{waiting}");
    let (id, other) = (dead["id"].as_str().unwrap(), waiting["id"].as_str().unwrap());
    let text = told(&app.operator("outbox list").await);
    let lines = text.lines().collect::<Vec<_>>();
    assert!(lines[0].starts_with(&format!("{id}  password_reset  user -  attempts 1  given up 20")), "{text}");
    assert!(lines[1].contains("  next 20") && lines.len() == 2, "{text}");
    let doctor = told(&app.operator("doctor").await);
    assert!(doctor.contains("letters given up in the last 30 days: 1"), "{doctor}");
    assert!(doctor.contains("mend: `latchkey outbox list` tells of each why"), "{doctor}");

    for nothing in [other, NOBODY] {
        let said = line(&app.operator(&format!("outbox retry {nothing}")).await, 1);
        assert!(said.contains("no letter with this id was given up"), "{said}");
    }
    server.set(Mode::Well).await;
    assert_eq!(told(&app.operator(&format!("outbox retry {id}")).await), "letters that are tried again: 1\n");
    let letter = server.next_letter().await;
    assert_eq!((&letter.to[0], letter.headers["Message-ID"].contains(id)), (&ada.email, true));
    app.clock.advance(NEXT_TRY);
    app.entries_when(<[_]>::is_empty).await;
    assert!(app.unsent().await.is_empty());
    assert_eq!(told(&app.operator("outbox retry").await), "letters that are tried again: 0\n");
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_letters_that_cannot_be_read_are_counted_beside_those_that_can() {
    let server = SmtpServer::start(Mode::Busy).await;
    let app = TestApp::redis_with(&sent_by(&server.url())).await;
    let ada = app.person("ada").await;
    app.forget_password(&ada.email).await;
    app.entries_when(|entries| entries.iter().any(|entry| entry.contains_key("last_error"))).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let far = 4_102_444_800_000_u64; // nobody takes them before 2100
    for damage in [
        format!("ZADD latchkey:{{b1}}:index:outbox {far} nonsense"),
        format!("ZADD latchkey:{{b2}}:index:dead-letters {far} nonsense"),
        format!("ZADD latchkey:{{b2}}:index:outbox {far} {NOBODY}"),
    ] {
        let _: i64 = command(&client, &damage).await;
    }
    let _: () = command(&client, &format!("SET latchkey:{{b2}}:mail:{NOBODY} text")).await;
    let listed = app.operator("outbox list --json").await;
    let said = String::from_utf8(listed.stderr).unwrap();
    assert_eq!(said, "3 more cannot be read, `latchkey check` names them\n");
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&listed.stdout).unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_letter_that_could_not_be_sent_for_a_day_is_given_up_and_forgotten_after_a_month() {
    let day = 144 * ABANDONED;
    let server = SmtpServer::start(Mode::Busy).await;
    let url = server.url();
    let app = TestApp::redis_with(&sent_by(&url)).await;
    app.register("ada").await.expect(201);
    app.forget_password("ada@example.com").await;
    app.failed(1, 1).await;
    app.clock.advance(day);
    let is_dead = |entry: &Entry| entry.contains_key("dead_at");
    let [dead] = app.entries_when(|entries| entries.iter().all(is_dead)).await.try_into().unwrap();
    assert_eq!(dead["attempts"], "2");
    assert_eq!(server.letters().await.len(), 0);

    app.clock.advance(31 * day);
    server.set(Mode::Reject).await;
    app.forget_password("ada@example.com").await;
    app.entries_when(|entries| entries.len() == 2 && entries.iter().all(is_dead)).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let indexes: Vec<String> = command(&client, "KEYS latchkey:{b*}:index:dead-letters").await;
    assert_eq!(command::<i64>(&client, &format!("ZCARD {}", indexes[0])).await, 1, "the older one has left it");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smtp_doctor_says_whether_the_mail_server_lets_us_in() {
    let server = SmtpServer::secured(Way::Tls, Mode::Well).await;
    let process = Process::start(&[]);
    process.signal("-TERM");
    let mut process = process;
    process.child.wait().unwrap();
    let data = process.folder.path().join("latchkey-data");
    let (url, ca_file) = (server.url(), server.ca_file());
    let wrong = url.replace("word", "w0rd");
    for (url, ca_file, start, words) in [
        (&url, Some(&ca_file), "ok        mail ", "the mail server lets us in"),
        (&url, None, "warning   mail ", "the mail server does not let us in: "),
        (&wrong, Some(&ca_file), "warning   mail ", "535"),
    ] {
        let mut settings = vec![("LATCHKEY_DATA_DIR", data.to_str().unwrap()), ("LATCHKEY_SMTP_URL", url.as_str())];
        settings.push(("LATCHKEY_MAIL_FROM", "accounts@example.com"));
        settings.extend(ca_file.map(|file| ("LATCHKEY_SMTP_CA_FILE", file.to_str().unwrap())));
        let output = run(&settings, &["doctor"]);
        let doctor = String::from_utf8(output.stdout).unwrap();
        let found = doctor.lines().filter(|line| line.contains(" mail ")).nth(1).unwrap_or_else(|| panic!("{doctor}"));
        assert!(found.starts_with(start) && found.contains(words), "{doctor}");
        assert!(output.status.success() && !doctor.contains("w0rd") && !doctor.contains("p@ss"), "{doctor}");
    }
}

#[test]
fn a_wrong_id_of_a_letter_is_wrong_usage() {
    let said = line(&run(&[], &["outbox", "retry", "ada"]), 2);
    assert!(said.contains("`ada` is not allowed; an id out of `latchkey outbox list` is needed"), "{said}");
}
