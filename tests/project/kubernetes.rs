//! The manifests for Kubernetes, held against its schemas and against the code. The tests need `make test-tools`.

use std::{collections::BTreeSet, ffi::OsStr, fs, process::Command};

use clap::{CommandFactory, Parser};
use latchkey::{cli::Cli, config::Config};
use serde_yaml::Value;

use super::{root, text};

const FOLDER: &str = "deploy/kubernetes";
const SECRETS: &str = "/run/secrets/latchkey/";

/// The files of the folder, but for the list of them.
fn files() -> BTreeSet<String> {
    let files = fs::read_dir(root().join(FOLDER)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.filter(|file| file != "kustomization.yaml").collect()
}

fn manifest(file: &str) -> Value {
    serde_yaml::from_str(&text(&format!("{FOLDER}/{file}"))).unwrap()
}

fn pod() -> Value {
    manifest("deployment.yaml")["spec"]["template"]["spec"].clone()
}

fn container() -> Value {
    let containers = pod()["containers"].as_sequence().unwrap().clone();
    assert_eq!(containers.len(), 1);
    containers[0].clone()
}

fn settings() -> Vec<(String, String)> {
    let data = manifest("config-map.yaml")["data"].clone();
    let pair =
        |(name, value): (&Value, &Value)| (name.as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned());
    data.as_mapping().unwrap().iter().map(pair).collect()
}

/// The settings as the binary reads them.
fn config() -> Config {
    let flag = |name: &str| name.strip_prefix("LATCHKEY_").unwrap().to_lowercase().replace('_', "-");
    let flags = settings().into_iter().map(|(name, value)| format!("--{}={value}", flag(&name)));
    let config = Cli::try_parse_from(["latchkey".to_owned()].into_iter().chain(flags)).unwrap().config;
    config.check().unwrap();
    config
}

/// What the validator says of files, and whether they are right.
fn validate<F: AsRef<OsStr>>(files: impl IntoIterator<Item = F>) -> (bool, String) {
    let output = Command::new("python3")
        .args(["-m", "kubernetes_validate", "--strict"])
        .args(files)
        .current_dir(root().join(FOLDER))
        .env("PYTHONPATH", root().join("target/test-tools/kubernetes"))
        .output();
    let output = output.expect("python3 is needed, or `cargo test -- --skip kubernetes`");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(
        !said.contains("No module named"),
        "`make test-tools` installs it, or `cargo test -- --skip kubernetes`: {said}"
    );
    // A kind that it does not know is only worth a warning to it.
    (output.status.success() && !said.contains("WARN"), said)
}

#[test]
fn every_manifest_is_one_that_kubernetes_takes() {
    let (right, said) = validate(files());
    assert!(right, "{said}");
    for file in files() {
        assert!(said.contains(&format!("{file} passed")), "{file}: {said}");
    }
}

#[test]
fn a_broken_manifest_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for (file, right, wrong) in [
        ("deployment.yaml", "readOnlyRootFilesystem", "readOnlyRootFilesytem"),
        ("deployment.yaml", "  selector:", "  selektor:"),
        ("horizontal-pod-autoscaler.yaml", "minReplicas: 2", "minReplicas: two"),
        ("network-policy.yaml", "podSelector:", "podSelectors:"),
        ("pod-disruption-budget.yaml", "policy/v1", "policy/v2"),
        ("service.yaml", "- name: http\n      port: 80", "- name: http"),
    ] {
        let (whole, path) = (text(&format!("{FOLDER}/{file}")), folder.path().join(file));
        let broken = whole.replacen(right, wrong, 1);
        assert_ne!(broken, whole, "{file} has no {right}");
        fs::write(&path, broken).unwrap();
        let (right, said) = validate([path]);
        assert!(!right, "{wrong} in {file}: {said}");
    }
}

#[test]
fn what_is_commented_out_may_be_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let take_in = |file: &str, comment: &str, whole: &str| {
        let (text, path) = (text(&format!("{FOLDER}/{file}")), folder.path().join(file));
        let taken_in = text.replace(comment, whole);
        assert_ne!(taken_in, text, "{file}");
        fs::write(&path, &taken_in).unwrap();
        let (right, said) = validate([path]);
        assert!(right, "{file}: {said}");
        serde_yaml::from_str::<Value>(&taken_in).unwrap()
    };
    let settings = take_in("config-map.yaml", "  # LATCHKEY_", "  LATCHKEY_")["data"].clone();
    let command = Cli::command();
    let known = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect::<BTreeSet<_>>();
    assert!(settings.as_mapping().unwrap().keys().all(|name| known.contains(name.as_str().unwrap())));
    let url = settings["LATCHKEY_OTLP_ENDPOINT"].as_str().unwrap().parse::<url::Url>().unwrap();
    let egress = take_in("network-policy.yaml", "    # ", "    ")["spec"]["egress"].clone();
    let last = egress.as_sequence().unwrap().last().unwrap();
    assert_eq!(last["ports"][0]["port"].as_u64(), url.port().map(u64::from));
}

#[test]
fn every_file_is_listed() {
    let listed = manifest("kustomization.yaml")["resources"].as_sequence().unwrap().clone();
    let listed = listed.iter().map(|file| file.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), files());
    assert_eq!(listed.len(), files().len());
}

#[test]
fn every_setting_exists_and_is_accepted_and_none_is_a_secret() {
    let command = Cli::command();
    let known = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
    let known = known.collect::<BTreeSet<_>>();
    for (name, value) in settings() {
        assert!(known.contains(&*name), "there is no {name}");
        assert!(!["SECRET", "PASSWORD", "PEPPERS"].iter().any(|word| name.ends_with(word)), "{name} is {value}");
    }
    assert!(container().get("env").is_none(), "settings are in the ConfigMap");
    assert_eq!(container()["envFrom"][0]["configMapRef"]["name"], manifest("config-map.yaml")["metadata"]["name"]);
    let url = config().redis_url.unwrap().reveal().parse::<url::Url>().unwrap();
    assert_eq!(url.password(), None);
}

#[test]
fn every_secret_is_a_file_that_the_readme_makes() {
    let (container, pod, readme) = (container(), pod(), text("README.md"));
    assert_eq!(format!("{}/", container["volumeMounts"][0]["mountPath"].as_str().unwrap()), SECRETS);
    assert_eq!(container["volumeMounts"][0]["name"], pod["volumes"][0]["name"]);
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], Value::from("latchkey"));
    assert!(readme.contains("create secret generic latchkey "));
    let files = settings().into_iter().filter(|(name, _)| name.ends_with("_FILE")).collect::<Vec<_>>();
    assert!(files.len() > 2, "{files:?}");
    for (name, path) in files {
        let file = path.strip_prefix(SECRETS).unwrap_or_else(|| panic!("{name} is no secret: {path}"));
        assert!(readme.contains(&format!("--from-file={file}")), "the README makes no {file}");
    }
}

#[test]
fn the_pod_can_do_nothing_that_it_need_not() {
    let (container, pod) = (container(), pod());
    let (own, all) = (&container["securityContext"], &pod["securityContext"]);
    assert_eq!(own["allowPrivilegeEscalation"], Value::from(false));
    assert_eq!(own["readOnlyRootFilesystem"], Value::from(true));
    assert_eq!(own["capabilities"], serde_yaml::from_str::<Value>("drop: [ALL]").unwrap());
    assert!(own.get("privileged").is_none());
    assert_eq!((&all["runAsNonRoot"], &all["runAsUser"]), (&Value::from(true), &Value::from(65532)));
    assert!(text("Dockerfile").contains("USER 65532:65532"));
    assert_eq!(all["seccompProfile"]["type"], Value::from("RuntimeDefault"));
    for account in [&pod, &manifest("service-account.yaml")] {
        assert_eq!(account["automountServiceAccountToken"], Value::from(false));
    }
    assert_eq!(pod["serviceAccountName"], manifest("service-account.yaml")["metadata"]["name"]);
    for shared in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod.get(shared).is_none(), "{shared}");
    }
    assert!(
        !container["resources"]["requests"]["cpu"].is_null() && !container["resources"]["limits"]["memory"].is_null()
    );
}

#[test]
fn the_ports_and_the_paths_are_those_of_the_service() {
    let container = container();
    let (port, name) = (&container["ports"][0]["containerPort"], &container["ports"][0]["name"]);
    assert!(text("Dockerfile").contains(&format!("LATCHKEY_LISTEN=0.0.0.0:{} ", port.as_u64().unwrap())));
    let document = serde_json::from_str::<serde_json::Value>(&latchkey::http::openapi_json()).unwrap();
    for (probe, path) in [("startup", "/health/live"), ("liveness", "/health/live"), ("readiness", "/health/ready")] {
        let asked = &container[format!("{probe}Probe")]["httpGet"];
        assert_eq!((&asked["path"], &asked["port"]), (&Value::from(path), name), "{probe}");
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    let metrics = &container["ports"][1];
    assert_eq!(metrics["containerPort"].as_u64(), config().metrics.metrics_listen.map(|address| address.port().into()));
    let admitted = &manifest("network-policy.yaml")["spec"]["ingress"];
    for (number, service, name) in [(0, "service.yaml", name), (1, "metrics-service.yaml", &metrics["name"])] {
        assert_eq!(&manifest(service)["spec"]["ports"][0]["targetPort"], name);
        assert_eq!(&admitted[number]["ports"][0]["port"], name);
        assert!(!admitted[number]["from"].is_null(), "not everybody");
    }
    assert_eq!(container["image"], Value::from(concat!("latchkey:", env!("CARGO_PKG_VERSION"))));
    assert!(text("README.md").contains(concat!("docker build --tag latchkey:", env!("CARGO_PKG_VERSION"), " .")));
}

#[test]
fn all_manifests_speak_of_the_same_pods() {
    let deployment = manifest("deployment.yaml");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    for service in ["service.yaml", "metrics-service.yaml"] {
        assert_eq!(&manifest(service)["spec"]["selector"], labels);
    }
    assert_eq!(&manifest("pod-disruption-budget.yaml")["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&manifest("network-policy.yaml")["spec"]["podSelector"]["matchLabels"], labels);
    for spread in pod()["topologySpreadConstraints"].as_sequence().unwrap() {
        assert_eq!(&spread["labelSelector"]["matchLabels"], labels);
    }
    let scaled = &manifest("horizontal-pod-autoscaler.yaml")["spec"];
    assert_eq!(scaled["scaleTargetRef"]["name"], deployment["metadata"]["name"]);
    assert_eq!(scaled["scaleTargetRef"]["kind"], deployment["kind"]);
    assert!(deployment["spec"].get("replicas").is_none(), "applying it would undo what the autoscaler did");
    assert!(scaled["minReplicas"].as_u64() > Some(1), "one that is being replaced leaves none");
    for file in files().iter().filter(|file| *file != "namespace.yaml") {
        assert_eq!(manifest(file)["metadata"]["namespace"], manifest("namespace.yaml")["metadata"]["name"], "{file}");
    }
}

#[test]
fn the_dearest_hashes_that_come_over_http_fit_twice_into_the_memory() {
    let limit = container()["resources"]["limits"]["memory"].as_str().unwrap().to_owned();
    let limit_kib = limit.strip_suffix("Mi").unwrap().parse::<u32>().unwrap() * 1024;
    let hashes_kib = super::dearest_hashes_kib(&config());
    assert!(2 * hashes_kib <= limit_kib, "{hashes_kib} KiB of {limit}");
}

#[test]
fn there_is_time_to_drain_and_to_end() {
    let (config, readiness) = (config(), &container()["readinessProbe"]);
    let given = pod()["terminationGracePeriodSeconds"].as_u64().unwrap();
    let needed = super::longest_stop(&config);
    assert!(given >= needed.as_secs(), "{given} s are less than {needed:?}");
    let noticed = readiness["periodSeconds"].as_u64().unwrap() * readiness["failureThreshold"].as_u64().unwrap();
    assert!(config.drain_delay.as_secs() > 2 * noticed, "{:?} are too little for {noticed} s", config.drain_delay);
}
