//! Every request that costs no hash, one after the other, on both stores in turn.

use std::time::Duration;

use crate::{
    Side,
    disk::Disk,
    rounds,
    samples::Samples,
    table::{Row, Table},
};

const LIMIT: Duration = Duration::from_millis(5);

/// How many sessions a person has who lists them.
const SESSIONS: usize = 5;

/// The requests that leave somebody signed in. Somebody `reader` is there afterwards; these are their tokens.
pub(crate) async fn measure(table: &mut Table, sides: &[Side<'_>; 2]) -> [String; 2] {
    let mut tokens = [String::new(), String::new()];
    for (Side { client, .. }, token) in sides.iter().zip(&mut tokens) {
        client.register("reader", None).await;
        for _ in 0..SESSIONS {
            (*token, _) = client.sign_in("reader").await;
        }
    }
    let mut measured: [[Samples; 4]; 2] = Default::default();
    let (mut appended, mut overwritten) = (Samples::default(), Samples::default());
    let (mut log, mut file) = (Disk::new(), Disk::with_room());
    for round in rounds(1000, Duration::from_secs(25)) {
        for ((Side { client, .. }, token), measured) in sides.iter().zip(&tokens).zip(&mut measured) {
            // Whichever comes first finds colder caches, so each does in its turn.
            for i in 0..4 {
                let request = (round + i) % 4;
                measured[request].push(match request {
                    0 => client.get("/v1/users/me", token).await,
                    1 => client.rename(token, &format!("Ada {round}")).await,
                    2 => client.get("/v1/sessions", token).await,
                    _ => client.get("/health/ready", "").await,
                });
            }
        }
        appended.push(log.append());
        overwritten.push(file.overwrite());
    }
    let what = ["GET /v1/users/me", "PATCH /v1/users/me (name)", "GET /v1/sessions", "GET /health/ready"];
    for (side, measured) in sides.iter().zip(&measured) {
        for (what, samples) in what.iter().zip(measured) {
            add(table, what, side, samples);
        }
    }
    table.add(Row::of("the disk: 4 KiB overwritten, fdatasync", "", &overwritten));
    table.add(Row::of("the disk: 4 KiB appended, fdatasync", "", &appended));
    tokens
}

/// The requests that end something: these sessions, then the accounts of these other tokens.
pub(crate) async fn measure_ends(
    table: &mut Table,
    sides: &[Side<'_>; 2],
    sessions: &[Vec<String>; 2],
    accounts: &[Vec<String>; 2],
) {
    for (what, path, tokens) in [
        ("DELETE /v1/sessions/current", "/v1/sessions/current", sessions),
        ("DELETE /v1/users/me", "/v1/users/me", accounts),
    ] {
        let mut measured = [Samples::default(), Samples::default()];
        for round in rounds(500, Duration::from_secs(10)) {
            for ((Side { client, .. }, tokens), samples) in sides.iter().zip(tokens).zip(&mut measured) {
                if let Some(token) = tokens.get(round) {
                    samples.push(client.delete(path, token).await);
                }
            }
        }
        for (side, samples) in sides.iter().zip(&measured) {
            add(table, what, side, samples);
        }
    }
}

fn add(table: &mut Table, what: &str, side: &Side<'_>, samples: &Samples) {
    table.add(Row::of(what, side.name, samples).limit("5 ms", samples.median() <= LIMIT));
}
