//! What registering and signing in cost beyond the hash: a hash alone, a registration and a sign-in take turns, so that
//! a noisy machine is as noisy for one as for the other.

use std::time::Duration;

use futures_util::future::join;

use crate::{
    Side,
    hash::HashThread,
    rounds,
    samples::{Samples, difference, ratio},
    table::{Row, Table},
};

/// What a request may cost beyond its hash, in milliseconds.
const BEYOND: f64 = 5.0;

#[derive(Default)]
struct Measured {
    registered: Samples,
    registered_with_username: Samples,
    signed_in: Samples,
}

/// Measures it, and leaves a token for each person who was registered, on each side: `person0`, `person1` and so on.
pub(crate) async fn measure(table: &mut Table, sides: &[Side<'_>; 2]) -> [Vec<String>; 2] {
    let thread = HashThread::start();
    for _ in 0..4 {
        for Side { client, .. } in sides {
            join(client.sign_in_as_nobody(), client.sign_in_as_nobody()).await;
        }
    }
    let mut bare = Samples::default();
    let mut measured = [Measured::default(), Measured::default()];
    let mut tokens = [Vec::new(), Vec::new()];
    for round in rounds(300, Duration::from_secs(60)) {
        let who = format!("person{round}");
        for ((Side { client, .. }, measured), tokens) in sides.iter().zip(&mut measured).zip(&mut tokens) {
            bare.push(thread.hash());
            if round % 2 == 0 {
                measured.registered.push(client.register(&who, None).await);
            } else {
                measured.registered_with_username.push(client.register(&who, Some(&who)).await);
            }
            let (token, took) = client.sign_in(&who).await;
            measured.signed_in.push(took);
            tokens.push(token);
        }
    }
    table.add(Row::of("Argon2 alone", "", &bare));
    for (side, measured) in sides.iter().zip(measured) {
        for (what, samples) in [
            ("POST /v1/users (email)", measured.registered),
            ("POST /v1/users (email, username)", measured.registered_with_username),
            ("POST /v1/sessions", measured.signed_in),
        ] {
            let beyond = difference(samples.median(), bare.median());
            let also = format!("hash {beyond:+.2} ms, x{:.2}", ratio(samples.median(), bare.median()));
            table.add(Row::of(what, side.name, &samples).also(also).limit("hash + 5 ms", beyond <= BEYOND));
        }
    }
    tokens
}
