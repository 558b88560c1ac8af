//! Range aggregations: samples are extracted once for each entry, then windows slide over them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rayon::prelude::*;

use super::windows::{Series, Window};
use super::{Env, Grid, RangeSamples};
use crate::engine::{EvalError, Head, Matrix, bits};
use crate::labels::{Labels, MatchOp};
use crate::logql::ast::{Grouping, RangeAggregate, RangeOp, Selector};
use crate::logql::pipeline::{Demand, ERROR, Extractor, LabelSetId, PRESERVE_ERROR, SampleOf};
use crate::store::LogStream;
use crate::text::Span;
use crate::time::Nanoseconds;

/// A range aggregation with the samples of all its windows.
pub struct Ranges {
    head: Arc<Head>,
    series: Vec<Series>,
    /// How many there are of all series.
    samples: usize,
    window: Window,
    offset: Nanoseconds,
    /// What `absent_over_time` yields.
    absent: Option<Arc<Head>>,
    span: Span,
}

impl Ranges {
    /// Extracts the samples. `outer` is the grouping of a `sum` around it, which leaves only its labels in the first place.
    pub(super) fn new(
        aggregate: &RangeAggregate,
        outer: Option<&Grouping>,
        span: Span,
        env: &Env<'_>,
    ) -> Result<Ranges, EvalError> {
        let grouping = outer.or(aggregate.grouping.as_ref());
        let is_absent = aggregate.op == RangeOp::AbsentOverTime;
        let demand = Demand {
            groups: grouping.map_or(&[], |grouping| &grouping.labels),
            without: grouping.is_some_and(|grouping| grouping.without),
            // Which labels there are does not matter where nothing may be there.
            no_labels: is_absent || grouping.is_some_and(|grouping| !grouping.without && grouping.labels.is_empty()),
            unwrapped: None,
        };
        let (labels, series) = extract(aggregate, &demand, env)?;
        let range = &aggregate.range;
        let window = Window {
            op: aggregate.op,
            param: aggregate.param.unwrap_or_default(),
            range: range.range,
            unwrapped: range.unwrap.is_some(),
        };
        let absent = || Arc::new(Head::distinct(vec![absent_labels(&range.query.selector)]));
        Ok(Ranges {
            head: Arc::new(Head::distinct(labels)),
            samples: series.iter().map(|series| series.values.len()).sum(),
            series,
            window,
            offset: range.offset,
            absent: is_absent.then(absent),
            span,
        })
    }

    pub fn width(&self) -> usize {
        self.head.len()
    }

    /// The samples of each series.
    pub fn samples(&self) -> impl Iterator<Item = RangeSamples<'_>> {
        let series = self.head.labels.iter().zip(&self.series);
        series.map(|(labels, series)| RangeSamples { labels, values: &series.values, span: self.span })
    }

    pub fn eval(&self, times: &[Nanoseconds]) -> Matrix {
        let ends: Vec<Nanoseconds> =
            times.iter().map(|time| Nanoseconds(time.0.saturating_sub(self.offset.0))).collect();
        let mut out = Matrix::new(self.head.clone(), ends.len());
        let slide = |series: &Series| {
            let (mut values, mut present) = (vec![0.0; ends.len()], vec![0; bits::words(ends.len())]);
            self.window.slide(series, &ends, &mut values, &mut present);
            (values, present)
        };
        let columns: Vec<_> = if self.samples < PARALLEL {
            self.series.iter().map(slide).collect()
        } else {
            self.series.par_iter().map(slide).collect()
        };
        for (column, (values, present)) in columns.into_iter().enumerate() {
            let into = out.column_mut(column);
            into.0.copy_from_slice(&values);
            into.1.copy_from_slice(&present);
        }
        self.refuse_errors(&mut out);
        match &self.absent {
            Some(head) => absent(&out, head),
            None => out,
        }
    }

    /// Samples whose entry had an error fail the steps whose windows they are in.
    fn refuse_errors(&self, out: &mut Matrix) {
        for (column, labels) in self.head.labels.iter().enumerate() {
            if !labels.has(ERROR) || labels.get(PRESERVE_ERROR) == "true" {
                continue;
            }
            let kind = labels.get(ERROR);
            let steps: Vec<usize> = bits::steps(out.present(column)).collect();
            for step in steps {
                let message = format!(
                    "pipeline error: '{kind}' for series: '{labels}'; leave such lines out with | __error__=\"\""
                );
                out.fail(step, EvalError::new(self.span, message));
            }
        }
    }
}

/// Entries or samples below which one thread does it all.
const PARALLEL: usize = 1 << 14;

/// The samples of all windows by label set, in the order of the labels.
fn extract(
    aggregate: &RangeAggregate,
    demand: &Demand<'_>,
    env: &Env<'_>,
) -> Result<(Vec<Labels>, Vec<Series>), EvalError> {
    let extractor = || {
        let of = match aggregate.op {
            RangeOp::BytesOverTime | RangeOp::BytesRate => SampleOf::Bytes,
            _ => SampleOf::Count,
        };
        Extractor::compile(&aggregate.range, of, demand, env.grid.end())
            .map_err(|error| EvalError::new(error.span, error.message))
    };
    let streams = env.logs.select(&aggregate.range.query.selector.matchers);
    // What is wrong with a stage is found where there is a stream to run it over.
    if streams.is_empty() || env.grid.steps == 0 {
        return Ok(Default::default());
    }
    let parts: Vec<Found> = parts(&streams)
        .into_par_iter()
        .map(|streams| extractor().map(|extractor| read(streams, extractor, aggregate, env.grid)))
        .collect::<Result<_, _>>()?;
    // Streams in order, so that samples of one time come in the same order however they were shared out.
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut merged: Vec<(Labels, Series)> = Vec::new();
    for (labels, series) in parts.into_iter().flatten() {
        match places.entry(labels) {
            Entry::Vacant(vacant) => {
                merged.push((vacant.key().clone(), series));
                vacant.insert(merged.len() - 1);
            }
            Entry::Occupied(place) => merged[*place.get()].1.append(series),
        }
    }
    merged.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(merged.into_iter().map(|(labels, series)| (labels, series.in_order())).unzip())
}

/// Samples by label set.
type Found = Vec<(Labels, Series)>;

/// The streams in parts of about as many entries, for the threads.
fn parts<'a, 's>(streams: &'a [&'s LogStream]) -> Vec<&'a [&'s LogStream]> {
    let entries: usize = streams.iter().map(|stream| stream.len()).sum();
    if entries < PARALLEL {
        return vec![streams];
    }
    let size = entries / (rayon::current_num_threads() * 4) + 1;
    let (mut parts, mut first, mut sum) = (Vec::new(), 0, 0);
    for (at, stream) in streams.iter().enumerate() {
        sum += stream.len();
        if sum >= size {
            parts.push(&streams[first..=at]);
            (first, sum) = (at + 1, 0);
        }
    }
    parts.push(&streams[first..]);
    parts
}

/// The samples of some streams.
fn read(streams: &[&LogStream], mut extractor: Extractor, aggregate: &RangeAggregate, grid: &Grid) -> Found {
    let range = &aggregate.range;
    let back = range.offset.0.saturating_add(range.range.0.saturating_mul(1_000_000));
    let from = Nanoseconds(grid.start.0.saturating_sub(back).saturating_add(1));
    let to = Nanoseconds(grid.end().0.saturating_sub(range.offset.0).saturating_add(1));
    let mut found: Vec<Series> = Vec::new();
    for stream in streams {
        extractor.set_stream(stream.labels());
        if extractor.refuses_stream() && !stream.has_metadata() {
            continue;
        }
        for entry in stream.between(from, to) {
            let extracted = extractor.extract(entry.time, entry.line, entry.metadata_pairs());
            let Some((value, set)) = extracted else { continue };
            let at = set.0 as usize;
            if at >= found.len() {
                found.resize_with(at + 1, Series::default);
            }
            found[at].push(entry.time, value);
        }
    }
    let sets = extractor.into_sets();
    (0..).zip(found).map(|(at, series)| (sets.get(LabelSetId(at)).clone(), series)).collect()
}

/// One where nothing is.
fn absent(found: &Matrix, head: &Arc<Head>) -> Matrix {
    let mut out = Matrix::new(head.clone(), found.steps());
    let mut any = vec![0u64; bits::words(found.steps())];
    for column in found.columns() {
        bits::join(&mut any, column.present);
    }
    for step in (0..found.steps()).filter(|step| !bits::has(&any, *step)) {
        out.set(0, step, 1.0);
    }
    out.fail_all(found.errors.clone());
    out
}

/// The labels that a selector fixes.
fn absent_labels(selector: &Selector) -> Labels {
    let fixed = selector.matchers.iter().filter(|matcher| {
        matcher.op == MatchOp::Equal && selector.matchers.iter().filter(|other| other.name == matcher.name).count() == 1
    });
    Labels::from_pairs(fixed.map(|matcher| (&*matcher.name, &*matcher.value)))
}
