//! YAML text into a tree of nodes: the events of the parser, with anchors, merge keys and limits.

use std::collections::{HashMap, HashSet};
use std::vec::Drain;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::error::{diagnose, too_much};
use super::node::{Kind, Node, ScalarText};
use super::scalar;
use crate::text::{Diagnostic, Source, Span};

/// How deep lists and mappings may nest, through aliases too. Rule files need 7.
const MAX_DEPTH: usize = 64;
/// How many values a file may hold, those that aliases repeat included: 500 MB of memory. A file that is large because its
/// limit was raised may hold one in every `BYTES_A_NODE` of its bytes.
const MAX_NODES: usize = 10_000_000;
const BYTES_A_NODE: usize = 16;
/// How many values, and how many bytes of text, all aliases of a file may repeat.
const MAX_ALIASED: Weight = Weight { nodes: 200_000, bytes: 64 * 1024 * 1024 };
/// Mappings of at most this many fields are searched for duplicates field by field.
const FEW_FIELDS: usize = 16;

/// The documents of a file, without those that are empty.
///
/// # Errors
/// What is no YAML, duplicate keys, and documents that are too deep or too large (aliases that explode).
pub fn read_documents(source: &Source) -> Result<Vec<Node>, Diagnostic> {
    Ok(read(source, usize::MAX)?.0)
}

/// The first document of a file, unless it is empty, and where the next one begins, which is not read. So does Go's
/// `yaml.Unmarshal`.
///
/// # Errors
/// Those of `read_documents`, as far as the first document goes.
pub fn read_first(source: &Source) -> Result<(Option<Node>, Option<Span>), Diagnostic> {
    let (documents, next) = read(source, 1)?;
    Ok((documents.into_iter().next(), next))
}

/// At most `most` documents, and where the next one begins.
fn read(source: &Source, most: usize) -> Result<(Vec<Node>, Option<Span>), Diagnostic> {
    // Go's yaml accepts a byte order mark at the start, and so does the parser.
    let options = granit_parser::options! { emit_comments: false };
    let mut tree = Tree {
        source,
        nodes: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        read: Weight::NONE,
        aliased: Weight::NONE,
        documents: Vec::new(),
    };
    let mut begun = 0;
    for next in Parser::new_from_str_with_options(source.text(), options) {
        let (event, place) = next.map_err(|error| diagnose(&error, source))?;
        if matches!(event, Event::DocumentStart(..)) {
            if begun == most {
                return Ok((tree.documents, Some(bytes(&place))));
            }
            begun += 1;
        }
        tree.take(event, bytes(&place))?;
    }
    Ok((tree.documents, None))
}

fn bytes(place: &granit_parser::Span) -> Span {
    let range = place.byte_range().unwrap_or_default();
    Span::new(range.start, range.end.max(range.start))
}

/// What a part of a file holds.
#[derive(Clone, Copy)]
struct Weight {
    nodes: usize,
    /// Of the texts of scalars.
    bytes: usize,
}

impl Weight {
    const NONE: Weight = Weight { nodes: 0, bytes: 0 };

    fn plus(self, other: Weight) -> Weight {
        Weight { nodes: self.nodes.saturating_add(other.nodes), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn minus(self, other: Weight) -> Weight {
        Weight { nodes: self.nodes - other.nodes, bytes: self.bytes - other.bytes }
    }

    fn exceeds(self, most: Weight) -> bool {
        self.nodes > most.nodes || self.bytes > most.bytes
    }
}

/// A list or a mapping whose end has not come yet.
struct Open {
    span: Span,
    mapping: bool,
    /// 0 for none.
    anchor: usize,
    /// How many nodes waited before its own.
    below: usize,
    /// What was read before it.
    before: Weight,
    /// How deep what it holds nests; 0 for scalars alone.
    height: usize,
    /// The names of its fields, once they are many.
    names: Option<HashSet<Name>>,
}

/// What tells a key from others; `None` is null. Keys that are lists or mappings have no name: the readers take none.
type Name = Option<Box<str>>;

impl Open {
    /// Whether one of the keys before, every second of `others`, has the name of this one.
    fn has_name(&mut self, key: &Node, others: &[Node]) -> bool {
        if is_merge(key) {
            return false;
        }
        let keys = || others.iter().step_by(2);
        if others.len() < 2 * FEW_FIELDS {
            return keys().any(|other| same_name(other, key));
        }
        let names = self.names.get_or_insert_with(|| keys().filter_map(name).collect());
        name(key).is_some_and(|name| !names.insert(name))
    }
}

/// What aliases repeat.
struct Anchored {
    node: Node,
    weight: Weight,
    height: usize,
}

struct Tree<'a> {
    source: &'a Source,
    /// The nodes of all lists and mappings that are open, keys and values in turn.
    nodes: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    read: Weight,
    aliased: Weight,
    documents: Vec<Node>,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag.as_deref(), span);
                let weight = Weight { nodes: 1, bytes: text.len() };
                self.read = self.read.plus(weight);
                self.keep_anchored(anchor, &node, weight, 0)?;
                self.put(node, 0)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, false, anchor),
            Event::MappingStart(_, anchor, _) => self.begin(span, true, anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let Some(Anchored { node, weight, height }) = self.anchors.get(&anchor) else {
                    return Err(Diagnostic::error("this alias stands inside of the value that it repeats")
                        .at(self.source, span)
                        .help("write the inner value out"));
                };
                let (node, weight, height) = (node.clone(), *weight, *height);
                self.aliased = self.aliased.plus(weight);
                if self.aliased.exceeds(MAX_ALIASED) {
                    return Err(self.aliases_repeat_too_much(span));
                }
                if self.open.len() + height > MAX_DEPTH {
                    return Err(self.nests_too_deeply(span));
                }
                self.read = self.read.plus(weight);
                self.put(node, height)
            }
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
        let written = self.source.text();
        let start = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                scalar::block_header(written, span.start).unwrap_or(span.start)
            }
            _ => span.start,
        };
        let end = written.get(start..span.end).map_or(start, |scalar| start + scalar.trim_end().len());
        let span = Span::new(start, end);
        let text_only = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str") || tag.parts() == ("", "!"));
        let plain = style == ScalarStyle::Plain && !text_only;
        let null = plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
            || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("null"));
        if null {
            return Node { span, kind: Kind::Null };
        }
        // A text that the parser has not made anew lies in the source.
        let at = (text.as_ptr() as usize).wrapping_sub(written.as_ptr() as usize);
        let text = match written.get(at..at.saturating_add(text.len())) {
            Some(_) => ScalarText::in_file(self.source, Span::new(at, at + text.len())),
            None => ScalarText::from(text),
        };
        Node { span, kind: Kind::Scalar { text, plain } }
    }

    fn begin(&mut self, span: Span, mapping: bool, anchor: usize) -> Result<(), Diagnostic> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.nests_too_deeply(span));
        }
        self.open.push(Open {
            span,
            mapping,
            anchor,
            below: self.nodes.len(),
            before: self.read,
            height: 0,
            names: None,
        });
        self.read = self.read.plus(Weight { nodes: 1, bytes: 0 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        // What an alias repeats may stand in front.
        let end = self.nodes[open.below..].last().map_or(open.span.end, |last| last.span.end.max(open.span.end));
        let inner = self.nodes.drain(open.below..);
        let kind = if open.mapping { Kind::Map(entries(inner, self.source)?) } else { Kind::List(inner.collect()) };
        let node = Node { span: Span::new(open.span.start, end), kind };
        self.keep_anchored(open.anchor, &node, self.read.minus(open.before), open.height + 1)?;
        self.put(node, open.height + 1)
    }

    /// Adds a node to the list or the mapping that it stands in.
    fn put(&mut self, node: Node, height: usize) -> Result<(), Diagnostic> {
        if self.read.nodes > MAX_NODES.max(self.source.text().len() / BYTES_A_NODE) {
            let problem = too_much("the file holds too many values", "split it into several files");
            return Err(problem.at(self.source, node.span));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.height = open.height.max(height);
                let others = &self.nodes[open.below..];
                if open.mapping && others.len().is_multiple_of(2) && open.has_name(&node, others) {
                    let name = node.text().unwrap_or("~");
                    return Err(Diagnostic::error(format!("`{name}` is given twice in one mapping"))
                        .at(self.source, node.span)
                        .help("keep one of them; YAML would silently ignore the other"));
                }
                self.nodes.push(node);
            }
            None if node.kind == Kind::Null => {}
            None => self.documents.push(node),
        }
        Ok(())
    }

    fn keep_anchored(&mut self, anchor: usize, node: &Node, weight: Weight, height: usize) -> Result<(), Diagnostic> {
        if anchor == 0 {
            return Ok(());
        }
        if weight.exceeds(MAX_ALIASED) {
            return Err(self.aliases_repeat_too_much(node.span));
        }
        self.anchors.insert(anchor, Anchored { node: node.clone(), weight, height });
        Ok(())
    }

    fn nests_too_deeply(&self, span: Span) -> Diagnostic {
        too_much("lists and mappings nest too deeply", "nest them less deeply").at(self.source, span)
    }

    fn aliases_repeat_too_much(&self, span: Span) -> Diagnostic {
        too_much("aliases (`*name`) repeat too many values", "repeat less through anchors").at(self.source, span)
    }
}

/// Keys and values, with what merge keys (`<<`) bring behind the mapping's own fields.
fn entries(mut inner: Drain<'_, Node>, source: &Source) -> Result<Vec<(Node, Node)>, Diagnostic> {
    let mut entries = Vec::with_capacity(inner.len() / 2);
    let mut merged = Vec::new();
    while let (Some(key), Some(value)) = (inner.next(), inner.next()) {
        match is_merge(&key) {
            true => merge(value, &mut merged, source)?,
            false => entries.push((key, value)),
        }
    }
    if !merged.is_empty() {
        let mut names: HashSet<Name> = entries.iter().filter_map(|(key, _)| name(key)).collect();
        let is_new = merged.iter().map(|(key, _)| name(key).is_none_or(|name| names.insert(name)));
        let new: Vec<bool> = is_new.collect();
        entries.extend(merged.into_iter().zip(new).filter(|(_, new)| *new).map(|(entry, _)| entry));
    }
    Ok(entries)
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, Kind::Scalar { text, plain: true } if text.as_str() == "<<")
}

/// The fields that a merge key brings: those of a mapping, or of each of a list of mappings.
fn merge(value: Node, merged: &mut Vec<(Node, Node)>, source: &Source) -> Result<(), Diagnostic> {
    match value.kind {
        Kind::Map(entries) => merged.extend(entries),
        Kind::List(items) => {
            for item in items {
                merge(item, merged, source)?;
            }
        }
        Kind::Null => {}
        Kind::Scalar { .. } => {
            return Err(Diagnostic::error("`<<` takes in the fields of a mapping, and this is none")
                .at(source, value.span)
                .help("write `<<: *name` with the anchor of a mapping, or a list of such"));
        }
    }
    Ok(())
}

fn name(key: &Node) -> Option<Name> {
    match &key.kind {
        Kind::Null => Some(None),
        Kind::Scalar { text, .. } => Some(Some(text.as_str().into())),
        Kind::List(_) | Kind::Map(_) => None,
    }
}

fn same_name(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Scalar { text, .. }, Kind::Scalar { text: other, .. }) => text == other,
        _ => false,
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

    fn problem(text: &str) -> String {
        read_documents(&Source::new("f.yaml", text)).unwrap_err().to_string()
    }

    #[test]
    fn merge_keys_take_lists_of_mappings_and_the_first_value_counts() {
        let (_, documents) = read("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {z: 3, <<: [*a, *b], <<: {z: 4, w: 5}}\n");
        let fields: Vec<_> = texts(documents[0].get("c").unwrap());
        assert_eq!(fields, [("z", Some("3")), ("x", Some("1")), ("y", Some("2")), ("w", Some("5"))]);
        assert_eq!(texts(&read("'<<': 1\n").1[0]), [("<<", Some("1"))]);
        assert!(problem("a: 1\n<<: b\n").starts_with("f.yaml:2:5: `<<` takes in the fields of a mapping"));
    }

    #[test]
    fn a_name_is_given_once_in_mappings_of_any_size() {
        let fields: String = (0..100).map(|field| format!("f{field}: 1\n")).collect();
        assert_eq!(read(&fields).1[0].entries().len(), 100);
        for (at, again) in [(3, "f0"), (20, "'f0'"), (100, "f50"), (100, "\"f\\x39\"")] {
            let lines: Vec<&str> = fields.lines().take(at).collect();
            let text = format!("{}\n{again}: 2\nrest: [\n", lines.join("\n"));
            let name = again.trim_matches(['"', '\'']).replace("\\x39", "9");
            assert_eq!(problem(&text), format!("f.yaml:{}:1: `{name}` is given twice in one mapping", at + 1));
        }
        assert_eq!(problem("~: 1\n: 2\n"), "f.yaml:2:1: `~` is given twice in one mapping");
        assert_eq!(read("- a: 1\n- a: 1\n").1.len(), 1);
    }

    #[test]
    fn a_text_with_a_tag_is_no_number() {
        let (_, documents) = read("- !!str 5\n- ! 5\n- 5\n- !!str\n- !!null x\n- !own ~\n");
        let Kind::List(items) = &documents[0].kind else { panic!() };
        let scalar = |text: &str, plain| Kind::Scalar { text: text.into(), plain };
        let expected = [scalar("5", false), scalar("5", false), scalar("5", true), scalar("", false)];
        assert_eq!(items[..4].iter().map(|item| item.kind.clone()).collect::<Vec<_>>(), expected);
        assert!(items[4..].iter().all(|item| item.kind == Kind::Null));
    }

    #[test]
    fn aliases_neither_nest_nor_repeat_without_end() {
        assert!(problem("a: &a [*a]\n").starts_with("f.yaml:1:8: this alias stands inside"));
        // Each level nests 30 deep and holds the one before.
        let level = |name: &str, inner: &str| format!("{name}: &{name} {}{inner}{}\n", "[".repeat(30), "]".repeat(30));
        assert_eq!(read(&(level("a", "1") + &level("b", "*a"))).1.len(), 1);
        assert!(problem(&(level("a", "1") + &level("b", "*a") + &level("c", "*b"))).contains("f.yaml:3:37: not read"));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), "*a, ".repeat(100));
        assert!(problem(&long).contains("repeat too many values"), "{}", problem(&long));
    }

    #[test]
    fn a_mapping_ends_where_its_last_field_does() {
        let (source, documents) = read("a: &a {x: 1}\nb:\n  y: 2\n  <<: *a\n  z: 3\n");
        let span = documents[0].get("b").unwrap().span;
        assert_eq!(&source.text()[span.start..span.end], "y: 2\n  <<: *a\n  z: 3");
    }
}
