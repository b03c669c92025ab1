//! How a store behaves as it fills: the time of a read, a commit and a range among so many users, and the room that each
//! of them takes.

use std::{
    fs,
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use futures_util::{StreamExt, stream};
use latchkey::{
    accounts::{
        Accounts, DisplayName, EmailAddress, HashCost, HashSettings, Hasher, MailRequest, Metadata, NewPassword,
        Random, Registration, SystemClock, Username,
    },
    breaches::Breaches,
    cli::Cli,
    store::{Batch, Embedded, Expectation, Name, Redis, RedisOptions, Slot, Store},
};

use crate::{
    folder::temporary_folder,
    redis::OnDisk,
    redis_server::{RedisServer, command},
    samples::{Samples, ratio},
    table::{Row, Table},
};

/// The buckets that users are spread over.
const BUCKETS: usize = 64;

/// Registrations under way at once.
const AT_ONCE: usize = 32;

/// How often each thing is measured.
const ROUNDS: usize = 4_000;

/// What a user may take in Redis, everything included, in bytes.
const ROOM: u64 = 1_500;

/// All scores that there can be.
const SCORES: RangeInclusive<i64> = -(1 << 53)..=1 << 53;

const SAMPLE: &str = "correct horse battery staple";

/// The medians of one size.
#[derive(Default)]
struct Times {
    get: Samples,
    commit: Samples,
    range: Samples,
}

/// Where the records are.
enum Place<'a> {
    Redis(&'a RedisServer),
    File(&'a Path),
}

impl Place<'_> {
    async fn open(&self) -> Store {
        match self {
            Self::Redis(server) => {
                Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "latchkey:")).await.unwrap())
            }
            Self::File(path) => Store::Embedded(Embedded::open(path).unwrap()),
        }
    }

    /// The room that everything takes, in bytes.
    async fn room(&self) -> u64 {
        match self {
            Self::Redis(server) => {
                let client = server.client().await;
                // A marker is gone a minute after its commit. What stays is what counts.
                let mut cursor = "0".to_owned();
                loop {
                    let page = format!("SCAN {cursor} MATCH latchkey:op:* COUNT 1000");
                    let (next, markers): (String, Vec<String>) = command(&client, &page).await;
                    if !markers.is_empty() {
                        let _: () = command(&client, &format!("UNLINK {}", markers.join(" "))).await;
                    }
                    if next == "0" {
                        break;
                    }
                    cursor = next;
                }
                let memory: String = command(&client, "INFO memory").await;
                let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
                used.trim().parse().unwrap()
            }
            Self::File(path) => fs::metadata(path).unwrap().len(),
        }
    }
}

pub(crate) async fn measure(table: &mut Table, sizes: &[usize]) {
    let redis = OnDisk::start();
    grow(table, "Redis", &Place::Redis(&redis.server), sizes).await;
    drop(redis);
    let folder = temporary_folder();
    grow(table, "embedded", &Place::File(&folder.path().join("latchkey.redb")), sizes).await;
}

async fn grow(table: &mut Table, name: &str, place: &Place<'_>, sizes: &[usize]) {
    fill(place, 0..0).await; // what has to be there anyway
    let empty = place.room().await;
    let (mut there, mut first) = (0, None);
    for &size in sizes {
        fill(place, there..size).await;
        there = size;
        let room = (place.room().await - empty) / u64::try_from(size).unwrap();
        let row = Row::value(&format!("room for a user, of {size}"), name, format!("{room} B"));
        table.add(if matches!(place, Place::Redis(_)) { row.limit("1500 B", room <= ROOM) } else { row });

        let store = place.open().await;
        let times = time(&store).await;
        store.close().await;
        let first = first.get_or_insert_with(|| times.medians());
        for ((what, samples), first) in times.each().into_iter().zip(*first) {
            let growth = ratio(samples.median(), first);
            let row = Row::of(&format!("{what}, of {size} users"), name, samples).also(format!("x{growth:.2}"));
            table.add(row.limit("x1.20", growth <= 1.2));
        }
    }
}

impl Times {
    fn each(&self) -> [(&'static str, &Samples); 3] {
        [("get", &self.get), ("commit", &self.commit), ("range of 20", &self.range)]
    }

    fn medians(&self) -> [Duration; 3] {
        self.each().map(|(_, samples)| samples.median())
    }
}

/// Registers people with the cheapest hash there is: what is stored is as long as ever.
async fn fill(place: &Place<'_>, people: std::ops::Range<usize>) {
    let cost = HashCost { memory_kib: 8, iterations: 1, parallelism: 1 };
    let hasher =
        Hasher::start(HashSettings { cost, threads: 2, queue: Some(10_000), peppers: Vec::new() }, Random).unwrap();
    let config = Cli::parse_from(["latchkey"]).config;
    let accounts = Accounts::open(
        place.open().await,
        hasher,
        Breaches::default(),
        Arc::new(SystemClock),
        config.accounts(config.listen, Vec::new()),
    )
    .await
    .unwrap();
    let accounts = &Arc::new(accounts);
    let register = |n: usize| async move {
        let registration = Registration {
            email: EmailAddress::parse(&format!("person{n}@example.com")).unwrap(),
            password: NewPassword::parse(SAMPLE).unwrap(),
            username: Some(Username::parse(&format!("person{n}")).unwrap()),
            name: Some(DisplayName::parse("Ada Lovelace").unwrap()),
            locale: None,
            metadata: Metadata::new(serde_json::Map::from_iter([("plan".to_owned(), "free".into())])).unwrap(),
        };
        accounts.register(registration, None, MailRequest::default()).await.unwrap();
    };
    stream::iter(people).map(register).buffer_unordered(AT_ONCE).collect::<()>().await;
    accounts.close().await;
}

/// Reads users from all over the store, writes each as it was, and ranges over the index of their bucket.
async fn time(store: &Store) -> Times {
    let index = Name::new("index:created");
    let slots = (0..BUCKETS).map(|bucket| Slot::new(format!("b{bucket}"))).collect::<Vec<_>>();
    let mut users = Vec::new();
    for slot in &slots {
        users.push(store.range(&slot.key(&index), SCORES, usize::MAX).await.unwrap());
    }
    let mut times = Times::default();
    for round in 0..ROUNDS {
        let bucket = round % BUCKETS;
        let (slot, users) = (&slots[bucket], &users[bucket]);
        let user = Name::new(format!("user:{}", users[round / BUCKETS * 7_919 % users.len()]));
        let key = slot.key(&user);
        let read = taking(&mut times.get, store.get(&key)).await.unwrap().unwrap();
        let mut batch = Batch::new(slot.clone());
        batch.expect(user.clone(), Expectation::Revision(read.revision)).put(user, read.fields);
        taking(&mut times.commit, store.commit(batch)).await.unwrap();
        let index = slot.key(&index);
        taking(&mut times.range, store.range(&index, SCORES, 20)).await.unwrap();
    }
    times
}

async fn taking<T>(samples: &mut Samples, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    samples.push(begun.elapsed());
    done
}
