//! Aggregations, reversed.

use super::range::Range;
use super::reverse::{At, Measure, Reverse, Stuck, Wanted, stuck};
use super::sample;
use crate::promql::ast::{Aggregate, AggregateOp, Expr};

impl Reverse<'_> {
    /// What an aggregation asks of the series below it.
    pub fn below(&self, aggregate: &Aggregate, at: &At) -> At {
        let mut inner = at.clone();
        if !aggregate.without && !matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk) {
            let open = |label: &str| match self.choice.usual_names {
                true => sample::usual(label),
                false => self.name(label),
            };
            let label = |label: &String| (label.clone(), at.labels.get(label).cloned().unwrap_or(open(label)));
            inner.matchers.retain(|matcher| aggregate.grouping.iter().any(|label| *label == *matcher.name));
            inner.labels = aggregate.grouping.iter().filter(|l| *l != "le").map(label).collect();
        }
        inner.summed |= aggregate.op == AggregateOp::Sum;
        inner
    }

    pub fn aggregate(&mut self, expr: &Expr, aggregate: &Aggregate, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let inner = self.below(aggregate, at);
        let child = &aggregate.expr;
        match aggregate.op {
            AggregateOp::Count => match wanted {
                Wanted::Nothing => self.several(expr, child, aggregate, 0, [Range::ANY; 2], &inner),
                Wanted::Within(range) => {
                    let count = super::count::whole(range, 1).ok_or_else(|| stuck(expr, wanted))?;
                    self.several(expr, child, aggregate, count, [Range::ANY; 2], &inner)
                }
            },
            AggregateOp::Sum if super::count::is_flag(child) && at.measure == Measure::Level => match wanted {
                Wanted::Nothing => self.solve(child, wanted, &inner),
                Wanted::Within(range) => {
                    let count = super::count::whole(range, 0).ok_or_else(|| stuck(expr, wanted))?;
                    let flags = [Range::exactly(1.0), Range::exactly(0.0)];
                    self.several(expr, child, aggregate, count, flags, &At { summed: at.summed, ..inner })
                }
            },
            AggregateOp::Sum
            | AggregateOp::Avg
            | AggregateOp::Min
            | AggregateOp::Max
            | AggregateOp::Quantile
            | AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Limitk => self.solve(child, wanted, &inner),
            AggregateOp::Group => match wanted {
                Wanted::Within(range) if !range.contains(1.0) => Err(stuck(expr, wanted)),
                Wanted::Within(_) => self.solve(child, Wanted::Within(Range::ANY), &inner),
                Wanted::Nothing => self.solve(child, wanted, &inner),
            },
            AggregateOp::CountValues | AggregateOp::Stddev | AggregateOp::Stdvar | AggregateOp::LimitRatio => {
                Err(stuck(expr, wanted))
            }
        }
    }
}
