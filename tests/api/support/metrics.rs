//! The page of metrics, as a collector reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::TestApp;

/// What makes a service have the page, at an address of its own.
pub const OWN_ADDRESS: [&str; 2] = ["--metrics-listen", "127.0.0.1:0"];

/// What is on the page.
pub struct Scrape {
    pub text: String,
    /// Each metric: its type, and what it says of itself.
    pub metrics: BTreeMap<String, (String, String)>,
    /// Each sample, as it is written before its value.
    pub samples: BTreeMap<String, f64>,
}

impl TestApp {
    /// Whether the records are in a file of its own.
    pub fn is_embedded(&self) -> bool {
        self.records.is_empty()
    }

    /// Reads the page at its own address.
    pub async fn scrape(&self) -> Scrape {
        let url = self.metrics_url.as_ref().expect("the service has no address for metrics");
        let answer = self.client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Scrape::read(answer.text().await.unwrap())
    }
}

impl Scrape {
    pub fn read(text: String) -> Self {
        let (mut metrics, mut samples, mut help) = (BTreeMap::new(), BTreeMap::new(), String::new());
        for line in text.lines() {
            if let Some(about) = line.strip_prefix("# HELP ") {
                about.split_once(' ').unwrap().1.clone_into(&mut help);
            } else if let Some(about) = line.strip_prefix("# TYPE ") {
                let (name, kind) = about.split_once(' ').unwrap();
                let told_before = metrics.insert(name.to_owned(), (kind.to_owned(), help.clone()));
                assert_eq!(told_before, None, "{name} is there twice");
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let told_before = samples.insert(sample.to_owned(), value.parse().unwrap());
                assert_eq!(told_before, None, "{sample} is there twice");
            }
        }
        Self { text, metrics, samples }
    }

    /// The value of a sample; 0 when there is none.
    pub fn of(&self, sample: &str) -> f64 {
        self.samples.get(sample).copied().unwrap_or_default()
    }

    /// Whether a sample has this value, which is a whole number.
    pub fn is(&self, sample: &str, value: u32) {
        assert!((self.of(sample) - f64::from(value)).abs() < 0.5, "{sample} is {} and not {value}", self.of(sample));
    }

    /// How much all samples of a metric are together.
    pub fn sum(&self, metric: &str) -> f64 {
        let of_it = self.samples.iter().filter(|(sample, _)| name(sample) == metric);
        of_it.map(|(_, value)| value).sum()
    }

    /// All values of a label.
    pub fn values(&self, label: &str) -> BTreeSet<&str> {
        let places = self.samples.keys().filter_map(|sample| sample.split_once(&format!("{label}=\"")));
        places.map(|(_, rest)| rest.split('"').next().unwrap()).collect()
    }
}

/// The name of a sample, without its labels.
pub fn name(sample: &str) -> &str {
    sample.split('{').next().unwrap()
}
