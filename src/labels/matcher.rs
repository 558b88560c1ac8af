//! Label matchers, with regular expressions as Prometheus compiles them.

use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::go_regex;
use crate::syntax::printer::write_label;
use crate::syntax::strings::write_quoted;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

impl MatchOp {
    pub fn as_str(self) -> &'static str {
        match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        }
    }
}

/// One condition on one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: Arc<str>,
    pub op: MatchOp,
    pub value: Arc<str>,
    /// Compiled where `op` is `Regex` or `NotRegex`.
    regex: Option<Regex>,
}

/// Why a regular expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegexError {
    pub message: String,
}

/// Bytes of a compiled regular expression, large enough for a class of Unicode repeated a thousand times.
const MAX_REGEX_SIZE: usize = 1 << 27;

/// Levels of groups and repetitions; Go stops at 1000.
const MAX_REGEX_NESTING: u32 = 500;

/// A regular expression that has to match a whole value, in Go's RE2 syntax, where `.` also matches a newline
/// (Prometheus `labels.NewFastRegexMatcher`).
pub fn anchored_regex(pattern: &str) -> Result<Regex, RegexError> {
    compile(&format!("\\A(?:{})\\z", go_regex::translate(pattern)?))
}

/// A regular expression that is searched for in a text, in Go's RE2 syntax, where `.` matches no newline (Go's `regexp`).
pub fn search_regex(pattern: &str) -> Result<Regex, RegexError> {
    compile(&go_regex::translate(&format!("(?-s){pattern}"))?)
}

/// The names of the groups of a regular expression that capture, in order, as Go's `regexp.SubexpNames` without the first. Unlike in a compiled
/// one, a name may occur twice, and begin with a digit.
pub fn group_names(pattern: &str) -> Result<Vec<Option<&str>>, RegexError> {
    go_regex::group_names(pattern)
}

fn compile(translated: &str) -> Result<Regex, RegexError> {
    RegexBuilder::new(translated).size_limit(MAX_REGEX_SIZE).nest_limit(MAX_REGEX_NESTING).build().map_err(|error| {
        RegexError {
            message: match error {
                regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
                // All other differences were translated.
                _ => "the regular expression is nested too deep".to_owned(),
            },
        }
    })
}

impl Matcher {
    pub fn new(name: impl Into<Arc<str>>, op: MatchOp, value: impl Into<Arc<str>>) -> Result<Matcher, RegexError> {
        let value = value.into();
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(anchored_regex(&value)?),
        };
        Ok(Matcher { name: name.into(), op, value, regex })
    }

    /// The regular expression, anchored and in the syntax of the `regex` crate, where `op` has one.
    pub fn pattern(&self) -> Option<&str> {
        self.regex.as_ref().map(Regex::as_str)
    }

    /// Whether a label value meets the condition; an absent label has the value `""`.
    pub fn matches(&self, value: &str) -> bool {
        let found = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => *self.value == *value,
        };
        found == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        self.name == other.name && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    /// `job=~"node.*"`, quoted as Prometheus quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_label(f, &self.name)?;
        f.write_str(self.op.as_str())?;
        write_quoted(f, &self.value)
    }
}
