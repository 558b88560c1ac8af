//! A stretch of a text, as JSON says it.

use serde::Serialize;

use crate::text::{LineColumn, Source};

/// Where something begins and ends, from 1.
#[derive(Serialize)]
pub struct StretchOut<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    /// Behind the last character.
    end_line: usize,
    end_column: usize,
}

impl StretchOut<'_> {
    pub fn new(source: &Source, start: LineColumn, end: LineColumn) -> StretchOut<'_> {
        StretchOut {
            file: source.name(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}
