//! What nobody means well: canaries in every part of a request, on every operation, and what is no request at all.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use super::{client::Client, journey::TYPED};
use crate::support::Contract;

/// Headers that say something wrong, or something that nobody asked.
const HEADERS: [(&str, &str); 14] = [
    ("authorization", "Bearer zqtyped7391canary"),
    ("authorization", "Bearer lka_zqtyped7391canary.zqtyped7391canary.zqtyped7391canary"),
    ("authorization", "Basic enF0eXBlZDczOTFjYW5hcnk6enF0eXBlZDczOTFjYW5hcnk="),
    ("authorization", "zqtyped7391canary"),
    ("cookie", "__Host-latchkey_access=zqtyped7391canary; __Host-latchkey_refresh=zqtyped7391canary"),
    ("if-match", "zqtyped7391canary"),
    ("if-none-match", "zqtyped7391canary"),
    ("idempotency-key", "zqtyped7391canary with spaces"),
    ("origin", "https://zqtyped7391canary.example.com"),
    ("content-type", "zqtyped7391canary/zqtyped7391canary; charset=zqtyped7391canary"),
    ("accept", "zqtyped7391canary/*"),
    ("x-request-id", "zqtyped7391canary"),
    ("traceparent", "00-zqtyped7391canary-01"),
    ("forwarded", "for=zqtyped7391canary;host=zqtyped7391canary"),
];

/// Bodies that cannot be read, or that say what is not allowed.
const BODIES: [&str; 12] = [
    "{\"email\": \"zqtyped7391canary\" oops}",
    "\"zqtyped7391canary\"",
    "[\"zqtyped7391canary\"]",
    "{\"zqtyped7391canary\": \"zqtyped7391canary\"}",
    "{\"email\": \"zqtyped7391canary\", \"username\": \"zqtyped7391canary/\", \"name\": \"zqtyped7391canary\\n\"}",
    "{\"email\": {\"zqtyped7391canary\": 1}, \"password\": [\"zqtyped7391canary\"], \"metadata\": \"zqtyped7391canary\"}",
    "{\"login\": [\"zqtyped7391canary\"], \"password\": {\"zqtyped7391canary\": 1}, \"token_delivery\": \"zqtyped7391canary\"}",
    "{\"refresh_token\": [\"zqtyped7391canary\"], \"current_password\": {\"zqtyped7391canary\": 1}}",
    "{\"refresh_token\": \"lkr_zqtyped7391canary\"}",
    "{\"metadata\": {\"zqtyped7391canary\": 1e999}}",
    "{\"name\": \"\\uD800zqtyped7391canary\"}",
    "token_type_hint=zqtyped7391canary&zqtyped7391canary=1",
];

/// Sends it all, as nobody and as somebody who is signed in.
pub async fn send_what_is_wrong(client: &mut Client, token: &str) {
    let contract = Contract::default();
    let bearer = format!("Bearer {token}");
    for (method, path, _) in contract.operations() {
        let path = path.replace("{id}", TYPED);
        let path = if path == "/v1/sessions" && method == "DELETE" { format!("{path}?scope={TYPED}") } else { path };
        // Nobody is to be signed out or gone by this: it is what is typed that counts.
        let ends = method == "DELETE" && matches!(&*path, "/v1/users/me" | "/v1/sessions/current");
        let me = if ends { "Bearer zqtyped7391canary" } else { bearer.as_str() };
        for (name, value) in HEADERS {
            client.send(&method, &path, &[(name, value)], b"{}").await;
            if name != "authorization" {
                client.send(&method, &path, &[(name, value), ("authorization", me)], b"{}").await;
            }
        }
        for content_type in ["application/json", "application/x-www-form-urlencoded"] {
            let headers = [("content-type", content_type), ("authorization", me)];
            for body in BODIES {
                client.send(&method, &path, &headers, body.as_bytes()).await;
            }
            client.send(&method, &path, &headers, &[b"{\"name\": \"\xff", TYPED.as_bytes()].concat()).await;
        }
        client.send(&method, &path, &[], TYPED.repeat(5_000).as_bytes()).await;
        client.send("PUT", &path, &[("authorization", me)], TYPED.as_bytes()).await;
        client.send(&method, &format!("{path}/{TYPED}?{TYPED}={TYPED}"), &[], b"").await;
    }
    for path in
        ["/zqtyped7391canary", "/%ffzqtyped7391canary", "/docs/zqtyped7391canary", "/v1/users/zqtyped7391canary"]
    {
        client.send("GET", path, &[], b"").await;
    }
    broken(client).await;
}

/// What is no HTTP, or breaks off.
async fn broken(client: &mut Client) {
    let address = client.url.strip_prefix("http://").unwrap().to_owned();
    let malformed = format!("GET /health/live HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz{TYPED}\r\n");
    let flood = format!("x-{TYPED}: {TYPED}\r\n").repeat(200);
    let requests = [
        malformed.clone().into_bytes(),
        format!("{TYPED}\r\n\r\n").into_bytes(),
        format!("{TYPED} /{TYPED} HTTP/1.1\r\n\r\n").into_bytes(),
        format!("GET /{TYPED} HTTP/9.9\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{TYPED} : x\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{flood}\r\n").into_bytes(),
        format!("POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: {TYPED}\r\n\r\n{TYPED}").into_bytes(),
        http2(&format!("/{TYPED}")),
        http2(&format!("/{TYPED}<bad>")),
    ];
    for request in requests {
        let address = address.clone();
        let answer = tokio::task::spawn_blocking(move || sent(&address, &request)).await.unwrap();
        client.unframed.push(answer);
    }
    let text = String::from_utf8_lossy(&client.unframed[0]).into_owned();
    assert!(text.contains("\"malformed_body\""), "{text}");
}

/// A request over HTTP/2, without TLS: preface, settings, and one frame of headers (RFC 9113; RFC 7541).
fn http2(path: &str) -> Vec<u8> {
    let text = |value: &str| [&[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    let (path, typed) = ([vec![0x04], text(path)].concat(), [vec![0x00], text(TYPED), text(TYPED)].concat());
    let block = [vec![0x82, 0x86], path, vec![0x01], text("localhost"), typed].concat();
    let length = u8::try_from(block.len()).unwrap();
    let frame = [vec![0, 0, length, 1, 5, 0, 0, 0, 1], block].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), vec![0, 0, 0, 4, 0, 0, 0, 0, 0], frame].concat()
}

/// Sends bytes as they are, says that no more will come, and reads what is answered.
fn sent(address: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Reads what everybody may read, with what somebody typed wherever there is room for it.
pub async fn read_what_is_public(client: &mut Client) {
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/health/live",
        "/health/ready",
    ] {
        let headers = [("cookie", "x=zqtyped7391canary"), ("authorization", "Bearer zqtyped7391canary")];
        client.send("GET", &format!("{path}?{TYPED}={TYPED}"), &headers, b"").await;
    }
}
