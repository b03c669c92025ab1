//! The settings of `deploy/`, on a Redis such as they expect.

use std::fs;

use serde_json::json;

use crate::{
    redis_server::{RedisServer, command, free_port},
    support::{PASSWORD, Pair, Process},
};

/// A secret of the operator.
const MASTER_SECRET: &str = "a master secret of more than 32 characters";

#[tokio::test]
async fn redis_with_the_settings_of_the_kubernetes_manifests_it_starts_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    pair.write(folder.path());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (port, metrics) = (free_port().to_string(), format!(":{}", free_port()));
    let (chain, key) = (file("chain.pem"), file("key.pem"));
    let tls = ["--tls-port", &port, "--tls-cert-file", &chain, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let server = RedisServer::start_with(&[tls.as_slice(), &["--appendonly", "yes"]].concat());
    let client = server.client().await;
    let _: () = command(&client, "ACL SETUSER latchkey on >s3cret ~latchkey:* +@all").await;
    let _: () = command(&client, "ACL SETUSER default resetpass >another").await;
    for (secret, text) in [
        ("redis-password", "s3cret\n"),
        ("redis-ca.pem", &pair.chain),
        ("master-secret", MASTER_SECRET),
        ("smtp-password", "s3cret\n"),
        ("metrics-token", "s3cret-of-the-collector\n"),
    ] {
        fs::write(file(secret), text).unwrap();
    }

    let manifest = include_str!("../../deploy/kubernetes/config-map.yaml");
    let manifest: serde_yaml::Value = serde_yaml::from_str(manifest).unwrap();
    let settings = manifest["data"].as_mapping().unwrap().iter().map(|(name, value)| {
        let value = value.as_str().unwrap();
        let ours = match value.strip_prefix("/run/secrets/latchkey/") {
            Some(secret) => file(secret),
            None => value.replace("@redis:6379", &format!("@localhost:{port}")).replace(":9444", &metrics),
        };
        (name.as_str().unwrap(), ours)
    });
    let settings = settings.collect::<Vec<_>>();
    let borrowed = settings.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
    let process = Process::start(&borrowed);

    assert_eq!(reqwest::get(format!("{}/health/ready", process.url)).await.unwrap().status(), 200);
    let ada = json!({"email": "ada@example.com", "password": PASSWORD});
    let registered = reqwest::Client::new().post(format!("{}/v1/users", process.url)).json(&ada).send().await;
    assert_eq!(registered.unwrap().status(), 201);
    let page = || reqwest::Client::new().get(format!("http://127.0.0.1{metrics}/metrics"));
    assert_eq!(page().send().await.unwrap().status(), 401);
    assert_eq!(page().bearer_auth("s3cret-of-the-collector").send().await.unwrap().status(), 200);
    process.signal("-TERM");
    process.signal("-INT");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    for secret in [MASTER_SECRET, "s3cret"] {
        assert!(!log.contains(secret), "{log}");
    }
}
