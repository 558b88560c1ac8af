//! `label_replace` and `label_join`: new labels from old ones (Prometheus `promql/functions.go`).

use regex::Regex;

use crate::labels::{Labels, anchored_regex, expand};
use crate::syntax::strings::has_raw_bytes;

/// Why the arguments of `label_replace` or `label_join` are refused, in Prometheus' words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("invalid regular expression in label_replace(): {0}")]
    Regex(String),
    #[error("invalid destination label name in {function}(): {name}")]
    Destination { function: &'static str, name: String },
    #[error("invalid source label name in label_join(): {0}")]
    Source(String),
}

/// A `label_replace` whose arguments are checked.
#[derive(Clone, Debug)]
pub struct LabelReplace {
    destination: String,
    replacement: String,
    source: String,
    regex: Regex,
}

impl LabelReplace {
    pub fn new(destination: &str, replacement: &str, source: &str, regex: &str) -> Result<LabelReplace, LabelError> {
        let compiled = anchored_regex(regex).map_err(|_| LabelError::Regex(regex.to_owned()))?;
        check_destination("label_replace", destination)?;
        Ok(LabelReplace {
            destination: destination.to_owned(),
            replacement: replacement.to_owned(),
            source: source.to_owned(),
            regex: compiled,
        })
    }

    /// The label that is written.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The new labels, or `None` where the source label does not match and nothing changes.
    pub fn apply(&self, labels: &Labels) -> Option<Labels> {
        let captures = self.regex.captures(labels.get(&self.source))?;
        let value = expand(&self.replacement, &self.regex, &captures);
        let mut builder = labels.builder();
        builder.set(&self.destination, &value);
        Some(builder.build())
    }
}

/// A `label_join` whose arguments are checked.
#[derive(Clone, Debug)]
pub struct LabelJoin {
    destination: String,
    separator: String,
    sources: Vec<String>,
}

impl LabelJoin {
    pub fn new(destination: &str, separator: &str, sources: &[&str]) -> Result<LabelJoin, LabelError> {
        if let Some(source) = sources.iter().find(|source| !is_valid_name(source)) {
            return Err(LabelError::Source((*source).to_owned()));
        }
        check_destination("label_join", destination)?;
        Ok(LabelJoin {
            destination: destination.to_owned(),
            separator: separator.to_owned(),
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        })
    }

    /// The label that is written.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    pub fn apply(&self, labels: &Labels) -> Labels {
        let values: Vec<&str> = self.sources.iter().map(|source| labels.get(source)).collect();
        let mut builder = labels.builder();
        builder.set(&self.destination, &values.join(&self.separator));
        builder.build()
    }
}

fn check_destination(function: &'static str, name: &str) -> Result<(), LabelError> {
    if is_valid_name(name) { Ok(()) } else { Err(LabelError::Destination { function, name: name.to_owned() }) }
}

/// With UTF-8 names every name is valid but the empty one, and one with bytes that are no UTF-8.
fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && !has_raw_bytes(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(replacement: &str, regex: &str, value: &str) -> Option<String> {
        let labels = Labels::from_pairs([("src", value), ("dst", "old")]);
        let replace = LabelReplace::new("dst", replacement, "src", regex).unwrap();
        replace.apply(&labels).map(|labels| labels.get("dst").to_owned())
    }

    #[test]
    fn groups_are_put_in_as_go_puts_them_in() {
        for (replacement, expected) in [
            ("value-$1", "value-10"),
            ("${1}0", "100"),
            ("$1x", ""),
            ("$x", "20"),
            ("${x}-$$1", "20-$1"),
            ("$", "$"),
            ("${1", "${1"),
            ("$01", ""),
            ("$0", "source-10-20"),
            ("$9", ""),
            ("$-", "$-"),
        ] {
            let result = replaced(replacement, "source-(\\d+)-(?P<x>\\d+)", "source-10-20");
            assert_eq!(result.as_deref(), Some(expected), "{replacement}");
        }
    }

    #[test]
    fn the_whole_value_has_to_match() {
        assert_eq!(replaced("x", "our", "source"), None);
        assert_eq!(replaced("x", ".*", "two\nlines").as_deref(), Some("x"));
        assert_eq!(replaced("", ".*", "v").as_deref(), Some(""));
    }

    #[test]
    fn bad_arguments_are_refused_in_the_words_of_prometheus() {
        let error = LabelReplace::new("dst", "", "src", "(.*").unwrap_err();
        assert_eq!(error.to_string(), "invalid regular expression in label_replace(): (.*");
        let error = LabelReplace::new("", "", "src", "").unwrap_err();
        assert_eq!(error.to_string(), "invalid destination label name in label_replace(): ");
        let error = LabelJoin::new("dst", ",", &["a", ""]).unwrap_err();
        assert_eq!(error.to_string(), "invalid source label name in label_join(): ");
    }

    #[test]
    fn joining_takes_absent_labels_as_empty() {
        let labels = Labels::from_pairs([("a", "1"), ("c", "3")]);
        let joined = LabelJoin::new("d", "-", &["a", "b", "c"]).unwrap().apply(&labels);
        assert_eq!(joined.get("d"), "1--3");
        assert!(!LabelJoin::new("a", "", &[]).unwrap().apply(&labels).has("a"));
    }
}
