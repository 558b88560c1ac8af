//! Aggregations over vectors that hold histograms.

use super::aggregate::{Avg, Sum};
use super::annotation::Level;
use super::histogram_windows::mixed_schemas;
use super::run::State;
use crate::engine::{Filling, Groups, Matrix, Mode, fold};
use crate::histogram::{Running, index_of};
use crate::promql::ast::AggregateOp;
use crate::text::Span;

/// Leaves histograms out of an aggregation that does not take them; others take all samples alike.
pub fn leave_out_histograms(op: AggregateOp, input: &mut Matrix, place: Span, state: &mut State) {
    if matches!(op, AggregateOp::Count | AggregateOp::Group | AggregateOp::Limitk | AggregateOp::LimitRatio) {
        return;
    }
    if input.drop_histograms() {
        state.annotate(Level::Info, place, format!("ignored histogram in {op} aggregation"));
    }
}

/// What one group has come to at a step.
enum Total {
    Histogram(Box<Running>),
    /// Numbers only, which are folded elsewhere.
    Numbers,
    /// Exponential and custom buckets.
    Incompatible,
    /// Numbers and histograms.
    Mixed,
}

/// The sum or the mean of each group at each step; a group of both numbers and histograms has none.
pub fn total(input: Matrix, groups: &Groups, mode: Mode, mean: bool, place: Span, state: &mut State) -> Matrix {
    let mut touched = vec![false; input.steps()];
    for column in 0..input.head().len() {
        input.handles(column).for_each(|(step, _)| touched[step] = true);
    }
    // Where there are only numbers it stays as it is.
    let mut out =
        if mean { fold::<Avg>(input.clone(), groups, mode) } else { fold::<Sum>(input.clone(), groups, mode) };
    let mut arena = Filling::default();
    for step in (0..input.steps()).filter(|step| touched[*step]) {
        let mut totals: Vec<Option<Total>> = (0..groups.members.len()).map(|_| None).collect();
        for column in input.columns_at(step) {
            let value = input.values(column)[step];
            let total = &mut totals[groups.of[column] as usize];
            let next = match (total.take(), input.histogram(value)) {
                (None, Some(first)) => Total::Histogram(Box::new(Running::new(first))),
                (None | Some(Total::Numbers), None) => Total::Numbers,
                (Some(Total::Histogram(mut running)), Some(next)) => {
                    let added = if mean { running.average(next) } else { running.add(next) };
                    if added.is_ok() {
                        Total::Histogram(running)
                    } else {
                        let name = input.head().labels[column].name();
                        state.annotate(Level::Warning, place, mixed_schemas(name));
                        Total::Incompatible
                    }
                }
                (Some(Total::Incompatible), _) => Total::Incompatible,
                (Some(Total::Numbers), Some(_)) | (Some(Total::Histogram(_)), None) | (Some(Total::Mixed), _) => {
                    Total::Mixed
                }
            };
            *total = Some(next);
        }
        for (group, total) in totals.into_iter().enumerate() {
            let result = match total {
                None | Some(Total::Numbers) => continue,
                Some(Total::Incompatible) => None,
                Some(Total::Mixed) => {
                    let message = "encountered a mix of histograms and floats for aggregation";
                    state.annotate(Level::Warning, place, message);
                    None
                }
                Some(Total::Histogram(running)) => {
                    if running.bounds_reconciled() {
                        let message = "mismatched custom buckets were reconciled during aggregation";
                        state.annotate(Level::Info, place, message);
                    }
                    if running.hints_collide() {
                        let message = "conflicting counter resets during histogram aggregation";
                        state.annotate(Level::Warning, place, message);
                    }
                    let mut total = if mean { running.mean() } else { running.sum() };
                    total.compact();
                    Some(arena.add(total))
                }
            };
            out.put(group, step, result);
        }
    }
    debug_assert!(out.columns().all(|column| column.iter().all(|(at, v)| touched[at] || index_of(v).is_none())));
    out.set_arena(arena.finish());
    out
}
