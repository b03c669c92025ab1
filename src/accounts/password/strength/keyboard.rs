//! Paths over a keyboard: keys beside each other, one after the other.

use super::{
    choose, count,
    cover::{Found, Pattern},
    mixtures,
};

/// The keys of a keyboard, in rows from the same column on.
struct Keyboard {
    /// The characters of each row, without and with the shift key.
    rows: &'static [(&'static str, &'static str)],
    /// The steps to the keys beside one: columns to the right, rows down.
    steps: &'static [(isize, isize)],
    /// How many characters a path can begin with.
    starts: f64,
    /// How many keys there are beside one, on average.
    neighbours: f64,
}

/// Each row of this one is half a key further to the right than the row above. The first one has one key more on the left.
const QWERTY: Keyboard = Keyboard {
    rows: &[
        ("`1234567890-=", "~!@#$%^&*()_+"),
        ("\0qwertyuiop[]\\", "\0QWERTYUIOP{}|"),
        ("\0asdfghjkl;'", "\0ASDFGHJKL:\""),
        ("\0zxcvbnm,./", "\0ZXCVBNM<>?"),
    ],
    steps: &[(-1, 0), (0, -1), (1, -1), (1, 0), (0, 1), (-1, 1)],
    starts: 94.0,
    neighbours: 4.0,
};

const KEYPAD: Keyboard = Keyboard {
    rows: &[("\0/*-", ""), ("789+", ""), ("456", ""), ("123", ""), ("\x000.", "")],
    steps: &[(-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1)],
    starts: 15.0,
    neighbours: 5.0,
};

/// More guesses than this make no difference.
const ENOUGH: f64 = 1e13;

/// Every path of three keys or more, as long as it goes.
pub(super) fn find(text: &[char]) -> Vec<Found> {
    [QWERTY, KEYPAD].iter().flat_map(|keyboard| keyboard.paths(text)).collect()
}

impl Keyboard {
    fn paths(&self, text: &[char]) -> Vec<Found> {
        let mut paths = Vec::new();
        let mut from = 0;
        while from < text.len() {
            let mut path = Path::default();
            let mut direction = None;
            let mut shifted = text.get(from).and_then(|c| self.key(*c)).map_or(0, |key| usize::from(key.2));
            for (here, next) in text.iter().skip(from).zip(text.iter().skip(from + 1)) {
                let Some(step) = self.step(*here, *next) else { break };
                path.length += 1;
                path.turns += usize::from(direction != Some(step));
                direction = Some(step);
                shifted += self.key(*next).map_or(0, |key| usize::from(key.2));
            }
            let to = from + path.length + 1;
            if path.length >= 2 {
                let plain = path.length + 1 - shifted;
                let shifts = if shifted == 0 { 1.0 } else { mixtures(shifted, plain) };
                let pattern = if path.turns == 1 { Pattern::KeyRow } else { Pattern::KeyPath };
                paths.push(Found { from, to, guesses: self.guesses(&path) * shifts, pattern });
            }
            from = to;
        }
        paths
    }

    /// The column and the row of a character, and whether it needs the shift key.
    fn key(&self, c: char) -> Option<(isize, isize, bool)> {
        let place = |row: &str| row.chars().position(|key| key == c && key != '\0');
        self.rows.iter().zip(0..).find_map(|((plain, shifted), y)| {
            let (x, is_shifted) = place(plain).map(|x| (x, false)).or_else(|| place(shifted).map(|x| (x, true)))?;
            Some((isize::try_from(x).ok()?, y, is_shifted))
        })
    }

    fn step(&self, here: char, next: char) -> Option<(isize, isize)> {
        let ((x, y, _), (to_x, to_y, _)) = (self.key(here)?, self.key(next)?);
        Some((to_x - x, to_y - y)).filter(|step| self.steps.contains(step))
    }

    /// How many paths there are of this length and with so many turns, or fewer.
    fn guesses(&self, path: &Path) -> f64 {
        let mut guesses = 0.0;
        for length in 1..=path.length {
            for turns in 1..=path.turns.min(length) {
                guesses += choose(length, turns - 1) * self.starts * self.neighbours.powf(count(turns));
                if guesses > ENOUGH {
                    return guesses;
                }
            }
        }
        guesses
    }
}

/// A path: how many steps it has, and in how many directions they go one after the other.
#[derive(Default)]
struct Path {
    length: usize,
    turns: usize,
}
