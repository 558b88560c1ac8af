//! `regexp`: named groups of a regular expression become labels (Loki `log/parser.go`, `RegexpParser`).

use regex::{CaptureLocations, Regex};

use super::labels::LabelSpace;
use super::names::{NameId, Names};
use super::{StageProblem, Verdict, runes};
use crate::labels::search_regex;

#[derive(Clone)]
pub(super) struct Regexp {
    regex: Regex,
    groups: Vec<(usize, NameId)>,
    locations: CaptureLocations,
}

impl Regexp {
    pub fn new(pattern: &str, names: &mut Names) -> Result<Regexp, StageProblem> {
        let regex = search_regex(pattern).map_err(|error| StageProblem(error.message))?;
        let mut groups: Vec<(usize, NameId)> = Vec::new();
        for (at, name) in regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            // Go's names of groups are words, so that no two become the same label but those that are the same.
            if let Some(name) = names.of_key(name.as_bytes()) {
                groups.push((at, name));
            }
        }
        if groups.is_empty() {
            return Err(StageProblem("at least one named capture must be supplied; write (?P<name>...)".to_owned()));
        }
        Ok(Regexp { locations: regex.capture_locations(), regex, groups })
    }

    pub fn process(&mut self, line: &[u8], space: &mut LabelSpace) -> Verdict {
        let text = runes::readable(line);
        if self.regex.captures_read(&mut self.locations, &text).is_none() {
            return Verdict::Keep;
        }
        for (group, name) in &self.groups {
            let name = if space.is_taken(*name) { space.duplicate(*name) } else { *name };
            if space.skips(name) {
                continue;
            }
            let value = self.locations.get(*group).map_or("", |(start, end)| &text[start..end]);
            space.set_parsed(name, value.as_bytes());
            if !space.may_go_on(name) {
                return Verdict::Drop;
            }
        }
        Verdict::Keep
    }
}
