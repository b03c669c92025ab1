//! Load: what the service answers in a second, from one connection and from many, what that costs, and how near it comes to
//! what the parts can do that it does not do without. Everything of one number of connections is measured within a minute
//! or two.

use std::{fs, process::Child, time::Duration};

use rustix::param::clock_ticks_per_second;

use crate::{
    Side,
    client::{credentials, registration},
    folder::temporary_folder,
    hash::defaults,
    limits::{BarePoem, bare_argon2, bare_redb, bare_redis},
    redis::OnDisk,
    redis_server::RedisServer,
    samples::Milliseconds,
    service::{Place, Service, WIDE},
    start::Megabytes,
    table::Table,
    wrk::{Load, Request, Wrk},
};

const HEAD: [&str; 10] =
    ["what", "on", "connections", "requests/s", "p50", "p99", "errors", "CPU", "memory", "of the limit"];

/// People who change themselves in turn, each with one session, and as many others who sign in. There must be more of them
/// than connections.
const PEOPLE: usize = 70;

/// For how long, and from how many connections.
pub(crate) struct Plan {
    pub(crate) time: Duration,
    pub(crate) connections: &'static [u32],
}

/// All of it.
pub(crate) const FULL: Plan = Plan { time: Duration::from_secs(3), connections: &[1, 16, 64] };

/// As much as takes a minute.
pub(crate) const QUICK: Plan = Plan { time: Duration::from_secs(1), connections: &[1, 16] };

/// What bounds an operation.
#[derive(Clone, Copy)]
enum Bound {
    Nothing,
    Read,
    Write,
    Hash,
}

/// The limits, in operations a second, for one number of connections.
struct Limits {
    poem: f64,
    redis_set: f64,
    redis_get: f64,
    redb: f64,
    argon2: f64,
}

/// Measures it on services of its own.
pub(crate) async fn measure(plan: &Plan) -> Table<10> {
    let (redis, folder) = (OnDisk::start(), temporary_folder());
    let services =
        [Place::Redis(&redis.server), Place::Embedded(folder.path())].map(|place| Service::start_with(place, &WIDE));
    let sides = Side::both(&services);
    let mut table = Table::new(HEAD);
    for Side { client, .. } in &sides {
        for number in 0..PEOPLE {
            client.register(&signer(number), None).await;
        }
    }
    let (poem, mut wrk) = (BarePoem::start(), Wrk::new());
    for &connections in plan.connections {
        // Signing in waits until the last load is over, on both sides.
        let tokens = [sign_in(&sides[0], connections).await, sign_in(&sides[1], connections).await];
        let limits = limits(&mut table, &mut wrk, &poem, &redis.server, connections, plan.time);
        for ((side, tokens), server) in sides.iter().zip(&tokens).zip([Some(&redis.server), None]) {
            for (what, bound, requests) in operations(tokens) {
                // What is left of the last load is done before this one begins.
                side.client.sign_in(&signer(0)).await;
                let refreshing = what.ends_with("/refresh");
                let refresh_tokens = tokens.iter().take(if refreshing { connections as usize + 1 } else { 0 });
                let refresh_tokens = refresh_tokens.map(|[_, token]| token.as_str()).collect::<Vec<_>>();
                let mut processes = vec![&side.service.process];
                processes.extend(server.map(|server| &server.process));
                let address = side.service.address();
                let send = || wrk.send(address, connections, plan.time, &requests, &refresh_tokens);
                let (load, cpu) = with_cpu(&processes, send);
                let memory = Megabytes(side.service.resident_memory()).to_string();
                let share = limits.share(bound, server.is_some(), load.rate());
                table.add(row(what, side.name, connections, &load, [cpu, memory, share]));
            }
        }
    }
    table
}

/// What each of the parts can do, with a row for each.
fn limits(
    table: &mut Table<10>,
    wrk: &mut Wrk,
    poem: &BarePoem,
    redis: &RedisServer,
    connections: u32,
    time: Duration,
) -> Limits {
    let plain = Request { method: "GET", path: "/", ..Request::default() };
    let send = || wrk.send(&poem.address, connections, time, &[plain], &[]);
    let (load, cpu) = with_cpu(&[&poem.process], send);
    table.add(row("bare poem", "", connections, &load, [cpu, String::new(), String::new()]));
    let folder = temporary_folder();
    let limits = Limits {
        poem: load.rate(),
        // What is set is there to be got.
        redis_set: bare_redis(redis.port(), "set", connections, 100_000),
        redis_get: bare_redis(redis.port(), "get", connections, 100_000),
        redb: bare_redb(&folder.path().join("bare.redb")),
        argon2: bare_argon2(defaults().hashing.threads().min(connections)),
    };
    for (what, on, rate) in [
        ("GET alone", "Redis", limits.redis_get),
        ("SET alone", "Redis", limits.redis_set),
        ("redb alone, 1 writer", "embedded", limits.redb),
        ("Argon2 alone", "", limits.argon2),
    ] {
        let mut cells = [const { String::new() }; 10];
        [cells[0], cells[1]] = [what, on].map(str::to_owned);
        [cells[2], cells[3]] = [connections.to_string(), format!("{rate:.0}")];
        table.add(cells);
    }
    limits
}

impl Limits {
    /// How near a rate comes to what bounds it.
    fn share(&self, bound: Bound, on_redis: bool, rate: f64) -> String {
        let poem = format!("x{:.2} of poem", rate / self.poem);
        let part = match (bound, on_redis) {
            (Bound::Nothing, _) | (Bound::Read, false) => return poem,
            (Bound::Hash, _) => return format!("x{:.2} of Argon2", rate / self.argon2),
            (Bound::Read, true) => format!("x{:.2} of GET", rate / self.redis_get),
            (Bound::Write, false) => format!("x{:.2} of redb", rate / self.redb),
            (Bound::Write, true) => format!("x{:.2} of SET", rate / self.redis_set),
        };
        format!("{poem}, {part}")
    }
}

/// What is asked for, in the order in which it is: refreshing makes the first tokens worthless.
fn operations(tokens: &[[String; 2]]) -> [(&'static str, Bound, Vec<Request>); 7] {
    let each = |method, path, body: &str| {
        let request = |[token, _]: &[String; 2]| {
            let (token, body) = (token.clone(), body.to_owned());
            Request { method, path, token, body }
        };
        tokens.iter().map(request).collect::<Vec<_>>()
    };
    let post = |path, body: String| Request { method: "POST", path, body, ..Request::default() };
    let sign_in = |number| credentials(&signer(number)).to_string();
    let register = registration("new{n}").to_string();
    let live = Request { method: "GET", path: "/health/live", ..Request::default() };
    let refresh = r#"{"refresh_token":"{refresh_token}"}"#.to_owned();
    [
        ("GET /health/live", Bound::Nothing, vec![live]),
        ("GET /v1/users/me", Bound::Read, each("GET", "/v1/users/me", "")),
        ("GET /v1/sessions", Bound::Read, each("GET", "/v1/sessions", "")),
        ("PATCH /v1/users/me (name)", Bound::Write, each("PATCH", "/v1/users/me", r#"{"name":"Ada {n}"}"#)),
        ("POST /v1/sessions/refresh", Bound::Write, vec![post("/v1/sessions/refresh", refresh)]),
        ("POST /v1/sessions", Bound::Hash, (0..PEOPLE).map(|number| post("/v1/sessions", sign_in(number))).collect()),
        ("POST /v1/users", Bound::Hash, vec![post("/v1/users", register)]),
    ]
}

fn row(what: &str, on: &str, connections: u32, load: &Load, [cpu, memory, share]: [String; 3]) -> [String; 10] {
    let [p50, p99] = [load.p50(), load.p99()].map(|time| Milliseconds(time).to_string());
    let rate = format!("{:.0}", load.rate());
    [
        what.to_owned(),
        on.to_owned(),
        connections.to_string(),
        rate,
        p50,
        p99,
        load.errors().to_string(),
        cpu,
        memory,
        share,
    ]
}

/// What came of a load, and the processor time that each of these processes took for an answer.
fn with_cpu(processes: &[&Child], send: impl FnOnce() -> Load) -> (Load, String) {
    let taken = || processes.iter().map(|process| processor_time(process)).collect::<Vec<_>>();
    let before = taken();
    let load = send();
    let each = taken().into_iter().zip(before).map(|(now, then)| (now - then) / load.answers() * 1e6);
    let cpu = each.map(|microseconds| format!("{microseconds:.0} us")).collect::<Vec<_>>().join(" + ");
    (load, cpu)
}

/// The processor time that a process has taken, in seconds.
fn processor_time(process: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    // The name of the program, in parentheses, may hold anything. `utime` and `stime` are the 14th and 15th field (proc(5)).
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    let ticks = fields.map(|field| field.parse::<u64>().unwrap()).sum::<u64>();
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second()).as_secs_f64()
}

/// People who are new, since they have one session each: the access token and the refresh token of that.
async fn sign_in(side: &Side<'_>, connections: u32) -> Vec<[String; 2]> {
    let mut tokens = Vec::new();
    for number in 0..PEOPLE {
        let who = format!("person{number}-of-{connections}");
        side.client.register(&who, None).await;
        tokens.push(side.client.sign_in_for_tokens(&who).await);
    }
    tokens
}

/// Somebody who signs in again and again.
fn signer(number: usize) -> String {
    format!("signer{number}")
}
