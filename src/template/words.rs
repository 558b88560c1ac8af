//! Upper and lower case, as Go changes it.

use std::sync::LazyLock;

use regex::Regex;

/// `strings.ToUpper`: character by character.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(simple_upper).collect()
}

/// `strings.ToLower`
pub(super) fn lower(text: &str) -> String {
    // The one letter whose small form is two characters in full and one in simple mapping.
    text.chars().map(|c| if c == 'İ' { 'i' } else { single(c, c.to_lowercase()) }).collect()
}

fn simple_upper(c: char) -> char {
    // Greek letters with a small iota below, whose capital in simple mapping is the one with a big iota beside.
    let capital = match c {
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => char::from_u32(u32::from(c) + 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => char::from_u32(u32::from(c) + 9),
        _ => None,
    };
    capital.unwrap_or_else(|| single(c, c.to_uppercase()))
}

/// A character in the other case, where that is one character.
fn single(old: char, mut new: impl Iterator<Item = char>) -> char {
    match (new.next(), new.next()) {
        (Some(new), None) => new,
        _ => old,
    }
}

/// The first letter of every word in upper case; other letters stay (`cases.Title` without lowering).
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_first = false;
    let mut after_joint = false;
    for c in text.chars() {
        let joint = JOINT.contains(c);
        if after_joint && joint {
            after_first = false;
        }
        if c.is_lowercase() || c.is_uppercase() || TITLE_CASE.contains(&c) {
            if after_first {
                out.push(c);
            } else {
                push_title(&mut out, c);
            }
            after_first = true;
        } else {
            out.push(c);
            after_first &= joint || WORD.contains(c);
        }
        after_joint = joint;
    }
    out
}

/// Letters that are a capital and a small letter in one.
const TITLE_CASE: [char; 4] = ['ǅ', 'ǈ', 'ǋ', 'ǲ'];

fn push_title(out: &mut String, c: char) {
    let own = match c {
        'Ǆ' | 'ǅ' | 'ǆ' => Some('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => Some('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => Some('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => Some('ǲ'),
        // Georgian writes no capitals at the start of a word.
        '\u{10D0}'..='\u{10FF}' => Some(c),
        _ => Some(simple_upper(c)).filter(|upper| *upper != c),
    };
    match own {
        Some(own) => out.push(own),
        // Several letters, such as Ss for ß.
        None => {
            let mut upper = c.to_uppercase();
            out.extend(upper.next());
            out.extend(upper.flat_map(char::to_lowercase));
        }
    }
}

/// Characters of one of Unicode's classes of word boundaries.
struct Class(LazyLock<Regex>);

impl Class {
    fn contains(&self, c: char) -> bool {
        self.0.is_match(c.encode_utf8(&mut [0; 4]))
    }
}

/// What joins two parts of a word, such as the apostrophe and the full stop.
static JOINT: Class = Class(LazyLock::new(|| class(r"\p{wb=MidLetter}\p{wb=MidNumLet}\p{wb=Single_Quote}")));

/// What belongs to a word without being a letter with a case, such as digits.
static WORD: Class = Class(LazyLock::new(|| {
    class(r"\p{wb=ALetter}\p{wb=Hebrew_Letter}\p{wb=Numeric}\p{wb=Extend}\p{wb=Format}\p{wb=ExtendNumLet}\p{wb=ZWJ}")
}));

fn class(members: &str) -> Regex {
    Regex::new(&format!("[{members}]")).expect("the classes exist")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: a run of promtool.
    #[test]
    fn the_first_letter_of_every_word_is_raised() {
        for (text, titled) in [
            ("hello wOrld it's a-b c_d e.f g:h 3rd o'neil", "Hello WOrld It's A-B C_d E.f G:h 3Rd O'neil"),
            ("foo;bar foo,bar 1a a1b (foo) foo\"bar", "Foo;Bar Foo,Bar 1A A1b (Foo) Foo\"Bar"),
            ("ñandu éa ǆ", "Ñandu Éa ǅ"),
        ] {
            assert_eq!(title(text), titled);
        }
    }

    #[test]
    fn case_changes_character_by_character() {
        assert_eq!((upper("aß ŉ é ǆ").as_str(), lower("ÀB İ Σ").as_str()), ("Aß ŉ É Ǆ", "àb i σ"));
    }
}
