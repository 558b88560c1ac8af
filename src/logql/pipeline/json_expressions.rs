//! `json` with expressions: fields at given paths become labels (Loki `log/parser.go`, `JSONExpressionParser`).
//!
//! Which paths are found in a line that is no clean JSON, or has a key twice, follows from how the parser below Loki walks over it
//! (`grafana/jsonparser`, `EachKey`): it looks at keys and brackets as they come and never checks what is between them.

use super::json::{ERROR, set_string};
use super::json_path::{self, Step};
use super::json_scan::{self, JSON, Malformed, ObjectEnds, Type, Value};
use super::labels::LabelSpace;
use super::names::{NameId, Names};
use super::{StageProblem, Verdict};
use crate::logql::ast::Extraction;

#[derive(Clone)]
pub(super) struct JsonExpressions {
    names: Vec<NameId>,
    paths: Vec<Vec<Step>>,
    buffer: Vec<u8>,
}

impl JsonExpressions {
    pub fn new(extractions: &[Extraction], names: &mut Names) -> Result<JsonExpressions, StageProblem> {
        let mut stage = JsonExpressions { names: Vec::new(), paths: Vec::new(), buffer: Vec::new() };
        for extraction in extractions {
            let path = json_path::parse(&extraction.expression)
                .map_err(|why| StageProblem(format!("cannot parse expression [{}]: {why}", extraction.expression)))?;
            stage.names.push(names.intern(extraction.name.as_bytes()));
            stage.paths.push(path);
        }
        Ok(stage)
    }

    pub fn process(&mut self, line: &[u8], space: &mut LabelSpace) -> Verdict {
        if line.is_empty() || space.needs_no_labels() {
            return Verdict::Keep;
        }
        if !matches!(line[0], b'"' | b'{' | b'[') {
            space.set_parse_error(ERROR, None);
            return Verdict::Keep;
        }
        let (names, buffer) = (&self.names, &mut self.buffer);
        let mut matches = 0;
        let mut walk = Walk {
            data: line,
            paths: &self.paths,
            found: vec![false; self.paths.len()],
            count: 0,
            keys: Vec::new(),
            report: |found: Found| match found {
                Err(Malformed(why)) => space.set_parse_error(ERROR, Some(why)),
                Ok((path, kind, text)) => {
                    let mut name = names[path];
                    if space.is_taken(name) {
                        name = space.duplicate(name);
                    }
                    match kind {
                        Type::Null => space.set_parsed(name, b""),
                        Type::Object => space.set_parsed(name, text),
                        _ => set_string(space, name, text, buffer),
                    }
                    matches += 1;
                }
            },
        };
        walk.run();
        if matches < self.names.len() {
            for name in &self.names {
                if space.get(*name).is_none() {
                    space.set_parsed(*name, b"");
                }
            }
        }
        Verdict::Keep
    }
}

/// A path's number with the value there, or what is wrong with it.
type Found<'a> = Result<(usize, Type, &'a [u8]), Malformed>;

struct Walk<'a, R> {
    data: &'a [u8],
    paths: &'a [Vec<Step>],
    found: Vec<bool>,
    count: usize,
    /// The keys that were met last, level by level; deeper ones may be left over.
    keys: Vec<Vec<u8>>,
    report: R,
}

fn get(data: &[u8], from: usize) -> Result<Value, Malformed> {
    json_scan::value(data, from, data.len(), &mut ObjectEnds::default())
}

impl<'a, R: FnMut(Found<'a>)> Walk<'a, R> {
    fn run(&mut self) {
        let data = self.data;
        let deepest = self.paths.iter().map(Vec::len).max().unwrap_or(0);
        self.keys = vec![Vec::new(); deepest];
        let mut level: i64 = 0;
        let mut at = 0;
        while at < data.len() {
            match data[at] {
                b'"' => {
                    let Some((end, escaped)) = json_scan::string_end(data, at + 1) else { return };
                    let Some(colon) = json_scan::next_token(data, end) else { return };
                    if data[colon] != b':' {
                        // Not a key: whatever it is comes next.
                        at = colon;
                        continue;
                    }
                    let mut key = Vec::new();
                    match escaped {
                        true if json_scan::unescape(&data[at + 1..end - 1], &mut key).is_err() => return,
                        true => {}
                        false => key.extend_from_slice(&data[at + 1..end - 1]),
                    }
                    at = colon;
                    let mut matched = false;
                    if level <= deepest as i64 {
                        let Some(depth) = usize::try_from(level).ok().filter(|level| *level > 0) else {
                            return (self.report)(Err(JSON));
                        };
                        matched = self.key(key, depth, at + 1);
                        if self.count == self.paths.len() {
                            return;
                        }
                    }
                    if !matched {
                        // One before the value, as the parser does it: an object is gone into even where no path leads there.
                        at = json_scan::next_token(data, at + 1).map_or(at.saturating_sub(1), |next| next - 1);
                        if data[at] == b'{' {
                            at += json_scan::block_end(data, at, b'{', b'}').map_or(0, |end| end - at + 1);
                        }
                    }
                    if data.get(at).is_some_and(|byte| matches!(byte, b'{' | b'}' | b'[' | b'"')) {
                        continue;
                    }
                }
                b'{' => level += 1,
                b'}' | b']' => level -= 1,
                b'[' => {
                    let Ok(depth) = usize::try_from(level) else { return (self.report)(Err(JSON)) };
                    let wanted = self.indexes(depth);
                    if wanted.is_empty() {
                        let Some(end) = json_scan::block_end(data, at, b'[', b']') else { return };
                        at = end - 1;
                    } else {
                        level += 1;
                        let behind = self.elements(&wanted, depth + 1, at);
                        if self.count == self.paths.len() {
                            return;
                        }
                        at = behind.saturating_sub(1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Whether the first steps of a path are the keys met last.
    fn leads_here(&self, path: &[Step], depth: usize) -> bool {
        let known = self.keys.iter().take(depth);
        path.iter().zip(known).all(|(step, key)| step.as_bytes() == *key)
    }

    /// A key at a level: reports the value behind it for all paths that end there.
    fn key(&mut self, key: Vec<u8>, depth: usize, behind: usize) -> bool {
        self.keys[depth - 1] = key;
        let mut matched = false;
        for (at, path) in self.paths.iter().enumerate() {
            if path.len() != depth || self.found[at] || !self.leads_here(path, depth) {
                continue;
            }
            matched = true;
            self.count += 1;
            self.found[at] = true;
            match get(self.data, behind) {
                Ok(value) => (self.report)(Ok((at, value.kind, value.bytes(self.data)))),
                Err(malformed) => (self.report)(Err(malformed)),
            }
            if self.count == self.paths.len() {
                break;
            }
        }
        matched
    }

    /// Paths that lead into the array at this level, and the indexes they name.
    fn indexes(&self, depth: usize) -> Vec<(usize, i64)> {
        let paths = self.paths.iter().enumerate().filter(|(at, path)| {
            path.len() > depth
                && !self.found[*at]
                && path[depth].len() > 2
                && path[depth].starts_with('[')
                && self.leads_here(path, depth)
        });
        paths.map(|(at, path)| (at, index(&path[depth]).unwrap_or(0))).collect()
    }

    /// Goes through the elements of an array; where reading stopped.
    fn elements(&mut self, wanted: &[(usize, i64)], depth: usize, from: usize) -> usize {
        let data = self.data;
        array_each(data, from, |position, value| {
            for (path, _) in wanted.iter().filter(|(_, index)| *index == position) {
                let element = value.bytes(data);
                let inside = search(element, &self.paths[*path][depth..]);
                self.count += 1;
                self.found[*path] = true;
                let Some(inside) = inside else { continue };
                if value.kind == Type::String {
                    // Its quotes are gone, so it is taken as it is.
                    (self.report)(Ok((*path, Type::String, &element[inside..])));
                    continue;
                }
                match get(element, inside) {
                    Ok(value) => (self.report)(Ok((*path, value.kind, value.bytes(element)))),
                    Err(malformed) => (self.report)(Err(malformed)),
                }
            }
        })
    }
}

fn index(step: &str) -> Option<i64> {
    step.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Calls `visit` for the elements of the array at `from`; where reading stopped: at its closing bracket, or before what is no element.
fn array_each(data: &[u8], from: usize, mut visit: impl FnMut(i64, Value)) -> usize {
    let Some(mut at) = json_scan::next_token(data, from).map(|open| open + 1) else { return from };
    match json_scan::next_token(data, at) {
        None => return at,
        Some(next) => at = next,
    }
    if data[at] == b']' {
        return at;
    }
    for position in 0.. {
        let Ok(value) = get(data, at) else { return at };
        visit(position, value);
        at = value.next;
        match json_scan::next_token(data, at) {
            None => return at,
            Some(next) => at = next,
        }
        if data[at] != b',' {
            return at;
        }
        at += 1;
    }
    at
}

/// Where the value at a path begins (`searchKeys` of the parser).
fn search(data: &[u8], steps: &[Step]) -> Option<usize> {
    if steps.is_empty() {
        return Some(0);
    }
    let (mut key_level, mut level) = (0_i64, 0_i64);
    let mut last_matched = true;
    let mut at = 0;
    while at < data.len() {
        match data[at] {
            b'"' => {
                let (end, escaped) = json_scan::string_end(data, at + 1)?;
                let next = json_scan::next_token(data, end)?;
                if data[next] != b':' {
                    at = next;
                    continue;
                }
                let depth = usize::try_from(level).ok().filter(|level| (1..=steps.len()).contains(level))?;
                let text = &data[at + 1..end - 1];
                let mut key = Vec::new();
                match escaped {
                    true => json_scan::unescape(text, &mut key).ok()?,
                    false => key.extend_from_slice(text),
                }
                last_matched = key == steps[depth - 1].as_bytes();
                if last_matched && key_level == level - 1 {
                    key_level += 1;
                    if key_level == steps.len() as i64 {
                        return Some(next + 1);
                    }
                }
                at = next;
            }
            b'{' if last_matched => level += 1,
            b'{' => at = json_scan::block_end(data, at, b'{', b'}')? - 1,
            b'}' => {
                level -= 1;
                key_level -= i64::from(level == key_level);
            }
            b'[' => {
                let step = usize::try_from(level).ok().and_then(|level| steps.get(level));
                match step.filter(|step| key_level == level && step.starts_with('[')) {
                    None => at = json_scan::block_end(data, at, b'[', b']')? - 1,
                    Some(step) => {
                        let wanted = index(step)?;
                        let mut found = None;
                        array_each(data, at, |position, value| {
                            if position == wanted {
                                // A string with its quotes, so that it is one again.
                                let quote = usize::from(value.kind == Type::String);
                                found = Some((value.start - quote, value.end + quote));
                            }
                        });
                        let (start, end) = found?;
                        let inside = search(&data[start..end], &steps[level as usize + 1..])?;
                        return Some(start + inside);
                    }
                }
            }
            b':' => return None,
            _ => {}
        }
        at += 1;
    }
    None
}
