//! The page, as a collector reads it: the text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use super::{By, Counter, Histogram, Label};

/// The page, while it is written.
#[derive(Debug, Default)]
pub struct Page(String);

/// The samples of one metric, while they are written.
#[derive(Debug)]
pub struct Family<'p> {
    page: &'p mut Page,
    name: &'static str,
}

/// The labels of a sample: each a name and a value.
type Labels<'l> = &'l [(&'l str, &'l str)];

impl Page {
    /// The media type of the page.
    pub const MEDIA_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// A metric that counts how often; its name ends with `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", help)
    }

    /// A metric that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    /// A metric of times; its name ends with `_seconds`.
    pub fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "histogram", help)
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}"); // text takes everything
        Family { page: self, name }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: Labels<'_>, value: impl Display) {
        self.0.push_str(name);
        self.0.push_str(suffix);
        for (at, (label, value)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"");
            for c in value.chars() {
                match c {
                    '\\' | '"' => self.0.extend(['\\', c]),
                    '\n' => self.0.push_str("\\n"),
                    c => self.0.push(c),
                }
            }
            self.0.push('"');
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

impl Family<'_> {
    /// One sample.
    pub fn is(&mut self, labels: Labels<'_>, value: impl Display) {
        self.page.sample(self.name, "", labels, value);
    }

    /// A sample for each value of a label.
    pub fn by<L: Label>(&mut self, label: &str, counts: &By<L, Counter>) {
        self.by_both(&[], label, counts);
    }

    /// A sample for each value of a label, beside others.
    pub fn by_both<L: Label>(&mut self, others: Labels<'_>, label: &str, counts: &By<L, Counter>) {
        for (value, count) in counts.iter() {
            self.is(&[others, &[(label, value)]].concat(), count.get());
        }
    }

    /// The samples of a histogram.
    pub fn times(&mut self, labels: Labels<'_>, times: &Histogram) {
        let (buckets, count) = times.cumulated();
        for (bound, count) in buckets {
            self.page.sample(self.name, "_bucket", &[labels, &[("le", &bound.to_string())]].concat(), count);
        }
        self.page.sample(self.name, "_bucket", &[labels, &[("le", "+Inf")]].concat(), count);
        self.page.sample(self.name, "_sum", labels, times.seconds());
        self.page.sample(self.name, "_count", labels, count);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_page_is_what_a_collector_reads() {
        let mut page = Page::default();
        let mut things = page.gauge("a_thing", "How many.");
        things.is(&[], 1.5);
        things.is(&[("of", "a \"b\\\n")], 2);
        let times = Histogram::default();
        times.observe(Duration::from_millis(2));
        page.histogram("a_seconds", "How long.").times(&[("of", "x")], &times);
        let text = page.into_text();
        let mut lines = text.lines();
        let first = lines.by_ref().take(5).collect::<Vec<_>>();
        assert_eq!(
            first,
            [
                "# HELP a_thing How many.",
                "# TYPE a_thing gauge",
                "a_thing 1.5",
                r#"a_thing{of="a \"b\\\n"} 2"#,
                "# HELP a_seconds How long.",
            ]
        );
        let last = lines.skip(1).collect::<Vec<_>>();
        assert_eq!(last.first(), Some(&r#"a_seconds_bucket{of="x",le="0.0005"} 0"#));
        assert_eq!(last.get(2), Some(&r#"a_seconds_bucket{of="x",le="0.0025"} 1"#));
        assert!(last.ends_with(&[
            r#"a_seconds_bucket{of="x",le="+Inf"} 1"#,
            r#"a_seconds_sum{of="x"} 0.002"#,
            r#"a_seconds_count{of="x"} 1"#,
        ]));
    }
}
