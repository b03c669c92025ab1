//! `Accept-Language`: which languages somebody reads (RFC 9110, 12.5.4).

use poem::{Request, http::header};

use crate::accounts::Locale;

/// As many languages are looked at.
const MOST: usize = 8;

/// The languages that a request asks for, the best first. What is no language tag is left out, `*` too.
pub(super) fn of(request: &Request) -> Vec<Locale> {
    let headers = request.headers().get_all(header::ACCEPT_LANGUAGE);
    parse(headers.iter().filter_map(|value| value.to_str().ok()))
}

fn parse<'h>(headers: impl Iterator<Item = &'h str>) -> Vec<Locale> {
    let wanted = headers.flat_map(|value| value.split(',')).filter_map(weighed).take(MOST);
    let mut wanted = wanted.enumerate().collect::<Vec<_>>();
    wanted.sort_unstable_by_key(|(place, (_, weight))| (std::cmp::Reverse(*weight), *place));
    wanted.into_iter().map(|(_, (locale, _))| locale).collect()
}

/// A tag and its weight in thousandths. One of weight 0 is not wanted.
fn weighed(range: &str) -> Option<(Locale, u32)> {
    let (tag, parameter) = range.split_once(';').unwrap_or((range, "q=1"));
    let weight = parameter.trim().strip_prefix("q=")?.trim();
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit()) && fraction.len() <= 3;
    let thousandths = format!("{fraction:0<3}").parse::<u32>().ok().filter(|_| digits)?;
    let weight = match whole {
        "0" => thousandths,
        "1" if thousandths == 0 => 1000,
        _ => return None,
    };
    Some((tag.trim().parse().ok()?, weight)).filter(|_| weight > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> String {
        parse([header].into_iter()).iter().map(Locale::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn languages_come_in_the_order_in_which_they_are_wanted() {
        for (header, wanted) in [
            ("de-CH, de;q=0.9, en;q=0.8, *;q=0.5", "de-CH de en"),
            ("en;q=0.2,de", "de en"),
            ("en;q=0.5,fr;q=0.5", "en fr"),
            ("da ; q=0.8 , en-GB;q=1.000", "en-GB da"),
            ("en;q=0,de;q=0.001", "de"),
            ("en;q=2,de;q=x,fr;level=1,it;q=0.1234,pt;q=-1,es;q=", ""),
            ("", ""),
            ("a,bb,c-d,__,en us", "bb"),
        ] {
            assert_eq!(read(header), wanted, "{header}");
        }
        assert_eq!(parse(["de;q=0.5", "fr"].into_iter()).len(), 2);
        assert_eq!(read(&["en"; 20].join(",")).split(' ').count(), MOST);
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in "\\PC{0,60}|([a-z*-]{0,6}(;q=[0-9.]{0,5})?,?){0,12}") {
            prop_assert!(parse([header.as_str()].into_iter()).len() <= MOST);
        }
    }
}
