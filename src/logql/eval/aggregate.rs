//! Vector aggregations.

use std::sync::Arc;

use super::folds::{Avg, Count, Max, Min, Stddev, Stdvar, Sum};
use super::{Env, eval, range};
use crate::engine::{self, EvalError, Groups, Head, Matrix, Mode, fold, insertion_sort, rank};
use crate::labels::Labels;
use crate::logql::ast::{ExprKind, Grouping, RangeOp, VectorAggregate, VectorOp};

/// The aggregation at every step.
pub fn aggregate(aggregate: &VectorAggregate, env: &Env<'_>) -> Result<Matrix, EvalError> {
    let input = match &aggregate.expr.kind {
        // Of what is added up anyway, only the labels of the sum are extracted.
        ExprKind::RangeAggregate(range)
            if aggregate.op == VectorOp::Sum && range.grouping.is_none() && adds_up(range.op) =>
        {
            range::eval(range, Some(&aggregate.grouping), aggregate.expr.span, env)?
        }
        _ => eval(&aggregate.expr, env)?,
    };
    let count = vec![aggregate.count.unwrap_or_default(); env.grid.steps];
    let groups = groups(input.head(), &aggregate.grouping);
    // Instant queries keep the order of what is sorted; a range query is sorted by its labels in the end.
    let mode = Mode::Instants;
    Ok(match aggregate.op {
        VectorOp::Sum => fold::<Sum>(input, &groups, mode),
        VectorOp::Avg => fold::<Avg>(input, &groups, mode),
        VectorOp::Count => fold::<Count>(input, &groups, mode),
        VectorOp::Max => fold::<Max>(input, &groups, mode),
        VectorOp::Min => fold::<Min>(input, &groups, mode),
        VectorOp::Stddev => fold::<Stddev>(input, &groups, mode),
        VectorOp::Stdvar => fold::<Stdvar>(input, &groups, mode),
        VectorOp::Topk | VectorOp::ApproxTopk => rank(input, &groups, mode, &count, true),
        VectorOp::Bottomk => rank(input, &groups, mode, &count, false),
        VectorOp::Sort => sorted(input, false),
        VectorOp::SortDesc => sorted(input, true),
    })
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

/// The elements of an instant query by their values, `NaN` last. A range query has no such order.
fn sorted(mut input: Matrix, descending: bool) -> Matrix {
    if input.steps() == 1 {
        let step = 0;
        let mut order: Vec<u32> = input.columns_at(step).map(|column| column as u32).collect();
        insertion_sort(&mut order, descending, |column| input.values(*column as usize)[step]);
        input.order.insert(step, order);
    }
    input
}
