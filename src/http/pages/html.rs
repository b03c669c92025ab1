//! HTML: what is the same on every page, and how text gets into it.

use std::fmt;

/// Nothing but the style below, and forms that are sent here. (Chromium holds what a form leads to against this too.)
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
     style-src 'sha256-itaWwEMPbCjc91RgEijeagktSwZdJqndBp+nhnaP0A8='; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The colours are those of the browser, dark or light, as the person wants: so they contrast.
const STYLE: &str = "
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 30rem; overflow-wrap: anywhere; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
label, input, button { display: block; }
label { font-weight: bold; margin-top: 1.5rem; }
input, button { border: 2px solid; border-radius: .25rem; box-sizing: border-box; font: inherit; padding: .5rem .75rem; width: 100%; }
button { background: CanvasText; border-color: CanvasText; color: Canvas; cursor: pointer; font-weight: bold; margin-top: 1.5rem; }
p.hint, p.error { margin: .25rem 0 .5rem; }
.error { border-left: .25rem solid; font-weight: bold; padding-left: .75rem; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 3px; }
";

/// Text from outside, as it may stand in an element or in a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (before, special) = rest.split_at(at);
            f.write_str(before)?;
            f.write_str(match special.as_bytes() {
                [b'&', ..] => "&amp;",
                [b'<', ..] => "&lt;",
                [b'>', ..] => "&gt;",
                [b'"', ..] => "&quot;",
                _ => "&#39;",
            })?;
            rest = special.get(1..).unwrap_or_default();
        }
        f.write_str(rest)
    }
}

/// A whole page. `main` is HTML, the others are text.
pub(super) fn document(title: &str, heading: &str, product: &str, main: &str) -> String {
    let (title, heading, product) = (Text(title), Text(heading), Text(product));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} - {product}</title>\n\
         <style>{STYLE}</style>\n<header>{product}</header>\n<main>\n<h1>{heading}</h1>\n{main}</main>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_this_style_and_no_other() {
        let digest = STANDARD.encode(Sha256::digest(STYLE));
        assert!(CONTENT_SECURITY_POLICY.contains(&format!("style-src 'sha256-{digest}';")), "{digest}");
    }

    proptest! {
        #[test]
        fn no_text_ends_what_it_stands_in_and_all_of_it_is_shown(text in "[\\PC<>&\"'\n;#]{0,40}") {
            let escaped = Text(&text).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']), "{}", escaped);
            let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
            let read = entities.iter().fold(escaped.clone(), |text, (entity, sign)| text.replace(entity, sign));
            prop_assert_eq!(read, text);
            let bare = entities.iter().fold(escaped, |text, (entity, _)| text.replace(entity, ""));
            prop_assert!(!bare.contains('&'), "{}", bare);
        }
    }
}
