//! Texts that may be no UTF-8, read as Go reads them: every byte that is part of no character counts as one.

use std::borrow::Cow;

/// Calls `visit` for every character; `None` for U+FFFD and for a byte that is part of no character.
fn each(text: &[u8], mut visit: impl FnMut(Option<char>)) {
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| visit(Some(c).filter(|c| *c != char::REPLACEMENT_CHARACTER)));
        chunk.invalid().iter().for_each(|_| visit(None));
    }
}

/// Whether the text holds U+FFFD or is no UTF-8 (Go's `bytes.ContainsRune(text, utf8.RuneError)`).
pub(super) fn is_broken(text: &[u8]) -> bool {
    if text.is_ascii() {
        return false;
    }
    match std::str::from_utf8(text) {
        Ok(text) => text.contains(char::REPLACEMENT_CHARACTER),
        Err(_) => true,
    }
}

/// The text with a blank for every character that is broken.
pub(super) fn blanked(text: &[u8]) -> Cow<'_, [u8]> {
    if !is_broken(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    each(text, |c| out.push(c.unwrap_or(' ')));
    Cow::Owned(out.into_bytes())
}

/// The text with U+FFFD for every character that is broken, as Go's regular expressions see it.
pub(super) fn readable(text: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut out = String::with_capacity(text.len() + 16);
            each(text, |c| out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER)));
            Cow::Owned(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_byte_counts() {
        assert_eq!(&*blanked(b"a\xe2\x82b\xef\xbf\xbd"), b"a  b ");
        assert_eq!(readable(b"a\xe2\x82b"), "a\u{fffd}\u{fffd}b");
        assert!(!is_broken("ä".as_bytes()) && is_broken("\u{fffd}".as_bytes()) && is_broken(b"\xff"));
    }
}
