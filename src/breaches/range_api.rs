//! A service that is asked for a range of digests: it is told the first five digits of one, and answers with the rest of
//! all digests that begin so, and how often each was seen. It adds some that were seen 0 times, so that nobody who sees
//! the size of the answer knows the range (`Add-Padding`).

use std::time::Duration;

use hyper::{
    Method, StatusCode,
    body::Bytes,
    header::{HeaderName, HeaderValue},
};

use super::{digest::PasswordDigest, options::ApiOptions};
use crate::client::{Client, Failed};

/// Asks for an answer whose size tells nothing.
const PADDED: (HeaderName, HeaderValue) = (HeaderName::from_static("add-padding"), HeaderValue::from_static("true"));

/// A service that can be asked.
pub(super) struct RangeApi {
    client: Client,
    timeout: Duration,
}

impl RangeApi {
    pub(super) fn new(options: &ApiOptions) -> Result<Self, String> {
        Ok(Self { client: Client::new(&options.url, options.ca_file.as_deref())?, timeout: options.timeout })
    }

    /// Whether the service knows a digest.
    pub(super) async fn knows(&self, digest: &PasswordDigest) -> Result<bool, Failed> {
        let padded = [PADDED];
        let answer = self.client.send(&Method::GET, digest.told(), &padded, Bytes::new());
        let answer = tokio::time::timeout(self.timeout, answer).await;
        let (status, answer) = answer.map_err(|_| Failed(format!("no answer within {:?}", self.timeout)))??;
        if status != StatusCode::OK {
            return Err(Failed(format!("it answered {status}")));
        }
        has(&answer, digest.kept()).ok_or_else(|| Failed("the answer is no list of digests".to_owned()))
    }
}

/// Whether a list has these digits with a count of more than 0, or nothing when it is none.
fn has(list: &[u8], sought: &str) -> Option<bool> {
    let list = std::str::from_utf8(list).ok()?;
    let mut found = false;
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (digits, count) = line.split_once(':')?;
        let is_line = digits.len() == sought.len() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let count = count.trim().parse::<u64>().ok().filter(|_| is_line)?;
        found |= count > 0 && digits.eq_ignore_ascii_case(sought);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUGHT: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65";

    #[test]
    fn a_list_is_read_whatever_its_lines_end_with() {
        for end in ["\n", "\r\n"] {
            let list = |count: u32| format!("{OTHER}:3{end}{SOUGHT}:{count}{end}");
            assert_eq!(has(list(1).as_bytes(), SOUGHT), Some(true));
            assert_eq!(has(list(1).to_lowercase().as_bytes(), SOUGHT), Some(true));
            assert_eq!(has(list(0).as_bytes(), SOUGHT), Some(false), "padding is no password");
        }
        assert_eq!(has(format!("{OTHER}:3").as_bytes(), SOUGHT), Some(false));
        assert_eq!(has(b"", SOUGHT), Some(false));
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_one() {
        for wrong in ["<html>", "1E4C9:3", SOUGHT, &format!("{SOUGHT}:x"), &format!("{SOUGHT}:1\n<html>")] {
            assert_eq!(has(wrong.as_bytes(), SOUGHT), None, "{wrong}");
        }
        assert_eq!(has(&[0xff, 0xfe], SOUGHT), None);
    }
}
