//! Functions over range vectors: the samples of each series in the window of each step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::annotation::Level;
use super::bounds::Bounds;
use super::histogram_windows::{self, HistogramCalls};
use super::holding::Holding;
use super::instant::nameless;
use super::parameters::invalid_quantile;
use super::query::RangeVector;
use super::run::{Node, Run, State, scalar_values};
use super::selector::{Selector, sees_all};
use super::subquery::{Frame, Subquery};
use crate::engine::{Collision, EvalError, Head, Matrix, Memo, Step, bits, settle};
use crate::labels::Labels;
use crate::number::is_stale;
use crate::promql::functions::window_histograms::HistogramRangeFn;
use crate::promql::functions::{ColumnFn, ParameterCheck, Parameters, RangeFn, Results, Track, Window};
use crate::store::Series;
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
        let mut out = windows(&mut self.source, self.range, span, run, state, over_columns, |step, window| {
            let args = &flat[step * width..(step + 1) * width];
            if let Some(Err(message)) = check.map(|check| check(args)) {
                refused.entry(step).or_insert_with(|| EvalError::new(span, message));
                return None;
            }
            if window.histograms.is_empty() {
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
        let found = windows(&mut self.source, self.range, span, run, state, None, |_, _| Some(1.0))?;
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

/// Calls `f` for each series at each step at which its window holds a sample, or a function over all windows where there is
/// one and the series is one of numbers. The columns are those of the source.
fn windows(
    source: &mut Source,
    range: Duration,
    span: Span,
    run: &Run<'_>,
    state: &mut State,
    over_columns: Option<(ColumnFn, &Parameters<'_>)>,
    mut f: impl FnMut(usize, &Window<'_>) -> Option<f64>,
) -> Result<Matrix, EvalError> {
    match source {
        Source::Series(selector) => {
            selector.search(run.store);
            let ends = selector.times(run);
            state.reserve(selector.ids.len(), ends.len(), span)?;
            let mut out = Matrix::new(selector.head.clone(), ends.len());
            let sees_all = sees_all(&ends, run.steps);
            let mut samples = Samples::default();
            let mut bounds = Bounds::default();
            let mut holding = Holding::new(selector.ids.len(), state);
            for (column, id) in selector.ids.iter().enumerate() {
                let (values, present) = out.column_mut(column);
                let series = run.store.series(*id);
                if let Some((function, parameters)) = over_columns
                    && series.shape.is_numbers()
                {
                    let track = Track {
                        times: &series.times,
                        values: &series.values,
                        labels: &series.labels,
                        spacing: series.shape.spacing(),
                        bounds: bounds.of(series, &ends, range, run.steps, sees_all),
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
                let found = bounds.of(series, &ends, range, run.steps, sees_all);
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
                out.cut(frame, outer, &ends, range, run.steps, &mut f);
            })?;
            let mut out = out.finish();
            out.fail_all(errors);
            Ok(out)
        }
    }
}

impl Selector {
    /// The samples of each series in the window of each step.
    pub fn samples(&mut self, range: Duration, run: &Run<'_>) -> RangeVector {
        self.search(run.store);
        let ends = self.times(run);
        let sees_all = sees_all(&ends, run.steps);
        let mut room = Samples::default();
        let mut bounds = Bounds::default();
        let mut series = Vec::new();
        for id in &self.ids {
            let stored = run.store.series(*id);
            let found = bounds.of(stored, &ends, range, run.steps, sees_all);
            room.slide(stored, found, &ends, range, run.steps, |_, window| {
                let samples = window.times.iter().enumerate().map(|(at, time)| (*time, window.sample(at))).collect();
                series.push((stored.labels.clone(), samples));
            });
        }
        series
    }
}

/// Room for the samples of a series that has stale markers, without them.
#[derive(Default)]
struct Samples {
    times: Vec<Timestamp>,
    values: Vec<f64>,
    /// How many of the samples before an index are kept.
    kept: Vec<usize>,
}

impl Samples {
    /// Calls `f` at each step whose window `(end - range, end]` holds visible samples, as [`Bounds`] found them.
    fn slide(
        &mut self,
        series: &Series,
        bounds: &[(u32, u32)],
        ends: &[Timestamp],
        range: Duration,
        steps: &[Step],
        mut f: impl FnMut(usize, &Window<'_>),
    ) {
        let (Some((base, _)), Some((_, end))) = (bounds.first(), bounds.last()) else { return };
        let (base, end) = (*base as usize, *end as usize);
        if base >= end {
            return;
        }
        let has_stale = series.values[base..end].iter().any(|value| is_stale(*value));
        if has_stale {
            self.fill(series, base, end);
        }
        let times = &series.times;
        let histograms = series.histograms.as_ref().map_or(&[][..], |histograms| &histograms.arena);
        for (step, (end, (from, to))) in ends.iter().zip(bounds).enumerate() {
            let (start, from, to) = (*end - range, *from as usize, *to as usize);
            if from >= to {
                continue;
            }
            let (times, values) = if has_stale {
                let kept = self.kept[from - base]..self.kept[to - base];
                (&self.times[kept.clone()], &self.values[kept])
            } else {
                (&times[from..to], &series.values[from..to])
            };
            if !times.is_empty() {
                let (labels, at) = (&series.labels, steps[step].time);
                f(step, &Window { times, values, histograms, labels, start, end: *end, range, at });
            }
        }
    }

    fn fill(&mut self, series: &Series, base: usize, end: usize) {
        self.times.clear();
        self.values.clear();
        self.kept.clear();
        for (time, value) in series.times[base..end].iter().zip(&series.values[base..end]) {
            self.kept.push(self.times.len());
            if !is_stale(*value) {
                self.times.push(*time);
                self.values.push(*value);
            }
        }
        self.kept.push(self.times.len());
    }
}

/// The outer columns of a subquery, collected from one or several evaluations of the inner query.
struct Gathered {
    steps: usize,
    /// Labels, whether the name is to be dropped, and a count, should one result hold equals.
    numbers: HashMap<(Labels, bool, u32), usize>,
    columns: Vec<(Labels, bool)>,
    values: Vec<Vec<f64>>,
    present: Vec<Vec<u64>>,
    /// The head met last, and where its columns go.
    last: Option<(Arc<Head>, Vec<usize>)>,
    heads: usize,
    /// Steps at which the columns do not come in their own order: the columns, present or not.
    order: BTreeMap<usize, Vec<u32>>,
    times: Vec<Timestamp>,
    samples: Vec<f64>,
}

impl Gathered {
    fn new(steps: usize) -> Gathered {
        Gathered {
            steps,
            numbers: HashMap::new(),
            columns: Vec::new(),
            values: Vec::new(),
            present: Vec::new(),
            last: None,
            heads: 0,
            order: BTreeMap::new(),
            times: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// The outer columns of an inner head.
    fn places(&mut self, head: &Arc<Head>) -> Vec<usize> {
        if let Some((known, places)) = self.last.take()
            && Arc::ptr_eq(&known, head)
        {
            return places;
        }
        self.heads += 1;
        let mut equals: HashMap<(&Labels, bool), u32> = HashMap::new();
        let mut places = Vec::with_capacity(head.len());
        for (labels, drop_name) in head.labels.iter().zip(&head.drop_name) {
            let nth = equals.entry((labels, *drop_name)).and_modify(|nth| *nth += 1).or_insert(0);
            let next = self.columns.len();
            let place = *self.numbers.entry((labels.clone(), *drop_name, *nth)).or_insert(next);
            if place == next {
                self.columns.push((labels.clone(), *drop_name));
                self.values.push(vec![0.0; self.steps]);
                self.present.push(vec![0; bits::words(self.steps)]);
            }
            places.push(place);
        }
        places
    }

    fn cut(
        &mut self,
        frame: &Frame,
        outer: &[u64],
        ends: &[Timestamp],
        range: Duration,
        steps: &[Step],
        f: &mut impl FnMut(usize, &Window<'_>) -> Option<f64>,
    ) {
        let places = self.places(frame.matrix.head());
        let arena = histogram_windows::without_hints(frame.matrix.arena());
        for (column, place) in frame.matrix.columns().zip(&places) {
            self.times.clear();
            self.samples.clear();
            for (step, value) in column.iter() {
                self.times.push(frame.times[step]);
                self.samples.push(value);
            }
            let (mut from, mut to) = (0, 0);
            for step in bits::steps(outer) {
                let (start, end) = (ends[step] - range, ends[step]);
                while from < self.times.len() && self.times[from] <= start {
                    from += 1;
                }
                while to < self.times.len() && self.times[to] <= end {
                    to += 1;
                }
                if from >= to {
                    continue;
                }
                let (times, values) = (&self.times[from..to], &self.samples[from..to]);
                let (labels, histograms, at) = (column.labels, arena.as_slice(), steps[step].time);
                if let Some(value) = f(step, &Window { times, values, histograms, labels, start, end, range, at }) {
                    self.values[*place][step] = value;
                    bits::insert(&mut self.present[*place], step);
                }
            }
        }
        if !places.is_sorted() {
            let order: Vec<u32> = places.iter().map(|place| *place as u32).collect();
            self.order.extend(bits::steps(outer).map(|step| (step, order.clone())));
        }
        self.last = Some((frame.matrix.head().clone(), places));
    }

    fn finish(self) -> Matrix {
        let head = match self.last {
            Some((head, _)) if self.heads == 1 => head,
            _ => {
                let (labels, drop_name) = self.columns.into_iter().unzip();
                Arc::new(Head::new(labels, drop_name))
            }
        };
        let mut out = Matrix::new(head, self.steps);
        for (column, (values, present)) in self.values.iter().zip(&self.present).enumerate() {
            let (into_values, into_present) = out.column_mut(column);
            into_values.copy_from_slice(values);
            into_present.copy_from_slice(present);
        }
        for (step, mut order) in self.order {
            order.retain(|column| bits::has(out.present(*column as usize), step));
            out.order.insert(step, order);
        }
        out
    }
}
