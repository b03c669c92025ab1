//! `User-Agent` headers, for people: which program it was, and on what.
//!
//! Browsers claim to be each other, so the order of the tables counts: who imitates stands before whom they imitate.

/// As much of a product's name is kept, in characters.
const NAME: usize = 32;

/// As much of a version is kept, in digits.
const VERSION: usize = 6;

/// What a browser writes before its version, and what it is called.
const BROWSERS: [(&str, &str); 19] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/7.0; rv:", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
];

/// What tells a platform, and what it is called.
const PLATFORMS: [(&str, &str); 16] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("iPod", "iPod"),
    ("Windows Phone", "Windows Phone"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Tizen", "Tizen"),
    ("Web0S", "webOS"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("macOS", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
];

/// A name such as `Chrome 142 on Windows`, `Safari 18 on iPhone` or `curl 8`: at most 64 characters, and none that
/// controls what is around it. What is not known keeps the name it gives itself; none is what gives no name.
#[must_use]
pub(super) fn readable(user_agent: &str) -> Option<String> {
    let platform = PLATFORMS.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    let program = browser(user_agent, platform).or_else(|| {
        // `Mozilla` is what every browser calls itself.
        let product = product(user_agent)?;
        (platform.is_none() || !user_agent.starts_with("Mozilla/")).then_some(product)
    });
    match (program, platform) {
        (Some(program), Some(platform)) => Some(format!("{program} on {platform}")),
        (program, platform) => program.or_else(|| platform.map(str::to_owned)),
    }
}

fn browser(user_agent: &str, platform: Option<&str>) -> Option<String> {
    let known = BROWSERS.iter().find_map(|(mark, name)| Some(with_version(name, after(user_agent, mark)?)));
    known.or_else(|| {
        // Others imitate Safari too, on other platforms.
        let is_safari =
            user_agent.contains("Safari/") && matches!(platform, Some("iPhone" | "iPad" | "iPod" | "macOS"));
        is_safari.then(|| with_version("Safari", after(user_agent, "Version/").unwrap_or_default()))
    })
}

/// The product that stands first (RFC 9110, 10.1.5).
fn product(user_agent: &str) -> Option<String> {
    let is_token = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
    let name = user_agent.trim_start().chars().take_while(is_token).take(NAME).collect::<String>();
    let version = after(user_agent, "/").filter(|_| user_agent.trim_start().starts_with(&format!("{name}/")));
    (!name.is_empty()).then(|| with_version(&name, version.unwrap_or_default()))
}

fn with_version(name: &str, version: &str) -> String {
    let major = version.chars().take_while(char::is_ascii_digit).take(VERSION).collect::<String>();
    if major.is_empty() { name.to_owned() } else { format!("{name} {major}") }
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, after)| after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REAL: [(&str, &str); 30] = [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
            "Chrome 142 on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
            "Chrome 142 on macOS",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
            "Chrome 138 on ChromeOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
            "Chrome 142 on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
            "Chrome 142 on iPhone",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36",
            "Headless Chrome 141 on Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari 18 on iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1",
            "Safari 17 on iPad",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            "Safari 26 on macOS",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox 145 on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Windows"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox 145 on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/604.1",
            "Firefox 145 on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge 142 on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
            "Edge 18 on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0.0.0",
            "Edge 141 on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0",
            "Opera 124 on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet 28 on Android",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer 11 on Windows"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)", "Internet Explorer 8 on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            "iPhone",
        ),
        ("curl/8.14.1", "curl 8"),
        ("Wget/1.25.0", "Wget 1"),
        ("okhttp/4.12.0", "okhttp 4"),
        ("python-requests/2.32.5", "python-requests 2"),
        ("Go-http-client/2.0", "Go-http-client 2"),
        ("Dart/3.9 (dart:io)", "Dart 3"),
        ("PostmanRuntime/7.49.1", "PostmanRuntime 7"),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A)", "Dalvik 2 on Android"),
        ("Shop/5.12.1 (iPhone; iOS 18.6; Scale/3.00)", "Shop 5 on iPhone"),
    ];

    #[test]
    fn real_ones_are_named() {
        for (user_agent, name) in REAL {
            assert_eq!(readable(user_agent).as_deref(), Some(name), "{user_agent}");
        }
    }

    #[test]
    fn odd_ones_keep_the_name_they_give_themselves_or_none() {
        for (user_agent, name) in [
            ("", None),
            ("  ", None),
            ("(nothing)", None),
            ("/1.0", None),
            ("\u{1b}[2J", None),
            ("curl", Some("curl")),
            ("curl/", Some("curl")),
            ("curl/x", Some("curl")),
            ("my app/3", Some("my")),
            ("Mozilla/5.0", Some("Mozilla 5")),
            ("a\u{202e}b/1", Some("a")),
            ("Chrome/\u{7}", Some("Chrome")),
        ] {
            assert_eq!(readable(user_agent).as_deref(), name, "{user_agent:?}");
        }
        let long = format!("{}/{} (Windows Phone)", "a".repeat(300), "1".repeat(300));
        assert_eq!(readable(&long), Some(format!("{} on Windows Phone", "a".repeat(32))));
        let long = format!("x/{}", "1".repeat(300));
        assert_eq!(readable(&long).as_deref(), Some("x 111111"));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_name_is_short_and_plain(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            which in 0..REAL.len(),
            at in 0..200_usize,
        ) {
            let noise = String::from_utf8_lossy(&bytes);
            let (real, _) = REAL[which];
            let at = at.min(real.len());
            for text in [noise.to_string(), format!("{}{noise}{}", &real[..at], &real[at..]), format!("{noise}{real}")] {
                if let Some(name) = readable(&text) {
                    prop_assert!((1..=64).contains(&name.len()), "{name}");
                    prop_assert!(name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{name:?}");
                }
            }
        }
    }
}
