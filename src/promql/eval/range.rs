//! Functions over range vectors: the samples of each series in the window of each step.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::annotation::Level;
use super::bounds::Bounds;
use super::gathered::Gathered;
use super::histogram_windows::HistogramCalls;
use super::holding::Holding;
use super::instant::nameless;
use super::parameters::invalid_quantile;
use super::query::RangeVector;
use super::run::{Node, Run, State, scalar_values};
use super::samples::Samples;
use super::selector::{Selector, sees_all};
use super::subquery::Subquery;
use crate::engine::{Collision, EvalError, Head, Matrix, Memo, bits, settle};
use crate::histogram::Sample;
use crate::promql::ast::Edge;
use crate::promql::functions::window_histograms::HistogramRangeFn;
use crate::promql::functions::{ColumnFn, ParameterCheck, Parameters, RangeFn, Results, Track, Window, with_edges};
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// Where windows are cut from.
pub enum Source {
    Series(Selector),
    Subquery(Box<Subquery>),
}

/// A function over a range vector.
pub struct RangeCall {
    pub source: Source,
    pub range: Duration,
    pub function: RangeFn,
    /// The same over all windows of a series of numbers.
    pub over_columns: Option<ColumnFn>,
    /// The same over windows that hold histograms.
    pub over_histograms: HistogramRangeFn,
    /// Where the range vector stands.
    pub place: Span,
    /// The scalar parameters, in order.
    pub args: Vec<Node>,
    /// The first parameter is a quantile, of which there is something to say where it is none.
    pub warns_of_quantiles: bool,
    /// What is wrong with the parameters of a step at which there are samples.
    pub check: Option<ParameterCheck>,
    /// It looks at start timestamps, where the profile has them looked at.
    pub counts_from_starts: bool,
    /// `last_over_time` and `first_over_time` act like an offset and keep the name.
    pub keeps_name: bool,
    /// `rate` and `increase` are for counters, which a name should tell.
    pub wants_counter: Option<Span>,
    pub head: Memo<Arc<Head>>,
}

impl RangeCall {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut parameters = Vec::with_capacity(self.args.len());
        for arg in &mut self.args {
            parameters.push(arg.eval(run, state)?);
        }
        let columns: Vec<&[f64]> = parameters.iter().map(scalar_values).collect();
        let flat: Vec<f64> = (0..run.steps.len())
            .flat_map(|step| columns.iter().filter_map(move |values| values.get(step)))
            .copied()
            .collect();
        let width = columns.len();
        let at: Vec<Timestamp> = run.steps.iter().map(|step| step.time).collect();
        let parameters_of_columns = Parameters { at: &at, first: columns.first().copied().unwrap_or_default() };
        let over_columns = self.over_columns.map(|function| (function, &parameters_of_columns));
        let (function, over_histograms) = (self.function, self.over_histograms);
        let totals_only = matches!(&self.source, Source::Series(selector) if selector.totals_only);
        let mut histogram_calls = HistogramCalls::new(totals_only);
        let (check, mut refused) = (self.check, BTreeMap::new());
        let starts = self.counts_from_starts && run.profile.use_start_timestamps;
        let cut = Cut { range: self.range, starts, over_columns };
        let mut out = windows(&mut self.source, cut, span, run, state, |step, window| {
            let args = &flat[step * width..(step + 1) * width];
            if let Some(Err(message)) = check.map(|check| check(args)) {
                refused.entry(step).or_insert_with(|| EvalError::new(span, message));
                return None;
            }
            if window.histograms.is_empty() && window.starts.is_empty() {
                return function(window, args);
            }
            histogram_calls.call(over_histograms, function, window, args)
        })?;
        histogram_calls.finish(&mut out, self.place, state);
        out.fail_all(refused);
        if self.warns_of_quantiles
            && let (Some(quantiles), Some(arg)) = (columns.first(), self.args.first())
        {
            warn_of_quantiles(&out, quantiles, arg.span, state);
        }
        for parameter in parameters {
            out.fail_all(parameter.errors);
        }
        if let Some(place) = self.wants_counter {
            hint_counters(&out, place, state);
        }
        let late = run.profile.delayed_name_removal;
        if !self.keeps_name {
            let head = self.head.get(&[out.head()], || Arc::new(nameless(out.head(), late))).clone();
            out = out.under(head);
        }
        Ok(if late { out } else { settle(out, run.mode, Collision::Series, span) })
    }
}

/// `absent_over_time`: 1 where no series has a sample in the window.
pub struct AbsentOverTime {
    pub source: Source,
    pub range: Duration,
    pub head: Arc<Head>,
}

impl AbsentOverTime {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let cut = Cut { range: self.range, starts: false, over_columns: None };
        let found = windows(&mut self.source, cut, span, run, state, |_, _| Some(1.0))?;
        Ok(absence(&found, self.head.clone()))
    }
}

/// One column that is 1 where a matrix has no value; it takes over the errors.
pub fn absence(found: &Matrix, head: Arc<Head>) -> Matrix {
    let mut out = Matrix::new(head, found.steps());
    let (values, present) = out.column_mut(0);
    values.fill(1.0);
    present.copy_from_slice(&bits::all(found.steps()));
    for column in found.columns() {
        present.iter_mut().zip(column.present).for_each(|(word, found)| *word &= !found);
    }
    out.errors.clone_from(&found.errors);
    out
}

/// Says of the steps that have results which quantiles are none.
fn warn_of_quantiles(out: &Matrix, quantiles: &[f64], place: Span, state: &mut State) {
    let mut found = vec![0; bits::words(out.steps())];
    out.columns().for_each(|column| bits::join(&mut found, column.present));
    for step in bits::steps(&found) {
        if let Some(q) = quantiles.get(step).filter(|q| !(0.0..=1.0).contains(*q)) {
            state.annotate(Level::Warning, place, invalid_quantile(*q));
        }
    }
}

fn hint_counters(out: &Matrix, place: Span, state: &mut State) {
    const COUNTERS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];
    for column in out.columns() {
        let name = column.labels.name();
        let is_float = |value: f64| out.histogram(value).is_none();
        if !name.is_empty()
            && !COUNTERS.iter().any(|end| name.ends_with(end))
            && column.iter().any(|(_, value)| is_float(value))
        {
            let message =
                format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}");
            state.annotate(Level::Info, place, message);
        }
    }
}

/// What windows are cut for.
struct Cut<'a> {
    range: Duration,
    /// Start timestamps are looked at.
    starts: bool,
    over_columns: Option<(ColumnFn, &'a Parameters<'a>)>,
}

/// Calls `f` for each series at each step at which its window holds a sample, or a function over all windows where there is
/// one and the series is one of numbers. The columns are those of the source.
fn windows(
    source: &mut Source,
    cut: Cut<'_>,
    span: Span,
    run: &Run<'_>,
    state: &mut State,
    mut f: impl FnMut(usize, &Window<'_>) -> Option<f64>,
) -> Result<Matrix, EvalError> {
    match source {
        Source::Series(selector) => {
            selector.search(run.store);
            let ends = selector.times(run);
            state.reserve(selector.ids.len(), ends.len(), span)?;
            let mut out = Matrix::new(selector.head.clone(), ends.len());
            let (range, spread) = (cut.range, selector.spread(cut.range, run));
            let latest = spread.latest(&ends);
            let sees_all = sees_all(&latest, run.steps);
            let mut samples = Samples::default();
            let mut bounds = Bounds::default();
            let mut holding = Holding::new(selector.ids.len(), state);
            for (column, id) in selector.ids.iter().enumerate() {
                let (values, present) = out.column_mut(column);
                let series = run.store.series(*id);
                samples.with_starts = cut.starts && series.starts.is_some();
                if let Some((function, parameters)) = cut.over_columns
                    && series.shape.is_numbers()
                    && spread.is_window()
                    && !samples.with_starts
                {
                    let track = Track {
                        times: &series.times,
                        values: &series.values,
                        labels: &series.labels,
                        spacing: series.shape.spacing(),
                        bounds: bounds.of(series, &latest, spread.whole(), run.steps, sees_all),
                        ends: &ends,
                        range,
                    };
                    function(&track, parameters, &mut Results { values, present });
                    for samples in bounds.longest_and_last() {
                        holding.window(samples);
                    }
                    holding.close(present, span, state)?;
                    continue;
                }
                let found = bounds.of(series, &latest, spread.whole(), run.steps, sees_all);
                samples.slide(series, found, &ends, range, run.steps, |step, window| {
                    holding.window(window.times.len());
                    if let Some(value) = f(step, window) {
                        values[step] = value;
                        bits::insert(present, step);
                    }
                });
                holding.close(present, span, state)?;
            }
            Ok(out)
        }
        Source::Subquery(subquery) => {
            let mut ends = run.times(subquery.at);
            ends.iter_mut().for_each(|end| *end = *end - subquery.offset);
            let mut out = Gathered::new(run.steps.len());
            let errors = subquery.eval(span, run, state, |frame, outer| {
                out.cut(frame, outer, &ends, cut.range, run.steps, &mut f);
            })?;
            let mut out = out.finish();
            out.fail_all(errors);
            Ok(out)
        }
    }
}

impl Selector {
    /// The samples of each series in the window of each step.
    ///
    /// Errors: histograms in a window that is `anchored` or `smoothed`.
    pub fn samples(&mut self, range: Duration, span: Span, run: &Run<'_>) -> Result<RangeVector, EvalError> {
        self.search(run.store);
        let ends = self.times(run);
        let spread = self.spread(range, run);
        let latest = spread.latest(&ends);
        let sees_all = sees_all(&latest, run.steps);
        let mut room = Samples::default();
        let mut bounds = Bounds::default();
        let mut series = Vec::new();
        let mut refused = None;
        for id in &self.ids {
            let stored = run.store.series(*id);
            let found = bounds.of(stored, &latest, spread.whole(), run.steps, sees_all);
            room.slide(stored, found, &ends, range, run.steps, |_, window| {
                let samples: Vec<(Timestamp, Sample)> =
                    window.times.iter().enumerate().map(|(at, time)| (*time, window.sample(at))).collect();
                let edge = match self.edge {
                    Edge::None => return series.push((stored.labels.clone(), samples)),
                    Edge::Anchored => "anchored",
                    Edge::Smoothed => "smoothed",
                };
                if samples.iter().any(|(_, sample)| sample.histogram().is_some()) {
                    refused = Some(format!("{edge} modifier is not supported with histograms"));
                } else {
                    series.push((stored.labels.clone(), with_edges(window, self.edge == Edge::Smoothed)));
                }
            });
        }
        refused.map_or(Ok(series), |message| Err(EvalError::new(span, message)))
    }
}
