//! `drop` and `keep`: labels that go and labels that stay (Loki `log/drop_labels.go`, `log/keep_labels.go`).

use super::labels::{ERROR, ERROR_DETAILS, LabelSpace, PRESERVE_ERROR};
use super::names::{NameId, Names};
use super::runes;
use crate::labels::Matcher;
use crate::logql::ast::LabelChoice;

/// What is named, by name alone or with a value.
#[derive(Clone)]
struct Choice {
    name: NameId,
    special: Option<Special>,
    matcher: Option<Matcher>,
}

/// What is no label of its own until the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Error,
    Details,
}

fn choices(written: &[LabelChoice], names: &mut Names) -> Vec<Choice> {
    let choice = |name: &str, matcher: Option<&Matcher>, names: &mut Names| Choice {
        name: names.intern(name.as_bytes()),
        special: match name {
            ERROR => Some(Special::Error),
            ERROR_DETAILS => Some(Special::Details),
            _ => None,
        },
        matcher: matcher.cloned(),
    };
    let written = written.iter().map(|written| match written {
        LabelChoice::Name(name) => choice(name, None, names),
        LabelChoice::Matcher(matcher) => choice(&matcher.name, Some(matcher), names),
    });
    written.collect()
}

#[derive(Clone)]
pub(super) struct Drop(Vec<Choice>);

impl Drop {
    pub fn new(written: &[LabelChoice], names: &mut Names) -> Drop {
        Drop(choices(written, names))
    }

    pub fn process(&self, space: &mut LabelSpace) {
        for choice in &self.0 {
            let matches = |value: &[u8]| choice.matcher.as_ref().is_none_or(|m| m.matches(&runes::readable(value)));
            match choice.special {
                Some(Special::Error) if matches(space.error().as_bytes()) => space.clear_error(),
                Some(Special::Details) if matches(space.error_details().as_bytes()) => space.clear_error_details(),
                Some(_) => {}
                None => {
                    let value = space.get(choice.name);
                    // A matcher that accepts nothing drops what is not there, which others see.
                    if (choice.matcher.is_some() || value.is_some()) && matches(value.unwrap_or_default()) {
                        space.remove(choice.name);
                    }
                }
            }
        }
    }
}

#[derive(Clone)]
pub(super) struct Keep {
    choices: Vec<Choice>,
    /// Labels that stay in any case.
    special: [NameId; 3],
    dropped: Vec<NameId>,
}

impl Keep {
    pub fn new(written: &[LabelChoice], names: &mut Names) -> Keep {
        let special = [ERROR, ERROR_DETAILS, PRESERVE_ERROR].map(|name| names.intern(name.as_bytes()));
        Keep { choices: choices(written, names), special, dropped: Vec::new() }
    }

    pub fn process(&mut self, space: &mut LabelSpace) {
        let Keep { choices, special, dropped } = self;
        dropped.clear();
        space.for_each_id(|id, value| {
            let kept = special.contains(&id)
                || choices.iter().any(|choice| {
                    choice.name == id && choice.matcher.as_ref().is_none_or(|m| m.matches(&runes::readable(value)))
                });
            if !kept {
                dropped.push(id);
            }
        });
        dropped.iter().for_each(|id| space.remove(*id));
    }
}
