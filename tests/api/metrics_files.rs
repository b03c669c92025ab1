//! What is written about the metrics elsewhere: the README, the dashboard and the rules. It is held against what a running
//! service says.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{
    TestApp,
    metrics::{OWN_ADDRESS, Scrape, name},
};

/// A service of which something is known in every metric.
async fn used() -> Scrape {
    let app = TestApp::with(&OWN_ADDRESS).await;
    let ada = app.person("ada").await;
    app.me(&ada.token).await.expect(200);
    let page = app.scrape().await;
    app.stop().await;
    page
}

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_the_readme_is_what_a_service_says() {
    let page = used().await;
    let readme = text("README.md");
    let section = readme.split("\n## Metrics\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let shown =
        rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let known = page.metrics.iter().map(|(metric, (kind, about))| {
        let of_it = page.samples.keys().filter(|sample| {
            let name = name(sample);
            name == metric || ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(metric))
        });
        let mut labels = BTreeMap::<_, BTreeSet<_>>::new();
        for (label, value) in of_it.flat_map(|sample| matchers(sample)).filter(|(label, _)| *label != "le") {
            labels.entry(label).or_default().insert(format!("`{value}`"));
        }
        let labels = labels.into_iter().map(|(label, values)| match label {
            "route" | "method" | "status" | "status_class" | "version" => format!("`{label}`"),
            _ => format!("`{label}`: {}", values.into_iter().collect::<Vec<_>>().join(", ")),
        });
        vec![format!("`{metric}`"), kind.clone(), labels.collect::<Vec<_>>().join("; "), about.clone()]
    });
    let (shown, known) = (shown.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
    assert!(known.len() > 30, "{known:?}");
    let lines =
        |rows: &BTreeSet<Vec<String>>| rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>();
    assert!(shown == known, "the README must say:\n{}\n", lines(&known).join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_is_one_that_grafana_shows_and_asks_for_nothing_that_is_not_there() {
    let page = used().await;
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/latchkey.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36 && dashboard["uid"] == "latchkey");
    assert!(dashboard["title"].is_string() && dashboard["time"]["from"].is_string());
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert_eq!((&variables[0]["name"], &variables[0]["type"]), (&"datasource".into(), &"datasource".into()));
    let names = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect::<BTreeSet<_>>();

    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 20);
    let ids = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut asked = Vec::new();
    for panel in panels {
        let (title, place) = (panel["title"].as_str().unwrap(), &panel["gridPos"]);
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{title}");
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            assert!(target["refId"].is_string(), "{title}");
            asked.push(target["expr"].as_str().unwrap().to_owned());
        }
    }
    for query in variables.iter().filter_map(|variable| variable["definition"].as_str()) {
        asked.push(query.to_owned());
    }
    for expr in &asked {
        for variable in expr.split('$').skip(1).filter(|rest| !rest.starts_with("__rate_interval")) {
            assert!(names.iter().any(|name| variable.starts_with(name)), "{expr}");
        }
    }
    let metrics = expect_known(&page, asked.iter().map(String::as_str));
    let unseen = page.metrics.keys().filter(|metric| !metrics.contains(*metric)).collect::<Vec<_>>();
    assert_eq!(unseen, ["process_virtual_memory_bytes"], "what is measured is shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_ask_for_nothing_that_is_not_there() {
    let page = used().await;
    let rules: Value = serde_yaml::from_str(&text("deploy/prometheus/rules.yml")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() > 10);
    for rule in rules {
        assert!(rule["alert"].as_str().unwrap().starts_with("Latchkey"), "{rule}");
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{rule}");
        assert!(rule["annotations"]["summary"].is_string() && rule["annotations"]["description"].is_string(), "{rule}");
    }
    expect_known(&page, rules.iter().map(|rule| rule["expr"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_is_counted_under_its_own_path() {
    let app = TestApp::with(&OWN_ADDRESS).await;
    let document: Value = serde_json::from_str(&latchkey::http::openapi_json()).unwrap();
    let operations = document["paths"].as_object().unwrap();
    for (path, methods) in operations {
        let asked = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let asked = asked.collect::<Vec<_>>().join("/");
        for method in methods.as_object().unwrap().keys() {
            app.request(&method.to_uppercase(), &asked).send().await;
        }
    }
    let page = app.scrape().await;
    assert_eq!(page.values("route"), operations.keys().map(String::as_str).collect());
    app.stop().await;
}

/// The metrics that are asked for: each must be there, with the labels and the values that are asked for by name.
fn expect_known<'e>(page: &Scrape, asked: impl Iterator<Item = &'e str>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for expr in asked {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words =
            expr.split(|c| !is_of_name(c)).filter(|word| word.starts_with("latchkey_") || word.starts_with("process_"));
        let words = words.collect::<Vec<_>>();
        assert!(!words.is_empty() || expr.contains("up{"), "{expr}");
        for word in words {
            let of_histogram = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| {
                page.metrics.get(word.strip_suffix(end)?).filter(|(kind, _)| kind == "histogram")?;
                word.strip_suffix(end)
            });
            let metric = of_histogram.unwrap_or(word);
            assert!(page.metrics.contains_key(metric), "there is no {word}: {expr}");
            assert!(of_histogram.is_some() || page.metrics[metric].0 != "histogram", "{word} is no sample: {expr}");
            known.insert(metric.to_owned());
        }
        for (label, value) in matchers(expr) {
            let values = page.values(label);
            let of_collector = matches!(label, "job" | "instance");
            // Not all of them have come.
            let is_class = |class: &str| ["2xx", "3xx", "4xx", "5xx"].contains(&class);
            let of_any_status = label == "status" || label == "status_class" && value.split('|').all(is_class);
            assert!(of_collector || of_any_status || values.contains(value), "no {label} is {value}: {expr}");
        }
    }
    known
}

/// The labels of a sample, or those that are asked for by name, with their values.
fn matchers(expr: &str) -> Vec<(&str, &str)> {
    let mut parts = expr.split('"');
    let mut found = Vec::new();
    while let (Some(before), Some(value)) = (parts.next(), parts.next()) {
        let label = before.trim_end_matches(['=', '!', '~']).rsplit(['{', ',', ' ']).next().unwrap();
        found.push((label, value));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_nothing_wrong_with_the_page_and_the_rules() {
    let page = used().await;
    let mut process = promtool(&["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(page.text.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
    for arguments in [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
        let output = promtool(&arguments).current_dir(folder).output().unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The tool of Prometheus: that of the system, or the one that `make test-tools` unpacked.
fn promtool(arguments: &[&str]) -> Command {
    let unpacked = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/prometheus/promtool"));
    // Without either, `make test-tools` gets one, and `--skip promtool` leaves the test out.
    let mut command = Command::new(if unpacked.exists() { unpacked } else { "promtool".into() });
    command.args(arguments);
    command
}
