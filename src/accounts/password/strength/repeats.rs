//! The same text again and again.

use super::{
    count,
    cover::{Found, Pattern},
};

/// What is repeated, from the left, each time the longest. `worth` says how many guesses find the text that is repeated.
pub(super) fn find(text: &[char], worth: impl Fn(&[char]) -> f64) -> Vec<Found> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        let Some((repeated, times)) = longest(rest) else {
            from += 1;
            continue;
        };
        let pattern = if repeated.len() == 1 { Pattern::RepeatedCharacter } else { Pattern::RepeatedText };
        let to = from + repeated.len() * times;
        found.push(Found { from, to, guesses: worth(repeated) * count(times), pattern });
        from = to;
    }
    found
}

/// What the text begins with at least twice, so that as much as possible is repeated, and how often.
fn longest(text: &[char]) -> Option<(&[char], usize)> {
    let candidates = (1..=text.len() / 2).filter_map(|length| {
        let repeated = text.get(..length)?;
        let times = text.chunks_exact(length).take_while(|chunk| *chunk == repeated).count();
        (times >= 2).then_some((repeated, times))
    });
    // Of two that are equally long, the first one, which is the shortest text.
    candidates.reduce(|best, next| if next.0.len() * next.1 > best.0.len() * best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_text_that_repeats_the_most_and_the_shortest_of_those() {
        for (text, repeated, times) in [("aaaa", "a", 4), ("ababab", "ab", 3), ("ababaabababaab", "ababaab", 2)] {
            let (text, repeated) = [text, repeated].map(|text| text.chars().collect::<Vec<_>>()).into();
            assert_eq!(longest(&text), Some((&repeated[..], times)));
        }
        assert_eq!(longest(&['a', 'b', 'a']), None);
    }
}
