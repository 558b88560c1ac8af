//! Answers to the cases of LogQL: what Loki says of a query, one JSON object a line.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ast::Query;
use super::eval::Grid;
use super::log_query::{self, Bounds, Direction};
use super::{answer, parse};
use crate::labels::Labels;
use crate::number::parse_go_float;
use crate::store::{LineTooLong, LogStore};
use crate::time::{Duration, Nanoseconds};

#[derive(Deserialize)]
struct ParserCase {
    query: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Verdict {
    Valid { ok: bool, canonical: String },
    Invalid { ok: bool, error: String },
}

/// The answer to one case of the parser, a JSON object with the key `query`.
pub fn parse_answer(case: &str) -> Result<String, serde_json::Error> {
    let ParserCase { query } = serde_json::from_str(case)?;
    let verdict = match parse(&query) {
        Ok(query) => Verdict::Valid { ok: true, canonical: query.to_string() },
        Err(error) => Verdict::Invalid { ok: false, error: error.message },
    };
    serde_json::to_string(&verdict)
}

/// A line of the data set.
#[derive(Deserialize)]
struct Pushed {
    labels: serde_json::Map<String, Value>,
    /// Nanoseconds.
    ts: String,
    line: String,
    #[serde(default)]
    metadata: serde_json::Map<String, Value>,
}

/// Why a data set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("line {0}: {1}")]
    Json(usize, serde_json::Error),
    #[error("line {0}: `{1}` is no time in nanoseconds")]
    Time(usize, String),
    #[error("line {0}: {1}")]
    Line(usize, LineTooLong),
}

/// Reads the entries of a data set.
pub fn dataset(text: &str) -> Result<LogStore, DatasetError> {
    let mut logs = LogStore::default();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let pushed: Pushed = serde_json::from_str(line).map_err(|error| DatasetError::Json(at + 1, error))?;
        let time = pushed.ts.parse().map_err(|_| DatasetError::Time(at + 1, pushed.ts.clone()))?;
        logs.append(&labels(&pushed.labels), Nanoseconds(time), pushed.line.as_bytes(), labels(&pushed.metadata))
            .map_err(|error| DatasetError::Line(at + 1, error))?;
    }
    Ok(logs)
}

fn labels(object: &serde_json::Map<String, Value>) -> Labels {
    Labels::from_pairs(object.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())))
}

/// A query with the parameters of Loki's HTTP API.
#[derive(Deserialize)]
struct Case {
    query: String,
    kind: String,
    time: Option<Value>,
    start: Option<Value>,
    end: Option<Value>,
    step: Option<Value>,
    limit: Option<Value>,
    direction: Option<String>,
}

/// The most entries of an answer that Loki allows, and how many it gives unasked.
const MAX_LIMIT: usize = 5000;
const DEFAULT_LIMIT: usize = 100;

/// How many entries are asked for.
fn limit_of(written: Option<&Value>) -> Result<usize, String> {
    let Some(written) = written.map(text) else { return Ok(DEFAULT_LIMIT) };
    match written.parse::<i64>() {
        Ok(limit) if limit <= 0 => Err("limit must be a positive value".to_owned()),
        Ok(limit) => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
        Err(_) => Err(format!("`{written}` is no limit")),
    }
}

/// The answer to one query, as Loki's HTTP API would give it.
pub fn query_answer(case: &str, logs: &LogStore) -> Result<String, serde_json::Error> {
    let case: Case = serde_json::from_str(case)?;
    let answer = answer_of(&case, logs).unwrap_or_else(|error| json!({"error": error}));
    serde_json::to_string(&answer)
}

fn answer_of(case: &Case, logs: &LogStore) -> Result<Value, String> {
    let query = parse(&case.query).map_err(|error| error.message)?;
    let parameter = |value: &Option<Value>, name: &str| value.as_ref().map(text).ok_or_else(|| format!("no `{name}`"));
    if case.kind == "instant" {
        let time = time_of(&parameter(&case.time, "time")?)?;
        let Query::Metric(expr) = query else {
            return Err("log queries are not supported as an instant query type".to_owned());
        };
        return answer::instant(&expr, logs, time).map(|samples| samples.to_json()).map_err(|error| error.message);
    }
    let (start, end) = (time_of(&parameter(&case.start, "start")?)?, time_of(&parameter(&case.end, "end")?)?);
    if end < start {
        return Err("the end lies before the start".to_owned());
    }
    let span = Nanoseconds(end.0.saturating_sub(start.0));
    let step = match &case.step {
        Some(step) => step_of(&text(step))?,
        None => Nanoseconds(((span.0 / 1_000_000_000) / 250).max(1) * 1_000_000_000),
    };
    if step.0 <= 0 {
        return Err("the step is not above zero".to_owned());
    }
    if span.0 / step.0 > 11_000 {
        return Err("more than 11,000 points a series".to_owned());
    }
    let limit = limit_of(case.limit.as_ref())?;
    match query {
        Query::Log(_) if limit > MAX_LIMIT => Err(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {MAX_LIMIT})"
        )),
        Query::Metric(expr) => {
            let grid = Grid::range(start, end, step);
            answer::range(&expr, logs, &grid).map(|samples| samples.to_json()).map_err(|error| error.message)
        }
        Query::Log(query) => {
            let direction = match case.direction.as_deref().unwrap_or_default() {
                "" | "backward" => Direction::Backward,
                "forward" => Direction::Forward,
                other => return Err(format!("invalid direction '{other}'")),
            };
            let bounds = Bounds { start, end, direction, limit };
            let found = log_query::run(&query, logs, bounds, end).map_err(|error| error.message)?;
            Ok(log_query::to_json(&found))
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A time as Loki's API reads it: seconds, which are rounded to milliseconds where they have a point, nanoseconds from eleven digits on,
/// or RFC 3339.
fn time_of(text: &str) -> Result<Nanoseconds, String> {
    let wrong = || format!("`{text}` is no time");
    if text.contains('.')
        && let Some(seconds) = parse_go_float(text)
    {
        let fraction = (seconds.fract() * 1000.0).round() / 1000.0;
        return Ok(Nanoseconds(seconds.trunc() as i64 * 1_000_000_000 + (fraction * 1e9) as i64));
    }
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= 10 => Ok(Nanoseconds(seconds * 1_000_000_000)),
        Ok(nanos) => Ok(Nanoseconds(nanos)),
        Err(_) => {
            let time = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
            time.timestamp_nanos_opt().map(Nanoseconds).ok_or_else(wrong)
        }
    }
}

/// A step in seconds, or a duration.
fn step_of(text: &str) -> Result<Nanoseconds, String> {
    if let Some(seconds) = parse_go_float(text) {
        return Ok(Nanoseconds((seconds * 1e9) as i64));
    }
    let step: Duration = text.parse().map_err(|error| format!("`{text}` is no step: {error}"))?;
    Ok(Nanoseconds(step.0 * 1_000_000))
}
