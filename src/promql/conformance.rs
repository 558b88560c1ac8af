//! Answers to the parser's cases: what Prometheus says of an expression, one JSON object a line.

use serde::{Deserialize, Serialize};

use crate::text::{Source, Span};

#[derive(Deserialize)]
struct Case {
    expr: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Valid { valid: bool, canonical: String },
    Invalid { valid: bool, error: String, line: usize, column: usize },
}

/// The answer to one case, a JSON object with the key `expr`; validity is that of Prometheus' defaults.
pub fn answer(case: &str) -> Result<String, serde_json::Error> {
    let Case { expr } = serde_json::from_str(case)?;
    let answer = match super::parse(&expr) {
        Ok(tree) => Answer::Valid { valid: true, canonical: tree.to_string() },
        Err(error) => {
            let (line, column) = place(&expr, error.span);
            Answer::Invalid { valid: false, error: error.message, line, column }
        }
    };
    serde_json::to_string(&answer)
}

/// Line and column of a span's start as Prometheus counts them: from one, the column in bytes.
fn place(text: &str, span: Span) -> (usize, usize) {
    let line = Source::new("", text).place(span.start).line;
    let before = text.get(..span.start).unwrap_or_default();
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    (line, column)
}
