//! A diagnostic: what is wrong, where, and what to write instead.

use std::fmt;

use super::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// One finding at a place in a source.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The headline: what is wrong.
    pub message: String,
    /// Where; `None` for a problem of a whole file that could not be read.
    pub place: Option<(Source, Span)>,
    /// What stands beside the caret; empty for none.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, message: message.into(), place: None, label: String::new(), help: None }
    }

    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message) }
    }

    pub fn at(mut self, source: &Source, span: Span) -> Diagnostic {
        self.place = Some((source.clone(), span));
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// One line, `file:line:column: message`; `report` renders the snippet with its caret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((source, span)) = &self.place {
            let place = source.place(span.start);
            write!(f, "{}:{}:{}: ", source.name(), place.line, place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}
