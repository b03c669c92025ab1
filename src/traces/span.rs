//! A span: what was done within a trace, from when to when.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use super::random;

/// The longest text of an attribute, in bytes: none of ours is longer.
const LONGEST: usize = 256;

/// Where a span is in its trace: what those within it need to know.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) state: Arc<str>,
}

/// Who waits for whom, as OTLP numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SpanKind {
    /// Something within this service.
    #[default]
    Internal = 1,
    /// Somebody asked this service.
    Server = 2,
    /// This service asks somebody.
    Client = 3,
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

/// A span that has begun.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) place: Place,
    /// The span that it is within, or 0.
    pub(super) parent: u64,
    pub(super) name: String,
    pub(super) kind: SpanKind,
    pub(super) attributes: Vec<(&'static str, Value)>,
    began: SystemTime,
    begun: Instant,
    lasted: Duration,
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.chars().take(LONGEST).collect())
    }
}

impl Span {
    #[expect(
        clippy::disallowed_methods,
        reason = "no rule depends on it, and a collector compares it with other clocks"
    )]
    pub(super) fn begin(place: Place, parent: u64, name: &str) -> Self {
        Self {
            place,
            parent,
            name: name.to_owned(),
            kind: SpanKind::default(),
            attributes: Vec::new(),
            began: SystemTime::now(),
            begun: Instant::now(),
            lasted: Duration::ZERO,
        }
    }

    /// The same, which has ended now.
    pub(super) fn ended(self) -> Self {
        Self { lasted: self.begun.elapsed(), ..self }
    }

    /// When it began and when it ended, in nanoseconds of Unix time.
    pub(super) fn times(&self) -> (u128, u128) {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        (began, began + self.lasted.as_nanos())
    }

    /// Says something of it, in place of what was said before.
    pub(super) fn say(&mut self, name: &'static str, value: Value) {
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, said)) => *said = value,
            None => self.attributes.push((name, value)),
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.attributes.iter().any(|(name, _)| *name == "error.type")
    }
}

/// An id that no other span of this process has, and none of another one but by chance. Not 0, which is none.
pub(super) fn next_id() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let seed = SEED.get_or_init(|| u64::from_be_bytes(random()));
    // SplitMix64: it maps each number to another one.
    let mut mixed = seed.wrapping_add(COUNT.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)).max(1)
}
