//! Words that people use: a list of 94,000 that everybody does, and the few of one person.
//!
//! The list is that of zxcvbn: leaked passwords, English in Wikipedia, in film and on television, and names. It is sorted,
//! and packed into `words.zlib` (RFC 1950). There each word is: how many letters it shares with the one before (`A` for
//! none, `B` for one, ...), one character for where it is from and how common it is (`!` and on: 3 × twice the logarithm of
//! its rank to base 2, rounded, + 0 for passwords, 1 for words, 2 for names), and the rest of its letters. Lines are broken
//! between words.

use std::{cmp::Ordering, sync::LazyLock};

use miniz_oxide::inflate::decompress_to_vec_zlib;

const PACKED: &[u8] = include_bytes!("words.zlib");

/// The most words of one person that are looked for.
const MOST_OWN: usize = 48;
/// The most characters of such a word that are looked for.
const LONGEST_OWN: usize = 64;

/// Where a word is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// Passwords that leaked.
    Passwords,
    /// What people say and write.
    Language,
    /// First names and surnames.
    Names,
    /// What tells of the person themselves.
    Own,
}

/// Sorted words, each with its list and its rank.
#[derive(Default)]
pub(super) struct Words {
    letters: Vec<u8>,
    /// Where each word ends.
    ends: Vec<u32>,
    kinds: Vec<u8>,
}

/// The words that begin with some letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    from: usize,
    to: usize,
    /// How many bytes those letters have.
    depth: usize,
}

/// The words that everybody uses.
pub(super) fn common() -> &'static Words {
    static COMMON: LazyLock<Words> =
        LazyLock::new(|| Words::unpack(&decompress_to_vec_zlib(PACKED).unwrap_or_default()));
    &COMMON
}

/// What stands for a word of a person's own, where that of the list has its list and rank.
const OWN: u8 = u8::MAX;

impl Words {
    fn unpack(packed: &[u8]) -> Self {
        let mut words = Self::default();
        let mut word = Vec::new();
        for line in packed.split(|byte| *byte == b'\n') {
            let mut rest = line;
            while let [shared, kind, behind @ ..] = rest {
                let length = behind.iter().position(u8::is_ascii_uppercase).unwrap_or(behind.len());
                let (letters, next) = behind.split_at(length);
                word.truncate(usize::from(shared.saturating_sub(b'A')));
                word.extend_from_slice(letters);
                words.push(&word, kind.saturating_sub(b'!'));
                rest = next;
            }
        }
        words
    }

    /// The words of one person: each text, as it is and without what is no letter, and what it is made of.
    pub(super) fn own<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Vec::new();
        for text in texts {
            let text = text.to_lowercase();
            let joined = text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            let parts = text.split('@').chain(text.split(|c: char| !c.is_alphanumeric()));
            let words = parts.filter(|part| part.chars().count() >= 3).chain([text.as_str(), joined.as_str()]);
            all.extend(words.map(|word| word.chars().take(LONGEST_OWN).collect::<String>()));
        }
        all.truncate(MOST_OWN);
        all.sort_unstable();
        all.dedup();
        let mut words = Self::default();
        for word in all {
            words.push(word.as_bytes(), OWN);
        }
        words
    }

    fn push(&mut self, word: &[u8], kind: u8) {
        self.letters.extend_from_slice(word);
        self.ends.push(u32::try_from(self.letters.len()).unwrap_or(u32::MAX));
        self.kinds.push(kind);
    }

    fn end(&self, word: usize) -> usize {
        self.ends.get(word).and_then(|end| usize::try_from(*end).ok()).unwrap_or(self.letters.len())
    }

    fn word(&self, word: usize) -> &[u8] {
        let start = word.checked_sub(1).map_or(0, |before| self.end(before));
        self.letters.get(start..self.end(word)).unwrap_or_default()
    }

    /// All of them.
    pub(super) fn all(&self) -> Span {
        Span { from: 0, to: self.ends.len(), depth: 0 }
    }

    /// Those of `span` that go on with this letter, if there are any.
    pub(super) fn narrow(&self, mut span: Span, letter: char) -> Option<Span> {
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            let from = self.first(span, |next| next < Some(byte));
            let to = self.first(span, |next| next <= Some(byte));
            span = Span { from, to, depth: span.depth + 1 };
        }
        (span.from < span.to).then_some(span)
    }

    /// The first of `span` whose next byte is not `before` what is looked for.
    fn first(&self, span: Span, before: impl Fn(Option<u8>) -> bool) -> usize {
        let (mut from, mut to) = (span.from, span.to);
        while from < to {
            let middle = usize::midpoint(from, to);
            if before(self.word(middle).get(span.depth).copied()) { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// The word that ends here, if one does: its list and its rank.
    pub(super) fn found(&self, span: Span) -> Option<(List, f64)> {
        if self.word(span.from).len().cmp(&span.depth) != Ordering::Equal {
            return None;
        }
        let kind = *self.kinds.get(span.from)?;
        let rank = 2_f64.powf(f64::from(kind / 3) / 2.0);
        Some(match kind {
            OWN => (List::Own, 1.0),
            kind if kind % 3 == 0 => (List::Passwords, rank),
            kind if kind % 3 == 1 => (List::Language, rank),
            _ => (List::Names, rank),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(words: &Words, word: &str) -> Option<(List, f64)> {
        let span = word.chars().try_fold(words.all(), |span, letter| words.narrow(span, letter))?;
        words.found(span)
    }

    #[test]
    fn the_list_is_whole_and_sorted() {
        let words = common();
        assert_eq!((words.ends.len(), words.kinds.len()), (93_855, 93_855));
        assert!((1..words.ends.len()).all(|n| words.word(n - 1) < words.word(n)));
        assert!(words.kinds.iter().all(|kind| *kind < 93));
    }

    #[test]
    fn words_are_found_with_their_list_and_rank() {
        assert_eq!(look_up(common(), "123456"), Some((List::Passwords, 1.0)));
        assert_eq!(look_up(common(), "password"), Some((List::Passwords, 2.0)));
        assert_eq!(look_up(common(), "the"), Some((List::Language, 1.0)));
        assert_eq!(look_up(common(), "smith"), Some((List::Names, 1.0)));
        assert_eq!((look_up(common(), "passwordx"), look_up(common(), "lattichschlüssel")), (None, None));
        let (list, rank) = look_up(common(), "dragon").unwrap();
        assert!(list == List::Passwords && (9.0..12.0).contains(&rank), "{rank}");
    }

    #[test]
    fn own_words_are_found_whole_and_in_parts() {
        let words = Words::own(["Ada.Lovelace@Example.com", "Zoë de Vries"]);
        for word in [
            "ada.lovelace@example.com",
            "ada.lovelace",
            "zoëdevries",
            "ada",
            "lovelace",
            "example",
            "com",
            "zoë",
            "vries",
            "zoë de vries",
        ] {
            assert_eq!(look_up(&words, word), Some((List::Own, 1.0)), "{word}");
        }
        assert_eq!((look_up(&words, "de"), look_up(&words, "lov")), (None, None));
        assert_eq!(Words::own([]).narrow(Words::own([]).all(), 'a').map(|span| span.depth), None);
    }
}
