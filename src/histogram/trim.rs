//! The trim operators: what is left of a histogram below or above a value (Prometheus `FloatHistogram.TrimBuckets`).

use super::{FloatHistogram, Interval};

/// What a bucket keeps.
struct Kept {
    count: f64,
    /// The value that stands for the observations kept.
    midpoint: f64,
}

/// Which side of the value is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Above,
}

impl FloatHistogram {
    /// Keeps the observations below a value (`</`); buckets that hold it are divided. Count and sum are estimated anew
    /// where anything is cut off.
    pub fn keep_below(&mut self, value: f64) {
        self.trim(value, Side::Below);
    }

    /// Keeps the observations above a value (`>/`).
    pub fn keep_above(&mut self, value: f64) {
        self.trim(value, Side::Above);
    }

    fn trim(&mut self, value: f64, side: Side) {
        let custom = self.has_custom_buckets();
        let (mut count, mut sum, mut trimmed) = (0.0, 0.0, false);
        let mut filled = [false, false];
        for positive in [true, false] {
            let buckets = if positive { &self.positive } else { &self.negative };
            let mut counts: Vec<f64> = buckets.iter().map(|bucket| bucket.count).collect();
            for (bucket, kept_count) in buckets.iter().zip(&mut counts) {
                if bucket.count == 0.0 {
                    continue;
                }
                filled[usize::from(positive)] = true;
                let interval = if positive { self.positive_interval(bucket) } else { self.negative_interval(bucket) };
                let (whole, divided) = match side {
                    Side::Below => (interval.upper <= value, interval.lower < value),
                    Side::Above => (interval.lower >= value, interval.upper > value),
                };
                let kept = if whole {
                    let midpoint = midpoint(interval.lower, interval.upper, positive, custom);
                    Kept { count: bucket.count, midpoint }
                } else if divided {
                    divide(&interval, value, side, positive, custom)
                } else {
                    *kept_count = 0.0;
                    trimmed = true;
                    continue;
                };
                count += kept.count;
                sum += kept.midpoint * kept.count;
                if !whole && *kept_count != kept.count {
                    *kept_count = kept.count;
                    trimmed = true;
                }
            }
            let buckets = if positive { &mut self.positive } else { &mut self.negative };
            buckets.iter_mut().zip(counts).for_each(|(bucket, count)| bucket.count = count);
        }
        if self.zero_count > 0.0 {
            let [negative, positive] = filled;
            let kept = divide_zero(&self.zero_interval(), value, side, negative, positive);
            trimmed |= self.zero_count != kept.count;
            self.zero_count = kept.count;
            sum += kept.midpoint * kept.count;
            count += kept.count;
        }
        if trimmed {
            self.count = count;
            self.sum = sum;
            self.compact();
        }
    }
}

/// What is kept of a bucket that holds the value.
fn divide(interval: &Interval, value: f64, side: Side, positive: bool, custom: bool) -> Kept {
    if interval.lower == f64::NEG_INFINITY || interval.upper == f64::INFINITY {
        return divide_infinite(interval, value, side);
    }
    let below = if value <= interval.lower {
        0.0
    } else if value >= interval.upper {
        interval.count
    } else {
        interval.count * interval.share_below(value, custom)
    };
    match side {
        Side::Below => Kept { count: below, midpoint: midpoint(interval.lower, value, positive, custom) },
        Side::Above => {
            Kept { count: interval.count - below, midpoint: midpoint(value, interval.upper, positive, custom) }
        }
    }
}

/// What is kept of a bucket that is infinitely wide: nothing where its observations could be on the side cut off, except
/// that custom buckets with a positive upper bound begin at 0.
fn divide_infinite(interval: &Interval, value: f64, side: Side) -> Kept {
    let Interval { lower, upper, count, .. } = *interval;
    let finite = |bound: f64| if bound.is_infinite() { 0.0 } else { bound };
    let from_zero = upper > 0.0 && upper < f64::INFINITY;
    match (side, lower == f64::NEG_INFINITY) {
        (Side::Below, true) if value >= upper => Kept { count, midpoint: 0.0 },
        (Side::Below, true) if value > 0.0 && from_zero => Kept { count: count * value / upper, midpoint: value / 2.0 },
        (Side::Below, true) if upper <= 0.0 => Kept { count, midpoint: value },
        (Side::Above, true) if value <= lower => Kept { count, midpoint: 0.0 },
        (Side::Above, true) if value >= 0.0 && upper > value && upper < f64::INFINITY => {
            Kept { count: count * (1.0 - value / upper), midpoint: (value + upper) / 2.0 }
        }
        (_, true) => Kept { count: 0.0, midpoint: finite(upper) },
        (Side::Above, false) if value >= lower => Kept { count, midpoint: value },
        (_, false) => Kept { count: 0.0, midpoint: finite(lower) },
    }
}

/// What is kept of the zero bucket, which lies on one side of zero where all other buckets do.
fn divide_zero(zero: &Interval, value: f64, side: Side, negative: bool, positive: bool) -> Kept {
    let upper = if negative && !positive { 0.0 } else { zero.upper };
    let lower = if positive && !negative { 0.0 } else { zero.lower };
    let whole = Kept { count: zero.count, midpoint: (lower + upper) / 2.0 };
    let nothing = Kept { count: 0.0, midpoint: 0.0 };
    let part = |width: f64, midpoint: f64| Kept { count: zero.count * (width / (upper - lower)), midpoint };
    match side {
        Side::Below if value <= lower => nothing,
        Side::Below if value >= upper => whole,
        Side::Below => part(value - lower, (lower + value) / 2.0),
        Side::Above if value <= lower => whole,
        Side::Above if value >= upper => nothing,
        Side::Above => part(upper - value, (value + upper) / 2.0),
    }
}

/// The value that stands for observations between two bounds: the arithmetic mean in custom buckets, else the geometric.
fn midpoint(lower: f64, upper: f64, positive: bool, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) => {
            if upper > 0.0 {
                upper / 2.0
            } else {
                upper
            }
        }
        (false, true) => lower,
        (false, false) if linear => (lower + upper) / 2.0,
        (false, false) => {
            let mean = (lower * upper).abs().sqrt();
            if positive { mean } else { -mean }
        }
    }
}
