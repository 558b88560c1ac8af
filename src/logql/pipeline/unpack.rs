//! `unpack`: the labels and the line that an agent has packed into a JSON object (Loki `log/parser.go`, `UnpackParser`).

use super::Verdict;
use super::json::{ERROR, set_string};
use super::json_scan::{self, Malformed, ObjectEnds, Type};
use super::labels::LabelSpace;
use super::names::NameId;

/// The key of the packed line.
const ENTRY: &[u8] = b"_entry";

#[derive(Clone, Default)]
pub(super) struct Unpack {
    /// The labels of a line, kept until it is known to be a packed one, and where their texts are.
    labels: Vec<(NameId, usize, usize)>,
    key: Vec<u8>,
    value: Vec<u8>,
    ends: ObjectEnds,
}

impl Unpack {
    /// The packed line goes to `out`.
    pub fn process(&mut self, line: &[u8], space: &mut LabelSpace, out: &mut Vec<u8>) -> Verdict {
        if line.is_empty() || space.needs_no_labels() {
            return Verdict::Keep;
        }
        if line[0] != b'{' {
            space.set_parse_error(ERROR, Some("expecting json object(6), but it is not"));
            return Verdict::Keep;
        }
        self.labels.clear();
        self.ends.clear();
        match self.read(line, space, out) {
            Err(Malformed(why)) => {
                space.set_parse_error(ERROR, Some(why));
                Verdict::Keep
            }
            Ok(false) => Verdict::Keep,
            Ok(true) => {
                for (name, start, end) in &self.labels {
                    set_string(space, *name, &line[*start..*end], &mut self.value);
                    if !space.may_go_on(*name) {
                        return Verdict::Drop;
                    }
                }
                Verdict::Replace
            }
        }
    }

    /// Reads the object; whether it holds a packed line.
    fn read(&mut self, line: &[u8], space: &mut LabelSpace, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        let mut packed = false;
        let mut at = json_scan::next_token(line, 1).ok_or(json_scan::JSON)?;
        while line[at] != b'}' {
            if line[at] != b'"' {
                return Err(json_scan::OBJECT);
            }
            let (behind_key, escaped) = json_scan::string_end(line, at + 1).ok_or(json_scan::JSON)?;
            let mut key = &line[at + 1..behind_key - 1];
            let mut resolved = std::mem::take(&mut self.key);
            if escaped {
                resolved.clear();
                json_scan::unescape(key, &mut resolved)?;
                key = &resolved;
            }
            let colon =
                json_scan::next_token(line, behind_key).filter(|at| line[*at] == b':').ok_or(json_scan::JSON)?;
            let value = json_scan::value(line, colon + 1, line.len(), &mut self.ends)?;
            if value.kind == Type::String {
                if key == ENTRY {
                    out.clear();
                    json_scan::unescape(value.bytes(line), out)?;
                    packed = true;
                } else {
                    self.label(key, (value.start, value.end), space);
                }
            }
            self.key = resolved;
            let comma = json_scan::next_token(line, value.next).ok_or(json_scan::ARRAY)?;
            at = match line[comma] {
                b'}' => break,
                b',' => json_scan::next_token(line, comma + 1).ok_or(json_scan::ARRAY)?,
                _ => return Err(json_scan::OBJECT),
            };
        }
        Ok(packed)
    }

    /// Keeps a label. Whether its name is taken, or wanted, is asked of the key as it is written.
    fn label(&mut self, key: &[u8], (start, end): (usize, usize), space: &mut LabelSpace) {
        let mut written = space.intern(key);
        if space.is_taken(written) {
            written = space.duplicate(written);
        }
        if space.skips(written) {
            return;
        }
        let text = space.names.text(written).to_vec();
        // A key of blanks is a label without a name.
        let name = match space.of_key(&text) {
            Some(name) => name,
            None => space.intern(b""),
        };
        self.labels.push((name, start, end));
    }
}
