//! Labels that the two sides of an operator have to have in common: what the matchers of one say, the other has too.

use std::collections::BTreeMap;

use super::reverse::{At, DEEPEST, Reverse};
use super::sample;
use crate::labels::METRIC_NAME;
use crate::promql::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, ExprKind, VectorSelector};
use crate::rules::Group;

/// Whether an expression, or a rule behind it, matches series by all their labels.
pub fn tells(expr: &Expr, groups: &[Group]) -> bool {
    let mut found = false;
    let mut look = |expr: &Expr| {
        expr.walk(&mut |part: &Expr| {
            found |= matches!(&part.kind, ExprKind::Binary(binary) if by_all_labels(binary));
        });
    };
    look(expr);
    let recorded = groups.iter().flat_map(|group| &group.rules).filter(|rule| !rule.is_alert());
    recorded.for_each(|rule| rule.promql().into_iter().for_each(&mut look));
    found
}

fn by_all_labels(binary: &Binary) -> bool {
    binary.op != BinaryOp::Or && binary.matching.as_ref().is_some_and(|matching| !matching.on)
}

impl Reverse<'_> {
    /// Hands what each side says of its labels to the other one.
    pub(super) fn carry(&self, binary: &Binary, left: &mut At, right: &mut At) {
        let Some(matching) = binary.matching.as_ref().filter(|_| by_all_labels(binary)) else { return };
        let told = [&binary.lhs, &binary.rhs].map(|side| self.told_by(side, left, 0));
        for (side, other) in [(left, &told[1]), (right, &told[0])] {
            let carried = other.iter().filter(|(label, _)| !matching.labels.contains(label));
            for (label, value) in carried {
                side.labels.entry(label.clone()).or_insert_with(|| value.clone());
            }
        }
    }

    /// The labels that the series of an expression have, as far as its matchers say.
    fn told_by(&self, expr: &Expr, at: &At, depth: u32) -> BTreeMap<String, String> {
        match &expr.kind {
            ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => self.told_by(inner, at, depth),
            ExprKind::Subquery(subquery) => self.told_by(&subquery.expr, at, depth),
            ExprKind::Selector(selector) => self.told_by_selector(selector, at, depth),
            ExprKind::Range(range) => self.told_by_selector(&range.selector, at, depth),
            ExprKind::Aggregate(aggregate) => kept(aggregate, self.told_by(&aggregate.expr, at, depth)),
            ExprKind::Call(call) => {
                let mut told = call.args.iter().map(|arg| self.told_by(arg, at, depth)).find(|told| !told.is_empty());
                if call.function.name == "histogram_quantile" {
                    told.iter_mut().for_each(|told| drop(told.remove("le")));
                }
                told.filter(|_| !matches!(call.function.name, "scalar" | "vector" | "time")).unwrap_or_default()
            }
            ExprKind::Binary(binary) => {
                let mut told = self.told_by(&binary.lhs, at, depth);
                if by_all_labels(binary) && binary.op != BinaryOp::Unless {
                    told.extend(self.told_by(&binary.rhs, at, depth));
                }
                if let Some(matching) = binary.matching.as_ref().filter(|_| !binary.op.is_set()) {
                    match matching.on {
                        true if matching.include.is_empty() => told.retain(|label, _| matching.labels.contains(label)),
                        true => {}
                        false => told.retain(|label, _| !matching.labels.contains(label)),
                    }
                }
                told
            }
            ExprKind::Number(_) | ExprKind::String(_) => BTreeMap::new(),
        }
    }

    fn told_by_selector(&self, selector: &VectorSelector, at: &At, depth: u32) -> BTreeMap<String, String> {
        let mut told = BTreeMap::new();
        if let Some(rule) = self.writer(selector).filter(|_| depth < DEEPEST) {
            if let Some(query) = rule.promql() {
                told = self.told_by(query, at, depth + 1);
            }
            let fixed = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
            told.extend(fixed.map(|(label, value)| (label.clone(), value.value.clone())));
        }
        for matcher in selector.matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME) {
            let all: Vec<_> = selector.matchers.iter().filter(|other| other.name == matcher.name).collect();
            let preferred = [at.labels.get(&*matcher.name), self.names.get(&*matcher.name)];
            let preferred: Vec<&str> = preferred.into_iter().flatten().map(String::as_str).collect();
            if let Some(value) = sample::value(&all, &preferred).filter(|value| !value.is_empty()) {
                told.insert(matcher.name.to_string(), value);
            }
        }
        told
    }
}

/// What an aggregation leaves of the labels.
fn kept(aggregate: &Aggregate, mut told: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if !matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk) {
        told.retain(|label, _| aggregate.grouping.contains(label) != aggregate.without);
    }
    told
}
