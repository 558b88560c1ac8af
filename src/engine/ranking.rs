//! `topk` and `bottomk`, with the same choice among equal values as Prometheus (`aggregationK`).

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

/// The `k[step]` largest (or smallest) elements of each group at each step; instant queries yield them in order.
pub fn rank(input: Matrix, groups: &Groups, mode: Mode, k: &[usize], largest: bool) -> Matrix {
    let mut out = Matrix::new(input.head().clone(), input.steps());
    let mut heaps: Vec<Heap> =
        groups.members.iter().map(|_| Heap { entries: Vec::new(), descending: !largest }).collect();
    let mut used: Vec<u32> = Vec::new();
    for (step, k) in k.iter().enumerate().filter(|(_, k)| **k > 0) {
        for column in input.columns_at(step) {
            let group = groups.of[column];
            let heap = &mut heaps[group as usize];
            if heap.entries.is_empty() {
                used.push(group);
            }
            heap.offer(Entry { value: input.values(column)[step], column: column as u32 }, *k);
        }
        let mut order = Vec::new();
        for group in used.drain(..) {
            let heap = &mut heaps[group as usize];
            if mode == Mode::Instants {
                insertion_sort(&mut heap.entries, largest, |entry| entry.value);
                order.extend(heap.entries.iter().map(|entry| entry.column));
            }
            for entry in heap.entries.drain(..) {
                out.set(entry.column as usize, step, entry.value);
            }
        }
        if !order.is_sorted() {
            out.order.insert(step, order);
        }
    }
    out.fail_all(input.errors);
    out
}
