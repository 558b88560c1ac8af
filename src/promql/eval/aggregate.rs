//! Aggregations: which fold an operator is, and what its parameter may be.

use std::collections::HashMap;
use std::sync::Arc;

use super::histogram_aggregates::{leave_out_histograms, total};
use super::parameters::{Counts, Ratios, place_of, warn_of_quantiles};
use super::run::{Node, Run, State, scalar_values};
use crate::engine::{
    EvalError, Fold, Grouping, Groups, Head, Matrix, Max, Memo, Min, fold, limit, quantiles, rank, share,
};
use crate::labels::Labels;
use crate::number::{KahanSum, format_f};
use crate::promql::ast::AggregateOp;
use crate::text::Span;

/// An aggregation other than `count_values`.
pub struct Aggregation {
    pub op: AggregateOp,
    pub grouping: Grouping,
    pub param: Option<Node>,
    pub input: Node,
    pub groups: Memo<Groups>,
    /// For `limit_ratio`: from which ratio on each column is chosen.
    pub places: Memo<Vec<f64>>,
}

impl Aggregation {
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let param = match &mut self.param {
            Some(param) => Some(param.eval(run, state)?),
            None => None,
        };
        let mut input = self.input.eval(run, state)?;
        let of_histograms = matches!(self.op, AggregateOp::Sum | AggregateOp::Avg);
        let mut all = None;
        if !of_histograms && input.arena().is_some() {
            all = Some(input.clone());
            leave_out_histograms(self.op, &mut input, self.input.span, state);
        }
        let groups = self.groups.get(&[input.head()], || Groups::new(input.head(), &self.grouping));
        let mode = run.mode;
        let Some(param) = param else {
            if of_histograms && input.arena().is_some() {
                let out = total(input, groups, mode, self.op == AggregateOp::Avg, self.input.span, state);
                state.order_varies |= run.is_range() && !out.order.is_empty();
                return Ok(out);
            }
            let mut out = match self.op {
                AggregateOp::Sum => fold::<Sum>(input, groups, mode),
                AggregateOp::Avg => fold::<Avg>(input, groups, mode),
                AggregateOp::Count => fold::<Count>(input, groups, mode),
                AggregateOp::Min => fold::<Min>(input, groups, mode),
                AggregateOp::Max => fold::<Max>(input, groups, mode),
                AggregateOp::Stddev => fold::<Stddev>(input, groups, mode),
                AggregateOp::Stdvar => fold::<Stdvar>(input, groups, mode),
                _ => fold::<Group>(input, groups, mode),
            };
            if let Some(all) = all {
                groups.put_in_order(&all, mode, &mut out);
            }
            state.order_varies |= run.is_range() && !out.order.is_empty();
            return Ok(out);
        };
        let values = scalar_values(&param);
        let place = self.param.as_ref().map_or(Span::default(), |param| param.span);
        let mut out = match self.op {
            AggregateOp::Quantile => {
                warn_of_quantiles(values, mode, place, state);
                quantiles(input, groups, mode, values)
            }
            AggregateOp::LimitRatio => {
                let Ratios { ratios, errors } = Ratios::of(values, mode, place, state);
                let places = self.places.get(&[input.head()], || input.head().labels.iter().map(place_of).collect());
                let mut out = share(input, groups, mode, &ratios, places);
                out.fail_all(errors);
                out
            }
            op => {
                let Counts { counts, errors } = Counts::of(values, mode, place);
                let mut out = match op {
                    AggregateOp::Limitk => limit(input, groups, mode, &counts),
                    op => rank(input, groups, mode, &counts, op == AggregateOp::Topk),
                };
                out.fail_all(errors);
                out
            }
        };
        out.fail_all(param.errors);
        state.order_varies |= run.is_range() && !out.order.is_empty();
        Ok(out)
    }
}

/// `count_values("label", v)`
pub struct CountValues {
    pub label: String,
    pub grouping: Grouping,
    pub input: Node,
    /// The results met so far, numbered as they came.
    pub known: HashMap<Labels, u32>,
    /// Their columns: sorted by labels, so that no order depends on what other runs have met.
    pub places: Vec<u32>,
    pub head: Arc<Head>,
}

impl CountValues {
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let input = self.input.eval(run, state)?;
        let mut counts: Vec<Vec<(u32, f64)>> = vec![Vec::new(); run.steps.len()];
        let known = self.known.len();
        let mut failed = Vec::new();
        for (column, of) in input.columns().enumerate() {
            let mut last: Option<(u64, u32)> = None;
            for (step, value) in of.iter() {
                // Once it has been multiplied by what is no number, its zero bucket is none either, and has no bounds to be told.
                if input.histogram(value).is_some_and(|found| found.has_custom_buckets() && found.zero_count != 0.0) {
                    failed.push(step);
                    continue;
                }
                let group = match last {
                    Some((bits, group)) if bits == value.to_bits() => group,
                    _ => {
                        let mut builder = input.head().labels[column].builder();
                        let text = input.histogram(value).map_or_else(|| format_f(value), |found| found.to_string());
                        builder.set(&self.label, &text);
                        let next = self.known.len() as u32;
                        *self.known.entry(self.grouping.labels_of(&builder.build())).or_insert(next)
                    }
                };
                last = Some((value.to_bits(), group));
                match counts[step].iter_mut().find(|(known, _)| *known == group) {
                    Some((_, count)) => *count += 1.0,
                    None => counts[step].push((group, 1.0)),
                }
            }
        }
        if self.known.len() > known {
            let mut sorted: Vec<(&Labels, u32)> = self.known.iter().map(|(labels, number)| (labels, *number)).collect();
            sorted.sort_unstable();
            self.places = vec![0; sorted.len()];
            for (place, (_, number)) in (0u32..).zip(&sorted) {
                self.places[*number as usize] = place;
            }
            self.head = Arc::new(Head::distinct(sorted.into_iter().map(|(labels, _)| labels.clone()).collect()));
        }
        state.reserve(self.head.len(), run.steps.len(), self.input.span)?;
        let mut out = Matrix::new(self.head.clone(), run.steps.len());
        for (step, counts) in counts.into_iter().enumerate() {
            for (group, count) in counts {
                out.set(self.places[group as usize] as usize, step, count);
            }
        }
        out.errors = input.errors;
        for step in failed {
            out.fail(step, EvalError::new(self.input.span, "histograms with custom buckets have no zero bucket"));
        }
        Ok(out)
    }
}

#[derive(Clone, Copy)]
pub struct Sum(KahanSum);

impl Fold for Sum {
    fn first(value: f64) -> Sum {
        Sum(KahanSum { sum: value, compensation: 0.0 })
    }
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }
    fn finish(self) -> f64 {
        self.0.total()
    }
}

/// A mean: of the sum as long as that stays finite, from then on of the mean so far.
#[derive(Clone, Copy)]
pub struct Avg {
    /// The sum, or the mean once `incremental`.
    running: KahanSum,
    count: f64,
    incremental: bool,
}

impl Fold for Avg {
    fn first(value: f64) -> Avg {
        Avg { running: KahanSum { sum: value, compensation: 0.0 }, count: 1.0, incremental: false }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let next = self.running.plus(value);
            if !next.sum.is_infinite() {
                self.running = next;
                return;
            }
            self.incremental = true;
            self.running.sum /= self.count - 1.0;
            self.running.compensation /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        let scaled = KahanSum { sum: share * self.running.sum, compensation: share * self.running.compensation };
        self.running = scaled.plus(value / self.count);
    }

    fn finish(self) -> f64 {
        if self.incremental {
            self.running.total()
        } else {
            self.running.sum / self.count + self.running.compensation / self.count
        }
    }
}

#[derive(Clone, Copy)]
struct Count(f64);

impl Fold for Count {
    fn first(_: f64) -> Count {
        Count(1.0)
    }
    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }
    fn finish(self) -> f64 {
        self.0
    }
}

#[derive(Clone, Copy)]
struct Group;

impl Fold for Group {
    fn first(_: f64) -> Group {
        Group
    }
    fn add(&mut self, _: f64) {}
    fn finish(self) -> f64 {
        1.0
    }
}

/// Variance by Welford's method.
#[derive(Clone, Copy)]
struct Stdvar {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold for Stdvar {
    fn first(value: f64) -> Stdvar {
        Stdvar { count: 1.0, mean: value, squares: if value.is_finite() { 0.0 } else { f64::NAN } }
    }
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
    fn finish(self) -> f64 {
        self.squares / self.count
    }
}

#[derive(Clone, Copy)]
struct Stddev(Stdvar);

impl Fold for Stddev {
    fn first(value: f64) -> Stddev {
        Stddev(Stdvar::first(value))
    }
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }
    fn finish(self) -> f64 {
        self.0.finish().sqrt()
    }
}
