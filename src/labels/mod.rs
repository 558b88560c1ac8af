//! Label sets, shared and hashed once, and the matchers that select them.

mod expansion;
mod go_regex;
mod matcher;

pub use expansion::expand;
pub use matcher::{MatchOp, Matcher, RegexError, anchored_regex, group_names, search_regex};

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh64::xxh64;

use crate::syntax::printer::write_label;
use crate::syntax::strings::write_quoted;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// A set of labels, sorted by name (bytes, as Go sorts), without empty values. Cheap to clone; its hash is
/// computed once.
#[derive(Clone)]
pub struct Labels(Arc<LabelSet>);

struct LabelSet {
    hash: u64,
    pairs: Box<[(Arc<str>, Arc<str>)]>,
}

impl Labels {
    /// The hash that Prometheus gives the set: xxHash of names and values, each behind its length
    /// (`model/labels/labels_stringlabels.go`).
    pub fn go_hash(&self) -> u64 {
        let mut bytes = Vec::new();
        for text in self.iter().flat_map(|(name, value)| [name, value]) {
            match u8::try_from(text.len()) {
                Ok(length) if length < u8::MAX => bytes.push(length),
                _ => bytes.extend([u8::MAX, text.len() as u8, (text.len() >> 8) as u8, (text.len() >> 16) as u8]),
            }
            bytes.extend(text.as_bytes());
        }
        xxh64(&bytes, 0)
    }

    /// No labels.
    pub fn empty() -> Labels {
        Labels::from_sorted(Vec::new())
    }

    /// Labels from pairs in any order; a later value of a name replaces an earlier one, empty values drop.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Labels {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Labels that keep empty values, as logs have them: there, a label that is empty is not one that is absent.
    pub fn keeping_empty<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Labels {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> =
            pairs.into_iter().map(|(name, value)| (name.as_ref().into(), value.as_ref().into())).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Labels::from_sorted(pairs)
    }

    fn from_sorted(pairs: Vec<(Arc<str>, Arc<str>)>) -> Labels {
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        pairs.hash(&mut hasher);
        Labels(Arc::new(LabelSet { hash: hasher.finish(), pairs: pairs.into_boxed_slice() }))
    }

    /// The value of a label; an absent label is empty.
    pub fn get(&self, name: &str) -> &str {
        match self.0.pairs.binary_search_by(|(n, _)| n.as_ref().cmp(name)) {
            Ok(at) => &self.0.pairs[at].1,
            Err(_) => "",
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.pairs.binary_search_by(|(n, _)| n.as_ref().cmp(name)).is_ok()
    }

    /// The metric's name; empty where it has none.
    pub fn name(&self) -> &str {
        self.get(METRIC_NAME)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref()))
    }

    pub fn len(&self) -> usize {
        self.0.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.pairs.is_empty()
    }

    /// A builder that starts with these labels.
    pub fn builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.0.pairs.to_vec() }
    }

    /// Only the labels for which `keep` holds.
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Labels {
        Labels::from_sorted(self.0.pairs.iter().filter(|(n, _)| keep(n)).cloned().collect())
    }

    /// The labels that are not empty; only those of logs may be ([`Labels::keeping_empty`]).
    pub fn without_empty(&self) -> Labels {
        if self.0.pairs.iter().all(|(_, value)| !value.is_empty()) {
            return self.clone();
        }
        Labels::from_sorted(self.0.pairs.iter().filter(|(_, value)| !value.is_empty()).cloned().collect())
    }

    /// The labels without the metric's name.
    pub fn without_name(&self) -> Labels {
        if self.has(METRIC_NAME) { self.filter(|name| name != METRIC_NAME) } else { self.clone() }
    }
}

impl Labels {
    /// The labels without those that describe the metric itself: name, type and unit (Prometheus
    /// `schema.IsMetadataLabel`).
    pub fn without_metadata(&self) -> Labels {
        const METADATA: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];
        if METADATA.iter().any(|name| self.has(name)) {
            self.filter(|name| !METADATA.contains(&name))
        } else {
            self.clone()
        }
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Labels) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.pairs == other.0.pairs)
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Labels) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    /// Prometheus' order (`labels.Compare`): pair by pair, name then value, shorter first.
    fn cmp(&self, other: &Labels) -> Ordering {
        self.0.pairs.cmp(&other.0.pairs)
    }
}

impl Default for Labels {
    fn default() -> Labels {
        Labels::empty()
    }
}

impl fmt::Display for Labels {
    /// `{__name__="up", job="node"}`, as Prometheus prints a label set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pairs(f, self.iter())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Labels {
    /// `up{job="node"}`: the name in front where it is a plain one, as Prometheus prints a metric.
    pub fn as_metric(&self) -> String {
        let name = self.name();
        let plain = !name.is_empty()
            && name
                .bytes()
                .enumerate()
                .all(|(i, b)| b.is_ascii_alphabetic() || b == b'_' || b == b':' || (i > 0 && b.is_ascii_digit()));
        if !plain {
            return self.to_string();
        }
        let rest = self.without_name();
        if rest.is_empty() { name.to_owned() } else { format!("{name}{rest}") }
    }
}

fn write_pairs<'a>(f: &mut fmt::Formatter<'_>, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> fmt::Result {
    f.write_str("{")?;
    for (i, (name, value)) in pairs.enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        f.write_str(comma)?;
        write_label(f, name)?;
        f.write_str("=")?;
        write_quoted(f, value)?;
    }
    f.write_str("}")
}

/// Builds a label set by setting and deleting single labels.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    /// Sorted by name, unique, without empty values.
    pairs: Vec<(Arc<str>, Arc<str>)>,
}

impl LabelsBuilder {
    /// Sets a label; an empty value deletes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut LabelsBuilder {
        match self.pairs.binary_search_by(|(n, _)| n.as_ref().cmp(name)) {
            Ok(at) if value.is_empty() => drop(self.pairs.remove(at)),
            Ok(at) => self.pairs[at].1 = value.into(),
            Err(_) if value.is_empty() => {}
            Err(at) => self.pairs.insert(at, (name.into(), value.into())),
        }
        self
    }

    pub fn remove(&mut self, name: &str) -> &mut LabelsBuilder {
        self.set(name, "")
    }

    pub fn build(self) -> Labels {
        Labels::from_sorted(self.pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_without_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), ("__name__", "up"), ("a", "1"), ("c", ""), ("b", "3")]);
        assert_eq!(labels.to_string(), r#"{__name__="up", a="1", b="3"}"#);
        assert_eq!(labels.as_metric(), r#"up{a="1", b="3"}"#);
        assert_eq!(labels, Labels::from_pairs([("a", "1"), ("b", "3"), ("__name__", "up")]));
        assert_eq!(labels.get("c"), "");
    }
}
