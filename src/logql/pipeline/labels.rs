//! The labels of one entry while a pipeline works on it: those of its stream, its structured metadata, and what was parsed from its line
//! (Loki `log/labels.go`).

use std::ops::Range;
use std::sync::Arc;

use super::hints::Hints;
use super::names::{NameId, Names};
use crate::labels::Labels;

/// The label that says what went wrong with an entry.
pub const ERROR: &str = "__error__";
/// The label that says how.
pub const ERROR_DETAILS: &str = "__error_details__";
/// The label that marks entries whose error was asked for.
pub const PRESERVE_ERROR: &str = "__preserve_error__";

/// What is added to a parsed label whose name the entry already has.
pub(super) const DUPLICATE: &[u8] = b"_extracted";

/// Bytes of all labels of one entry, before a line is said to be unreadable.
const MAX_LABEL_BYTES: usize = 64 << 20;

/// Names that are kept from entry to entry.
const MAX_NAMES: usize = 1 << 16;

/// What is known about a name.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The stream for which `base` holds.
    stream: u32,
    /// The entry for which what follows `base` holds.
    entry: u32,
    /// Places in the lists, plus one; 0 for none.
    base: u32,
    metadata: u32,
    parsed: u32,
    deleted: bool,
    extracted: bool,
    /// The same name with a suffix, plus one; 0 where nobody has asked.
    duplicate: u32,
}

impl Slot {
    /// What holds for an entry of which nothing is known yet.
    fn of_entry(self, entry: u32) -> Slot {
        Slot { entry, metadata: 0, parsed: 0, deleted: false, extracted: false, ..self }
    }
}

/// A label that is no stream label.
#[derive(Clone)]
struct Added {
    /// `None` once it is deleted.
    name: Option<NameId>,
    value: Range<usize>,
}

/// Where a label of an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Metadata,
    Parsed,
}

#[derive(Clone)]
pub(super) struct LabelSpace {
    pub names: Names,
    slots: Vec<Slot>,
    /// Names that the stages of the pipeline know by number, which are never forgotten.
    pinned: usize,
    stream: u32,
    entry: u32,
    base_labels: Labels,
    base: Vec<(NameId, Range<usize>)>,
    base_text: Vec<u8>,
    /// Values of this entry.
    text: Vec<u8>,
    /// Bytes of names and values of this entry.
    used: usize,
    metadata: Vec<Added>,
    parsed: Vec<Added>,
    live: usize,
    deleted: bool,
    error: String,
    error_details: String,
    hints: Arc<Hints>,
    missing: usize,
}

impl LabelSpace {
    /// Names that have been interned before are never forgotten.
    pub fn new(names: Names, hints: Hints) -> LabelSpace {
        LabelSpace {
            pinned: names.count(),
            slots: vec![Slot::default(); names.count()],
            names,
            stream: 1,
            entry: 1,
            base_labels: Labels::empty(),
            base: Vec::new(),
            base_text: Vec::new(),
            text: Vec::new(),
            used: 0,
            metadata: Vec::new(),
            parsed: Vec::new(),
            live: 0,
            deleted: false,
            error: String::new(),
            error_details: String::new(),
            missing: hints.required().len(),
            hints: Arc::new(hints),
        }
    }

    /// Keeps all names known so far for good.
    pub fn pin(&mut self) {
        self.pinned = self.names.count();
        self.grow();
    }

    /// Goes on with another stream.
    pub fn set_stream(&mut self, labels: &Labels) {
        self.base_labels = labels.clone();
        self.rebase();
        self.reset();
    }

    pub fn stream_labels(&self) -> &Labels {
        &self.base_labels
    }

    fn rebase(&mut self) {
        self.stream += 1;
        self.base.clear();
        self.base_text.clear();
        let labels = self.base_labels.clone();
        for (name, value) in labels.iter() {
            let id = self.intern(name.as_bytes());
            let start = self.base_text.len();
            self.base_text.extend_from_slice(value.as_bytes());
            self.base.push((id, start..self.base_text.len()));
            let place = self.base.len() as u32;
            let slot = &mut self.slots[id.0 as usize];
            slot.stream = self.stream;
            slot.base = place;
        }
    }

    /// Goes on with another entry of the stream.
    pub fn reset(&mut self) {
        if self.names.len() > MAX_NAMES {
            self.names.truncate(self.pinned);
            self.slots.truncate(self.pinned);
            self.slots.iter_mut().for_each(|slot| slot.duplicate = 0);
            self.rebase();
        }
        self.entry = match self.entry.checked_add(1) {
            Some(next) => next,
            None => {
                self.slots.iter_mut().for_each(|slot| slot.entry = 0);
                1
            }
        };
        self.text.clear();
        self.used = 0;
        self.metadata.clear();
        self.parsed.clear();
        self.live = 0;
        self.deleted = false;
        self.error.clear();
        self.error_details.clear();
        self.missing = self.hints.required().len();
    }

    /// Adds the structured metadata of the entry.
    pub fn add_metadata<'a>(&mut self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, value) in labels {
            let mut id = self.intern(name.as_bytes());
            if self.base_has(id) {
                id = self.duplicate(id);
            }
            match name {
                ERROR if !self.base_has(id) => value.clone_into(&mut self.error),
                ERROR_DETAILS if !self.base_has(id) => value.clone_into(&mut self.error_details),
                _ => self.set(Category::Metadata, id, value.as_bytes()),
            }
        }
    }

    pub fn intern(&mut self, text: &[u8]) -> NameId {
        let id = self.names.intern(text);
        self.grow();
        id
    }

    /// The name of a key of a line; `None` for a key of blanks.
    pub fn of_key(&mut self, key: &[u8]) -> Option<NameId> {
        let id = self.names.of_key(key);
        self.grow();
        id
    }

    fn grow(&mut self) {
        if self.slots.len() < self.names.count() {
            self.slots.resize(self.names.count(), Slot::default());
        }
    }

    /// The name with `_extracted` behind it.
    pub fn duplicate(&mut self, name: NameId) -> NameId {
        let known = self.slots[name.0 as usize].duplicate;
        if known > 0 {
            return NameId(known - 1);
        }
        let text = [self.names.text(name), DUPLICATE].concat();
        let id = self.intern(&text);
        // A pinned name outlives one that is not.
        if (name.0 as usize) >= self.pinned || (id.0 as usize) < self.pinned {
            self.slots[name.0 as usize].duplicate = id.0 + 1;
        }
        id
    }

    fn slot(&self, name: NameId) -> Slot {
        let slot = self.slots[name.0 as usize];
        if slot.entry == self.entry { slot } else { slot.of_entry(self.entry) }
    }

    fn slot_mut(&mut self, name: NameId) -> &mut Slot {
        let slot = &mut self.slots[name.0 as usize];
        if slot.entry != self.entry {
            *slot = slot.of_entry(self.entry);
        }
        slot
    }

    /// Whether the stream has the label, deleted or not.
    pub fn base_has(&self, name: NameId) -> bool {
        let slot = &self.slots[name.0 as usize];
        slot.stream == self.stream && slot.base > 0
    }

    /// Whether a parsed label of this name needs a suffix: the stream or the structured metadata have it.
    pub fn is_taken(&self, name: NameId) -> bool {
        let slot = &self.slots[name.0 as usize];
        (slot.stream == self.stream && slot.base > 0) || (slot.entry == self.entry && slot.metadata > 0)
    }

    /// The value of a label.
    pub fn get(&self, name: NameId) -> Option<&[u8]> {
        let slot = self.slot(name);
        if slot.metadata > 0 {
            return Some(&self.text[self.metadata[slot.metadata as usize - 1].value.clone()]);
        }
        if slot.parsed > 0 {
            return Some(&self.text[self.parsed[slot.parsed as usize - 1].value.clone()]);
        }
        if slot.deleted || slot.stream != self.stream || slot.base == 0 {
            return None;
        }
        Some(&self.base_text[self.base[slot.base as usize - 1].1.clone()]).filter(|value| !value.is_empty())
    }

    /// Sets a parsed label, in place of one of the structured metadata.
    pub fn set_parsed(&mut self, name: NameId, value: &[u8]) {
        self.set(Category::Parsed, name, value);
    }

    /// Sets a parsed label to the value of another label.
    pub fn copy(&mut self, from: NameId, to: NameId) {
        if let Some(value) = self.get(from).map(<[u8]>::to_vec) {
            self.set_parsed(to, &value);
        }
    }

    fn set(&mut self, category: Category, name: NameId, value: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(value);
        self.used += value.len() + self.names.text(name).len();
        let value = start..self.text.len();
        if category == Category::Parsed {
            self.delete(Category::Metadata, name);
        }
        let list = if category == Category::Parsed { &mut self.parsed } else { &mut self.metadata };
        let next = list.len() as u32 + 1;
        // What `slot_mut` does, beside the list.
        let slot = &mut self.slots[name.0 as usize];
        if slot.entry != self.entry {
            *slot = slot.of_entry(self.entry);
        }
        let place = if category == Category::Parsed { &mut slot.parsed } else { &mut slot.metadata };
        if *place > 0 {
            list[*place as usize - 1].value = value;
        } else {
            *place = next;
            list.push(Added { name: Some(name), value });
            self.live += 1;
        }
        if category == Category::Parsed && !slot.extracted {
            slot.extracted = true;
            self.missing -= usize::from(self.hints.is_required(name));
        }
    }

    fn delete(&mut self, category: Category, name: NameId) {
        let slot = self.slot_mut(name);
        let place = std::mem::take(match category {
            Category::Metadata => &mut slot.metadata,
            Category::Parsed => &mut slot.parsed,
        });
        if place > 0 {
            let list = if category == Category::Parsed { &mut self.parsed } else { &mut self.metadata };
            list[place as usize - 1].name = None;
            self.live -= 1;
        }
    }

    /// Deletes a label, wherever it comes from.
    pub fn remove(&mut self, name: NameId) {
        self.delete(Category::Metadata, name);
        self.delete(Category::Parsed, name);
        self.slot_mut(name).deleted = true;
        self.deleted = true;
    }

    pub fn error(&self) -> &str {
        &self.error
    }

    pub fn error_details(&self) -> &str {
        &self.error_details
    }

    pub fn has_error(&self) -> bool {
        !self.error.is_empty()
    }

    /// Says what went wrong with the entry; the details of an earlier error stay where there are none.
    pub fn set_error(&mut self, error: &str, details: Option<&str>) {
        error.clone_into(&mut self.error);
        if let Some(details) = details {
            details.clone_into(&mut self.error_details);
        }
    }

    /// The same for a line that cannot be parsed, whose error may be asked for as a label.
    pub fn set_parse_error(&mut self, error: &str, details: Option<&str>) {
        self.set_error(error, details);
        if self.hints.preserves_error() {
            let name = self.intern(PRESERVE_ERROR.as_bytes());
            self.set_parsed(name, b"true");
        }
    }

    pub fn clear_error(&mut self) {
        self.error.clear();
    }

    pub fn clear_error_details(&mut self) {
        self.error_details.clear();
    }

    /// Whether the labels of this entry take more memory than one entry should.
    pub fn is_full(&self) -> bool {
        self.used > MAX_LABEL_BYTES
    }

    /// Whether parsers have nothing to do for this entry.
    pub fn needs_no_labels(&self) -> bool {
        self.hints.needs_no_labels() || self.found_all()
    }

    /// Whether all labels that the query needs have been parsed.
    pub fn found_all(&self) -> bool {
        self.missing == 0 && !self.hints.required().is_empty()
    }

    /// Whether a parser passes over the label: nobody needs it, or an earlier one has set it.
    pub fn skips(&self, name: NameId) -> bool {
        self.has_extracted(name) || !self.hints.should_extract(name)
    }

    /// Whether a parser has set the label before.
    pub fn has_extracted(&self, name: NameId) -> bool {
        let slot = &self.slots[name.0 as usize];
        slot.entry == self.entry && slot.extracted
    }

    /// Whether anybody needs a label that begins so.
    pub fn should_extract_prefix(&self, prefix: &[u8]) -> bool {
        let required = self.hints.required();
        required.is_empty() || required.iter().any(|name| self.names.text(*name).starts_with(prefix))
    }

    /// Whether the line can still be kept, now that a label is known: a later filter may refuse it.
    pub fn may_go_on(&mut self, name: NameId) -> bool {
        match self.hints.filter_of(name) {
            None => true,
            Some(at) => {
                let hints = Arc::clone(&self.hints);
                hints.filter(at).holds(self)
            }
        }
    }

    /// Whether the labels are those of the stream.
    pub fn is_unchanged(&self) -> bool {
        !self.deleted && self.live == 0 && self.error.is_empty()
    }

    /// Whether nothing was added or deleted; there may be an error.
    pub fn has_base_labels_only(&self) -> bool {
        !self.deleted && self.live == 0
    }

    /// All labels in no order, the error among them.
    pub fn for_each<'a>(&'a self, mut visit: impl FnMut(&'a [u8], &'a [u8])) {
        self.for_each_id(|id, value| visit(self.names.text(id), value));
        if !self.error.is_empty() {
            visit(ERROR.as_bytes(), self.error.as_bytes());
        }
        if !self.error_details.is_empty() {
            visit(ERROR_DETAILS.as_bytes(), self.error_details.as_bytes());
        }
    }

    /// All labels in no order, without the error.
    pub fn for_each_id<'a>(&'a self, mut visit: impl FnMut(NameId, &'a [u8])) {
        for (id, value) in &self.base {
            let slot = self.slot(*id);
            if !slot.deleted && slot.metadata == 0 && slot.parsed == 0 {
                visit(*id, &self.base_text[value.clone()]);
            }
        }
        for added in self.metadata.iter().chain(&self.parsed) {
            if let Some(id) = added.name {
                visit(id, &self.text[added.value.clone()]);
            }
        }
    }

    /// The value of a label for a grouping by it: a label that was deleted and set again counts as deleted (Loki `withResult`).
    pub fn grouped(&self, name: NameId) -> Option<&[u8]> {
        if self.slot(name).deleted { None } else { self.get(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(stream: &[(&str, &str)]) -> LabelSpace {
        let mut space = LabelSpace::new(Names::default(), Hints::none());
        space.set_stream(&Labels::from_pairs(stream.iter().copied()));
        space
    }

    fn all(space: &LabelSpace) -> Vec<String> {
        let mut found = Vec::new();
        space.for_each(|name, value| {
            found.push(format!("{}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
        });
        found.sort();
        found
    }

    #[test]
    fn metadata_that_collides_with_the_stream_gets_a_suffix_and_is_replaced_by_what_is_parsed() {
        let mut space = space(&[("a", "1"), ("b", "2")]);
        space.add_metadata([("a", "m"), ("c", "n")]);
        assert_eq!(all(&space), ["a=1", "a_extracted=m", "b=2", "c=n"]);
        let c = space.intern(b"c");
        assert!(space.is_taken(c));
        space.set_parsed(c, b"p");
        assert_eq!(space.get(c), Some(&b"p"[..]));
        assert_eq!(all(&space), ["a=1", "a_extracted=m", "b=2", "c=p"]);
        space.reset();
        assert_eq!(all(&space), ["a=1", "b=2"]);
        assert!(space.is_unchanged() && !space.has_extracted(c));
    }

    #[test]
    fn deleted_labels_stay_deleted_until_they_are_set_again() {
        let mut space = space(&[("a", "1")]);
        let a = space.intern(b"a");
        space.remove(a);
        assert_eq!((space.get(a), space.base_has(a)), (None, true));
        space.set_parsed(a, b"");
        assert_eq!((all(&space), space.get(a), space.grouped(a)), (vec!["a=".to_owned()], Some(&b""[..]), None));
    }

    #[test]
    fn errors_are_labels_of_the_result_alone() {
        let mut space = space(&[("a", "1")]);
        space.set_error("JSONParserErr", Some("why"));
        assert_eq!(all(&space), ["__error__=JSONParserErr", "__error_details__=why", "a=1"]);
        space.clear_error();
        assert!(space.is_unchanged());
    }

    #[test]
    fn a_flood_of_names_is_forgotten() {
        let mut space = space(&[("a", "1")]);
        for at in 0..3 * MAX_NAMES {
            space.reset();
            let name = space.of_key(format!("k{at}").as_bytes()).unwrap();
            space.set_parsed(name, b"v");
            assert_eq!(space.get(name), Some(&b"v"[..]));
        }
        assert!(space.names.len() <= MAX_NAMES + 4);
        assert_eq!(all(&space)[0], "a=1");
    }
}
