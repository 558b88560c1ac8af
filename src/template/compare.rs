//! Comparisons of Go's templates: `eq`, `lt` and their kin, between values of one basic kind.

use std::rc::Rc;
use std::sync::Arc;

use super::print;
use super::value::Value;

/// What Go compares: numbers of different kinds are different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Complex,
    Int,
    Uint,
    Float,
    Text,
}

const BAD_TYPE: &str = "invalid type for comparison";

fn kind(value: &Value) -> Option<Kind> {
    match value {
        Value::Bool(_) => Some(Kind::Bool),
        Value::Int(_, super::value::Whole::Byte) => Some(Kind::Uint),
        Value::Int(..) => Some(Kind::Int),
        Value::Float(_) => Some(Kind::Float),
        Value::Complex(..) => Some(Kind::Complex),
        Value::Text(..) => Some(Kind::Text),
        _ => None,
    }
}

fn is_whole(kind: Option<Kind>) -> bool {
    matches!(kind, Some(Kind::Int | Kind::Uint))
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name())
}

/// Whether a value equals any of others (`eq`).
pub(super) fn equals_any(first: &Value, others: &[Value]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    let first = first.inner();
    for other in others {
        if equal(first, other.inner())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    let (kind_a, kind_b) = (kind(a), kind(b));
    match (a, b) {
        (Value::Int(a, _), Value::Int(b, _)) => return Ok(a == b),
        _ if kind_a != kind_b && matches!((a, b), (Value::Nil, _) | (_, Value::Nil)) => return Ok(false),
        _ if kind_a != kind_b => return Err(incompatible(a, b)),
        (Value::Bool(a), Value::Bool(b)) => return Ok(a == b),
        (Value::Float(a), Value::Float(b)) => return Ok(a == b),
        (Value::Complex(a, c), Value::Complex(b, d)) => return Ok(a == b && c == d),
        (Value::Text(a, _), Value::Text(b, _)) => return Ok(a == b),
        (Value::Nil, Value::Nil) => return Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => return Ok(false),
        _ => {}
    }
    if shape(a) != shape(b) {
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            print::with_verb(a, 's'),
            a.type_name(),
            b.type_name(),
            print::plain(b)
        ));
    }
    match (a, b) {
        (Value::Sample(a), Value::Sample(b)) => Ok(Rc::ptr_eq(a, b)),
        (Value::Histogram(a), Value::Histogram(b)) => Ok(Arc::ptr_eq(a, b)),
        (Value::TimePointer(a), Value::TimePointer(b)) => Ok(Rc::ptr_eq(a, b)),
        (Value::DurationPointer(a), Value::DurationPointer(b)) => Ok(Rc::ptr_eq(a, b)),
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        // Two pointers of different types.
        (Value::Sample(_) | Value::Histogram(_) | Value::TimePointer(_) | Value::DurationPointer(_), _) => Ok(false),
        (_, Value::Time(_)) => Ok(false),
        (_, b) => Err(format!("non-comparable type {}: {}", print::with_verb(b, 's'), b.type_name())),
    }
}

/// Go's kind of a value that is none of the basic ones.
fn shape(value: &Value) -> &'static str {
    match value {
        Value::Labels(_) | Value::Args(_) => "map",
        Value::Samples(_) => "slice",
        Value::Sample(_) | Value::Histogram(_) | Value::TimePointer(_) | Value::DurationPointer(_) => "ptr",
        _ => "struct",
    }
}

/// `lt`
pub(super) fn less(a: &Value, b: &Value) -> Result<bool, String> {
    let (a, b) = (a.inner(), b.inner());
    let (kind_a, kind_b) = (kind(a).ok_or(BAD_TYPE)?, kind(b).ok_or(BAD_TYPE)?);
    if kind_a != kind_b && !(is_whole(Some(kind_a)) && is_whole(Some(kind_b))) {
        return Err(incompatible(a, b));
    }
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::Int(a, _), Value::Int(b, _)) => Ok(a < b),
        (Value::Text(a, _), Value::Text(b, _)) => Ok(a < b),
        _ => Err(BAD_TYPE.to_owned()),
    }
}

/// `le`: less or equal, which no comparison with NaN is.
pub(super) fn less_or_equal(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(less(a, b)? || equal(a.inner(), b.inner())?)
}
