//! Vector aggregations.

use std::sync::Arc;

use super::folds::{Avg, Count, Stddev, Stdvar, Sum};
use super::{Env, Node, Ranges};
use crate::engine::{self, EvalError, Groups, Head, Matrix, Max, Memo, Min, Mode, fold, insertion_sort, rank};
use crate::labels::Labels;
use crate::logql::ast::{ExprKind, Grouping, RangeOp, VectorAggregate, VectorOp};
use crate::time::Nanoseconds;

/// A vector aggregation.
pub struct Aggregation {
    op: VectorOp,
    /// How many series stay, where a count is taken.
    count: usize,
    grouping: Grouping,
    pub(super) input: Node,
    groups: Memo<Groups>,
}

impl Aggregation {
    pub(super) fn new(aggregate: &VectorAggregate, env: &Env<'_>) -> Result<Aggregation, EvalError> {
        let input = match &aggregate.expr.kind {
            // Of what is added up anyway, only the labels of the sum are extracted.
            ExprKind::RangeAggregate(range)
                if aggregate.op == VectorOp::Sum && range.grouping.is_none() && adds_up(range.op) =>
            {
                Node::Ranges(Box::new(Ranges::new(range, Some(&aggregate.grouping), aggregate.expr.span, env)?))
            }
            _ => Node::new(&aggregate.expr, env)?,
        };
        Ok(Aggregation {
            op: aggregate.op,
            count: aggregate.count.unwrap_or_default(),
            grouping: aggregate.grouping.clone(),
            input,
            groups: Memo::default(),
        })
    }

    pub fn eval(&mut self, times: &[Nanoseconds]) -> Matrix {
        let input = self.input.eval(times);
        let groups = self.groups.get(&[input.head()], || groups(input.head(), &self.grouping));
        // A range query is put in the order of its labels in the end.
        let mode = Mode::Instants;
        let count = || vec![self.count; times.len()];
        match self.op {
            VectorOp::Sum => fold::<Sum>(input, groups, mode),
            VectorOp::Avg => fold::<Avg>(input, groups, mode),
            VectorOp::Count => fold::<Count>(input, groups, mode),
            VectorOp::Max => fold::<Max>(input, groups, mode),
            VectorOp::Min => fold::<Min>(input, groups, mode),
            VectorOp::Stddev => fold::<Stddev>(input, groups, mode),
            VectorOp::Stdvar => fold::<Stdvar>(input, groups, mode),
            VectorOp::Topk | VectorOp::ApproxTopk => rank(input, groups, mode, &count(), true),
            VectorOp::Bottomk => rank(input, groups, mode, &count(), false),
            VectorOp::Sort => sorted(input, false),
            VectorOp::SortDesc => sorted(input, true),
        }
    }
}

/// Whether a sum over the aggregation is the aggregation over the union of what is summed.
fn adds_up(op: RangeOp) -> bool {
    matches!(
        op,
        RangeOp::BytesOverTime | RangeOp::BytesRate | RangeOp::SumOverTime | RangeOp::Rate | RangeOp::CountOverTime
    )
}

/// Which column belongs to which group. A label that is empty makes another group than one that is absent; what comes out of `without`
/// has no empty labels all the same.
fn groups(head: &Head, grouping: &Grouping) -> Groups {
    let mut groups =
        Groups::new(head, &engine::Grouping { labels: grouping.labels.clone(), without: grouping.without });
    if grouping.without {
        let labels = groups.head.labels.iter().map(Labels::without_empty).collect();
        groups.head = Arc::new(Head::new(labels, groups.head.drop_name.clone()));
    }
    groups
}

/// The elements of each step by their values, `NaN` last. A range query shows no order, but what is computed of the elements adds
/// them up in it.
fn sorted(mut input: Matrix, descending: bool) -> Matrix {
    for step in 0..input.steps() {
        let mut order: Vec<u32> = input.columns_at(step).map(|column| column as u32).collect();
        insertion_sort(&mut order, descending, |column| input.values(*column as usize)[step]);
        input.order.insert(step, order);
    }
    input
}
