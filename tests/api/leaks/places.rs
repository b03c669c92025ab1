//! Where canaries may have come to: all of Redis, piece by piece.

use bytes::Bytes;
use fred::{interfaces::KeysInterface, types::Value};

use super::canary::{Canary, Kind};
use crate::redis_server::{RedisServer, command};

/// A piece of what is stored: the key, the field if there is one, and the bytes.
pub struct Piece {
    pub key: String,
    pub field: String,
    pub bytes: Bytes,
}

/// Everything that is in this Redis, keys included.
pub async fn stored(redis: &RedisServer) -> Vec<Piece> {
    let client = redis.client().await;
    let mut pieces = Vec::new();
    for key in command::<Vec<String>>(&client, "KEYS *").await {
        let mut add =
            |field: &str, bytes: Bytes| pieces.push(Piece { key: key.clone(), field: field.to_owned(), bytes });
        add("(the key)", key.clone().into());
        let kind: String = client.r#type(&key).await.unwrap();
        match kind.as_str() {
            "hash" => {
                let fields: Vec<Bytes> = command(&client, &format!("HGETALL {key}")).await;
                for field in fields.chunks(2) {
                    add("(the field)", field[0].clone());
                    add(&String::from_utf8_lossy(&field[0]), field[1].clone());
                }
            }
            "zset" => add("", joined(&client, &format!("ZRANGE {key} 0 -1 WITHSCORES")).await),
            "set" => add("", joined(&client, &format!("SMEMBERS {key}")).await),
            "list" => add("", joined(&client, &format!("LRANGE {key} 0 -1")).await),
            "string" => add("", command(&client, &format!("GET {key}")).await),
            "stream" => {
                let entries: Value = command(&client, &format!("XRANGE {key} - +")).await;
                add("", format!("{entries:?}").into());
            }
            other => panic!("{key} is a {other}"),
        }
    }
    pieces
}

/// What a command lists.
async fn joined(client: &fred::clients::Client, line: &str) -> Bytes {
    command::<Vec<Bytes>>(client, line).await.join(&b'\n').into()
}

/// The secrets that belong there, and nowhere else: hashes of passwords, and keys.
pub fn own_secrets(pieces: &[Piece]) -> Vec<Canary> {
    let is_own = |field: &str| matches!(field, "password_hash" | "hmac_sha256") || field.ends_with(".private_key");
    let secrets = pieces.iter().filter(|piece| is_own(&piece.field));
    secrets.map(|piece| Canary::own(&piece.field, std::str::from_utf8(&piece.bytes).unwrap())).collect()
}

/// What is in Redis and may not be there.
pub fn wrong(pieces: &[Piece], canaries: &[Canary]) -> Vec<String> {
    let found = |piece: &Piece, canary: &Canary| canary.is_in(&piece.bytes) && !may_be(canary.kind, piece);
    let wrong = pieces.iter().flat_map(|piece| canaries.iter().map(move |canary| (piece, canary)));
    let wrong = wrong.filter(|(piece, canary)| found(piece, canary));
    wrong.map(|(piece, canary)| format!("{} in {} {}", canary.name, piece.key, piece.field)).collect()
}

fn may_be(kind: Kind, piece: &Piece) -> bool {
    match kind {
        Kind::Personal => {
            let fields: &[&str] = match &piece.key {
                key if key.contains("}:user:") => {
                    &["email", "pending_email", "previous_email", "username", "name", "metadata"]
                }
                // The members of an index have no field.
                key if key.ends_with("}:index:email") || key.ends_with("}:index:username") => &[""],
                key if key.contains("}:confirmation:") => &["email"],
                key if key.contains("}:mail:") => &["to"],
                _ => &[],
            };
            fields.contains(&&*piece.field)
        }
        Kind::Agent => piece.key.contains("}:session:") && piece.field == "user_agent",
        Kind::Secret | Kind::Token | Kind::Mailed | Kind::Typed => false,
    }
}
