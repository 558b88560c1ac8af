//! Range aggregations: samples are extracted once for each entry, then windows slide over them.

use std::sync::Arc;

use super::windows::{Series, Window};
use super::{Env, Grid};
use crate::engine::{EvalError, Head, Matrix, bits};
use crate::labels::{Labels, MatchOp};
use crate::logql::ast::{Grouping, RangeAggregate, RangeOp, Selector};
use crate::logql::pipeline::{Demand, ERROR, Extractor, PRESERVE_ERROR, SampleOf};
use crate::text::Span;
use crate::time::Nanoseconds;

/// The aggregation at every step. `outer` is the grouping of a `sum` around it, which leaves only its labels in the first place.
pub fn eval(
    aggregate: &RangeAggregate,
    outer: Option<&Grouping>,
    span: Span,
    env: &Env<'_>,
) -> Result<Matrix, EvalError> {
    let grouping = outer.or(aggregate.grouping.as_ref());
    let demand = Demand {
        groups: grouping.map_or(&[], |grouping| &grouping.labels),
        without: grouping.is_some_and(|grouping| grouping.without),
        // Which labels there are does not matter where nothing may be there.
        no_labels: aggregate.op == RangeOp::AbsentOverTime
            || grouping.is_some_and(|grouping| !grouping.without && grouping.labels.is_empty()),
        unwrapped: None,
    };
    let range = &aggregate.range;
    let ends: Vec<Nanoseconds> =
        env.grid.times().map(|time| Nanoseconds(time.0.saturating_sub(range.offset.0))).collect();
    let (labels, series) = extract(aggregate, &demand, &ends, env)?;
    let window = Window {
        op: aggregate.op,
        param: aggregate.param.unwrap_or_default(),
        range: range.range,
        unwrapped: range.unwrap.is_some(),
    };
    let mut out = Matrix::new(Arc::new(Head::distinct(labels)), ends.len());
    for (column, series) in series.iter().enumerate() {
        let (values, present) = out.column_mut(column);
        window.slide(series, &ends, values, present);
    }
    refuse_errors(&mut out, span);
    if aggregate.op == RangeOp::AbsentOverTime { Ok(absent(out, &range.query.selector, env.grid)) } else { Ok(out) }
}

/// The samples of all windows by label set, in the order of the labels.
fn extract(
    aggregate: &RangeAggregate,
    demand: &Demand<'_>,
    ends: &[Nanoseconds],
    env: &Env<'_>,
) -> Result<(Vec<Labels>, Vec<Series>), EvalError> {
    let range = &aggregate.range;
    let of = match aggregate.op {
        RangeOp::BytesOverTime | RangeOp::BytesRate => SampleOf::Bytes,
        _ => SampleOf::Count,
    };
    let mut extractor =
        Extractor::compile(range, of, demand, env.now).map_err(|error| EvalError::new(error.span, error.message))?;
    let (Some(first), Some(last)) = (ends.first(), ends.last()) else { return Ok(Default::default()) };
    let from = Nanoseconds(first.0.saturating_sub(range.range.0.saturating_mul(1_000_000)).saturating_add(1));
    let to = Nanoseconds(last.0.saturating_add(1));
    let matchers = &range.query.selector.matchers;
    let mut found: Vec<Series> = Vec::new();
    for stream in env.logs.streams() {
        if !matchers.iter().all(|matcher| matcher.matches(stream.labels().get(&matcher.name))) {
            continue;
        }
        extractor.set_stream(stream.labels());
        if extractor.refuses_stream() && !stream.has_metadata() {
            continue;
        }
        for entry in stream.between(from, to) {
            let metadata = entry.metadata.into_iter().flat_map(Labels::iter);
            let Some((value, set)) = extractor.extract(entry.time, entry.line, metadata) else { continue };
            let at = set.0 as usize;
            if at >= found.len() {
                found.resize_with(at + 1, Series::default);
            }
            found[at].push(entry.time, value);
        }
    }
    let sets = extractor.into_sets();
    let mut sorted: Vec<(Labels, Series)> = found
        .into_iter()
        .enumerate()
        .map(|(at, series)| (sets.get(crate::logql::pipeline::LabelSetId(at as u32)).clone(), series.in_order()))
        .collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(sorted.into_iter().unzip())
}

/// Samples whose entry had an error fail the steps whose windows they are in.
fn refuse_errors(out: &mut Matrix, span: Span) {
    let head = out.head().clone();
    for (column, labels) in head.labels.iter().enumerate() {
        if !labels.has(ERROR) || labels.get(PRESERVE_ERROR) == "true" {
            continue;
        }
        let kind = labels.get(ERROR);
        let steps: Vec<usize> = bits::steps(out.present(column)).collect();
        for step in steps {
            let message =
                format!("pipeline error: '{kind}' for series: '{labels}'; leave such lines out with | __error__=\"\"");
            out.fail(step, EvalError::new(span, message));
        }
    }
}

/// One where nothing is.
fn absent(found: Matrix, selector: &Selector, grid: &Grid) -> Matrix {
    let head = Arc::new(Head::distinct(vec![absent_labels(selector)]));
    let mut out = Matrix::new(head, grid.steps);
    let mut any = vec![0u64; bits::words(grid.steps)];
    for column in found.columns() {
        bits::join(&mut any, column.present);
    }
    for step in (0..grid.steps).filter(|step| !bits::has(&any, *step)) {
        out.set(0, step, 1.0);
    }
    out.fail_all(found.errors);
    out
}

/// The labels that a selector fixes.
fn absent_labels(selector: &Selector) -> Labels {
    let fixed = selector.matchers.iter().filter(|matcher| {
        matcher.op == MatchOp::Equal && selector.matchers.iter().filter(|other| other.name == matcher.name).count() == 1
    });
    Labels::from_pairs(fixed.map(|matcher| (&*matcher.name, &*matcher.value)))
}
