//! `topk`, `bottomk`, `limitk` and `limit_ratio`, with the same choice and order as Prometheus (`aggregationK`).

use super::{Groups, Matrix, Mode};

/// Whether one value stands before another: NaN first, then by value, ascending or descending.
fn before(descending: bool, a: f64, b: f64) -> bool {
    a.is_nan() || if descending { a > b } else { a < b }
}

/// One element on its way through a heap.
#[derive(Clone, Copy)]
struct Entry {
    value: f64,
    column: u32,
}

/// A binary heap as Go's `container/heap` keeps it: which of several equal values survives depends on its moves.
struct Heap {
    entries: Vec<Entry>,
    descending: bool,
}

impl Heap {
    fn less(&self, a: usize, b: usize) -> bool {
        before(self.descending, self.entries[a].value, self.entries[b].value)
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        let mut at = self.entries.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.less(at, parent) {
                break;
            }
            self.entries.swap(at, parent);
            at = parent;
        }
    }

    fn replace_first(&mut self, entry: Entry) {
        self.entries[0] = entry;
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= self.entries.len() {
                break;
            }
            let right = left + 1;
            let child = if right < self.entries.len() && self.less(right, left) { right } else { left };
            if !self.less(child, at) {
                break;
            }
            self.entries.swap(at, child);
            at = child;
        }
    }

    /// Keeps the best `k` of all that were offered.
    fn offer(&mut self, entry: Entry, k: usize) {
        let Some(worst) = self.entries.first().map(|entry| entry.value) else { return self.push(entry) };
        if self.entries.len() < k {
            self.push(entry);
        } else if before(self.descending, worst, entry.value) && !(worst.is_nan() && entry.value.is_nan()) {
            self.replace_first(entry);
        }
    }
}

/// Sorts as Go's `sort.Sort` sorts up to twelve elements, stably with respect to `less`; more elements are sorted
/// stably too, where Go's order of equal values is arbitrary.
pub fn insertion_sort<T>(items: &mut [T], descending: bool, value: impl Fn(&T) -> f64) {
    if items.len() > 12 {
        items.sort_by(|a, b| {
            let (a, b) = (value(a), value(b));
            let (first, second) = if descending { (b, a) } else { (a, b) };
            let by_value = first.partial_cmp(&second).unwrap_or(std::cmp::Ordering::Equal);
            a.is_nan().cmp(&b.is_nan()).then(by_value)
        });
        return;
    }
    for from in 1..items.len() {
        let mut at = from;
        // `less` of the reversed order: NaN comes last.
        while at > 0 && before(!descending, value(&items[at - 1]), value(&items[at])) {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// What becomes of the elements of a group at a step.
trait Choice {
    /// Whether the heap's first element is the largest and not the smallest.
    const DESCENDING: bool;
    fn offer(&self, heap: &mut Heap, entry: Entry, step: usize);
    /// Puts the chosen elements in order, where they keep one.
    fn arrange(&self, _: &mut [Entry]) {}
}

/// The largest elements, or the smallest ones.
struct Best<'a, const LARGEST: bool>(&'a [usize]);

impl<const LARGEST: bool> Choice for Best<'_, LARGEST> {
    const DESCENDING: bool = !LARGEST;

    fn offer(&self, heap: &mut Heap, entry: Entry, step: usize) {
        heap.offer(entry, self.0[step]);
    }

    fn arrange(&self, entries: &mut [Entry]) {
        insertion_sort(entries, LARGEST, |entry| entry.value);
    }
}

/// The first elements.
struct First<'a>(&'a [usize]);

impl Choice for First<'_> {
    const DESCENDING: bool = false;

    fn offer(&self, heap: &mut Heap, entry: Entry, step: usize) {
        if heap.entries.len() < self.0[step] {
            heap.push(entry);
        }
    }
}

/// A share of the elements, at a ratio from -1 to 1, chosen by where in 0 to 1 the hash of its labels lies.
struct Share<'a> {
    ratios: &'a [f64],
    places: &'a [f64],
}

impl Choice for Share<'_> {
    const DESCENDING: bool = false;

    fn offer(&self, heap: &mut Heap, entry: Entry, step: usize) {
        let (ratio, place) = (self.ratios[step], self.places[entry.column as usize]);
        if (ratio >= 0.0 && place < ratio) || (ratio < 0.0 && place >= 1.0 + ratio) {
            heap.push(entry);
        }
    }
}

fn choose<C: Choice>(
    input: Matrix,
    groups: &Groups,
    mode: Mode,
    steps: impl Iterator<Item = usize>,
    choice: &C,
) -> Matrix {
    let mut out = Matrix::new(input.head().clone(), input.steps());
    let mut heaps: Vec<Heap> =
        groups.members.iter().map(|_| Heap { entries: Vec::new(), descending: C::DESCENDING }).collect();
    let mut used: Vec<u32> = Vec::new();
    for step in steps {
        for column in input.columns_at(step) {
            let group = groups.of[column];
            let heap = &mut heaps[group as usize];
            if heap.entries.is_empty() {
                used.push(group);
            }
            let value = input.values(column)[step];
            // Prometheus compares the number that stands beside a histogram.
            let value = if input.histogram(value).is_some() { 0.0 } else { value };
            choice.offer(heap, Entry { value, column: column as u32 }, step);
        }
        let mut order = Vec::new();
        for group in used.drain(..) {
            let heap = &mut heaps[group as usize];
            // A single step of a range query keeps its order too.
            if mode == Mode::Instants || input.steps() == 1 {
                choice.arrange(&mut heap.entries);
                order.extend(heap.entries.iter().map(|entry| entry.column));
            }
            for entry in heap.entries.drain(..) {
                let column = entry.column as usize;
                out.set(column, step, input.values(column)[step]);
            }
        }
        if !order.is_sorted() {
            out.order.insert(step, order);
        }
    }
    out.adopt(&input, 0..input.head().len());
    out.fail_all(input.errors);
    out
}

fn above_zero(k: &[usize]) -> impl Iterator<Item = usize> + '_ {
    k.iter().enumerate().filter(|(_, k)| **k > 0).map(|(step, _)| step)
}

/// The `k[step]` largest (or smallest) elements of each group at each step; instant queries yield them in order.
pub fn rank(input: Matrix, groups: &Groups, mode: Mode, k: &[usize], largest: bool) -> Matrix {
    if largest {
        choose(input, groups, mode, above_zero(k), &Best::<true>(k))
    } else {
        choose(input, groups, mode, above_zero(k), &Best::<false>(k))
    }
}

/// The first `k[step]` elements of each group at each step.
pub fn limit(input: Matrix, groups: &Groups, mode: Mode, k: &[usize]) -> Matrix {
    choose(input, groups, mode, above_zero(k), &First(k))
}

/// The share `ratios[step]` of the elements at each step, of a negative ratio the other elements; `places` tells for each
/// column from which ratio on it belongs to it.
pub fn share(input: Matrix, groups: &Groups, mode: Mode, ratios: &[f64], places: &[f64]) -> Matrix {
    let steps = (0..ratios.len()).filter(|step| ratios[*step] != 0.0);
    choose(input, groups, mode, steps, &Share { ratios, places })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Grouping, Head};
    use super::*;
    use crate::labels::Labels;
    use crate::time::{Duration, Timestamp};

    /// The values that are left of 1, 3 and 2, at the last of so many steps.
    fn ranked(mode: Mode, steps: usize) -> Vec<f64> {
        let labels = |value| Labels::from_pairs([("a", value)]);
        let mut input = Matrix::new(Arc::new(Head::distinct(["1", "2", "3"].map(labels).to_vec())), steps);
        for (column, value) in [1.0, 3.0, 2.0].into_iter().enumerate() {
            (0..steps).for_each(|step| input.set(column, step, value));
        }
        let groups = Groups::new(input.head(), &Grouping { labels: Vec::new(), without: false });
        let out = rank(input, &groups, mode, &vec![3; steps], true);
        out.at(steps - 1).map(|(_, value)| value).collect()
    }

    #[test]
    fn the_largest_come_first_where_there_is_one_step_or_each_is_a_query() {
        let range = Mode::Range { start: Timestamp(0), end: Timestamp(1), step: Duration(1) };
        assert_eq!(ranked(Mode::Instants, 2), [3.0, 2.0, 1.0]);
        assert_eq!(ranked(range, 1), [3.0, 2.0, 1.0]);
        assert_eq!(ranked(range, 2), [1.0, 3.0, 2.0]);
    }
}
