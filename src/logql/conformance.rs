//! Answers to the cases of LogQL: what Loki says of a query, one JSON object a line.

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Case {
    query: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Valid { ok: bool, canonical: String },
    Invalid { ok: bool, error: String },
}

/// The answer to one case of the parser, a JSON object with the key `query`.
pub fn parse_answer(case: &str) -> Result<String, serde_json::Error> {
    let Case { query } = serde_json::from_str(case)?;
    let answer = match super::parse(&query) {
        Ok(query) => Answer::Valid { ok: true, canonical: query.to_string() },
        Err(error) => Answer::Invalid { ok: false, error: error.message },
    };
    serde_json::to_string(&answer)
}
