//! Which trace a request belongs to: that of its caller (W3C Trace Context), or one that begins here.

use std::fmt;

use tracing::Span;

use super::{RATIO, random, say};

/// The longest `tracestate` that is passed on, and the most members of it (W3C Trace Context, 3.3.1.1 and 3.3.1.5).
const LONGEST_STATE: usize = 512;
const MOST_MEMBERS: usize = 32;

/// A trace, and where in it this service comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    /// The span of the caller, or 0.
    parent: u64,
    state: String,
    is_sampled: bool,
}

/// Which part of the traces is recorded, by their ids, so that all services choose the same ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio(u64);

impl Ratio {
    /// Of the last 56 bits of an id, which are random (W3C Trace Context Level 2), so many begin with those below this.
    pub(super) fn new(ratio: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "it is a whole number from 0 to 2^56"
        )]
        Self((ratio.clamp(0.0, 1.0) * (1_u64 << 56) as f64) as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "only the last bits count")]
    fn has(self, id: u128) -> bool {
        (id as u64) & ((1 << 56) - 1) < self.0
    }
}

impl Trace {
    /// The trace of the caller, or else a new one, if any are recorded. `traceparent` and `tracestate` are the headers of
    /// that name. One that is malformed is as good as none (W3C Trace Context, 3.2.2.3 and 3.3.1.5).
    #[must_use]
    pub fn of(traceparent: Option<&str>, tracestate: Option<&str>) -> Option<Self> {
        match traceparent.and_then(Self::parse) {
            Some(trace) => {
                let state = tracestate.filter(|state| is_state(state)).unwrap_or_default().to_owned();
                Some(Self { state, ..trace })
            }
            None => Self::begin(),
        }
    }

    /// A new trace, if any are recorded.
    #[must_use]
    pub fn begin() -> Option<Self> {
        let ratio = RATIO.get()?;
        let id = u128::from_be_bytes(random());
        Some(Self { id, parent: 0, state: String::new(), is_sampled: ratio.has(id) })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_matches([' ', '\t']).split('-');
        let mut part = |length| parts.next().filter(|part| part.len() == length && part.bytes().all(is_lower_hex));
        let (version, id, parent, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may say more behind these.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let id = u128::from_str_radix(id, 16).ok().filter(|id| *id != 0)?;
        let parent = u64::from_str_radix(parent, 16).ok().filter(|parent| *parent != 0)?;
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { id, parent, state: String::new(), is_sampled })
    }

    /// Whether spans of it are sent: a caller that records is believed, and one that does not as well.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.is_sampled && RATIO.get().is_some()
    }

    /// Makes a span, which needs the field `trace.id`, the first one of it here.
    pub fn begin_at(&self, span: &Span) {
        say!(span, trace.id = self.id, trace.parent = self.parent, trace.state = self.state);
    }
}

/// The id as it is written everywhere.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Whether a text is a `tracestate` (W3C Trace Context, 3.3.1).
fn is_state(text: &str) -> bool {
    let is_key = |key: &str| {
        let rest =
            |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-' | b'*' | b'/' | b'@');
        key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && key.len() <= 256
            && key.bytes().all(rest)
    };
    let is_value = |value: &str| {
        (1..=256).contains(&value.len()) && value.bytes().all(|c| matches!(c, b' '..=b'~') && !matches!(c, b',' | b'='))
    };
    let is_member = |member: &str| {
        let member = member.trim_matches([' ', '\t']);
        member.is_empty() || member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
    };
    text.len() <= LONGEST_STATE && text.split(',').count() <= MOST_MEMBERS && text.split(',').all(is_member)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_caller_is_believed_about_its_trace() {
        let trace = Trace::parse(PARENT).unwrap();
        assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((trace.parent, trace.is_sampled), (0x00f0_67aa_0ba9_02b7, true));
        let sampled = |text: &str| Trace::parse(text).unwrap().is_sampled;
        assert!(!sampled(&PARENT.replace("-01", "-00")) && sampled(&PARENT.replace("-01", "-ff")));
        assert!(sampled(&format!("cc{}-more", &PARENT[2..])), "a later version says more");
    }

    #[test]
    fn what_is_malformed_is_no_trace() {
        for text in [
            "",
            "00",
            &PARENT[..54],
            &format!("{PARENT}0"),
            &format!("{PARENT}-00"),
            &format!("ff{}", &PARENT[2..]),
            &PARENT.to_uppercase(),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &PARENT.replace("00f067aa0ba902b7", "+0f067aa0ba902b7"),
        ] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_state_that_breaks_the_rules_is_left_out() {
        for good in ["", "a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "fw529a3039@dt=FfffFE ,\tb=!~"] {
            assert!(is_state(good), "{good}");
        }
        let many = "a=1,".repeat(32) + "a=1";
        let long = format!("a={}", "x".repeat(257));
        for bad in ["a", "A=1", "a=", "a=b=c", "a=\u{e4}", "a=1;\u{7f}", &many, &long] {
            assert!(!is_state(bad), "{bad}");
        }
    }

    #[test]
    fn a_ratio_is_the_part_of_the_traces_that_is_recorded() {
        let ids = (0..4000).map(|_| u128::from_be_bytes(random())).collect::<Vec<_>>();
        for (ratio, least, most) in [(0.0, 0, 0), (0.25, 800, 1200), (1.0, 4000, 4000)] {
            let ratio = Ratio::new(ratio);
            let recorded = ids.iter().filter(|id| ratio.has(**id)).count();
            assert!((least..=most).contains(&recorded), "{ratio:?}: {recorded}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_trace_or_none(text in "\\PC{0,60}", state in "\\PC{0,60}") {
            let _ = (Trace::parse(&text), is_state(&state));
        }

        #[test]
        fn what_is_written_is_read(id in 1_u128.., parent in 1_u64.., flags: u8) {
            let trace = Trace::parse(&format!("00-{id:032x}-{parent:016x}-{flags:02x}")).unwrap();
            prop_assert_eq!((trace.id, trace.parent, trace.is_sampled), (id, parent, flags % 2 == 1));
        }
    }
}
