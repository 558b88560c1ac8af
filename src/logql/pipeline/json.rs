//! `json`: every field of a line becomes a label (Loki `log/parser.go`, `JSONParser`).

use super::Verdict;
use super::json_scan::{self, Malformed, ObjectEnds, Type};
use super::labels::{DUPLICATE, LabelSpace};
use super::names::{append_sanitized, trimmed};
use super::runes;

/// What is said of a line that is no JSON.
pub(super) const ERROR: &str = "JSONParserErr";

const TOO_LARGE: Malformed = Malformed("the labels of the line take more than 64 MiB");

/// Objects inside of each other; Loki has no limit, and runs out of memory instead.
const MAX_DEPTH: usize = 10_000;
const TOO_DEEP: Malformed = Malformed("objects are nested more than 10000 levels deep");

/// Why reading stops before the end.
enum Stop {
    Malformed(Malformed),
    /// All labels that are needed have been found.
    Found,
    /// A later filter refuses a label.
    Refused,
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Stop {
        Stop::Malformed(malformed)
    }
}

/// An object around the one that is read.
#[derive(Clone, Copy)]
struct Outer {
    /// Where its bytes end.
    end: usize,
    /// Where reading goes on in it.
    next: usize,
    /// The length of its prefix.
    prefix: usize,
}

/// The stage, with buffers that it uses again.
#[derive(Clone, Default)]
pub(super) struct Json {
    outer: Vec<Outer>,
    prefix: Vec<u8>,
    ends: ObjectEnds,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Json {
    pub fn process(&mut self, line: &[u8], space: &mut LabelSpace) -> Verdict {
        if space.needs_no_labels() {
            return Verdict::Keep;
        }
        self.ends.clear();
        self.outer.clear();
        self.prefix.clear();
        match self.fields(line, space) {
            Ok(()) | Err(Stop::Found) => Verdict::Keep,
            Err(Stop::Refused) => Verdict::Drop,
            Err(Stop::Malformed(Malformed(why))) => {
                space.set_parse_error(ERROR, Some(why));
                Verdict::Keep
            }
        }
    }

    /// Reads objects without recursion.
    fn fields(&mut self, line: &[u8], space: &mut LabelSpace) -> Result<(), Stop> {
        let mut end = line.len();
        let mut at = open(line, 0, end)?;
        loop {
            // At a key, or at the end of the object.
            if line[at] == b'}' {
                match self.outer.pop() {
                    None => return Ok(()),
                    Some(outer) => {
                        end = outer.end;
                        self.prefix.truncate(outer.prefix);
                        at = match behind_value(&line[..end], outer.next)? {
                            Some(next) => next,
                            // The outer object ends here, too: let the loop close it.
                            None => closing(&line[..end], outer.next),
                        };
                        continue;
                    }
                }
            }
            if line[at] != b'"' {
                return Err(json_scan::OBJECT.into());
            }
            let (behind_key, escaped) = json_scan::string_end(&line[..end], at + 1).ok_or(json_scan::JSON)?;
            let mut key = &line[at + 1..behind_key - 1];
            let mut resolved = std::mem::take(&mut self.key);
            if escaped {
                resolved.clear();
                json_scan::unescape(key, &mut resolved)?;
                key = &resolved;
            }
            let colon = json_scan::next_token(&line[..end], behind_key).ok_or(json_scan::JSON)?;
            if line[colon] != b':' {
                return Err(json_scan::JSON.into());
            }
            let value = json_scan::value(line, colon + 1, end, &mut self.ends)?;
            let entered = match value.kind {
                Type::Object => self.enter(key, space)?,
                Type::String | Type::Number | Type::Boolean => {
                    let set = self.set(key, value.kind, value.bytes(line), space);
                    if space.found_all() {
                        return Err(Stop::Found);
                    }
                    set?;
                    None
                }
                Type::Null | Type::Array if space.found_all() => return Err(Stop::Found),
                Type::Null | Type::Array => None,
            };
            self.key = resolved;
            if let Some(prefix) = entered {
                self.outer.push(Outer { end, next: value.next, prefix });
                end = value.end;
                at = open(line, value.start, end)?;
                continue;
            }
            at = match behind_value(&line[..end], value.next)? {
                Some(next) => next,
                None => closing(&line[..end], value.next),
            };
        }
    }

    /// Goes into an object, unless nobody needs what is in it; the length of the prefix outside.
    fn enter(&mut self, key: &[u8], space: &LabelSpace) -> Result<Option<usize>, Stop> {
        if self.outer.len() >= MAX_DEPTH {
            return Err(TOO_DEEP.into());
        }
        let outside = self.prefix.len();
        append_part(&mut self.prefix, key);
        if space.should_extract_prefix(&self.prefix) {
            return Ok(Some(outside));
        }
        self.prefix.truncate(outside);
        Ok(None)
    }

    fn set(&mut self, key: &[u8], kind: Type, value: &[u8], space: &mut LabelSpace) -> Result<(), Stop> {
        let name = if self.outer.is_empty() {
            let Some(name) = space.of_key(key) else { return Ok(()) };
            if space.is_taken(name) { space.duplicate(name) } else { name }
        } else {
            let outside = self.prefix.len();
            append_part(&mut self.prefix, key);
            let mut name = space.intern(&self.prefix);
            if space.is_taken(name) {
                self.prefix.truncate(outside);
                append_part(&mut self.prefix, &[key, DUPLICATE].concat());
                name = space.intern(&self.prefix);
            }
            self.prefix.truncate(outside);
            name
        };
        if space.skips(name) {
            return Ok(());
        }
        match kind {
            Type::String => set_string(space, name, value, &mut self.value),
            _ => space.set_parsed(name, value),
        }
        if space.is_full() {
            return Err(TOO_LARGE.into());
        }
        if space.may_go_on(name) { Ok(()) } else { Err(Stop::Refused) }
    }
}

/// Sets a label to a string's text; a broken escape makes it empty, a broken character a blank.
pub(super) fn set_string(space: &mut LabelSpace, name: super::names::NameId, text: &[u8], buffer: &mut Vec<u8>) {
    if memchr::memchr(b'\\', text).is_none() {
        space.set_parsed(name, &runes::blanked(text));
        return;
    }
    buffer.clear();
    match json_scan::unescape(text, buffer) {
        Ok(()) => space.set_parsed(name, &runes::blanked(buffer)),
        Err(_) => space.set_parsed(name, b""),
    }
}

/// Appends a key to the name of a nested field.
fn append_part(prefix: &mut Vec<u8>, key: &[u8]) {
    if trimmed(key).is_empty() {
        return;
    }
    if !prefix.is_empty() {
        prefix.push(b'_');
    }
    append_sanitized(prefix, key);
}

/// The first token inside of an object that begins at or behind `from`.
fn open(line: &[u8], from: usize, end: usize) -> Result<usize, Malformed> {
    let line = &line[..end];
    let brace = json_scan::next_token(line, from).filter(|at| line[*at] == b'{').ok_or(json_scan::OBJECT)?;
    json_scan::next_token(line, brace + 1).ok_or(json_scan::JSON)
}

/// The next key behind a value and its comma; `None` where the object ends.
fn behind_value(line: &[u8], from: usize) -> Result<Option<usize>, Malformed> {
    let at = json_scan::next_token(line, from).ok_or(json_scan::ARRAY)?;
    match line[at] {
        b'}' => Ok(None),
        b',' => json_scan::next_token(line, at + 1).ok_or(json_scan::ARRAY).map(Some),
        _ => Err(json_scan::OBJECT),
    }
}

/// The brace that [`behind_value`] has found.
fn closing(line: &[u8], from: usize) -> usize {
    json_scan::next_token(line, from).unwrap_or(from)
}
