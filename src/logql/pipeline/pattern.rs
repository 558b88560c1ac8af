//! Patterns such as `<ip> - <_> "<method> <path>"`: what `pattern` extracts and what `|>` compares (Loki `log/pattern`).

use memchr::memmem::Finder;

use super::labels::LabelSpace;
use super::names::{NameId, Names};
use super::{StageProblem, Verdict};
use crate::logql::pattern::{self, Part, PatternError};
use crate::syntax::strings::to_bytes;

fn finder(literal: &str) -> Box<Finder<'static>> {
    Box::new(Finder::new(&to_bytes(literal)).into_owned())
}

impl From<PatternError> for StageProblem {
    fn from(error: PatternError) -> StageProblem {
        StageProblem(error.to_string())
    }
}

/// Whether whole lines have a form.
#[derive(Clone)]
pub(super) struct LineForm {
    /// `None` for a capture.
    parts: Vec<Option<Box<Finder<'static>>>>,
}

impl LineForm {
    pub fn new(text: &str) -> Result<LineForm, StageProblem> {
        if text.is_empty() {
            return Ok(LineForm { parts: Vec::new() });
        }
        let pattern = pattern::parse(text)?;
        pattern.check_filter()?;
        let part = |part: &Part| match part {
            Part::Literal(literal) => Some(finder(literal)),
            Part::Capture(_) => None,
        };
        Ok(LineForm { parts: pattern.parts.iter().map(part).collect() })
    }

    /// Literals are found where they occur first; captures between them are never empty.
    pub fn matches(&self, line: &[u8]) -> bool {
        if line.is_empty() || self.parts.is_empty() {
            return line.is_empty() && self.parts.is_empty();
        }
        let mut rest = line;
        for (at, part) in self.parts.iter().enumerate() {
            let Some(literal) = part else { continue };
            match literal.find(rest) {
                None => return false,
                Some(0) if at > 0 => return false,
                Some(found) => rest = &rest[found + literal.needle().len()..],
            }
        }
        matches!(self.parts.last(), Some(None)) != rest.is_empty()
    }
}

/// The stage.
#[derive(Clone)]
pub(super) struct Pattern {
    start: Vec<u8>,
    /// Captures, each with the literal behind it.
    captures: Vec<(Option<NameId>, Option<Box<Finder<'static>>>)>,
}

impl Pattern {
    pub fn new(text: &str, names: &mut Names) -> Result<Pattern, StageProblem> {
        let pattern = pattern::parse(text)?;
        pattern.check_captures()?;
        let mut stage = Pattern { start: Vec::new(), captures: Vec::new() };
        for part in &pattern.parts {
            match (part, stage.captures.last_mut()) {
                (Part::Capture(name), _) => {
                    let name = name.as_ref().map(|name| names.intern(name.as_bytes()));
                    stage.captures.push((name, None));
                }
                (Part::Literal(literal), None) => stage.start = to_bytes(literal),
                (Part::Literal(literal), Some(capture)) => capture.1 = Some(finder(literal)),
            }
        }
        Ok(stage)
    }

    pub fn process(&self, line: &[u8], space: &mut LabelSpace) -> Verdict {
        if line.is_empty() || space.needs_no_labels() {
            return Verdict::Keep;
        }
        let Some(mut rest) = line.strip_prefix(&self.start[..]) else { return Verdict::Keep };
        for (name, literal) in &self.captures {
            let found = literal.as_ref().and_then(|literal| literal.find(rest));
            // Before a literal that is missing, a capture takes the rest, and is the last.
            let value = &rest[..found.unwrap_or(rest.len())];
            if let Some(name) = name {
                let name = if space.is_taken(*name) { space.duplicate(*name) } else { *name };
                if !space.skips(name) {
                    space.set_parsed(name, value);
                    if !space.may_go_on(name) {
                        return Verdict::Drop;
                    }
                }
            }
            match (found, literal) {
                (Some(at), Some(literal)) => rest = &rest[at + literal.needle().len()..],
                _ => break,
            }
        }
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Loki's `pattern_test.go` and the conformance notes.
    #[test]
    fn forms_match_whole_lines_from_left_to_right() {
        for (pattern, line, holds) in [
            ("<_>needle<_>", "a needle b", true),
            ("<_>needle<_>", "needle b", false),
            ("x<_>needle<_>y", "x a needle b yyy", false),
            ("x<_>y", "xay", true),
            ("x<_>y", "xy", false),
            ("<_> bar", "foo bar baz", false),
            ("<_>", "x", true),
            ("<_>", "", false),
            ("", "", true),
            ("abc", "abc", true),
            ("abc", "xabc", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(LineForm::new(pattern).unwrap().matches(line.as_bytes()), holds, "{pattern} {line}");
        }
        assert!(LineForm::new("<a>").is_err() && LineForm::new("<_><_>").is_err());
    }

    #[test]
    fn patterns_need_one_name_each() {
        let mut names = Names::default();
        for bad in ["<_>", "", "a<a><b>", "<a> <a>", "<1a>"] {
            assert!(Pattern::new(bad, &mut names).is_err(), "{bad}");
        }
        assert!(Pattern::new("<a> <_> <1>", &mut names).is_ok());
    }
}
