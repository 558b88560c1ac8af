//! Conditions on a text: what line filters and string label filters become (Loki `log/filter.go`).

use memchr::memmem::Finder;
use regex::Regex;

use super::ip::IpSet;
use super::pattern::LineForm;
use super::runes;

#[derive(Clone)]
pub(super) enum TextTest {
    /// Holds for every text.
    Always,
    /// Holds for every text but the empty one.
    NotEmpty,
    Contains(Box<Finder<'static>>),
    /// Lower case, compared with the text in lower case.
    ContainsFolded(Box<[u8]>),
    Equals(Box<[u8]>),
    EqualsFolded(Box<[u8]>),
    Regex(Regex),
    Form(LineForm),
    Ip(IpSet),
    Not(Box<TextTest>),
    Any(Vec<TextTest>),
    All(Vec<TextTest>),
}

impl TextTest {
    pub fn contains(text: &[u8], folded: bool) -> TextTest {
        match (text.is_empty(), folded) {
            (true, _) => TextTest::Always,
            (false, true) => TextTest::ContainsFolded(lowered(text)),
            (false, false) => TextTest::Contains(Box::new(Finder::new(text).into_owned())),
        }
    }

    pub fn equals(text: &[u8], folded: bool) -> TextTest {
        if folded { TextTest::EqualsFolded(lowered(text)) } else { TextTest::Equals(text.into()) }
    }

    pub fn negated(self) -> TextTest {
        TextTest::Not(Box::new(self))
    }

    fn is_always(&self) -> bool {
        matches!(self, TextTest::Always)
    }

    /// One of several: those that always hold count only where there is no other, as in Loki (`newOrFilter`).
    pub fn any(tests: Vec<TextTest>) -> TextTest {
        let mut kept: Vec<TextTest> = tests.into_iter().filter(|test| !test.is_always()).collect();
        match kept.len() {
            0 => TextTest::Always,
            1 => kept.remove(0),
            _ => TextTest::Any(kept),
        }
    }

    pub fn all(tests: Vec<TextTest>) -> TextTest {
        let mut kept: Vec<TextTest> = tests.into_iter().filter(|test| !test.is_always()).collect();
        match kept.len() {
            0 => TextTest::Always,
            1 => kept.remove(0),
            _ => TextTest::All(kept),
        }
    }

    pub fn holds(&self, text: &[u8]) -> bool {
        match self {
            TextTest::Always => true,
            TextTest::NotEmpty => !text.is_empty(),
            TextTest::Contains(finder) => finder.find(text).is_some(),
            TextTest::ContainsFolded(wanted) => contains_folded(text, wanted),
            TextTest::Equals(wanted) => **wanted == *text,
            TextTest::EqualsFolded(wanted) => wanted.len() == text.len() && contains_folded(text, wanted),
            TextTest::Regex(regex) => regex.is_match(&runes::readable(text)),
            TextTest::Form(form) => form.matches(text),
            TextTest::Ip(ips) => ips.is_in(text),
            TextTest::Not(test) => !test.holds(text),
            TextTest::Any(tests) => tests.iter().any(|test| test.holds(text)),
            TextTest::All(tests) => tests.iter().all(|test| test.holds(text)),
        }
    }
}

/// `bytes.ToLower`
fn lowered(text: &[u8]) -> Box<[u8]> {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().map(lower).collect::<String>().into_bytes().into(),
        Err(_) => text.to_ascii_lowercase().into(),
    }
}

/// `unicode.ToLower`: one character for one.
fn lower(c: char) -> char {
    if c == '\u{130}' {
        return 'i';
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// Whether the text holds `wanted`, which is in lower case.
fn contains_folded(text: &[u8], wanted: &[u8]) -> bool {
    let Some((first, _)) = wanted.split_first() else { return true };
    let Some(last) = text.len().checked_sub(wanted.len()) else { return false };
    let upper = first.to_ascii_uppercase();
    let mut at = 0;
    while at <= last {
        // A first character beyond ASCII has to be the same byte in both cases, as in Loki.
        let Some(found) = memchr::memchr2(*first, upper, &text[at..=last]) else { return false };
        at += found;
        if begins_folded(&text[at..], wanted) {
            return true;
        }
        at += 1;
    }
    false
}

fn begins_folded(mut text: &[u8], mut wanted: &[u8]) -> bool {
    while let (Some(own), Some(other)) = (text.first(), wanted.first()) {
        if own.is_ascii() && other.is_ascii() {
            if own.to_ascii_lowercase() != *other {
                return false;
            }
            (text, wanted) = (&text[1..], &wanted[1..]);
            continue;
        }
        match (first_char(text), first_char(wanted)) {
            (None, _) if own == other => (text, wanted) = (&text[1..], &wanted[1..]),
            (Some(a), Some(b)) if lower(a) == b => (text, wanted) = (&text[a.len_utf8()..], &wanted[b.len_utf8()..]),
            _ => return false,
        }
    }
    wanted.is_empty()
}

fn first_char(text: &[u8]) -> Option<char> {
    let text = &text[..text.len().min(4)];
    text.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_always_holds_gives_way_to_what_does_not() {
        let a = || TextTest::contains(b"a", false);
        let any = TextTest::any(vec![TextTest::Always, a(), TextTest::Always]);
        assert!(any.holds(b"xa") && !any.holds(b"x"));
        assert!(TextTest::any(vec![TextTest::Always]).holds(b""));
        assert!(!TextTest::all(vec![a(), a().negated()]).holds(b"a"));
    }

    #[test]
    fn case_is_ignored_where_it_should_be() {
        for (text, wanted, found) in [
            ("xABCy", "abc", true),
            ("STRASSE", "stra\u{df}e", false),
            ("xStra\u{df}E", "STRA\u{df}E", true),
            ("\u{c4}b", "\u{e4}B", true),
            ("\u{212a}elvin", "kelvin", false),
            ("", "a", false),
        ] {
            assert_eq!(TextTest::contains(wanted.as_bytes(), true).holds(text.as_bytes()), found, "{text} {wanted}");
        }
    }
}
