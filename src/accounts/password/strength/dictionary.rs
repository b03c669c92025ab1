//! Words in a password: also in capitals, backwards, and with other characters in place of letters.

use zeroize::Zeroizing;

use super::{
    cover::{Found, Pattern},
    mixtures,
    words::{List, Span, Words},
};

/// The letters that a character may stand for.
fn letters_of(substitute: char) -> &'static [char] {
    match substitute {
        '4' | '@' => &['a'],
        '8' => &['b'],
        '(' | '{' | '[' | '<' => &['c'],
        '3' => &['e'],
        '6' | '9' => &['g'],
        '!' => &['i'],
        '1' | '|' => &['i', 'l'],
        '7' => &['l', 't'],
        '0' => &['o'],
        '$' | '5' => &['s'],
        '+' => &['t'],
        '%' => &['x'],
        '2' => &['z'],
        _ => &[],
    }
}

/// Every word of these lists in the text.
pub(super) fn find(text: &[char], lists: &[&Words]) -> Vec<Found> {
    let mut found = Vec::new();
    let backwards = Zeroizing::new(text.iter().rev().copied().collect::<Vec<_>>());
    for words in lists {
        for (text, reversed) in [(text, false), (backwards.as_slice(), true)] {
            for start in 0..text.len() {
                let mut reading =
                    Reading { text, reversed, words, start, letters: Zeroizing::default(), found: &mut found };
                reading.go_on(words.all());
            }
        }
    }
    found
}

/// A text that is read as words from one character on.
struct Reading<'a> {
    text: &'a [char],
    reversed: bool,
    words: &'a Words,
    start: usize,
    letters: Zeroizing<Vec<char>>,
    found: &'a mut Vec<Found>,
}

impl Reading<'_> {
    /// Notes the word that ends here, and reads the next character as each letter that some word goes on with.
    fn go_on(&mut self, span: Span) {
        if let Some((list, rank)) = self.words.found(span) {
            self.note(list, rank);
        }
        let Some(typed) = self.text.get(self.start + self.letters.len()) else { return };
        for letter in lower(*typed).into_iter().chain(letters_of(*typed).iter().copied()) {
            if let Some(next) = self.words.narrow(span, letter) {
                self.letters.push(letter);
                self.go_on(next);
                self.letters.pop();
            }
        }
    }

    fn note(&mut self, list: List, rank: f64) {
        let end = self.start + self.letters.len();
        let Some(typed) = self.text.get(self.start..end) else { return };
        let length = self.text.len();
        let (from, to) = if self.reversed { (length - end, length - self.start) } else { (self.start, end) };
        let substitutions = substitutions(typed, &self.letters);
        let both_ways = if self.reversed { 2.0 } else { 1.0 };
        let guesses = rank * capitals(typed) * substitutions.unwrap_or(1.0) * both_ways;
        let pattern = Pattern::Word { list, rank, reversed: self.reversed, substituted: substitutions.is_some() };
        self.found.push(Found { from, to, guesses, pattern });
    }
}

fn lower(c: char) -> Option<char> {
    c.to_lowercase().next()
}

/// In how many ways the capitals could be set.
fn capitals(typed: &[char]) -> f64 {
    let upper = typed.iter().filter(|c| c.is_uppercase()).count();
    let plain = typed.iter().filter(|c| c.is_lowercase()).count();
    let is_capital = |c: Option<&char>| c.is_some_and(|c| c.is_uppercase());
    if upper == 0 {
        1.0
    } else if plain == 0 || (upper == 1 && (is_capital(typed.first()) || is_capital(typed.last()))) {
        2.0
    } else {
        mixtures(upper, plain)
    }
}

/// In how many ways letters could be substituted, if any are.
fn substitutions(typed: &[char], letters: &[char]) -> Option<f64> {
    let pairs = || typed.iter().filter_map(|c| lower(*c)).zip(letters.iter().copied());
    let mut seen = Vec::new();
    let mut ways = None;
    for (substitute, letter) in pairs().filter(|(typed, letter)| typed != letter) {
        if seen.contains(&(substitute, letter)) {
            continue;
        }
        seen.push((substitute, letter));
        let substituted = pairs().filter(|pair| *pair == (substitute, letter)).count();
        let plain = pairs().filter(|pair| *pair == (letter, letter)).count();
        ways = Some(ways.unwrap_or(1.0) * mixtures(substituted, plain));
    }
    ways
}
