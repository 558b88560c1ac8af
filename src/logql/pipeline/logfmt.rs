//! `logfmt`: pairs of a line become labels, all of them or those asked for (Loki `log/parser.go`, `LogfmtParser` and
//! `LogfmtExpressionParser`).

use super::labels::LabelSpace;
use super::logfmt_scan::{BadPair, Pairs, Text, unquote};
use super::names::{NameId, Names};
use super::{StageProblem, Verdict, logfmt_key, runes};
use crate::logql::ast;

/// What is said of a line with a broken pair, where nothing else is accepted.
const ERROR: &str = "LogfmtParserErr";

/// The stage for all pairs.
#[derive(Clone)]
pub(super) struct Logfmt {
    strict: bool,
    keep_empty: bool,
    error_name: NameId,
    value: Vec<u8>,
}

impl Logfmt {
    pub fn new(written: &ast::Logfmt, names: &mut Names) -> Logfmt {
        Logfmt {
            strict: written.strict,
            keep_empty: written.keep_empty,
            error_name: names.intern(super::labels::ERROR.as_bytes()),
            value: Vec::new(),
        }
    }

    pub fn process(&mut self, line: &[u8], space: &mut LabelSpace) -> Verdict {
        if space.needs_no_labels() {
            return Verdict::Keep;
        }
        let mut pairs = Pairs::new(line);
        while !pairs.is_at_end() {
            let Some((key, value)) = pairs.next_pair() else {
                if self.strict {
                    break;
                }
                continue;
            };
            let Some(mut name) = space.of_key(key) else { continue };
            if space.is_taken(name) {
                name = space.duplicate(name);
            }
            if space.skips(name) {
                continue;
            }
            let value = resolved(value, &mut self.value);
            if value.is_empty() && !self.keep_empty {
                continue;
            }
            space.set_parsed(name, &runes::blanked(value));
            if !space.may_go_on(name) {
                return Verdict::Drop;
            }
            if space.found_all() || space.is_full() {
                break;
            }
        }
        match pairs.error.filter(|_| self.strict) {
            Some(error) => {
                report(&error, space);
                if space.may_go_on(self.error_name) { Verdict::Keep } else { Verdict::Drop }
            }
            None => Verdict::Keep,
        }
    }
}

fn report(error: &BadPair, space: &mut LabelSpace) {
    space.set_parse_error(ERROR, Some(&error.to_string()));
}

fn resolved<'a>(value: Text<'a>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match value {
        Text::Plain(text) => text,
        Text::Quoted(text) => {
            buffer.clear();
            unquote(text, buffer);
            buffer
        }
    }
}

/// The stage for the pairs asked for.
#[derive(Clone)]
pub(super) struct LogfmtKeys {
    strict: bool,
    /// The label, and the key whose value it gets.
    wanted: Vec<(NameId, NameId)>,
    value: Vec<u8>,
}

impl LogfmtKeys {
    pub fn new(written: &ast::Logfmt, names: &mut Names) -> Result<LogfmtKeys, StageProblem> {
        let mut wanted: Vec<(NameId, NameId)> = Vec::new();
        for extraction in &written.extractions {
            let key = logfmt_key::parse(&extraction.expression)
                .map_err(|why| StageProblem(format!("cannot parse expression [{}]: {why}", extraction.expression)))?;
            let name = names.intern(extraction.name.as_bytes());
            let key = names.intern(key.as_bytes());
            match wanted.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = key,
                None => wanted.push((name, key)),
            }
        }
        Ok(LogfmtKeys { strict: written.strict, wanted, value: Vec::new() })
    }

    fn is_wanted(&self, name: NameId) -> bool {
        self.wanted.iter().any(|(known, _)| *known == name)
    }

    pub fn process(&mut self, line: &[u8], space: &mut LabelSpace) -> Verdict {
        if space.needs_no_labels() {
            return Verdict::Keep;
        }
        for (name, _) in &self.wanted {
            if !space.is_taken(*name) {
                space.set_parsed(*name, b"");
            }
        }
        let mut pairs = Pairs::new(line);
        while !pairs.is_at_end() {
            let Some((key, value)) = pairs.next_pair() else {
                if self.strict {
                    break;
                }
                continue;
            };
            let Some(key) = space.of_key(key) else { continue };
            if !self.is_wanted(key) && space.skips(key) {
                continue;
            }
            // A key that is asked for under another name; a label's own name counts as its key, too.
            let mut name = self.wanted.iter().find(|(_, wanted)| *wanted == key).map_or(key, |(name, _)| *name);
            if !self.is_wanted(name) {
                continue;
            }
            if space.is_taken(name) {
                name = space.duplicate(name);
                if space.skips(name) {
                    break;
                }
            }
            let value = resolved(value, &mut self.value);
            space.set_parsed(name, if runes::is_broken(value) { b"" } else { value });
            if space.found_all() || space.is_full() {
                break;
            }
        }
        if let Some(error) = pairs.error.filter(|_| self.strict) {
            report(&error, space);
        }
        Verdict::Keep
    }
}
