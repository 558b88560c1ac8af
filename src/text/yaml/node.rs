//! A tree of YAML nodes, each with its place.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::scalar;
use crate::text::{Located, Piece, Source, Span};

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
        text: ScalarText,
        /// Written without quotes and not as a block, so that it may be a number or a boolean.
        plain: bool,
    },
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Node, Node)>),
}

/// The text of a scalar, cheap to clone: a part of the file where it stands there byte by byte, else a text of its own.
#[derive(Clone)]
pub struct ScalarText(Text);

#[derive(Clone)]
enum Text {
    /// The bytes of a file, which begin and end with characters.
    InFile(Source, Span),
    Own(Arc<str>),
}

impl ScalarText {
    /// The bytes at `span` of a file.
    pub(super) fn in_file(source: &Source, span: Span) -> ScalarText {
        debug_assert!(source.text().get(span.start..span.end).is_some());
        ScalarText(Text::InFile(source.clone(), span))
    }

    /// Where a text that is not empty stands byte by byte.
    fn place(&self) -> Option<Span> {
        match self.0 {
            Text::InFile(_, span) if span.start < span.end => Some(span),
            _ => None,
        }
    }

    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::InFile(source, span) => &source.text()[span.start..span.end],
            Text::Own(text) => text,
        }
    }
}

impl<T: Into<Arc<str>>> From<T> for ScalarText {
    fn from(text: T) -> ScalarText {
        ScalarText(Text::Own(text.into()))
    }
}

impl Deref for ScalarText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ScalarText {
    fn eq(&self, other: &ScalarText) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for ScalarText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for ScalarText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
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

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
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
                let pieces = match text.place() {
                    Some(file) => vec![Piece { value: Span::new(0, text.len()), file }],
                    None => scalar::pieces(source, self.span, text),
                };
                Some(Located::new(text.as_str(), source, self.span, pieces))
            }
            Kind::List(_) | Kind::Map(_) => None,
        }
    }
}
