//! The results of functions over subqueries, from one or several evaluations of the inner query.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::histogram_windows;
use super::subquery::Frame;
use crate::engine::{Head, Matrix, Step, bits};
use crate::labels::Labels;
use crate::promql::functions::Window;
use crate::time::{Duration, Timestamp};

/// The outer columns of a subquery, collected from one or several evaluations of the inner query.
pub struct Gathered {
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
    pub fn new(steps: usize) -> Gathered {
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

    pub fn cut(
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
                // A subquery hands on no start timestamps.
                let window = Window { times, values, histograms, starts: &[], labels, start, end, range, at };
                if let Some(value) = f(step, &window) {
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

    pub fn finish(self) -> Matrix {
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
