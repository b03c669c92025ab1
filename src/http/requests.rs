//! How many requests there are, what becomes of them, and how long they take: by route, never by path.

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use futures_util::future::BoxFuture;

use super::log::{METHODS, OTHER};
use crate::metrics::{Counter, Gauge, Histogram, Page, Source};

/// What the route is called of a request that has none, or was answered before it was looked for.
const UNMATCHED: &str = "unmatched";

/// The statuses that are told apart: a test holds that every problem has one of them.
const STATUSES: [u16; 20] =
    [200, 201, 202, 204, 303, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 429, 500, 503];

/// What is counted of requests.
#[derive(Debug, Default)]
pub struct Requests {
    /// By the route as the router writes it; with the template of the document. Set once: what is counted has its place before
    /// it comes.
    by_route: OnceLock<BTreeMap<String, (String, ByMethod)>>,
    unmatched: ByMethod,
    under_way: Gauge,
    abandoned: Counter,
}

/// Each method that is told apart, and at last all others.
#[derive(Debug)]
struct ByMethod(Vec<(&'static str, Answers)>);

/// The classes of statuses that times are told apart by: what is refused at once hides what is slow.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

#[derive(Debug, Default)]
struct Answers {
    by_status: [Counter; STATUSES.len()],
    other: Counter,
    /// By the class of the status.
    times: [Histogram; CLASSES.len()],
}

impl Answers {
    fn count(&self) -> u64 {
        self.times.iter().map(Histogram::count).sum()
    }
}

impl Requests {
    /// Learns the routes that there are, each with its methods, as the document writes them. What has another route is counted
    /// with what has none.
    pub(super) fn learn<'r>(&self, routes: impl IntoIterator<Item = (&'r str, Vec<&'r str>)>) {
        let routes = routes.into_iter().map(|(template, methods)| {
            let head = methods.contains(&"GET").then_some("HEAD");
            let known = METHODS.into_iter().filter(|known| methods.contains(known) || head == Some(*known));
            (as_routed(template), (template.to_owned(), ByMethod::of(known)))
        });
        let _ = self.by_route.set(routes.collect()); // there is one API
    }

    /// A request begins.
    pub(super) fn begin(&self) {
        self.under_way.up();
    }

    /// It is answered.
    pub(super) fn answered(&self, route: Option<&str>, method: &'static str, status: u16, took: Duration) {
        let known = route.and_then(|route| self.by_route.get()?.get(route)).map(|(_, methods)| methods);
        let Some(answers) = known.unwrap_or(&self.unmatched).find(method) else { return };
        let told_apart = answers.by_status.iter().zip(STATUSES).find(|(_, known)| *known == status);
        told_apart.map_or(&answers.other, |(count, _)| count).add_one();
        // This service gives no status below 200.
        let class = usize::from((status / 100).saturating_sub(2)).min(CLASSES.len() - 1);
        if let Some(times) = answers.times.get(class) {
            times.observe(took);
        }
    }

    /// It has ended, perhaps since its client went away.
    pub(super) fn end(&self, abandoned: bool) {
        self.under_way.down();
        if abandoned {
            self.abandoned.add_one();
        }
    }

    /// Each route with each of its methods of which something came.
    fn each(&self) -> impl Iterator<Item = (&str, &'static str, &Answers)> {
        let known = self.by_route.get().into_iter().flat_map(BTreeMap::values);
        let known = known.map(|(template, methods)| (template.as_str(), methods));
        let all = known.chain([(UNMATCHED, &self.unmatched)]);
        let each =
            all.flat_map(|(route, methods)| methods.0.iter().map(move |(method, answers)| (route, *method, answers)));
        each.filter(|(.., answers)| answers.count() > 0)
    }
}

/// A template as the router writes it: it numbers parameters.
pub(super) fn as_routed(template: &str) -> String {
    let (mut route, mut parameters) = (String::new(), 0..);
    for part in template.split('/').skip(1) {
        let parameter = part.starts_with('{').then(|| parameters.next()).flatten();
        route += &parameter.map_or_else(|| format!("/{part}"), |number| format!("/:param{number}"));
    }
    route
}

impl ByMethod {
    fn of(methods: impl IntoIterator<Item = &'static str>) -> Self {
        Self(methods.into_iter().chain([OTHER]).map(|method| (method, Answers::default())).collect())
    }

    fn find(&self, method: &str) -> Option<&Answers> {
        let found = self.0.iter().find(|(known, _)| *known == method);
        found.or(self.0.last()).map(|(_, answers)| answers)
    }
}

impl Default for ByMethod {
    fn default() -> Self {
        Self::of(METHODS)
    }
}

impl Source for Requests {
    fn write<'a>(&'a self, page: &'a mut Page) -> BoxFuture<'a, ()> {
        let mut answered = page.counter("latchkey_http_requests_total", "Requests that were answered.");
        for (route, method, answers) in self.each() {
            let statuses = STATUSES.iter().map(ToString::to_string).chain(["other".to_owned()]);
            for (status, count) in statuses.zip(answers.by_status.iter().chain([&answers.other])) {
                if count.get() > 0 {
                    answered.is(&[("route", route), ("method", method), ("status", &status)], count.get());
                }
            }
        }
        let about = "From the headers of a request until its answer is ready.";
        let mut times = page.histogram("latchkey_http_request_duration_seconds", about);
        for (route, method, answers) in self.each() {
            for (class, observed) in CLASSES.into_iter().zip(&answers.times).filter(|(_, times)| times.count() > 0) {
                times.times(&[("route", route), ("method", method), ("status_class", class)], observed);
            }
        }
        page.gauge("latchkey_http_requests_in_flight", "Requests that are not answered yet.")
            .is(&[], self.under_way.get());
        let about = "Requests whose clients went away before the answer.";
        page.counter("latchkey_http_requests_abandoned_total", about).is(&[], self.abandoned.get());
        Box::pin(async {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Code;

    #[test]
    fn every_problem_has_a_status_that_is_told_apart() {
        for code in Code::ALL {
            assert!(STATUSES.contains(&code.status().as_u16()), "{code:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_counted_together() {
        let requests = Requests::default();
        requests.learn([("/v1/sessions/{id}", vec!["DELETE", "GET"]), ("/v1/a/{b}/c/{d}", vec!["PUT"])]);
        let took = Duration::from_millis(1);
        for (route, method, status) in [
            (Some("/v1/sessions/:param0"), "GET", 200),
            (Some("/v1/sessions/:param0"), "HEAD", 200),
            (Some("/v1/sessions/:param0"), "PATCH", 405),
            (Some("/v1/sessions/:param0"), OTHER, 405),
            (Some("/elsewhere"), "GET", 418),
            (Some("/v1/a/:param0/c/:param1"), "PUT", 200),
            (None, "GET", 404),
        ] {
            requests.answered(route, method, status, took);
        }
        let counts = requests.each().map(|(route, method, answers)| (route, method, answers.count()));
        let expected = [
            ("/v1/a/{b}/c/{d}", "PUT", 1),
            ("/v1/sessions/{id}", "GET", 1),
            ("/v1/sessions/{id}", "HEAD", 1),
            ("/v1/sessions/{id}", OTHER, 2),
            (UNMATCHED, "GET", 2),
        ];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
    }
}
