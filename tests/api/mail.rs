//! Letters go to a real mail server: over each way to it, and whatever trouble it is in.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Parser;
use latchkey::{
    cli::Cli,
    mail::{Letter, LetterKind, LetterSecret, Mailer, SendError},
};

use crate::support::{
    line, run,
    smtp_server::{Mode, SmtpServer, Way},
};

const ADDRESS: &str = "ada.lovelace@example.org";

/// A mailer with these settings and more, as the service makes one.
pub fn mailer_with(url: &str, ca_file: Option<PathBuf>, more: &[&str]) -> Mailer {
    let ca_file = ca_file.map(|file| file.to_str().unwrap().to_owned());
    let mut arguments = vec!["latchkey", "--smtp-url", url, "--mail-from", "Ex\u{e4}mple <accounts@example.com>"];
    arguments.extend(ca_file.iter().flat_map(|file| ["--smtp-ca-file", file]));
    arguments.extend(more);
    let config = Cli::try_parse_from(arguments).unwrap().config;
    config.check().unwrap();
    Mailer::open(config.mail.options("https://accounts.example.com", Path::new("data")).unwrap()).unwrap()
}

fn mailer(server: &SmtpServer) -> Mailer {
    let ca_file = (!server.url().contains("disable_starttls")).then(|| server.ca_file());
    mailer_with(&server.url(), ca_file, &[])
}

fn impatient(server: &SmtpServer) -> Mailer {
    mailer_with(&server.url(), None, &["--smtp-timeout", "1s"])
}

pub fn letter(id: &str) -> Letter {
    let code = Some(("042137".to_owned().into(), Duration::from_secs(600)));
    let secret = LetterSecret { token: "lkm_S3cr-t_".to_owned().into(), token_lasts: Duration::from_secs(86400), code };
    let (id, to) = (id.to_owned(), ADDRESS.to_owned());
    Letter { id, to, kind: LetterKind::Verification, languages: vec!["de".to_owned()], secret: Some(secret) }
}

/// That it failed so, and that nothing is told that should not be.
#[track_caller]
fn expect(sent: Result<(), SendError>, is_permanent: bool, words: &str) {
    let error = sent.unwrap_err();
    let text = error.to_string();
    assert_eq!(matches!(error, SendError::Permanent(_)), is_permanent, "{text}");
    assert!(text.contains(words), "{text}");
    for secret in ["lkm_", "042137", "lovelace", SmtpServer::PASSWORD, "p%40ss"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.lines().count() == 1 && text.len() < 300, "{text}");
}

#[tokio::test]
async fn smtp_a_letter_arrives_as_it_was_written() {
    let server = SmtpServer::start(Mode::Well).await;
    mailer(&server).send(&letter("letter-1")).await.unwrap();
    let received = server.next_letter().await;
    assert_eq!(
        (received.mail_from.as_str(), received.to.as_slice()),
        ("accounts@example.com", &[ADDRESS.to_owned()][..])
    );
    assert_eq!(received.subject, "Confirm your email address for Latchkey");
    assert_eq!(received.link(), "https://accounts.example.com/account/verify?token=lkm_S3cr-t_");
    assert_eq!((received.token().as_str(), received.code().as_str()), ("lkm_S3cr-t_", "042137"));
    assert!(received.text.contains("24 hours") && received.text.contains("10 minutes"), "{}", received.text);
    assert!(received.html.contains(&format!("<a href=\"{}\">", received.link())), "{}", received.html);
    assert!(received.html.contains("<strong>042137</strong>") && received.html.contains(ADDRESS), "{}", received.html);
    for (name, value) in [
        ("From", "Ex\u{e4}mple <accounts@example.com>"),
        ("To", ADDRESS),
        ("Message-ID", "<letter-1@example.com>"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", "en"),
    ] {
        assert_eq!(received.headers[name], value);
    }
    assert!(received.raw.is_ascii() && received.headers["Date"].ends_with(" +0000"), "{}", received.raw);
    assert!(!received.is_secure && received.user.is_none());
}

#[tokio::test]
async fn smtp_every_kind_of_letter_arrives() {
    let server = SmtpServer::start(Mode::Well).await;
    let mailer = mailer(&server);
    for kind in LetterKind::ALL {
        mailer.send(&Letter { kind, ..letter(kind.name()) }).await.unwrap();
        let received = server.next_letter().await;
        assert!(received.text.starts_with("Hello,\n") && received.html.contains("<p>Hello,</p>"), "{}", received.raw);
        assert!(received.text.contains(ADDRESS) && !received.text.contains("{{"), "{}", received.text);
    }
    assert_eq!(server.letters().await.len(), LetterKind::ALL.len());
    assert_eq!(server.connections().await, 1, "one connection is used again");
}

#[tokio::test]
async fn smtp_with_tls_the_server_must_be_who_it_says_and_learns_who_we_are() {
    for way in [Way::StartTls, Way::Tls] {
        let server = SmtpServer::secured(way, Mode::Well).await;
        let trusting = mailer(&server);
        trusting.check().await.unwrap();
        trusting.send(&letter("1")).await.unwrap();
        let received = server.next_letter().await;
        assert_eq!((received.is_secure, received.user.as_deref()), (true, Some(SmtpServer::USER)), "{way:?}");

        // Nobody trusts the certificate, or it is another's.
        expect(mailer_with(&server.url(), None, &[]).send(&letter("2")).await, false, "certificate");
        let other = server.url().replace("localhost", "127.0.0.1");
        expect(mailer_with(&other, Some(server.ca_file()), &[]).send(&letter("3")).await, false, "certificate");

        let wrong = server.url().replace("p%40ss", "wrong");
        let wrong = mailer_with(&wrong, Some(server.ca_file()), &[]);
        expect(wrong.check().await, false, "refused the user or the password: 535 5.7.8");
        expect(wrong.send(&letter("4")).await, false, "refused the user or the password: 535 5.7.8");
        assert_eq!(server.letters().await.len(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn smtp_a_server_that_offers_no_tls_gets_nothing() {
    let server = SmtpServer::start(Mode::Well).await;
    let stripped = server.url().replace("?disable_starttls=true", "");
    expect(mailer_with(&stripped, None, &[]).send(&letter("1")).await, false, "does not offer STARTTLS");
    let wrapped = stripped.replace("smtp:", "smtps:");
    expect(mailer_with(&wrapped, None, &[]).send(&letter("1")).await, false, "TLS failed");
    assert_eq!(server.letters().await.len(), 0);
}

#[tokio::test]
async fn smtp_what_somebody_puts_behind_the_answer_to_starttls_is_not_taken_for_the_servers_word() {
    let server = SmtpServer::secured(Way::StartTls, Mode::Inject).await;
    expect(mailer(&server).send(&letter("1")).await, false, "TLS failed");
    server.set(Mode::Well).await;
    mailer(&server).send(&letter("1")).await.unwrap();
}

#[tokio::test]
async fn smtp_what_is_refused_for_now_is_sent_later_and_what_is_refused_for_good_is_not() {
    let server = SmtpServer::start(Mode::Greylist(2)).await;
    let mailer = mailer(&server);
    for _ in 0..2 {
        expect(mailer.send(&letter("1")).await, false, "refused the recipient: 451 4.7.1");
    }
    mailer.send(&letter("1")).await.unwrap();
    assert_eq!((server.letters().await.len(), server.refusals().await), (1, 2));

    for (mode, is_permanent, words) in [
        (Mode::Reject, true, "refused the recipient: 550 5.1.1"),
        (Mode::RejectLetter, true, "refused the letter: 554 5.7.1"),
        (Mode::RefuseSender, false, "refused the sender: 530 5.7.0 Authentication required"),
        (Mode::NoRelay, false, "refused the recipient: 530 5.7.1"),
    ] {
        server.set(mode).await;
        expect(mailer.send(&letter("2")).await, is_permanent, words);
    }
    server.set(Mode::Well).await;
    mailer.send(&letter("2")).await.unwrap();
    assert_eq!(server.letters().await.len(), 2, "a refusal does not spoil the next letter");
}

#[tokio::test]
async fn smtp_a_server_that_is_not_well_makes_nobody_wait_for_long() {
    let server = SmtpServer::start(Mode::Well).await;
    let mailer = impatient(&server);
    mailer.send(&letter("1")).await.unwrap();
    for mode in [Mode::Hang, Mode::HangOnConnect, Mode::Drip] {
        server.hang_up().await;
        server.set(mode).await;
        let started = Instant::now();
        expect(mailer.send(&letter("2")).await, false, "it took longer than 1s");
        assert!(started.elapsed() < Duration::from_secs(10), "{mode:?}");
    }
    for mode in [Mode::Busy, Mode::Die] {
        server.hang_up().await;
        server.set(mode).await;
        expect(mailer.send(&letter("2")).await, false, "127.0.0.1");
    }
    server.set(Mode::Well).await;
    mailer.send(&letter("2")).await.unwrap();
    let received = server.letters().await;
    assert_eq!(
        received.iter().map(|letter| &*letter.headers["Message-ID"]).collect::<Vec<_>>(),
        ["<1@example.com>", "<2@example.com>"]
    );
}

#[tokio::test]
async fn smtp_a_letter_that_was_given_up_says_nothing_of_the_next_one() {
    let server = SmtpServer::start(Mode::Well).await;
    let mailer = impatient(&server);
    mailer.send(&letter("1")).await.unwrap();
    // The connection stays, in the middle of a letter.
    server.set(Mode::Hang).await;
    expect(mailer.send(&letter("2")).await, false, "it took longer");
    server.set(Mode::Reject).await;
    expect(mailer.send(&letter("3")).await, true, "550");
    assert_eq!((server.letters().await.len(), server.connections().await), (1, 2));
}

#[tokio::test]
async fn smtp_a_connection_that_the_server_has_closed_meanwhile_is_made_again() {
    let server = SmtpServer::start(Mode::Well).await;
    let mailer = mailer(&server);
    mailer.send(&letter("1")).await.unwrap();
    server.hang_up().await;
    mailer.send(&letter("2")).await.unwrap();
    assert_eq!((server.letters().await.len(), server.connections().await), (2, 2));
}

#[tokio::test]
async fn smtp_a_letter_whose_receipt_is_lost_counts_as_not_sent_and_comes_again_as_the_same() {
    let server = SmtpServer::start(Mode::LoseAnswer).await;
    let mailer = mailer(&server);
    expect(mailer.send(&letter("1")).await, false, "127.0.0.1");
    server.set(Mode::Well).await;
    mailer.send(&letter("1")).await.unwrap();
    let [first, second] = server.letters().await.try_into().unwrap();
    assert_eq!(first.headers["Message-ID"], second.headers["Message-ID"]);
}

#[tokio::test]
async fn smtp_nobody_at_the_port_is_tried_again() {
    let server = SmtpServer::start(Mode::Well).await;
    let mailer = mailer(&server);
    mailer.check().await.unwrap();
    drop(server);
    expect(mailer.check().await, false, "refused");
    expect(mailer.send(&letter("1")).await, false, "refused");
}

#[tokio::test]
async fn smtp_international_addresses_need_a_server_that_knows_them_only_before_the_at() {
    let to = |to: &str| Letter { to: to.to_owned(), ..letter("1") };
    let server = SmtpServer::start(Mode::Well).await;
    let old = SmtpServer::without_smtputf8().await;
    for server in [&server, &old] {
        mailer(server).send(&to("ada@b\u{fc}cher.example")).await.unwrap();
        assert_eq!(server.next_letter().await.to, ["ada@xn--bcher-kva.example"]);
    }
    let ada = to("\u{e4}da.lovelace@b\u{fc}cher.example");
    mailer(&server).send(&ada).await.unwrap();
    let received = server.next_letter().await;
    assert_eq!(received.to, ["\u{e4}da.lovelace@xn--bcher-kva.example"]);
    assert_eq!(received.headers["To"], received.to[0]);
    assert_eq!(received.code(), "042137");
    expect(mailer(&old).send(&ada).await, true, "SMTPUTF8");
    assert_eq!(old.letters().await.len(), 1);
}

#[tokio::test]
async fn smtp_letters_at_once_share_no_connection() {
    let server = SmtpServer::start(Mode::Well).await;
    let mailer = mailer(&server);
    let letters = (0..12).map(|n| letter(&n.to_string())).collect::<Vec<_>>();
    let sent = futures_util::future::join_all(letters.iter().map(|letter| mailer.send(letter))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let received = server.letters().await;
    let mut ids = received.iter().map(|letter| letter.headers["Message-ID"].clone()).collect::<Vec<_>>();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 12);
}

#[test]
fn wrong_settings_of_mail_stop_the_start_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let url = ("LATCHKEY_SMTP_URL", "smtps://me:hunter2@mail.example.com");
    let from = ("LATCHKEY_MAIL_FROM", "a@example.com");
    for (settings, code, words) in [
        (vec![("LATCHKEY_SMTP_URL", "smtp://me:hunter2@mail.example.com?disable_starttls=true")], 2, "nearby"),
        (vec![("LATCHKEY_SMTP_URL", "smtps://me:hunter2@mail.example.com/x")], 2, "percent-encoded"),
        (vec![url], 2, "LATCHKEY_MAIL_FROM: "),
        (vec![("LATCHKEY_MAIL_FROM", "nobody")], 2, "LATCHKEY_MAIL_FROM: `nobody` is not allowed"),
        (vec![("LATCHKEY_PRODUCT_NAME", "a\nb")], 2, "LATCHKEY_PRODUCT_NAME: "),
        (vec![("LATCHKEY_SMTP_TIMEOUT", "1h")], 2, "a duration from 1s to 10m is needed"),
        (
            vec![("LATCHKEY_RESET_URL", "https://a.example/")],
            2,
            "LATCHKEY_RESET_URL: `https://a.example/` is not allowed",
        ),
        (
            vec![url, from, ("LATCHKEY_SMTP_CA_FILE", "/nowhere")],
            1,
            "LATCHKEY_SMTP_CA_FILE): the certificates in /nowhere",
        ),
        (vec![("LATCHKEY_MAIL_TEMPLATES", "/nowhere")], 1, "LATCHKEY_MAIL_TEMPLATES: /nowhere: "),
    ] {
        let said = line(&run(&settings, &["--data-dir", path]), code);
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
    }
}
