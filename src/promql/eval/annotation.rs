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

impl Annotation {
    /// With the line and the column in the expression at which the part begins, as Prometheus prints it for people.
    pub fn placed(&self, expr: &str) -> String {
        let before = expr.get(..self.span.start).unwrap_or(expr);
        let (line, column) = match before.rfind('\n') {
            Some(newline) => (before.matches('\n').count() + 1, before.len() - newline),
            None => (1, before.len() + 1),
        };
        format!("{self} ({line}:{column})")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns_from_1() {
        let expr = "sum(\n  sort(x)\n)";
        let placed = |start| {
            let span = Span::new(start, start + 1);
            Annotation { level: Level::Info, message: "odd".to_owned(), span }.placed(expr)
        };
        assert_eq!(placed(0), "PromQL info: odd (1:1)");
        assert_eq!(placed(7), "PromQL info: odd (2:3)");
    }
}
