//! A login storm: does it slow other requests down, and how near does it come to what the machine can hash?

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::{
    Side,
    client::Client,
    hash::defaults,
    limits::bare_argon2,
    samples::{Samples, ratio},
    start::Megabytes,
    table::{Row, Table},
};

/// How many sign in at once. Each is somebody else: `person0`, `person1` and so on.
const CLIENTS: usize = 64;

/// What a storm may do to the p99 of a GET, how near it must come to the bare hash rate, and how much memory it may take that
/// the storm before it did not.
const SLOWER: f64 = 3.0;
const SHARE: f64 = 0.95;
const GROWTH: u64 = 5_000_000;

/// Between one GET and the next, whether or not it was answered.
const PACE: Duration = Duration::from_millis(1);

/// How long each part lasts. The parts take turns, this many times.
const PART: Duration = Duration::from_secs(3);
const TURNS: usize = 2;

#[derive(Default)]
struct Storm {
    signed_in: Samples,
    tokens: Vec<String>,
    /// How often it was too much, and the client came again when it was told to.
    refused: usize,
    seconds: f64,
}

#[derive(Default)]
struct Measured {
    idle: Samples,
    beside: Samples,
    alone: Storm,
    /// Hashes a second on all threads, with no service at work, just before and just after the storm.
    bare: Vec<f64>,
    /// After each turn.
    memory: Vec<u64>,
}

/// Measures it, with GETs by the holders of `readers`, and leaves a token for each sign-in.
pub(crate) async fn measure(table: &mut Table, sides: &[Side<'_>; 2], readers: &[String; 2]) -> [Vec<String>; 2] {
    let bare = || bare_argon2(defaults().hashing.threads());
    let mut measured = [Measured::default(), Measured::default()];
    let mut tokens = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (i, (Side { client, service, .. }, reader)) in sides.iter().zip(readers).enumerate() {
            measured[i].idle.extend(gets(client, reader).await);
            let (beside, storm) = tokio::join!(gets(client, reader), storm(client));
            measured[i].beside.extend(beside);
            tokens[i].extend(storm.tokens);
            measured[i].bare.push(bare());
            let storm = self::storm(client).await;
            measured[i].bare.push(bare());
            tokens[i].extend(storm.tokens);
            measured[i].alone.signed_in.extend(storm.signed_in);
            measured[i].alone.seconds += storm.seconds;
            measured[i].alone.refused += storm.refused;
            measured[i].memory.push(service.resident_memory());
        }
    }
    for (side, measured) in sides.iter().zip(&measured) {
        rows(table, side.name, measured);
    }
    tokens
}

fn rows(table: &mut Table, on: &str, Measured { idle, beside, alone, bare, memory }: &Measured) {
    table.add(Row::of("GET /v1/users/me, 1000/s", on, idle));
    let slower = |share| ratio(beside.quantile(share), idle.quantile(share));
    let also = format!("x{:.2} at the median, x{:.2} at p99", slower(0.5), slower(0.99));
    let what = format!("GET /v1/users/me, 1000/s, {CLIENTS} signing in");
    table.add(Row::of(&what, on, beside).also(also).limit("x3 at p99", slower(0.99) <= SLOWER));
    let rate = count(alone.signed_in.len()) / alone.seconds;
    let bare = bare.iter().sum::<f64>() / count(bare.len());
    let also = format!("{rate:.1}/s, x{:.2} of Argon2 alone ({bare:.1}/s), {} refused", rate / bare, alone.refused);
    let what = format!("POST /v1/sessions, {CLIENTS} at once");
    table.add(Row::of(&what, on, &alone.signed_in).also(also).limit("x0.95 of Argon2", rate / bare >= SHARE));
    let (before, after) = (memory[0], memory[memory.len() - 1]);
    let row = Row::value("memory, after the storms", on, Megabytes(after))
        .also(format!("{} after the first", Megabytes(before)));
    table.add(row.limit("5 MB more", after <= before + GROWTH));
}

/// GETs at a steady pace: one that is slow does not put the next one off, so it hides nothing.
async fn gets(client: &Client, token: &str) -> Vec<Duration> {
    let end = Instant::now() + PART;
    let mut ticks = tokio::time::interval(PACE);
    let mut running = JoinSet::new();
    while Instant::now() < end {
        ticks.tick().await;
        let (client, token) = (client.clone(), token.to_owned());
        running.spawn(async move { client.get("/v1/users/me", &token).await });
    }
    running.join_all().await
}

/// Clients that sign in again as soon as they have signed in.
async fn storm(client: &Client) -> Storm {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..CLIENTS {
        let client = client.clone();
        running.spawn(async move {
            let (mut answers, mut refused) = (Vec::new(), 0);
            while begun.elapsed() < PART {
                match client.try_to_sign_in(&format!("person{number}")).await {
                    Ok(answer) => answers.push(answer),
                    Err(retry_after) => {
                        refused += 1;
                        tokio::time::sleep(retry_after).await;
                    }
                }
            }
            (answers, refused)
        });
    }
    let answers = running.join_all().await;
    let seconds = begun.elapsed().as_secs_f64();
    let mut storm = Storm { seconds, ..Storm::default() };
    for (answers, refused) in answers {
        storm.refused += refused;
        for (token, took) in answers {
            storm.tokens.push(token);
            storm.signed_in.push(took);
        }
    }
    storm
}

#[expect(clippy::cast_precision_loss, reason = "there are a few thousand at the most")]
fn count(number: usize) -> f64 {
    number as f64
}
