//! How many guesses a password would stand: the estimate of zxcvbn (Wheeler, USENIX Security 2016), made for a service.
//!
//! Whoever guesses tries common words, names, dates, rows of keys and the person's own data first. So the password is
//! covered with such patterns, each worth the guesses that find it, and the cheapest cover is what it is worth.
//! The score is that of zxcvbn for all but rare passwords; a test compares them. What differs:
//!
//! - The words are packed, and the letters behind `@` or `3` are read off the words, not tried in all combinations: so
//!   the whole password is judged, of whatever form, in less time than a tenth of a hash takes. The crate `zxcvbn` looks
//!   at 100 characters, needs up to a second for some of them, and brings three times as many bytes.
//! - Only what tells one score from another is counted: a cover of four patterns or more is worth the best one.
//! - The keyboards are QWERTY and a keypad.

mod advice;
mod cover;
mod dates;
mod dictionary;
mod keyboard;
mod repeats;
mod sequences;
mod words;

use zeroize::Zeroizing;

pub use self::advice::Advice;
use self::{
    cover::{Cover, Pattern, cheapest},
    words::Words,
};

/// What is known of the person and of the day.
pub(super) struct Context {
    own: Words,
    year: i16,
}

/// What a password is worth.
#[derive(Clone, Debug)]
pub(super) struct Strength {
    /// 0 to 4, as zxcvbn counts: fewer guesses than 10^3, 10^6, 10^8, 10^10, or more.
    pub(super) score: u32,
    /// What makes it weak, and what would be better.
    pub(super) advice: Advice,
}

impl Context {
    /// For a person whom these words tell of, which are the first things that somebody would try, in this year.
    pub(super) fn new<'a>(own: impl IntoIterator<Item = &'a str>, year: i16) -> Self {
        Self { own: Words::own(own), year }
    }

    /// Estimates a password.
    pub(super) fn estimate(&self, password: &str) -> Strength {
        let text = Zeroizing::new(password.chars().collect::<Vec<_>>());
        let cover = self.cover(&text);
        // zxcvbn's bounds leave room for the guess that is right.
        let score = [1e3, 1e6, 1e8, 1e10].iter().filter(|bound| cover.guesses >= *bound + 5.0).count();
        Strength { score: u32::try_from(score).unwrap_or(4), advice: Advice::on(&text, &cover) }
    }

    fn cover(&self, text: &[char]) -> Cover {
        let mut found = dictionary::find(text, &[words::common(), &self.own]);
        found.extend(keyboard::find(text));
        found.extend(sequences::find(text));
        found.extend(dates::find(text, self.year));
        found.extend(repeats::find(text, |repeated| self.cover(repeated).guesses));
        cheapest(text.len(), &found)
    }
}

/// A number of characters or of ways, to count guesses with.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// How many ways there are to choose `k` of `n`.
fn choose(n: usize, k: usize) -> f64 {
    (1..=k).map(|i| (count(n + 1) - count(i)).max(0.0) / count(i)).product()
}

/// How many ways there are to have one kind in so many places and another in so many, or more evenly.
fn mixtures(one: usize, other: usize) -> f64 {
    if one == 0 || other == 0 { 2.0 } else { (1..=one.min(other)).map(|k| choose(one + other, k)).sum() }
}

#[cfg(test)]
mod tests;
