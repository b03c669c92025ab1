//! The cheapest way to put a password together out of patterns.

use super::{count, words::List};

/// A pattern that was found in a password.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// Its first character.
    pub(super) from: usize,
    /// The first character behind it.
    pub(super) to: usize,
    /// How many guesses find it.
    pub(super) guesses: f64,
    /// What it is.
    pub(super) pattern: Pattern,
}

/// What somebody who guesses would try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pattern {
    /// A word.
    Word {
        /// Where it is from.
        list: List,
        /// How common it is there: 1 is the most common one.
        rank: f64,
        /// It is written backwards.
        reversed: bool,
        /// Other characters stand for some of its letters.
        substituted: bool,
    },
    /// Keys beside each other, in one direction.
    KeyRow,
    /// Keys beside each other.
    KeyPath,
    /// One character again and again.
    RepeatedCharacter,
    /// The same text again and again.
    RepeatedText,
    /// Characters in their order.
    Sequence,
    /// A year that is not long ago.
    Year,
    /// A date.
    Date,
    /// Nothing that is known.
    Unknown,
}

/// The cheapest patterns that make up a password.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    /// How many guesses find it, but no more than 10^12.
    pub(super) guesses: f64,
    /// The patterns, in their order; none where there are that many guesses.
    pub(super) parts: Vec<Found>,
}

/// More guesses than every bound of a score.
const BEYOND: f64 = 1e12;
/// A cover of one part more costs that.
const MOST_PARTS: usize = 3;
/// And so does longer text that is no pattern.
const LONGEST_UNKNOWN: usize = 11;
/// What whoever guesses has tried before they put another part to those that they have.
const BEFORE_ANOTHER_PART: f64 = 1e4;

/// Finds the cheapest cover of a text of this length (Wheeler 2016, 4.5).
pub(super) fn cheapest(length: usize, found: &[Found]) -> Cover {
    let mut covers = vec![vec![None; length + 1]; MOST_PARTS];
    let mut before = vec![f64::INFINITY; length + 1];
    if let Some(nothing) = before.first_mut() {
        *nothing = 1.0;
    }
    let mut best = Cover { guesses: if length == 0 { 1.0 } else { BEYOND }, parts: Vec::new() };
    let mut orders = 1.0;
    for parts in 1..=MOST_PARTS {
        let mut now = vec![f64::INFINITY; length + 1];
        let Some(last) = covers.get_mut(parts - 1) else { break };
        let unknown = (0..length).flat_map(|from| {
            let longest = length.min(from + LONGEST_UNKNOWN);
            (from + 1..=longest).map(move |to| unknown(from, to))
        });
        for part in found.iter().copied().chain(unknown) {
            let bound = if part.from == 0 && part.to == length { 1.0 } else { least(part.to - part.from) };
            let guesses = before.get(part.from).map_or(f64::INFINITY, |before| before * part.guesses.max(bound));
            if let (Some(known), Some(last)) = (now.get_mut(part.to), last.get_mut(part.to))
                && guesses < *known
            {
                (*known, *last) = (guesses, Some(part));
            }
        }
        orders *= count(parts);
        let product = now.last().copied().unwrap_or(f64::INFINITY);
        let guesses = orders * product + if parts == 1 { 0.0 } else { BEFORE_ANOTHER_PART.powf(count(parts - 1)) };
        if guesses < best.guesses {
            best = Cover { guesses, parts: unwind(length, parts, &covers) };
        }
        before = now;
    }
    best
}

/// The parts of a cover, from its last one back.
fn unwind(length: usize, parts: usize, covers: &[Vec<Option<Found>>]) -> Vec<Found> {
    let mut to = length;
    let mut all = Vec::new();
    for last in covers.iter().take(parts).rev() {
        let Some(part) = last.get(to).copied().flatten() else { break };
        to = part.from;
        all.push(part);
    }
    all.reverse();
    all
}

/// Any text: ten guesses for each character, as few as that since people do not choose at random.
fn unknown(from: usize, to: usize) -> Found {
    let length = to - from;
    // A known pattern of the same length goes before.
    let guesses = 10_f64.powf(count(length)).max(least(length) + 1.0);
    Found { from, to, guesses, pattern: Pattern::Unknown }
}

/// What a part costs at the least: whoever guesses does not know where it ends.
fn least(length: usize) -> f64 {
    if length == 1 { 10.0 } else { 50.0 }
}
