//! Answers to queries, and how Loki's HTTP API writes them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::ast::{Expr, ExprKind, VectorOp};
use super::eval::{Grid, Plan};
use crate::engine::EvalError;
use crate::labels::Labels;
use crate::number::format_f;
use crate::store::LogStore;
use crate::time::Nanoseconds;

/// What a metric query yields.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    Scalar(Nanoseconds, f64),
    /// The elements at one time, in order of their labels, or by value where the query sorts.
    Vector(Nanoseconds, Vec<(Labels, f64)>),
    /// Series with their points, in order of their labels.
    Matrix(Vec<(Labels, Vec<(Nanoseconds, f64)>)>),
}

/// One log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub time: Nanoseconds,
    pub line: String,
}

/// The most series of an answer, as in Loki's defaults.
pub const MAX_SERIES: usize = 500;

/// Answers a metric query at one time.
///
/// # Errors
/// The first step that fails, and more series than Loki's limit.
pub fn instant(expr: &Expr, logs: &LogStore, time: Nanoseconds) -> Result<Samples, EvalError> {
    if let ExprKind::Literal(value) = expr.kind {
        return Ok(Samples::Scalar(time, value));
    }
    let mut elements = Vec::new();
    for (_, block) in Plan::new(expr, logs, Grid::instant(time))?.blocks() {
        elements.extend(block.result(0)?);
    }
    if elements.len() > MAX_SERIES {
        return Err(too_many(expr));
    }
    if !sorts(expr) {
        elements.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    Ok(Samples::Vector(time, elements))
}

/// Answers a metric query at the steps of a grid.
///
/// # Errors
/// The first step that fails, and more series than Loki's limit.
pub fn range(expr: &Expr, logs: &LogStore, grid: &Grid) -> Result<Samples, EvalError> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut series: Vec<(Labels, Vec<(Nanoseconds, f64)>)> = Vec::new();
    for (from, block) in Plan::new(expr, logs, *grid)?.blocks() {
        if let Some((_, error)) = block.errors.first_key_value() {
            return Err(error.clone());
        }
        for column in block.columns() {
            let mut points = column.iter().map(|(step, value)| (grid.time(from + step), value)).peekable();
            if points.peek().is_none() {
                continue;
            }
            let place = *places.entry(column.labels.clone()).or_insert_with(|| {
                series.push((column.labels.clone(), Vec::new()));
                series.len() - 1
            });
            if series.len() > MAX_SERIES {
                return Err(too_many(expr));
            }
            series[place].1.extend(points);
        }
    }
    // Columns of equal labels are one series, also where that has two points at one time.
    series.iter_mut().for_each(|(_, points)| points.sort_by_key(|(time, _)| *time));
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Samples::Matrix(series))
}

/// Why Loki refuses a query that yields more than `MAX_SERIES`.
pub fn too_many(expr: &Expr) -> EvalError {
    EvalError::new(
        expr.span,
        format!("the query yields more than {MAX_SERIES} series, which Loki refuses; group them with sum by (...)"),
    )
}

/// Whether the order of elements is that of their values.
fn sorts(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        if let ExprKind::VectorAggregate(aggregate) = &expr.kind {
            found |= matches!(aggregate.op, VectorOp::Sort | VectorOp::SortDesc);
        }
    });
    found
}

impl Samples {
    /// The `data` of Loki's HTTP API.
    pub fn to_json(&self) -> Value {
        let point = |time: Nanoseconds, value: f64| json!([seconds(time), format_f(value)]);
        match self {
            Samples::Scalar(time, value) => json!({"resultType": "scalar", "result": point(*time, *value)}),
            Samples::Vector(time, elements) => {
                let elements: Vec<Value> = elements
                    .iter()
                    .map(|(labels, value)| json!({"metric": object(labels), "value": point(*time, *value)}))
                    .collect();
                json!({"resultType": "vector", "result": elements})
            }
            Samples::Matrix(series) => {
                let series: Vec<Value> = series
                    .iter()
                    .map(|(labels, points)| {
                        let points: Vec<Value> = points.iter().map(|(time, value)| point(*time, *value)).collect();
                        json!({"metric": object(labels), "values": points})
                    })
                    .collect();
                json!({"resultType": "matrix", "result": series})
            }
        }
    }
}

/// Seconds with milliseconds where there are any.
fn seconds(time: Nanoseconds) -> Value {
    let millis = time.0.div_euclid(1_000_000);
    if millis % 1000 == 0 { json!(millis / 1000) } else { json!(millis as f64 / 1000.0) }
}

/// Labels as a JSON object.
pub fn object(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
}
