//! The image and the Compose file: nothing runs as root, nothing needs a shell, nothing is published by accident.

use serde_yaml::Value;

use super::text;

const BINARY: &str = "/usr/local/bin/latchkey";

/// One instruction of a Dockerfile and what follows it, on one line.
fn instructions() -> Vec<(String, String)> {
    let text = text("Dockerfile");
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let instructions =
        code.replace("\\\n", " ").lines().filter_map(|line| line.trim().split_once(' ').map(own)).collect();
    assert!(Vec::len(&instructions) > 10, "{instructions:?}");
    instructions
}

fn own((name, rest): (&str, &str)) -> (String, String) {
    (name.to_ascii_uppercase(), rest.trim().to_owned())
}

/// The instructions of the last stage.
fn final_stage() -> Vec<(String, String)> {
    let all = instructions();
    let start = all.iter().rposition(|(name, _)| name == "FROM").unwrap();
    all[start..].to_vec()
}

/// What follows the only instruction of this name in the last stage.
fn only(name: &str) -> String {
    let found = final_stage().into_iter().filter(|(n, _)| n == name).map(|(_, rest)| rest).collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].clone()
}

fn exec_form(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("`{text}` is not the exec form: {e}"))
}

#[test]
fn every_base_image_is_pinned_by_a_tag() {
    let bases = instructions().into_iter().filter(|(name, _)| name == "FROM").map(|(_, rest)| rest);
    for base in bases {
        let image = base.split_whitespace().next().unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{image} has no tag"));
        assert!(!tag.contains('/') && tag != "latest", "{image}");
    }
}

#[test]
fn the_image_is_the_binary_of_the_first_stage_alone() {
    let all = instructions();
    let stages = all.iter().filter(|(name, _)| name == "FROM").collect::<Vec<_>>();
    assert_eq!(stages.len(), 2);
    assert!(stages[0].1.ends_with(" AS build"), "{}", stages[0].1);
    let last = final_stage();
    let copied = last.iter().filter(|(name, _)| name == "COPY").map(|(_, rest)| rest).collect::<Vec<_>>();
    assert!(copied.iter().all(|rest| rest.starts_with("--from=build ")), "{copied:?}");
    assert!(copied.iter().any(|rest| rest.ends_with(BINARY)), "{copied:?}");
    assert!(last.iter().all(|(name, _)| name != "RUN" && name != "SHELL"), "distroless has no shell");
}

#[test]
fn the_dependencies_are_built_before_the_code_is_copied() {
    let all = instructions();
    let at = |wanted: &str| all.iter().position(|(name, rest)| format!("{name} {rest}").contains(wanted)).unwrap();
    assert!(at("COPY Cargo.toml Cargo.lock") < at("cargo build --release --locked"));
    assert!(at("cargo build --release --locked") < at("COPY src"));
    // A target that Cargo.toml names must be there when the dependencies are built.
    let stubs = &all[at("cargo build --release --locked")].1;
    let manifest = text("Cargo.toml");
    for (kind, folder) in [("bench", "benches"), ("test", "tests"), ("example", "examples"), ("bin", "src/bin")] {
        for declared in manifest.split(&format!("[[{kind}]]")).skip(1) {
            let declared = declared.split("\n[").next().unwrap();
            let value =
                |key: &str| declared.split(&format!("{key} = \"")).nth(1).and_then(|rest| rest.split('"').next());
            let default = || format!("{folder}/{}.rs", value("name").unwrap());
            let path = value("path").map_or_else(default, str::to_owned);
            assert!(stubs.contains(&path), "the {kind} at {path} has no stub: {stubs}");
        }
    }
}

#[test]
fn the_image_runs_the_binary_as_nobody_and_asks_it_for_its_health() {
    assert_eq!(only("USER"), "65532:65532");
    assert_eq!(exec_form(&only("ENTRYPOINT")), [BINARY]);
    let health = only("HEALTHCHECK");
    assert_eq!(exec_form(health.split_once("CMD ").unwrap().1), [BINARY, "health"]);
    assert!(final_stage().iter().all(|(name, _)| name != "CMD"));
}

#[test]
fn the_image_serves_on_its_port_and_keeps_its_data_in_a_volume_of_its_own() {
    let env = only("ENV");
    assert!(env.contains("LATCHKEY_LISTEN=0.0.0.0:9443") && env.contains("LATCHKEY_DATA_DIR=/data"), "{env}");
    assert!(!env.contains("LATCHKEY_BEHIND_TLS_PROXY"), "whoever runs the image says that, not the image");
    assert_eq!(only("EXPOSE"), "9443");
    assert_eq!(only("VOLUME"), "/data");
    let data = "--from=build --chown=65532:65532 /data /data";
    assert!(final_stage().contains(&("COPY".to_owned(), data.to_owned())));
}

#[test]
fn the_build_context_is_only_what_the_dockerfile_copies() {
    let ignored = text(".dockerignore");
    let lines = ignored.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    assert_eq!(lines, ["*", "!.cargo", "!Cargo.toml", "!Cargo.lock", "!src"]);
}

fn compose() -> Value {
    serde_yaml::from_str(&text("docker-compose.yml")).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    let list = value.as_sequence().unwrap_or_else(|| panic!("{value:?} is not a list"));
    list.iter().map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn the_compose_services_are_the_api_and_redis_each_locked_down() {
    let compose = compose();
    let services = compose["services"].as_mapping().unwrap();
    assert_eq!(services.keys().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(), ["api", "redis"]);
    for (name, service) in services {
        assert_eq!(service["read_only"], Value::Bool(true), "{name:?}");
        assert_eq!(strings(&service["cap_drop"]), ["ALL"], "{name:?}");
        assert_eq!(strings(&service["security_opt"]), ["no-new-privileges:true"], "{name:?}");
        assert!(service.get("privileged").is_none() && service.get("cap_add").is_none(), "{name:?}");
        assert!(service.get("network_mode").is_none(), "{name:?}");
    }
}

#[test]
fn compose_publishes_the_api_on_loopback_only_and_redis_nowhere() {
    let compose = compose();
    let (api, redis) = (&compose["services"]["api"], &compose["services"]["redis"]);
    assert_eq!(strings(&api["ports"]), ["127.0.0.1:9443:9443"]);
    assert!(redis.get("ports").is_none());
    assert_eq!(api["environment"]["LATCHKEY_BEHIND_TLS_PROXY"], Value::from("true"));
    assert_eq!(api["environment"]["LATCHKEY_REDIS_URL"], Value::from("redis://redis:6379"));
}

#[test]
fn compose_starts_the_api_once_redis_is_healthy() {
    let compose = compose();
    let (api, redis) = (&compose["services"]["api"], &compose["services"]["redis"]);
    assert_eq!(api["depends_on"]["redis"]["condition"], Value::from("service_healthy"));
    assert_eq!(strings(&api["healthcheck"]["test"]), ["CMD", BINARY, "health"]);
    assert_eq!(strings(&redis["healthcheck"]["test"]), ["CMD", "redis-cli", "-e", "ping"]);
}

#[test]
fn redis_in_compose_keeps_what_it_is_given() {
    let compose = compose();
    let redis = &compose["services"]["redis"];
    let (_, tag) = redis["image"].as_str().unwrap().rsplit_once(':').unwrap();
    assert_ne!(tag, "latest");
    let command = strings(&redis["command"]);
    for (option, value) in [("--appendonly", "yes"), ("--maxmemory-policy", "noeviction")] {
        assert!(command.windows(2).any(|pair| pair == [option, value]), "{option} {value}: {command:?}");
    }
    let (volume, folder) = strings(&redis["volumes"])[0].split_once(':').unwrap();
    assert_eq!(folder, "/data");
    assert!(compose["volumes"].as_mapping().unwrap().contains_key(volume), "{volume} is no named volume");
}
