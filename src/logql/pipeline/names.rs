//! Names of labels that lines bring along: made valid, and known by number.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A name by number, within one pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NameId(pub u32);

/// Names, each once.
#[derive(Clone, Default)]
pub(super) struct Names {
    hasher: DefaultHashBuilder,
    texts: Vec<Box<[u8]>>,
    by_text: HashTable<u32>,
    keys: Vec<Key>,
    by_key: HashTable<u32>,
    /// The key that was asked for last.
    last: u32,
}

/// A key as lines write it.
#[derive(Clone)]
struct Key {
    text: Box<[u8]>,
    /// `None` for what is no name.
    name: Option<NameId>,
    /// The key that was asked for after this one the last time: lines of a stream mostly have the same keys in the same order.
    next: u32,
}

impl Names {
    pub fn len(&self) -> usize {
        self.texts.len() + self.keys.len()
    }

    /// Forgets all but the first names.
    pub fn truncate(&mut self, kept: usize) {
        self.texts.truncate(kept);
        self.by_text.retain(|at| (*at as usize) < kept);
        self.keys.clear();
        self.by_key.clear();
        self.last = 0;
    }

    /// How many names there are, without keys.
    pub fn count(&self) -> usize {
        self.texts.len()
    }

    pub fn text(&self, name: NameId) -> &[u8] {
        &self.texts[name.0 as usize]
    }

    pub fn intern(&mut self, text: &[u8]) -> NameId {
        let hash = self.hasher.hash_one(text);
        if let Some(at) = self.by_text.find(hash, |at| *self.texts[*at as usize] == *text) {
            return NameId(*at);
        }
        let at = self.texts.len() as u32;
        self.texts.push(text.into());
        let (hasher, texts) = (&self.hasher, &self.texts);
        self.by_text.insert_unique(hash, at, |at| hasher.hash_one(&texts[*at as usize]));
        NameId(at)
    }

    /// The name of a key, made valid; `None` for a key of blanks.
    pub fn of_key(&mut self, key: &[u8]) -> Option<NameId> {
        let before = self.last as usize;
        if let Some(expected) = self.keys.get(before).map(|key| key.next)
            && let Some(known) = self.keys.get(expected as usize).filter(|known| *known.text == *key)
        {
            self.last = expected;
            return known.name;
        }
        let hash = self.hasher.hash_one(key);
        let known = self.by_key.find(hash, |at| *self.keys[*at as usize].text == *key).copied();
        let at = known.unwrap_or_else(|| self.add_key(hash, key));
        if let Some(before) = self.keys.get_mut(before) {
            before.next = at;
        }
        self.last = at;
        self.keys[at as usize].name
    }

    fn add_key(&mut self, hash: u64, key: &[u8]) -> u32 {
        let mut name = Vec::with_capacity(key.len() + 1);
        append_sanitized(&mut name, key);
        let id = (!name.is_empty()).then(|| self.intern(&name));
        let at = self.keys.len() as u32;
        self.keys.push(Key { text: key.into(), name: id, next: at });
        let (hasher, keys) = (&self.hasher, &self.keys);
        self.by_key.insert_unique(hash, at, |at| hasher.hash_one(&keys[*at as usize].text));
        at
    }
}

/// Appends a key with blanks around it cut off and every character but ASCII letters, digits and `_` replaced by `_`; a name does not begin
/// with a digit (Loki `log/util.go`).
pub(super) fn append_sanitized(name: &mut Vec<u8>, key: &[u8]) {
    let key = trimmed(key);
    if name.is_empty() && key.first().is_some_and(u8::is_ascii_digit) {
        name.push(b'_');
    }
    if key.is_ascii() {
        name.extend(key.iter().map(|byte| if is_name_byte(*byte) { *byte } else { b'_' }));
        return;
    }
    for chunk in key.utf8_chunks() {
        name.extend(chunk.valid().chars().map(|c| if c.is_ascii() && is_name_byte(c as u8) { c as u8 } else { b'_' }));
        name.resize(name.len() + chunk.invalid().len(), b'_');
    }
}

/// Without blanks at its ends.
pub(super) fn trimmed(key: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let start = key.iter().position(|byte| !is_blank(byte)).unwrap_or(key.len());
    let end = key.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    let rest = &key[start..end];
    match std::str::from_utf8(rest) {
        Ok(text) if !rest.is_ascii() => text.trim().as_bytes(),
        _ => rest,
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Loki's `util_test.go` and the conformance notes.
    #[test]
    fn keys_become_valid_names() {
        for (key, name) in [
            ("1", "_1"),
            ("1st", "_1st"),
            (" 1 1 1", "_1_1_1"),
            ("1 1 \u{4e16}\u{754c}", "_1_1___"),
            ("a.b-c", "a_b_c"),
            ("a_b", "a_b"),
            ("  ", ""),
            ("\u{85}x\u{3000}", "x"),
        ] {
            let mut names = Names::default();
            let found = names.of_key(key.as_bytes());
            assert_eq!(found.map_or("", |id| std::str::from_utf8(names.text(id)).unwrap()), name, "{key:?}");
        }
        let mut broken = Vec::new();
        append_sanitized(&mut broken, b"a\xff\xe2\x82b");
        assert_eq!(broken, b"a___b");
    }

    #[test]
    fn names_are_known_by_number_until_they_are_forgotten() {
        let mut names = Names::default();
        let (a, b) = (names.intern(b"a"), names.of_key(b"b").unwrap());
        assert_eq!((names.intern(b"a"), names.of_key(b"b"), names.intern(b"b")), (a, Some(b), b));
        names.truncate(1);
        assert_eq!((names.count(), names.intern(b"a")), (1, a));
        assert_eq!(names.of_key(b"c"), Some(NameId(1)));
    }
}
