//! Aggregation over series: groups, and the folds whose order of operations is Prometheus'
//! (`promql/engine.go`, `aggregation`).

use std::collections::HashMap;
use std::sync::Arc;

use super::{Head, Matrix, Mode, bits};
use crate::labels::{Labels, METRIC_NAME};

/// `by (...)` or `without (...)`.
#[derive(Clone, Debug)]
pub struct Grouping {
    pub labels: Vec<String>,
    pub without: bool,
}

impl Grouping {
    /// The labels of the group that an element belongs to.
    pub fn labels_of(&self, labels: &Labels) -> Labels {
        labels.filter(|name| {
            let listed = self.labels.iter().any(|label| label == name);
            if self.without { !listed && name != METRIC_NAME } else { listed }
        })
    }
}

/// Which column belongs to which group.
#[derive(Debug)]
pub struct Groups {
    /// The group of each column.
    pub of: Vec<u32>,
    /// The columns of each group, in order; no group is empty.
    pub members: Vec<Vec<u32>>,
    /// The groups' labels, in the order of their first columns.
    pub head: Arc<Head>,
}

impl Groups {
    pub fn new(head: &Head, grouping: &Grouping) -> Groups {
        let mut numbers: HashMap<Labels, u32> = HashMap::new();
        let mut of = Vec::with_capacity(head.len());
        let mut members: Vec<Vec<u32>> = Vec::new();
        let mut group_labels = Vec::new();
        let mut drop_name = Vec::new();
        for (column, labels) in head.labels.iter().enumerate() {
            let labels = grouping.labels_of(labels);
            let group = *numbers.entry(labels).or_insert_with_key(|labels| {
                group_labels.push(labels.clone());
                drop_name.push(false);
                members.push(Vec::new());
                members.len() as u32 - 1
            });
            members[group as usize].push(column as u32);
            drop_name[group as usize] |= head.drop_name[column];
            of.push(group);
        }
        Groups { of, members, head: Arc::new(Head { labels: group_labels, drop_name, twins: Vec::new() }) }
    }

    /// Orders the groups of a result as their first elements come: at each step for instant queries, over all steps for a
    /// range query. What the aggregation leaves out counts too.
    pub fn put_in_order(&self, input: &Matrix, mode: Mode, out: &mut Matrix) {
        out.order.clear();
        let mut irregular = vec![0u64; bits::words(input.steps())];
        for (group, members) in self.members.iter().enumerate() {
            let first = input.present(members[0] as usize);
            for ((irregular, group), first) in irregular.iter_mut().zip(out.present(group)).zip(first) {
                *irregular |= group & !first;
            }
        }
        for step in input.order.keys() {
            bits::insert(&mut irregular, *step);
        }
        if self.members.len() < 2 || bits::none(&irregular) {
            return;
        }
        let mut seen = vec![false; self.members.len()];
        if mode == Mode::Instants {
            for step in bits::steps(&irregular) {
                let mut order = self.first_seen(input.columns_at(step), &mut seen);
                order.retain(|group| bits::has(out.present(*group as usize), step));
                out.order.insert(step, order);
            }
            return;
        }
        // Of what is the same at all steps, elements have the order of one of them.
        let known = input.order.values().next().into_iter().flatten().map(|column| *column as usize);
        let alive = known.chain(0..input.head().len()).filter(|column| !bits::none(input.present(*column)));
        let order = self.first_seen(alive, &mut seen);
        for step in 0..input.steps() {
            let present = |group: &&u32| bits::has(out.present(**group as usize), step);
            let order = order.iter().filter(present).copied().collect();
            out.order.insert(step, order);
        }
    }

    fn first_seen(&self, columns: impl Iterator<Item = usize>, seen: &mut [bool]) -> Vec<u32> {
        seen.fill(false);
        columns
            .map(|column| self.of[column])
            .filter(|group| !std::mem::replace(&mut seen[*group as usize], true))
            .collect()
    }
}

/// One aggregation of the values of a group at a step, in the order in which they come.
pub trait Fold: Copy {
    fn first(value: f64) -> Self;
    fn add(&mut self, value: f64);
    fn finish(self) -> f64;
}

/// The smallest value; `NaN` gives way.
#[derive(Clone, Copy)]
pub struct Min(f64);

impl Fold for Min {
    fn first(value: f64) -> Min {
        Min(value)
    }
    fn add(&mut self, value: f64) {
        if self.0 > value || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn finish(self) -> f64 {
        self.0
    }
}

/// The largest value; `NaN` gives way.
#[derive(Clone, Copy)]
pub struct Max(f64);

impl Fold for Max {
    fn first(value: f64) -> Max {
        Max(value)
    }
    fn add(&mut self, value: f64) {
        if self.0 < value || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn finish(self) -> f64 {
        self.0
    }
}

/// Aggregates each group at each step.
pub fn fold<F: Fold>(input: Matrix, groups: &Groups, mode: Mode) -> Matrix {
    let steps = input.steps();
    let mut out = Matrix::new(groups.head.clone(), steps);
    let mut folds = vec![F::first(0.0); steps];
    for (group, members) in groups.members.iter().enumerate() {
        let (results, seen) = out.column_mut(group);
        for member in members {
            let values = input.values(*member as usize);
            for (at, (word, seen)) in input.present(*member as usize).iter().zip(seen.iter_mut()).enumerate() {
                let (folds, values) = (&mut folds[at * 64..], &values[at * 64..]);
                let new = *word & !*seen;
                let more = *word & *seen;
                *seen |= *word;
                if more == !0 {
                    folds.iter_mut().zip(values).take(64).for_each(|(fold, value)| fold.add(*value));
                    continue;
                }
                for step in bits::steps(&[new]) {
                    folds[step] = F::first(values[step]);
                }
                for step in bits::steps(&[more]) {
                    folds[step].add(values[step]);
                }
            }
        }
        for step in bits::steps(seen) {
            results[step] = folds[step].finish();
        }
    }
    for step in input.order.keys() {
        let mut folds: Vec<Option<F>> = vec![None; groups.members.len()];
        for column in input.columns_at(*step) {
            let value = input.values(column)[*step];
            match &mut folds[groups.of[column] as usize] {
                Some(fold) => fold.add(value),
                empty => *empty = Some(F::first(value)),
            }
        }
        for (group, fold) in folds.into_iter().enumerate() {
            if let Some(fold) = fold {
                out.set(group, *step, fold.finish());
            }
        }
    }
    groups.put_in_order(&input, mode, &mut out);
    out.fail_all(input.errors);
    out
}

/// The `q[step]`-quantile of each group at each step.
pub fn quantiles(input: Matrix, groups: &Groups, mode: Mode, q: &[f64]) -> Matrix {
    let mut out = Matrix::new(groups.head.clone(), input.steps());
    let mut values = Vec::new();
    for (group, members) in groups.members.iter().enumerate() {
        for (step, q) in q.iter().enumerate() {
            values.clear();
            values.extend(members.iter().filter_map(|member| input.column(*member as usize).at(step)));
            if !values.is_empty() {
                out.set(group, step, quantile(*q, &mut values));
            }
        }
    }
    groups.put_in_order(&input, mode, &mut out);
    out.fail_all(input.errors);
    out
}

/// The quantile of some values, which it sorts, NaN first (Prometheus `promql/quantile.go`).
pub fn quantile(q: f64, values: &mut [f64]) -> f64 {
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)));
    interpolated(q, values.len(), |place| values[place])
}

/// The quantile of so many values, of which `at` knows the one at a place in their order; between two values it is interpolated.
pub fn interpolated(q: f64, count: usize, mut at: impl FnMut(usize) -> f64) -> f64 {
    if count == 0 || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let last = count - 1;
    let rank = q * last as f64;
    let lower = rank.floor().max(0.0);
    let upper = (lower + 1.0).min(last as f64);
    let weight = rank - rank.floor();
    at(lower as usize) * (1.0 - weight) + at(upper as usize) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Minus(f64);

    impl Fold for Minus {
        fn first(value: f64) -> Minus {
            Minus(value)
        }
        fn add(&mut self, value: f64) {
            self.0 -= value;
        }
        fn finish(self) -> f64 {
            self.0
        }
    }

    fn labels(group: &str, member: &str) -> Labels {
        Labels::from_pairs([("group", group), ("member", member)])
    }

    #[test]
    fn values_are_folded_and_groups_ordered_as_elements_come() {
        let head = Head::distinct(vec![labels("a", "1"), labels("b", "1"), labels("a", "2")]);
        let mut input = Matrix::new(Arc::new(head), 3);
        for (column, step, value) in
            [(0, 0, 1.0), (1, 0, 2.0), (2, 0, 5.0), (1, 1, 3.0), (2, 1, 4.0), (0, 2, 7.0), (2, 2, 9.0)]
        {
            input.set(column, step, value);
        }
        input.order.insert(2, vec![2, 0]);
        let groups = Groups::new(input.head(), &Grouping { labels: vec!["group".to_owned()], without: false });
        let out = fold::<Minus>(input, &groups, Mode::Instants);
        let at = |step| out.at(step).map(|(labels, value)| (labels.get("group").to_owned(), value)).collect::<Vec<_>>();
        assert_eq!(at(0), [("a".to_owned(), -4.0), ("b".to_owned(), 2.0)]);
        assert_eq!(at(1), [("b".to_owned(), 3.0), ("a".to_owned(), 4.0)]);
        assert_eq!(at(2), [("a".to_owned(), 2.0)]);
    }

    #[test]
    fn quantiles_interpolate_and_put_nan_first() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0]), 2.0);
        assert_eq!(quantile(1.0, &mut [1.0, f64::NAN]), 1.0);
        assert!(quantile(0.0, &mut [1.0, f64::NAN]).is_nan());
        assert_eq!(quantile(1.1, &mut [1.0]), f64::INFINITY);
    }
}
