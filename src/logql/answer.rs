//! Answers to queries, and how Loki's HTTP API writes them.

use serde_json::{Value, json};

use super::ast::{Expr, ExprKind, VectorOp};
use super::eval::{Env, Grid, eval};
use crate::engine::{EvalError, Matrix};
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
    let matrix = evaluated(expr, logs, &Grid::instant(time))?;
    let mut elements = matrix.result(0)?;
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
    let matrix = evaluated(expr, logs, grid)?;
    let mut series: Vec<(Labels, Vec<(Nanoseconds, f64)>)> = matrix
        .columns()
        .map(|column| (column.labels.clone(), column.iter().map(|(step, value)| (grid.time(step), value)).collect()))
        .filter(|(_, points): &(_, Vec<_>)| !points.is_empty())
        .collect();
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    // Columns of equal labels are one series, also where that has two points at one time.
    series.dedup_by(|(later, points), (labels, all)| {
        let same = later == labels;
        if same {
            all.append(points);
            all.sort_by_key(|(time, _)| *time);
        }
        same
    });
    Ok(Samples::Matrix(series))
}

fn evaluated(expr: &Expr, logs: &LogStore, grid: &Grid) -> Result<Matrix, EvalError> {
    let matrix = eval(expr, &Env { logs, grid, now: grid.time(grid.steps.saturating_sub(1)) })?;
    if let Some((_, error)) = matrix.errors.first_key_value() {
        return Err(error.clone());
    }
    let series = matrix.columns().filter(|column| column.present.iter().any(|word| *word != 0)).count();
    if series > MAX_SERIES {
        let message = format!("the query yields {series} series; Loki refuses more than {MAX_SERIES}");
        return Err(EvalError::new(expr.span, message));
    }
    Ok(matrix)
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
