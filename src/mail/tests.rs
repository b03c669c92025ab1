//! Tests of letters that go into a folder.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;

fn options(folder: &Path) -> MailOptions {
    let link = |page| format!("https://a.example/{page}?token={{token}}").parse().unwrap();
    MailOptions {
        transport: TransportOptions::Folder(folder.to_owned()),
        from: Sender::parse("Ex\u{e4}mple, Inc. <accounts@example.com>").unwrap(),
        product: "Example".to_owned(),
        templates: None,
        links: Links { verify: link("verify"), reset: link("reset"), undo: link("undo") },
    }
}

fn letter(kind: LetterKind) -> Letter {
    let code = Some((Zeroizing::new("123456".to_owned()), Duration::from_secs(600)));
    let secret =
        LetterSecret { token: Zeroizing::new("lkm_token".to_owned()), token_lasts: Duration::from_secs(1800), code };
    let (id, to) = ("letter-1".to_owned(), "ada@example.org".to_owned());
    Letter { id, to, kind, languages: Vec::new(), secret: Some(secret) }
}

async fn written(letter: &Letter) -> Result<(TempDir, String), SendError> {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("data/outbox");
    Mailer::open(options(&outbox)).unwrap().send(letter).await?;
    let text = fs::read_to_string(outbox.join(format!("{}.eml", letter.id))).unwrap();
    Ok((folder, text))
}

#[tokio::test]
async fn a_letter_has_the_headers_of_one_that_a_machine_wrote() {
    let (_folder, text) = written(&letter(LetterKind::Verification)).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    for line in [
        "To: ada@example.org",
        "Message-ID: <letter-1@example.com>",
        "Content-Language: en",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|found| found == line), "{head}");
    }
    assert!(head.contains("From: ") && head.contains(" <accounts@example.com>\r\n"), "{head}");
    assert!(head.contains("Date: ") && head.contains("multipart/alternative"), "{head}");
    assert!(head.is_ascii() && !head.contains("lkm_token") && !head.contains("123456"), "{head}");
    assert!(body.contains("text/plain") && body.contains("text/html"), "{body}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "every line ends with CRLF");
    assert!(text.contains("\r\nhttps://a.example/verify?token=lkm_token\r\n"), "a person finds the link: {text}");
    assert!(text.lines().all(|line| line.len() <= 998), "{text}");
}

#[tokio::test]
async fn each_kind_is_written_and_a_secret_that_is_missing_is_found() {
    for kind in LetterKind::ALL {
        let mut letter = letter(kind);
        written(&letter).await.unwrap();
        letter.secret = None;
        let without = written(&letter).await;
        if kind.needs().is_empty() {
            assert!(without.is_ok(), "{kind}");
        } else {
            assert!(matches!(without.unwrap_err(), SendError::Permanent(_)), "{kind}");
        }
    }
}

#[tokio::test]
async fn only_the_owner_reads_what_is_written_and_the_same_letter_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    let mailer = Mailer::open(options(&outbox)).unwrap();
    assert!(!outbox.exists(), "the folder is made with the first letter");
    mailer.send(&letter(LetterKind::Verification)).await.unwrap();
    mailer.send(&letter(LetterKind::PasswordChanged)).await.unwrap();
    let files = fs::read_dir(&outbox).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert!(fs::read_to_string(file).unwrap().contains("has changed"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&outbox), mode(file)), (0o700, 0o600));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_into_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    fs::write(&outbox, "a file").unwrap();
    let mailer = Mailer::open(options(&outbox)).unwrap();
    let error = mailer.send(&letter(LetterKind::Verification)).await.unwrap_err();
    assert!(matches!(&error, SendError::Temporary(text) if text.contains("outbox")), "{error:?}");
    fs::remove_file(&outbox).unwrap();
    mailer.send(&letter(LetterKind::Verification)).await.unwrap();
}

#[tokio::test]
async fn an_address_or_an_id_that_would_be_more_than_that_is_refused() {
    let hostile =
        ["", "ada", "ada@example.com\r\nBcc: eve@example.com", "a@b.example, eve@example.com", "<a@b.example>"];
    for to in hostile {
        let letter = Letter { to: to.to_owned(), ..letter(LetterKind::Verification) };
        assert!(matches!(written(&letter).await.unwrap_err(), SendError::Permanent(_)), "{to:?}");
    }
    for id in ["", "../x", "a/b", "a.b", "a\r\nb", &"a".repeat(65)] {
        let letter = Letter { id: id.to_owned(), ..letter(LetterKind::Verification) };
        assert!(matches!(written(&letter).await.unwrap_err(), SendError::Permanent(_)), "{id:?}");
    }
}

#[tokio::test]
async fn a_product_or_a_language_is_no_way_into_the_headers() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = MailOptions { product: "A\r\nBcc: eve@example.com\r\n\r\nB".to_owned(), ..options(folder.path()) };
    let mut letter = letter(LetterKind::PasswordChanged);
    letter.languages = vec!["de\r\nBcc: eve@example.com".to_owned()];
    Mailer::open(hostile).unwrap().send(&letter).await.unwrap();
    let text = fs::read_to_string(folder.path().join("letter-1.eml")).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc") || line.is_empty()), "{head}");
}
