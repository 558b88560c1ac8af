//! YAML text into a tree of nodes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, Spanned};

use super::error::diagnose;
use super::scalar;
use crate::text::{Diagnostic, Located, Source, Span};

/// How deep lists and mappings may nest. Rule files need 7.
const MAX_DEPTH: usize = 64;
/// How many values a file may hold, those that aliases repeat included.
const MAX_NODES: usize = 20_000_000;
/// How many values all aliases of a file may repeat.
const MAX_ALIAS_NODES: usize = 200_000;

/// A value and its place. What an alias repeats has the place of its anchor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    Scalar {
        /// As written, but for quotes, escapes and folding: `1e3` and `yes` stay.
        text: String,
        /// Written without quotes and not as a block, so that it may be a number or a boolean.
        plain: bool,
    },
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The node as a string: null is empty, as in Go; `None` for lists and mappings.
    pub fn located(&self, source: &Source) -> Option<Located> {
        match &self.kind {
            Kind::Null => Some(Located::new("", source, self.span, Vec::new())),
            Kind::Scalar { text, .. } => {
                let pieces = scalar::pieces(source, self.span, text);
                Some(Located::new(text.clone(), source, self.span, pieces))
            }
            Kind::List(_) | Kind::Map(_) => None,
        }
    }
}

/// The documents of a file, without those that are empty.
///
/// # Errors
/// What is no YAML, duplicate keys, and documents that are too deep or too large (aliases that explode).
pub fn read_documents(source: &Source) -> Result<Vec<Node>, Diagnostic> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 3 * MAX_NODES,
            max_recorded_anchor_events: MAX_ALIAS_NODES,
            // An alias is used as often as people like; what counts is how much all of them repeat.
            enforce_alias_anchor_ratio: false,
            // Comments are not read, so that none are too many.
            max_buffered_comment_events: usize::MAX,
            max_total_comment_bytes: usize::MAX,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MAX_ALIAS_NODES },
        // `.inf` is a word too, into a string.
        non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: DuplicateKeyPolicy::Error,
        emit_comments: false,
        // A word like `yes` is what it says.
        strict_booleans: true,
        with_snippet: false,
    };
    // Go's yaml accepts a byte order mark at the start, and so does the parser.
    match serde_yaml::from_multiple_with_options::<Raw>(source.text(), options) {
        Ok(documents) => Ok(documents.into_iter().map(|raw| raw.into_node(source)).collect()),
        Err(error) => Err(diagnose(&error, source)),
    }
}

/// A node as the YAML library hands it over.
struct Raw(Box<Spanned<RawKind>>);

enum RawKind {
    Null,
    Text(String),
    /// A number or a boolean; its spelling is in the source.
    Other,
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        Spanned::deserialize(deserializer).map(|spanned| Raw(Box::new(spanned)))
    }
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawKind, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_bool<E>(self, _: bool) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_i128<E>(self, _: i128) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<RawKind, E> {
        Ok(RawKind::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<RawKind, E> {
        Ok(RawKind::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<RawKind, E> {
        Ok(RawKind::Text(text))
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawKind, D::Error> {
        RawKind::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawKind, D::Error> {
        RawKind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(RawKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(RawKind::Map(entries))
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, data: A) -> Result<RawKind, A::Error> {
        data.variant::<IgnoredAny>().map(|_| RawKind::Other)
    }
}

impl Raw {
    fn into_node(self, source: &Source) -> Node {
        let Spanned { value, defined, .. } = *self.0;
        let place = defined.span();
        let start = place.byte_offset().unwrap_or_default() as usize;
        let end = start + place.byte_len().unwrap_or_default() as usize;
        let start = match &value {
            RawKind::Text(_) | RawKind::Null => scalar::block_header(source.text(), start).unwrap_or(start),
            _ => start,
        };
        let written = source.text().get(start..end).unwrap_or_default().trim_end();
        let span = Span::new(start, start + written.len());
        let quoted = matches!(written.as_bytes().first(), Some(b'"' | b'\'' | b'|' | b'>'));
        let kind = match value {
            RawKind::Null if quoted => Kind::Scalar { text: String::new(), plain: false },
            RawKind::Null => Kind::Null,
            RawKind::Text(text) => Kind::Scalar { text, plain: !quoted },
            RawKind::Other => Kind::Scalar { text: scalar::untagged(written).to_owned(), plain: true },
            RawKind::List(items) => Kind::List(items.into_iter().map(|item| item.into_node(source)).collect()),
            RawKind::Map(entries) => Kind::Map(
                entries.into_iter().map(|(key, value)| (key.into_node(source), value.into_node(source))).collect(),
            ),
        };
        // The parser gives a list or a mapping the place where it starts.
        let last = match &kind {
            Kind::List(items) => items.last(),
            Kind::Map(entries) => entries.last().map(|(_, value)| value),
            _ => None,
        };
        // What an alias repeats may stand in front.
        let end = last.map_or(span.end, |last| last.span.end.max(span.end));
        Node { span: Span::new(span.start, end), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Source, Vec<Node>) {
        let source = Source::new("f.yaml", text);
        let nodes = read_documents(&source).unwrap_or_else(|problem| panic!("{problem}"));
        (source, nodes)
    }

    fn texts(node: &Node) -> Vec<(&str, Option<&str>)> {
        node.entries().iter().map(|(key, value)| (key.text().unwrap_or("?"), value.text())).collect()
    }

    #[test]
    fn scalars_keep_their_spelling() {
        let (_, documents) =
            read("a: 1e3\nb: yes\nc: 0x1F\nd: 15:42\ne: 2025-11-14\nf: \"1\"\ng: !!str 007\nh: .5\n1: x\ni: True\n");
        let expected = ["1e3", "yes", "0x1F", "15:42", "2025-11-14", "1", "007", ".5", "x", "True"];
        assert_eq!(texts(&documents[0]).into_iter().map(|(_, text)| text.unwrap()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn null_is_an_empty_string() {
        let (source, documents) = read("a: ~\nb:\nc: null\nd: \"\"\n");
        for (key, value) in documents[0].entries() {
            assert_eq!(value.located(&source).unwrap().value, "", "{key:?}");
        }
        assert_eq!(documents[0].get("b").unwrap().kind, Kind::Null);
        assert_ne!(documents[0].get("d").unwrap().kind, Kind::Null);
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        let (_, documents) = read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nsame: *b\n");
        let used = documents[0].get("use").unwrap();
        assert_eq!(used.get("x").and_then(Node::text), Some("1"));
        assert_eq!(used.get("y").and_then(Node::text), Some("3"));
        assert_eq!(documents[0].get("same"), documents[0].get("base"));
    }

    #[test]
    fn documents_that_are_empty_do_not_count() {
        assert_eq!(read("").1.len(), 0);
        assert_eq!(read("# only a comment\n").1.len(), 0);
        assert_eq!(read("---\na: 1\n---\n---\nb: 2\n").1.len(), 2);
        assert_eq!(read("\u{feff}a: 1\n").1[0].get("a").and_then(Node::text), Some("1"));
    }

    #[test]
    fn many_comments_are_no_problem() {
        let text = format!("a:\n{}  b: 1\n{}c: 2\n", "  # note\n".repeat(500), "# note\n".repeat(500));
        assert_eq!(read(&text).1[0].get("c").and_then(Node::text), Some("2"));
    }

    #[test]
    fn one_anchor_serves_many_aliases() {
        let text = format!("a: &a {{severity: page}}\nb:\n{}", "- *a\n".repeat(5000));
        let (_, documents) = read(&text);
        assert!(matches!(&documents[0].get("b").unwrap().kind, Kind::List(items) if items.len() == 5000));
    }

    #[test]
    fn spans_hold_the_scalar_as_written() {
        let (source, documents) = read("k: plain # note\nq: 'it''s'\nb: |\n  one\n  two\nn: 12\n");
        let at = |key: &str| {
            let span = documents[0].get(key).unwrap().span;
            &source.text()[span.start..span.end]
        };
        assert_eq!(at("k"), "plain");
        assert_eq!(at("q"), "'it''s'");
        assert_eq!(at("b"), "|\n  one\n  two");
        assert_eq!(at("n"), "12");
    }
}
