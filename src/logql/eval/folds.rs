//! What vector aggregations make of the values of a group (Loki `pkg/logql/evaluator.go`, `VectorAggEvaluator`).

use crate::engine::Fold;

#[derive(Clone, Copy)]
pub struct Sum(f64);

impl Fold for Sum {
    fn first(value: f64) -> Sum {
        Sum(value)
    }
    fn add(&mut self, value: f64) {
        self.0 += value;
    }
    fn finish(self) -> f64 {
        self.0
    }
}

/// The mean of the values so far, moved by each of them.
#[derive(Clone, Copy)]
pub struct Avg {
    mean: f64,
    count: f64,
}

impl Fold for Avg {
    fn first(value: f64) -> Avg {
        Avg { mean: value, count: 1.0 }
    }
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.mean += (value - self.mean) / self.count;
    }
    fn finish(self) -> f64 {
        self.mean
    }
}

#[derive(Clone, Copy)]
pub struct Count(f64);

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

/// Welford's variance of a population. A single value has none, whatever it is.
#[derive(Clone, Copy)]
pub struct Stdvar {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold for Stdvar {
    fn first(value: f64) -> Stdvar {
        Stdvar { count: 1.0, mean: value, squares: 0.0 }
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
pub struct Stddev(Stdvar);

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
