//! A mail server that quotes what it is sent, or does not speak SMTP: nothing of that is told.

use latchkey::mail::SendError;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::mail::{letter, mailer_with};

/// A server that answers lines that begin so with that, where `{}` is the line, and others as it should. Its port.
async fn server(command: &'static str, answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 ready\r\n").await.unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                let said = match line.trim_end() {
                    line if line.starts_with(command) => answer.replace("{}", line),
                    line if line.starts_with("EHLO") => "250-here\r\n250 AUTH PLAIN".to_owned(),
                    "QUIT" => String::new(), // it does not say goodbye
                    _ => "250 fine".to_owned(),
                };
                if !said.is_empty() && stream.write_all(format!("{said}\r\n").as_bytes()).await.is_err() {
                    break;
                }
                line.clear();
            }
        }
    });
    port
}

#[tokio::test]
async fn what_a_server_quotes_is_not_told() {
    for (command, answer, is_permanent, words) in [
        ("RCPT", "ERROR {}: nobody", false, "its answer is not SMTP"),
        ("AUTH", "535 5.7.8 rejected: {}", false, "535 5.7.8"),
        ("AUTH", "rejected: {}", false, "its answer is not SMTP"),
        ("RCPT", "550 5.1.1 {}", true, "550 5.1.1"),
    ] {
        let url = format!("smtp://me:hunter2@127.0.0.1:{}?disable_starttls=true", server(command, answer).await);
        // Less than it waits for a goodbye: what was refused for good stays so.
        let failed = mailer_with(&url, None, &["--smtp-timeout", "2s"]).send(&letter("1")).await.unwrap_err();
        assert_eq!(matches!(failed, SendError::Permanent(_)), is_permanent, "{failed}");
        let said = failed.to_string();
        assert!(said.contains(words), "{answer}: {said}");
        for secret in ["example.org", "example.com", "hunter2", "AG1lAGh1bnRlcjI", "lkm_", "042137"] {
            assert!(!said.contains(secret), "{answer}: {said}");
        }
    }
}
