//! What stands in the query of a request beside the parameters of its operation.

use latchkey::http::openapi_json;
use serde_json::Value;

use crate::support::TestApp;

/// Every operation of the document: its method, its path with something for each of its templates, and its parameters.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (method, path, operation))
    });
    let operations = operations.map(|(method, path, operation)| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let names = parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned());
        let path = path.replace("{id}", "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10").replace(['{', '}'], "");
        (method.to_uppercase(), path, names.collect())
    });
    operations.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_of_few_values_is_refused_with_all_of_them() {
    let app = TestApp::embedded_with_key(&[]).await;
    let ada = app.person("ada").await;
    for (method, path, must) in [
        ("DELETE", "/v1/sessions?scope=mine", "`scope` must be one of `all`, `others`."),
        ("GET", "/v1/users/me/events?limit=101", "`limit` must be a number from 1 to 100."),
        ("GET", "/v1/users/me/events?limit=1%20", "`limit` must be a number from 1 to 100."),
    ] {
        let answer = app.request(method, path).bearer(&ada.token).send().await.refused(400, "invalid_parameter");
        assert_eq!(answer.body["detail"], format!("The parameter {must}"), "{path}");
    }
    for (path, must) in [
        ("/v1/admin/users?sort=name", "`sort` must be one of `created_at`, `-created_at`."),
        ("/v1/admin/users?email_verified=1", "`email_verified` must be `true` or `false`."),
        ("/v1/admin/users?email_prefix=", "`email_prefix` is missing or malformed."),
    ] {
        let answer = app.admin("GET", path).await.send().await.refused(400, "invalid_parameter");
        assert_eq!(answer.body["detail"], format!("The parameter {must}"), "{path}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_is_not_known_or_there_twice_is_refused_before_anything_is_done() {
    let app = TestApp::embedded().await;
    let mut taken = Vec::new();
    for (method, path, names) in operations() {
        let send = async |query: &str| app.request(&method, &format!("{path}?{query}")).send().await;
        let unknown = send("Limit=1").await;
        if path.starts_with("/v1/") && !path.starts_with("/v1/tokens/") {
            let detail = unknown.refused(400, "invalid_parameter").body["detail"].clone();
            let detail = detail.as_str().unwrap();
            assert!(names.iter().all(|name| detail.contains(name.as_str())), "{method} {path}: {detail}");
        } else {
            assert_ne!(unknown.body["code"], "invalid_parameter", "{method} {path}");
        }
        for name in names {
            let twice = send(&format!("{name}=1&{name}=1")).await.refused(400, "invalid_parameter");
            assert_eq!(twice.body["detail"], "A parameter is there more than once.", "{method} {path}");
            taken.push(name);
        }
    }
    taken.sort_unstable();
    taken.dedup();
    assert!(taken.len() > 10, "{taken:?}");
    app.stop().await;
}
