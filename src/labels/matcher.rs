//! Label matchers, with regular expressions as Prometheus compiles them.

use std::fmt;
use std::sync::Arc;

use regex::Regex;

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

/// A regular expression that has to match a whole value, in Go's RE2 syntax, where `.` also matches a newline
/// (Prometheus `labels.NewFastRegexMatcher`).
pub fn anchored_regex(pattern: &str) -> Result<Regex, RegexError> {
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|error| RegexError { message: error.to_string() })
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
