//! Reads nodes of the tree into types, collecting what is wrong instead of stopping at the first problem.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::names;
use super::shaken::Looseness;
use super::tree::{Kind, Node};
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Located, Source, Span};

/// The newtype name by which a type asks for the node itself.
const NODE: &str = "$firedrill::Node";

/// The newtype name by which a type asks for a single word (`visit_str`) or else for its fields
/// (`visit_newtype_struct`).
pub const WORD_OR_FIELDS: &str = "$firedrill::WordOrFields";

/// The newtype name by which a type asks for a single value (`visit_some`) or else for its fields
/// (`visit_newtype_struct`), both with their places.
pub const TEXT_OR_FIELDS: &str = "$firedrill::TextOrFields";

/// Reads nodes of one source and keeps the problems.
pub struct Reader<'a> {
    pub source: &'a Source,
    /// The figures that could as well be others.
    pub looseness: Looseness,
    problems: RefCell<Vec<Diagnostic>>,
    warnings: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Reader<'a> {
        Reader { source, looseness: Looseness::default(), problems: RefCell::default(), warnings: RefCell::default() }
    }

    /// Notes a problem at a place.
    pub fn problem(&self, span: Span, problem: Diagnostic) {
        self.problems.borrow_mut().push(problem.at(self.source, span));
    }

    /// Notes what people should know, and what is no problem.
    pub fn warn(&self, span: Span, warning: Diagnostic) {
        self.warnings.borrow_mut().push(warning.at(self.source, span));
    }

    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        self.warnings.take()
    }

    /// The value, where the place holds one; otherwise the problem is noted.
    pub fn keep<T>(&self, span: Span, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|problem| self.problem(span, problem)).ok()
    }

    /// Notes problems that know their place already.
    pub fn extend(&self, problems: impl IntoIterator<Item = Diagnostic>) {
        self.problems.borrow_mut().extend(problems);
    }

    /// Notes a syntax error inside a text, at its exact place.
    pub fn syntax(&self, text: &Text, what: &str, error: &ParseError, otherwise: &str) {
        let help = error.hint.clone().unwrap_or_else(|| otherwise.to_owned());
        let problem = Diagnostic::error(format!("{what}: {error}")).help(help);
        self.extend([text.located(self.source).diagnose(error.span, problem)]);
    }

    pub fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    pub fn into_problems(self) -> Vec<Diagnostic> {
        self.problems.into_inner()
    }

    /// Reads one node. Unknown fields are noted and skipped; what cannot be read at all is noted, and `None`.
    pub fn read<T: for<'de> Deserialize<'de>>(&self, node: &Node) -> Option<T> {
        match T::deserialize(NodeDeserializer { node, reader: self }) {
            Ok(value) => Some(value),
            Err(error) => {
                let mut problem = Diagnostic::error(error.message);
                if let Some(help) = error.help {
                    problem = problem.help(help);
                }
                self.problem(error.span.unwrap_or(node.span), problem);
                None
            }
        }
    }
}

/// A text with its place; numbers and booleans keep the text that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    pub span: Span,
    /// Written without quotes.
    pub plain: bool,
}

impl Text {
    /// The text with the way back from each of its bytes to the file.
    pub fn located(&self, source: &Source) -> Located {
        let node = Node { span: self.span, kind: Kind::Scalar { text: self.text.as_str().into(), plain: self.plain } };
        let whole = || Located::new(self.text.clone(), source, self.span, Vec::new());
        node.located(source).unwrap_or_else(whole)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let node = Node::deserialize(deserializer)?;
        match node.kind {
            Kind::Scalar { text, plain } => Ok(Text { text: text.to_string(), span: node.span, plain }),
            _ => Err(de::Error::custom(format!("expected a single value, found {}", node.describe()))),
        }
    }
}

impl JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": ["string", "number", "boolean"]})
    }
}

/// A node that is read as a `T` later, so that a problem in it does not hide the others.
#[derive(Clone, Debug)]
pub struct Later<T> {
    pub node: Node,
    read_as: PhantomData<T>,
}

impl<T: for<'de> Deserialize<'de>> Later<T> {
    pub fn new(node: Node) -> Later<T> {
        Later { node, read_as: PhantomData }
    }

    pub fn read(&self, reader: &Reader<'_>) -> Option<T> {
        reader.read(&self.node)
    }
}

impl<'de, T> Deserialize<'de> for Later<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Later<T>, D::Error> {
        Ok(Later { node: Node::deserialize(deserializer)?, read_as: PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for Later<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A mapping from names to things, in the order of the file.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<(Text, Later<T>)>);

impl<T> Default for Entries<T> {
    fn default() -> Entries<T> {
        Entries(Vec::new())
    }
}

impl<'de, T> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries<T>, D::Error> {
        let node = Node::deserialize(deserializer)?;
        let described = node.describe();
        match node.kind {
            Kind::Null => Ok(Entries(Vec::new())),
            Kind::Map(entries) => {
                let pair = |(key, value): (Node, Node)| match key.kind {
                    Kind::Scalar { text, plain } => Some((
                        Text { text: text.to_string(), plain, span: key.span },
                        Later { node: value, read_as: PhantomData },
                    )),
                    _ => None,
                };
                Ok(Entries(entries.into_iter().filter_map(pair).collect()))
            }
            _ => Err(de::Error::custom(format!("expected a mapping from names, found {described}"))),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "object", "additionalProperties": generator.subschema_for::<T>()})
    }
}

impl<'de> Deserialize<'de> for Node {
    /// Only from a [`Reader`]: no other deserializer knows places.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        struct NodeVisitor;
        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node of a replay")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Node, A::Error> {
                let mut next = || parts.next_element::<u64>()?.ok_or_else(|| de::Error::custom("not a node"));
                let (start, end, plain) = (next()? as usize, next()? as usize, next()? == 1);
                let kind =
                    parts.next_element_seed(KindSeed { plain })?.ok_or_else(|| de::Error::custom("not a node"))?;
                Ok(Node { span: Span::new(start, end), kind })
            }
        }
        deserializer.deserialize_newtype_struct(NODE, NodeVisitor)
    }
}

struct KindSeed {
    plain: bool,
}

impl<'de> DeserializeSeed<'de> for KindSeed {
    type Value = Kind;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KindSeed {
    type Value = Kind;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }
    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Scalar { text: text.into(), plain: self.plain })
    }
    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Kind::Map(entries))
    }
}

/// Why a node could not be read; the place is filled in by the innermost node that it passes.
#[derive(Debug)]
pub struct ReadError {
    message: String,
    help: Option<String>,
    span: Option<Span>,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> ReadError {
        ReadError { message: message.to_string(), help: None, span: None }
    }

    fn missing_field(field: &'static str) -> ReadError {
        ReadError {
            message: format!("missing field `{field}`"),
            help: Some(format!("add `{field}: ...` here")),
            span: None,
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> ReadError {
        let help = names::hint(variant, "known here", expected.iter().copied());
        ReadError { message: format!("unknown value `{variant}`"), help: Some(help), span: None }
    }
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'a, 'r> {
    node: &'a Node,
    reader: &'a Reader<'r>,
}

impl<'a, 'r> NodeDeserializer<'a, 'r> {
    fn placed<T>(self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|mut error| {
            error.span.get_or_insert(self.node.span);
            error
        })
    }

    fn wrong(self, expected: &str) -> ReadError {
        ReadError {
            message: format!("expected {expected}, found {}", self.node.describe()),
            help: None,
            span: Some(self.node.span),
        }
    }

    fn scalar(self, expected: &str) -> Result<&'a str, ReadError> {
        self.node.text().ok_or_else(|| self.wrong(expected))
    }

    fn parsed<T: std::str::FromStr>(self, expected: &str) -> Result<T, ReadError> {
        let text = self.scalar(expected)?;
        text.parse().map_err(|_| ReadError {
            message: format!("expected {expected}, found `{text}`"),
            help: None,
            span: Some(self.node.span),
        })
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty: $expected:literal,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            let value: $type = self.parsed($expected)?;
            self.placed(visitor.$visit(value))
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Scalar { text, .. } => visitor.visit_str(text),
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter(), reader: self.reader }),
            Kind::Map(entries) => {
                visitor.visit_map(Fields { entries: entries.iter(), value: None, known: None, reader: self.reader })
            }
        };
        self.placed(result)
    }

    numbers! {
        deserialize_bool visit_bool bool: "true or false",
        deserialize_i8 visit_i8 i8: "a whole number",
        deserialize_i16 visit_i16 i16: "a whole number",
        deserialize_i32 visit_i32 i32: "a whole number",
        deserialize_i64 visit_i64 i64: "a whole number",
        deserialize_u8 visit_u8 u8: "a whole number of at least 0",
        deserialize_u16 visit_u16 u16: "a whole number of at least 0",
        deserialize_u32 visit_u32 u32: "a whole number of at least 0",
        deserialize_u64 visit_u64 u64: "a whole number of at least 0",
        deserialize_f32 visit_f32 f32: "a number",
        deserialize_f64 visit_f64 f64: "a number",
        deserialize_char visit_char char: "one character",
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let text = self.scalar("a text")?;
        self.placed(visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == WORD_OR_FIELDS
            && let Some(word) = self.node.text()
        {
            return self.placed(visitor.visit_str(word));
        }
        if name == TEXT_OR_FIELDS && self.node.text().is_some() {
            return self.placed(visitor.visit_some(self));
        }
        if name != NODE {
            return visitor.visit_newtype_struct(self);
        }
        let plain = matches!(self.node.kind, Kind::Scalar { plain: true, .. });
        let head = [self.node.span.start as u64, self.node.span.end as u64, u64::from(plain)];
        self.placed(visitor.visit_seq(Parts { head, next: 0, node: self }))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::List(items) => self.placed(visitor.visit_seq(Items { items: items.iter(), reader: self.reader })),
            Kind::Null => self.placed(visitor.visit_seq(Items { items: [].iter(), reader: self.reader })),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Map(_) | Kind::Null => {
                let entries = self.node.entries().iter();
                self.placed(visitor.visit_map(Fields { entries, value: None, known: None, reader: self.reader }))
            }
            _ => Err(self.wrong("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Map(entries) => {
                let fields = Fields { entries: entries.iter(), value: None, known: Some(fields), reader: self.reader };
                self.placed(visitor.visit_map(fields))
            }
            _ => {
                Err(self
                    .wrong(&format!("a mapping ({})", fields.iter().take(4).copied().collect::<Vec<_>>().join(", "))))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let text = self.scalar("one of a few names")?;
        let variant: de::value::StrDeserializer<'_, ReadError> = text.into_deserializer();
        self.placed(visitor.visit_enum(variant))
    }

    serde::forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any i128 u128
    }
}

struct Items<'a, 'r> {
    items: std::slice::Iter<'a, Node>,
    reader: &'a Reader<'r>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = ReadError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.items.next().map(|node| seed.deserialize(NodeDeserializer { node, reader: self.reader })).transpose()
    }
}

struct Fields<'a, 'r> {
    entries: std::slice::Iter<'a, (Node, Node)>,
    value: Option<&'a Node>,
    /// The fields of a struct; `None` where any key will do.
    known: Option<&'static [&'static str]>,
    reader: &'a Reader<'r>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = ReadError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        for (key, value) in self.entries.by_ref() {
            if let (Some(known), Some(name)) = (self.known, key.text())
                && !known.contains(&name)
            {
                let help = match name.contains(' ') {
                    // `{that: one, two}` has a field `two`.
                    true => "a text with a comma in it needs quotes between braces".to_owned(),
                    false => names::hint(name, "the fields here are", known.iter().copied()),
                };
                self.reader.problem(key.span, Diagnostic::error(format!("unknown field `{name}`")).help(help));
                continue;
            }
            self.value = Some(value);
            return seed.deserialize(NodeDeserializer { node: key, reader: self.reader }).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let node = self.value.take().ok_or_else(|| <ReadError as de::Error>::custom("a key without a value"))?;
        let deserializer = NodeDeserializer { node, reader: self.reader };
        deserializer.placed(seed.deserialize(deserializer))
    }
}

/// A node as its place and what it holds.
struct Parts<'a, 'r> {
    head: [u64; 3],
    next: usize,
    node: NodeDeserializer<'a, 'r>,
}

impl<'de> SeqAccess<'de> for Parts<'_, '_> {
    type Error = ReadError;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let at = self.next;
        self.next += 1;
        match self.head.get(at) {
            Some(part) => seed.deserialize((*part).into_deserializer()).map(Some),
            None if at == self.head.len() => seed.deserialize(self.node).map(Some),
            None => Ok(None),
        }
    }
}
