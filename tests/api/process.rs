//! The binary as an operator meets it: starting, stopping, and what it says.

use std::{
    fs,
    io::{BufRead, Read, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{PASSWORD, Process, line, run};

#[tokio::test]
async fn it_starts_with_nothing_and_says_where_everything_is() {
    let mut process = Process::start(&[]);
    let mut lines = String::new();
    process.out.read_line(&mut lines).unwrap();
    process.out.read_line(&mut lines).unwrap();
    assert_eq!(lines, format!("Try it at {}/docs\nThe data is in ./latchkey-data/\n", process.url));
    assert!(process.folder.path().join("latchkey-data/latchkey.redb").exists());
    assert_eq!(reqwest::get(format!("{}/docs", process.url)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_signal_stops_it_well_and_what_is_under_way_is_finished() {
    for signal in ["-TERM", "-INT"] {
        let cost = [("LATCHKEY_ARGON2_MEMORY_KIB", "65536"), ("LATCHKEY_ARGON2_ITERATIONS", "10")];
        let process = Process::start(&cost);
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        reqwest::get(format!("{}/health/live", process.url)).await.unwrap();
        let idle = processor_time(&process);
        let request = reqwest::Client::new().post(format!("{}/v1/users", process.url)).json(&body);
        let request = tokio::spawn(request.send());
        let deadline = Instant::now() + Duration::from_secs(10);
        while processor_time(&process) < idle + 10 {
            assert!(Instant::now() < deadline, "nothing is hashed");
            tokio::task::yield_now().await;
        }
        process.signal(signal);
        assert_eq!(request.await.unwrap().unwrap().status(), 201, "it was under way");
        let (code, log) = process.end();
        assert_eq!(code, Some(0), "{log}");
    }
}

/// The processor time that the process has used, in hundredths of a second.
fn processor_time(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.child.id())).unwrap();
    stat.split(' ').nth(13).unwrap().parse().unwrap()
}

#[test]
fn a_stop_does_not_wait_for_idle_connections() {
    let process = Process::start(&[]);
    let mut idle = std::net::TcpStream::connect(process.url.strip_prefix("http://").unwrap()).unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(idle.read(&mut [0; 1024]).unwrap() > 0, "it has served a request");
    let started = Instant::now();
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?} of the 10 s it may take", started.elapsed());
}

#[test]
fn a_second_signal_stops_it_at_once() {
    let process = Process::start(&[]);
    let mut half = std::net::TcpStream::connect(process.url.strip_prefix("http://").unwrap()).unwrap();
    half.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /v1/users HTTP/1.1\r\n").unwrap();
    assert!(half.read(&mut [0; 1024]).unwrap() > 0, "it has answered, and the next request is half there");
    let started = Instant::now();
    process.signal("-INT");
    let log = process.folder.path().join("log");
    while !fs::read_to_string(&log).unwrap().contains("stopping") {
        assert!(started.elapsed() < Duration::from_secs(5), "the signal was not seen");
    }
    process.signal("-INT");
    let (code, log) = process.end();
    assert!(matches!(code, Some(0 | 1)), "{log}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn a_signal_stops_it_before_it_serves() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let process = Process::spawn(&[("LATCHKEY_REDIS_URL", &url)]);
    let deadline = Instant::now() + Duration::from_secs(10);
    let _connection = loop {
        match silent.accept() {
            Ok(connection) => break connection,
            Err(e) => assert!(Instant::now() < deadline, "it does not come: {e}"),
        }
        std::thread::yield_now();
    };
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped before it served anybody"), "{log}");
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = [("LATCHKEY_DATA_DIR", data.to_str().unwrap())];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let post = |process: &Process| {
        let request = reqwest::Client::new().post(format!("{}/v1/users", process.url)).json(&body);
        runtime.block_on(request.send()).unwrap().status().as_u16()
    };
    let mut process = Process::start(&settings);
    assert_eq!(post(&process), 201);
    process.child.kill().unwrap(); // without a chance to say goodbye
    process.child.wait().unwrap();
    let process = Process::start(&settings);
    assert_eq!(post(&process), 409);
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = line(&run(&[("LATCHKEY_LISTEN", &address)], &[]), 1);
    assert!(said.contains(&address) && said.contains("LATCHKEY_LISTEN") && said.contains("in use"), "{said}");

    drop(taken); // now nothing listens there
    let url = format!("redis://somebody:secret@{address}");
    let said = line(&run(&[("LATCHKEY_REDIS_URL", &url)], &[]), 1);
    assert!(said.contains("LATCHKEY_REDIS_URL") && said.contains("refused"), "{said}");
    assert!(said.contains(&address) && !said.contains("secret"), "{said}");

    let said = line(&run(&[("LATCHKEY_DATA_DIR", "/dev/null/data")], &[]), 1);
    assert!(said.contains("LATCHKEY_DATA_DIR") && said.contains("/dev/null/data"), "{said}");
}

#[test]
fn a_store_in_use_is_refused_in_one_line() {
    let process = Process::start(&[]);
    let data = process.folder.path().join("latchkey-data");
    let said = line(&run(&[("LATCHKEY_DATA_DIR", data.to_str().unwrap())], &[]), 1);
    assert!(said.contains("in use by another process"), "{said}");
}

#[test]
fn a_wrong_value_is_told_with_its_variable_and_what_is_allowed() {
    for (name, value, allowed) in [
        ("LATCHKEY_LISTEN", "somewhere", "an IP address and a port"),
        ("LATCHKEY_SESSION_LIFETIME", "soon", "1m to 365d"),
        ("LATCHKEY_ARGON2_ITERATIONS", "0", "from 1 to 1000"),
        ("LATCHKEY_HASH_QUEUE", "18446744073709551615", "from 0 to 100000"),
        ("LATCHKEY_HASH_QUEUE", "-1", "from 0 to 100000"),
        ("LATCHKEY_HASH_THREADS", "0", "from 1 to 256"),
        ("LATCHKEY_LOG", "inof", "info,poem=warn"),
        ("LATCHKEY_DATA_DIR", "", "the path of a folder"),
        ("LATCHKEY_LOG_FORMAT", "xml", "auto, text, json"),
        ("LATCHKEY_KEY_PREFIX", "{x}", "without braces"),
        ("LATCHKEY_DURABILITY", "eternal", "relaxed, fsync, replicated"),
        ("LATCHKEY_REPLICAS", "0", "from 1 to 16"),
        ("LATCHKEY_DURABILITY", "replicated", "needs LATCHKEY_REDIS_URL"),
        ("LATCHKEY_BEHIND_TLS_PROXY", "perhaps", "true, false"),
        ("LATCHKEY_CORS_ORIGINS", "*", "exact origins"),
        ("LATCHKEY_ISSUER", "https://accounts.example.com/", "a slash at the end"),
        ("LATCHKEY_ACCESS_TOKEN_LIFETIME", "30s", "from 1m to 1d"),
        ("LATCHKEY_SESSION_IDLE_TIMEOUT", "1m", "from 5m to 365d is needed, in whole days"),
        ("LATCHKEY_MAX_SESSIONS", "0", "from 1 to 1000"),
        ("LATCHKEY_AUDIENCE", "an audience", "visible ASCII characters"),
        ("LATCHKEY_METRICS_LISTEN", "0.0.0.0:1", "set LATCHKEY_METRICS_TOKEN_FILE too"),
        ("LATCHKEY_REDIS_KEY_FILE", "K", "LATCHKEY_REDIS_CERT_FILE and LATCHKEY_REDIS_KEY_FILE need each other"),
        ("LATCHKEY_BREACH_API_CA_FILE", "C", "a LATCHKEY_BREACH_API_URL that begins with https"),
    ] {
        let said = line(&run(&[(name, value)], &[]), 2);
        assert!(said.contains(name) && said.contains(value) && said.contains(allowed), "{said}");
    }
    let too_little = [("LATCHKEY_ARGON2_MEMORY_KIB", "15"), ("LATCHKEY_ARGON2_PARALLELISM", "2")];
    let said = line(&run(&too_little, &[]), 2);
    assert!(said.contains("LATCHKEY_ARGON2_MEMORY_KIB: 15") && said.contains("16 is needed"), "{said}");
    for (url, code) in [
        ("http://:secret@host", 2),
        ("redis://:secret", 2),
        ("redis://:sec?ret@127.0.0.1:1", 2),
        ("redis://:secret@127.0.0.1:1", 1),
        ("redis-sentinel://127.0.0.1:1?sentinelServiceName=a&sentinelPassword=se@cret", 1),
    ] {
        let said = line(&run(&[("LATCHKEY_REDIS_URL", url)], &[]), code);
        assert!(said.contains("LATCHKEY_REDIS_URL") && !said.contains("cret") && !said.contains("sec?"), "{said}");
    }
    for (name, needed) in [("LATCHKEY_REDIS_CA_FILE", "rediss"), ("LATCHKEY_REDIS_PASSWORD_FILE", "LATCHKEY_REDIS_URL")]
    {
        let said = line(&run(&[(name, "/nowhere")], &[]), 2);
        assert!(said.contains(name) && said.contains(needed), "{said}");
    }
}

#[test]
fn an_address_beyond_loopback_needs_a_word() {
    let said = line(&run(&[("LATCHKEY_LISTEN", "0.0.0.0:0")], &[]), 2);
    assert!(said.contains("plain text") && said.contains("LATCHKEY_BEHIND_TLS_PROXY"), "{said}");
    let process = Process::start(&[("LATCHKEY_LISTEN", "0.0.0.0:0"), ("LATCHKEY_BEHIND_TLS_PROXY", "true")]);
    assert!(process.url.starts_with("http://0.0.0.0:"));
}

#[test]
fn health_asks_a_running_service() {
    let process = Process::start(&[]);
    let address = process.url.strip_prefix("http://").unwrap();
    let output = run(&[("LATCHKEY_LISTEN", address)], &["health"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ready\n".as_slice()));
    let address = address.to_owned();
    drop(process);
    let said = line(&run(&[("LATCHKEY_LISTEN", &address)], &["health"]), 1);
    assert!(said.contains("not ready"), "{said}");
}

#[test]
fn openapi_prints_the_document() {
    let json = run(&[], &["openapi"]);
    assert_eq!(String::from_utf8(json.stdout).unwrap(), latchkey::http::openapi_json());
    let yaml = run(&[], &["openapi", "--yaml"]);
    assert_eq!(String::from_utf8(yaml.stdout).unwrap(), latchkey::http::openapi_yaml());
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_is_told_in_the_log() {
    let process = Process::start(&[]);
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| {
        let answer = client.post(format!("{}/v1/{path}", process.url)).json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    post("users", json!({"email": "ada@example.com", "password": PASSWORD})).await;
    let signed_in = post("sessions", json!({"login": "ada@example.com", "password": PASSWORD})).await;
    let first = signed_in["refresh_token"].as_str().unwrap();
    let mut token = json!(first);
    for _ in 0..5 {
        token = post("sessions/refresh", json!({"refresh_token": token})).await["refresh_token"].clone();
    }
    // Four that were used are good for 10 seconds, and this is the fifth.
    let refused = post("sessions/refresh", json!({"refresh_token": first})).await;
    assert_eq!(refused["code"], "refresh_token_reused");
    process.signal("-TERM");
    let (_, log) = process.end();

    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let told = lines.filter(|line| line["event"] == "refresh_token_reused").collect::<Vec<_>>();
    let [line] = told.as_slice() else { panic!("{log}") };
    assert_eq!((&line["level"], &line["user.id"]), (&json!("WARN"), &signed_in["user"]["id"]));
    assert_eq!(line["session.id"], signed_in["session"]["id"]);
    assert_eq!(refused["instance"], format!("urn:uuid:{}", line["span"]["request.id"].as_str().unwrap()));
    assert!(!log.contains(first), "{log}");
}

#[tokio::test]
async fn each_request_is_one_line_of_json_that_tells_no_secret() {
    let mut process = Process::start(&[]);
    let client = reqwest::Client::new();
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": "lady_ada", "name": "Ada"});
    client.post(format!("{}/v1/users", process.url)).json(&body).send().await.unwrap();
    let body = json!({"login": "ada@example.com", "password": PASSWORD});
    let answer = client.post(format!("{}/v1/sessions", process.url)).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    for path in ["/v1/users/me", &format!("/v1/users/me?x={token}")] {
        client.get(process.url.clone() + path).bearer_auth(token).send().await.unwrap();
    }
    let refused = client.get(format!("{}/v1/users/ada@example.com", process.url)).send().await.unwrap();
    let instance = refused.json::<Value>().await.unwrap()["instance"].as_str().unwrap().to_owned();
    process.signal("-TERM");
    let mut printed = String::new();
    process.out.read_to_string(&mut printed).unwrap();
    let (_, log) = process.end();

    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line)).collect::<Vec<_>>();
    let requests = lines.iter().filter(|line| line["message"] == "answered").collect::<Vec<_>>();
    let told = requests.iter().map(|line| (&line["http.route"], &line["http.response.status_code"]));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (&json!("/v1/users"), &json!(201)),
            (&json!("/v1/sessions"), &json!(201)),
            (&json!("/v1/users/me"), &json!(200)),
            (&json!("/v1/users/me"), &json!(400)),
            (&Value::Null, &json!(404)),
        ]
    );
    assert!(requests.iter().all(|line| line["duration_ms"].is_number()));
    assert_eq!(instance, format!("urn:uuid:{}", requests[4]["span"]["request.id"].as_str().unwrap()));
    let everything = log + &printed;
    for secret in [PASSWORD, token, "example.com", "lady_ada", "argon2id"] {
        assert!(!everything.contains(secret), "{secret}");
    }
}
