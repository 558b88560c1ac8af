//! Values of templates: labels, samples, times and durations as values of the template language.
//!
//! A struct of Go is a map with the key `KIND` (which no label can have), so that it prints and fails as a struct does.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::Value;

use super::Sample;
use super::format;
use crate::histogram;
use crate::labels::Labels;

/// The key that tells a struct from a map.
pub(super) const KIND: &str = "\0kind";
/// What templates are executed with.
const DATA: &str = "data";
/// An element of a query's result.
pub(super) const SAMPLE: &str = "sample";
/// A time, in milliseconds under `MILLIS`.
pub(super) const TIME: &str = "time.Time";
/// A duration, in nanoseconds under `NANOS`.
pub(super) const DURATION: &str = "time.Duration";
/// A native histogram, with what it prints as under `TEXT`.
pub(super) const HISTOGRAM: &str = "*histogram.FloatHistogram";
const TEXT: &str = "\0text";
pub(super) const AMOUNT: &str = "\0amount";

fn structure(kind: &str, fields: Vec<(&str, Value)>) -> Value {
    let mut map: BTreeMap<Arc<str>, Value> = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    map.insert(KIND.into(), Value::String(kind.into()));
    Value::Map(Arc::new(map))
}

/// A number, or a histogram: what it prints as, and its fields that are numbers.
fn sample(value: &histogram::Sample) -> Value {
    match value {
        histogram::Sample::Float(value) => Value::Float(*value),
        histogram::Sample::Histogram(found) => structure(
            HISTOGRAM,
            vec![
                (TEXT, Value::String(found.to_string().into())),
                ("Schema", Value::Int(found.schema.into())),
                ("ZeroThreshold", Value::Float(found.zero_threshold)),
                ("ZeroCount", Value::Float(found.zero_count)),
                ("Count", Value::Float(found.count)),
                ("Sum", Value::Float(found.sum)),
            ],
        ),
    }
}

fn labels(labels: &Labels) -> Value {
    Value::Map(Arc::new(labels.iter().map(|(name, value)| (name.into(), Value::String(value.into()))).collect()))
}

/// What a template is executed with (`template.AlertTemplateData`).
pub(super) fn data(own: &Labels, external: &Labels, url: &str, value: &histogram::Sample) -> Value {
    structure(
        DATA,
        vec![
            ("Labels", labels(own)),
            ("ExternalLabels", labels(external)),
            ("ExternalURL", Value::String(url.into())),
            ("Value", sample(value)),
        ],
    )
}

/// A query's result.
pub(super) fn samples(samples: &[Sample]) -> Value {
    let element = |element: &Sample| {
        structure(SAMPLE, vec![("Labels", labels(&element.labels)), ("Value", sample(&element.value))])
    };
    Value::List(samples.iter().map(element).collect())
}

/// A time in milliseconds since the epoch.
pub(super) fn time(millis: i64) -> Value {
    structure(TIME, vec![(AMOUNT, Value::Int(millis))])
}

/// A duration in nanoseconds.
pub(super) fn duration(nanos: i64) -> Value {
    structure(DURATION, vec![(AMOUNT, Value::Int(nanos))])
}

/// The kind of a struct; `None` for all else.
pub(super) fn kind(value: &Value) -> Option<&str> {
    match value {
        Value::Map(map) => map.get(KIND).and_then(Value::as_str),
        _ => None,
    }
}

/// The milliseconds of a time, the nanoseconds of a duration.
pub(super) fn amount(value: &Value) -> i64 {
    match value {
        Value::Map(map) => map.get(AMOUNT).and_then(Value::as_int).unwrap_or_default(),
        _ => 0,
    }
}

/// A field of a value, or what it is when a map has none.
pub(super) fn field(value: &Value, name: &str) -> Result<Value, String> {
    let unknown = |of: &str| format!("can't evaluate field {name} in type {of}");
    match (kind(value), value) {
        (Some(TIME), _) => format::time_method(amount(value), name).ok_or_else(|| unknown(TIME)),
        (Some(DURATION), _) => format::duration_method(amount(value), name).ok_or_else(|| unknown(DURATION)),
        (Some(kind), Value::Map(map)) => map.get(name).cloned().ok_or_else(|| unknown(kind)),
        (None, Value::Map(map)) => Ok(map.get(name).cloned().unwrap_or_else(|| Value::String("".into()))),
        (_, other) => Err(unknown(other.type_name())),
    }
}

/// A value as Go's `%v` prints it.
pub(super) fn print(value: &Value) -> String {
    match (kind(value), value) {
        (Some(TIME), _) => format::time(amount(value)),
        (Some(DURATION), _) => format::duration(amount(value)),
        (Some(HISTOGRAM), Value::Map(map)) => map.get(TEXT).map(ToString::to_string).unwrap_or_default(),
        (Some(SAMPLE), Value::Map(map)) => structured(map, &["Labels", "Value"]),
        (Some(_), Value::Map(map)) => structured(map, &["Labels", "ExternalLabels", "ExternalURL", "Value"]),
        (_, Value::Nil) => "<no value>".to_owned(),
        (_, Value::Float(float)) => format::shortest(*float),
        (_, Value::List(items)) => {
            let items: Vec<String> = items.iter().map(nested).collect();
            format!("[{}]", items.join(" "))
        }
        (_, Value::Map(map)) => {
            let pairs: Vec<String> = map.iter().map(|(name, value)| format!("{name}:{}", nested(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        (_, other) => other.to_string(),
    }
}

fn structured(map: &BTreeMap<Arc<str>, Value>, fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().filter_map(|name| map.get(*name)).map(nested).collect();
    format!("{{{}}}", fields.join(" "))
}

/// A value inside of another one.
fn nested(value: &Value) -> String {
    if matches!(value, Value::Nil) { "<nil>".to_owned() } else { print(value) }
}
