//! Characters in their order, forwards or backwards, in steps of one to five: `abcdef`, `97531`.

use super::{
    count,
    cover::{Found, Pattern},
};

/// The longest step.
const LONGEST_STEP: i64 = 5;

/// Every sequence of three characters or more, and of two with a step of one.
pub(super) fn find(text: &[char]) -> Vec<Found> {
    let steps = text.iter().zip(text.iter().skip(1)).map(|(a, b)| i64::from(u32::from(*b)) - i64::from(u32::from(*a)));
    let mut found = Vec::new();
    let mut run: Option<(usize, i64)> = None;
    for (at, step) in steps.chain([0]).enumerate() {
        match run {
            Some((_, known)) if known == step => {}
            _ => {
                if let Some((from, step)) = run {
                    found.extend(sequence(text, from, at + 1, step));
                }
                run = Some((at, step));
            }
        }
    }
    found
}

fn sequence(text: &[char], from: usize, to: usize, step: i64) -> Option<Found> {
    let length = to - from;
    if !(1..=LONGEST_STEP).contains(&step.abs()) || (length < 3 && step.abs() != 1) {
        return None;
    }
    let starts = match text.get(from)? {
        'a' | 'A' | 'z' | 'Z' | '0' | '1' | '9' => 4.0,
        c if c.is_ascii_digit() => 10.0,
        _ => 26.0,
    };
    let directions = if step < 0 { 2.0 } else { 1.0 };
    Some(Found { from, to, guesses: starts * directions * count(length), pattern: Pattern::Sequence })
}
