//! What makes a password weak and what would be better, in words that say nothing of the password itself.

use std::fmt;

use super::{Cover, Pattern, words::List};

/// A reason and a few tips, in whole sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    reason: Option<&'static str>,
    tips: Vec<&'static str>,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences = self.reason.iter().chain(&self.tips).copied().collect::<Vec<_>>();
        f.write_str(&sentences.join(" "))
    }
}

impl Advice {
    /// On a text, of which this is the cheapest cover: about its longest part.
    pub(super) fn on(text: &[char], cover: &Cover) -> Self {
        let mut advice = Self { reason: None, tips: vec!["Add another word or two; uncommon words are better."] };
        let is_known = |part: &&super::cover::Found| part.pattern != Pattern::Unknown;
        let longest = cover.parts.iter().filter(is_known).max_by_key(|part| part.to - part.from);
        let Some(part) = longest else {
            advice.reason = Some("It is too short for what it is made of.");
            return advice;
        };
        let typed = text.get(part.from..part.to).unwrap_or_default();
        let (reason, tip) = reason(part.pattern, cover.parts.len() == 1);
        advice.reason = Some(reason);
        advice.tips.extend(tip);
        if let Pattern::Word { reversed, substituted, .. } = part.pattern {
            advice.tips.extend(tips_on_a_word(typed, reversed, substituted));
        }
        advice
    }
}

fn reason(pattern: Pattern, alone: bool) -> (&'static str, Option<&'static str>) {
    match pattern {
        Pattern::Word { list: List::Passwords, rank, reversed: false, substituted: false } if alone => {
            let reason = if rank <= 10.0 {
                "It is one of the ten most common passwords."
            } else if rank <= 100.0 {
                "It is one of the hundred most common passwords."
            } else {
                "It is a common password."
            };
            (reason, None)
        }
        Pattern::Word { list: List::Passwords, .. } => ("It is like a common password.", None),
        Pattern::Word { list: List::Language, .. } => ("Common words are easy to guess.", None),
        Pattern::Word { list: List::Names, .. } => ("Names are easy to guess.", None),
        Pattern::Word { list: List::Own, .. } => {
            ("It has your name, your address or the name of this service in it.", None)
        }
        Pattern::KeyRow => ("Rows of keys are easy to guess.", None),
        Pattern::KeyPath => ("Short paths over the keyboard are easy to guess.", None),
        Pattern::RepeatedCharacter => ("A character again and again is easy to guess.", Some("Avoid repetition.")),
        Pattern::RepeatedText => {
            ("To repeat something makes it hardly any harder to guess.", Some("Avoid repetition."))
        }
        Pattern::Sequence => ("Sequences such as abc or 6543 are easy to guess.", None),
        Pattern::Year => ("Years are easy to guess.", None),
        Pattern::Date => ("Dates are easy to guess.", None),
        Pattern::Unknown => ("It is too short for what it is made of.", None),
    }
}

fn tips_on_a_word(typed: &[char], reversed: bool, substituted: bool) -> impl Iterator<Item = &'static str> {
    let capitals = typed.iter().any(|c| c.is_uppercase()).then_some("Capitals do not help much.");
    let reversed = reversed.then_some("Words that are written backwards are hardly any harder to guess.");
    let substituted = substituted.then_some("Substitutions such as @ for a do not help much.");
    capitals.into_iter().chain(reversed).chain(substituted)
}
