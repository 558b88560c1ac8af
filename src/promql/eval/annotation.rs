//! Warnings and infos that come with a result (Prometheus `util/annotations`).

use std::fmt;

use crate::text::Span;

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Info,
    Warning,
}

/// What the author of a query should know about its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Annotation {
    pub level: Level,
    /// Prometheus' words, without its prefix.
    pub message: String,
    /// The part of the expression that it is about.
    pub span: Span,
}

impl fmt::Display for Annotation {
    /// `PromQL warning: ...`, as Prometheus prints it, without the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Info => "info",
            Level::Warning => "warning",
        };
        write!(f, "PromQL {level}: {}", self.message)
    }
}
