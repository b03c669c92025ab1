//! The pages that letters lead to, as a browser gets them. Each that comes is held against what is true of all.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, header::HeaderMap, redirect::Policy};
use sha2::{Digest, Sha256};

use super::TestApp;

/// An answer of a page.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl TestApp {
    /// Follows a link.
    pub async fn page(&self, path: &str) -> Page {
        self.page_by("GET", path, "", &[]).await
    }

    /// Sends a form.
    pub async fn send_form(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.page_by("POST", path, &form(fields), &[]).await
    }

    /// Does either, with more headers, and goes nowhere that the answer leads to.
    pub async fn page_by(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Page {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut request = client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let page = Page { status, headers, html: response.text().await.unwrap() };
        page.check(method);
        page
    }
}

/// The body of a form.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Page {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.html);
        self
    }

    /// This page, which must say each of these.
    #[track_caller]
    pub fn saying(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.html.contains(text), "`{text}` is not in {}", self.html);
        }
        self
    }

    /// This page, which must say none of these.
    #[track_caller]
    pub fn not_saying(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(!self.html.contains(text), "`{text}` is in {}", self.html);
        }
        self
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// What is true of every page.
    fn check(&self, method: &str) {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex"),
        ] {
            assert_eq!(self.header(name), value);
        }
        assert!(!self.headers.contains_key("set-cookie"));
        assert_eq!(self.headers.contains_key("retry-after"), matches!(self.status, 429 | 503));
        let policy = self.header("content-security-policy");
        if method == "HEAD" || self.status == 303 {
            assert_eq!(self.html, "");
            return;
        }
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        let style = between(&self.html, "<style>", "</style>");
        let expected = format!(
            "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            STANDARD.encode(Sha256::digest(style))
        );
        assert_eq!(policy, expected);
        for (text, times) in [
            ("<html lang=\"en\">", 1),
            ("<title>", 1),
            ("<h1>", 1),
            ("<main>", 1),
            ("<style>", 1),
            ("<script", 0),
            ("style=\"", 0),
            ("src=\"", 0),
            ("href=\"", 0),
            ("://", 0),
        ] {
            assert_eq!(self.html.matches(text).count(), times, "{text} in {}", self.html);
        }
        let is_wrong = self.status >= 400;
        assert_eq!(between(&self.html, "<title>", "</title>").starts_with("Error: "), is_wrong, "{}", self.html);
        assert_eq!(self.html.contains("role=\"alert\""), is_wrong, "{}", self.html);
        for input in self.html.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            if input.starts_with("type=\"hidden\"") {
                continue;
            }
            let label = format!("<label for=\"{}\">", between(input, "id=\"", "\""));
            assert!(self.html.contains(&label) && input.contains("autocomplete="), "{input}");
            assert_eq!(input.contains("aria-invalid=\"true\""), input.contains("-error"), "{input}");
            let described = input.split_once("aria-describedby=\"").map_or("", |(_, rest)| between(rest, "", "\""));
            for id in described.split_whitespace() {
                assert!(self.html.contains(&format!("id=\"{id}\"")), "{id} in {}", self.html);
            }
        }
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).unwrap_or_else(|| panic!("{text}")).0
}
