//! What the signature of an access token costs, alone and on one thread.

use std::{sync::Arc, time::Instant};

use clap::Parser;
use latchkey::{
    accounts::{Accounts, HashSettings, Hasher, Random, SystemClock},
    breaches::Breaches,
    cli::Cli,
    store::{Embedded, Store},
};

use crate::{
    samples::Samples,
    table::{Row, Table},
};

/// How often a signature is made or checked.
const SIGNATURES: u32 = 5_000;

/// As much as an access token says.
const CLAIMS: usize = 420;

pub(crate) async fn measure(table: &mut Table) {
    for algorithm in ["EdDSA", "ES256"] {
        measure_algorithm(table, algorithm).await;
    }
}

/// Makes and checks signatures on one thread, none of which is remembered.
async fn measure_algorithm(table: &mut Table, algorithm: &str) {
    let config = Cli::parse_from(["latchkey", "--signing-algorithm", algorithm]).config;
    let hashing = HashSettings { threads: 0, ..config.hashing.settings().unwrap() };
    let hasher = Hasher::start(hashing, Random).unwrap();
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    let settings = config.accounts(config.listen, Vec::new());
    let accounts = Accounts::open(store, hasher, Breaches::default(), Arc::new(SystemClock), settings).await.unwrap();
    let (keyring, payload) = (accounts.keyring(), vec![b'x'; CLAIMS]);
    let token = keyring.sign(&payload).unwrap();
    let (mut made, mut checked) = (Samples::default(), Samples::default());
    for _ in 0..SIGNATURES {
        let begun = Instant::now();
        keyring.sign(&payload).unwrap();
        made.push(begun.elapsed());
        let begun = Instant::now();
        assert!(keyring.verify(&token).await.unwrap().is_some());
        checked.push(begun.elapsed());
    }
    for (what, samples) in [("an access token is signed", made), ("its signature is checked", checked)] {
        let median = samples.median();
        let also = format!("{:.1} us, {:.0}/s on one thread", median.as_secs_f64() * 1e6, 1.0 / median.as_secs_f64());
        table.add(Row::of(what, algorithm, &samples).also(also));
    }
}
