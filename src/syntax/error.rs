//! Why a text is not an expression, where, and what to write instead.

use crate::text::{Diagnostic, Span};

/// The first error of an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong, in one line.
    pub message: String,
    /// Where, in bytes of the text that was parsed; it starts where Prometheus places its own error.
    pub span: Span,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ParseError {
    pub fn new(span: Span, message: impl Into<String>) -> ParseError {
        ParseError { message: message.into(), span, hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> ParseError {
        self.hint = Some(hint.into());
        self
    }

    /// The error for people, without a place: that is where the text stands.
    pub fn diagnostic(self) -> Diagnostic {
        Diagnostic { help: self.hint, ..Diagnostic::error(self.message) }
    }

    /// The same error in a text of which the parsed one starts at `offset`.
    pub fn shifted(mut self, offset: usize) -> ParseError {
        self.span = Span::new(self.span.start + offset, self.span.end + offset);
        self
    }
}
