//! Sums and differences of histograms, over different resolutions, zero buckets and custom bounds (Prometheus
//! `FloatHistogram.Add`, `Sub`, `KahanAdd`).

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Bucket, Compensation, FloatHistogram, ResetHint, bounds};
use crate::number::KahanSum;

/// Exponential and custom buckets do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas")]
pub struct MixedSchemas;

/// What happened on the way to a sum or difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Combined {
    /// One histogram was known to be a reset, the other known to be none.
    pub hints_collide: bool,
    /// Custom bounds differed; those that both have are left.
    pub bounds_reconciled: bool,
}

/// A value and what rounding left behind, with another one added.
fn plus(value: &mut f64, lost: &mut f64, more: f64) {
    let sum = KahanSum { sum: *value, compensation: *lost }.plus(more);
    (*value, *lost) = (sum.sum, sum.compensation);
}

/// Walks over two lists of buckets by index: the places in the first and in the second.
fn union(a: &[Bucket], b: &[Bucket], mut each: impl FnMut(Option<usize>, Option<usize>)) {
    let (mut i, mut j) = (0, 0);
    loop {
        let order = match (a.get(i), b.get(j)) {
            (Some(a), Some(b)) => a.index.cmp(&b.index),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        each(order.is_le().then_some(i), order.is_ge().then_some(j));
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
}

/// The bounds that two lists have in common.
pub(super) fn shared_bounds(a: &[f64], b: &[f64]) -> Arc<[f64]> {
    let mut shared = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x == y {
            shared.push(*x);
        }
        i += usize::from(x <= y);
        j += usize::from(x >= y);
    }
    shared.into()
}

/// Where a bucket of custom bounds falls among fewer bounds.
pub(super) fn place(index: i32, from: &[f64], shared: &[f64]) -> usize {
    let bound = usize::try_from(index).ok().and_then(|index| from.get(index));
    bound.map_or(shared.len(), |bound| shared.partition_point(|shared| shared < bound))
}

impl FloatHistogram {
    /// Adds another histogram. The coarser resolution, the wider zero bucket and the shared custom bounds are those of the
    /// sum; empty buckets may be left.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<Combined, MixedSchemas> {
        self.combine(other, 1.0)
    }

    /// Subtracts another histogram, in the same way.
    pub fn sub(&mut self, other: &FloatHistogram) -> Result<Combined, MixedSchemas> {
        self.combine(other, -1.0)
    }

    fn combine(&mut self, other: &FloatHistogram, sign: f64) -> Result<Combined, MixedSchemas> {
        let mut combined = self.meet(other)?;
        let custom = self.has_custom_buckets();
        if !custom {
            let (zero_count, _) = self.reconcile_zero_buckets(other, None);
            self.zero_count += sign * zero_count;
        }
        self.count += sign * other.count;
        self.sum += sign * other.sum;
        if custom && self.custom_values != other.custom_values {
            combined.bounds_reconciled = true;
            self.reconcile_bounds(other, sign, None);
            return Ok(combined);
        }
        let schema = self.schema.min(other.schema);
        self.lower_to(schema);
        let add = |own: &mut Vec<Bucket>, other: &[Bucket]| {
            let mut sum = Vec::with_capacity(own.len().max(other.len()));
            union(own, other, |a, b| {
                let mut bucket = match (a, b) {
                    (Some(a), _) => own[a],
                    (None, Some(b)) => return sum.push(Bucket { count: sign * other[b].count, ..other[b] }),
                    (None, None) => return,
                };
                if let Some(b) = b {
                    bucket.count += sign * other[b].count;
                }
                sum.push(bucket);
            });
            *own = sum;
        };
        let positive = self.joining(&other.positive, other.schema);
        let negative = self.joining(&other.negative, other.schema);
        add(&mut self.positive, &positive);
        add(&mut self.negative, &negative);
        Ok(combined)
    }

    /// Adds another histogram and carries rounding errors along in `lost`, which is this histogram's own.
    pub fn add_compensated(
        &mut self,
        other: &FloatHistogram,
        lost: &mut Compensation,
    ) -> Result<Combined, MixedSchemas> {
        let mut combined = self.meet(other)?;
        let custom = self.has_custom_buckets();
        if !custom {
            let (zero_count, more) = self.reconcile_zero_buckets(other, Some(lost));
            plus(&mut self.zero_count, &mut lost.zero_count, zero_count);
            plus(&mut self.zero_count, &mut lost.zero_count, more);
        }
        plus(&mut self.count, &mut lost.count, other.count);
        plus(&mut self.sum, &mut lost.sum, other.sum);
        if custom && self.custom_values != other.custom_values {
            combined.bounds_reconciled = true;
            self.reconcile_bounds(other, 1.0, Some(lost));
            return Ok(combined);
        }
        let schema = self.schema.min(other.schema);
        let from = self.schema;
        if schema < from {
            reduce_compensated(&mut self.positive, &mut lost.positive, from, schema);
            reduce_compensated(&mut self.negative, &mut lost.negative, from, schema);
            self.schema = schema;
        }
        let mut positive = other.positive.clone();
        let mut negative = other.negative.clone();
        let (mut positive_lost, mut negative_lost) = (vec![0.0; positive.len()], vec![0.0; negative.len()]);
        if schema < other.schema {
            reduce_compensated(&mut positive, &mut positive_lost, other.schema, schema);
            reduce_compensated(&mut negative, &mut negative_lost, other.schema, schema);
        }
        let inside = |buckets: &[Bucket]| self.inside_zero(buckets);
        let (skip_positive, skip_negative) = (inside(&positive), inside(&negative));
        add_compensated(
            (&mut self.positive, &mut lost.positive),
            (&positive[skip_positive..], &positive_lost[skip_positive..]),
        );
        add_compensated(
            (&mut self.negative, &mut lost.negative),
            (&negative[skip_negative..], &negative_lost[skip_negative..]),
        );
        Ok(combined)
    }

    /// Settles what two histograms are together: an error where their buckets cannot be combined.
    fn meet(&mut self, other: &FloatHistogram) -> Result<Combined, MixedSchemas> {
        if self.has_custom_buckets() != other.has_custom_buckets() {
            return Err(MixedSchemas);
        }
        let mut combined = Combined::default();
        self.hint = match (self.hint, other.hint) {
            (own, other) if own == other => own,
            (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => ResetHint::Gauge,
            (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => ResetHint::Unknown,
            _ => {
                combined.hints_collide = true;
                ResetHint::Unknown
            }
        };
        Ok(combined)
    }

    fn lower_to(&mut self, schema: i32) {
        if schema < self.schema {
            self.positive = bounds::reduced(&self.positive, self.schema, schema);
            self.negative = bounds::reduced(&self.negative, self.schema, schema);
            self.schema = schema;
        }
    }

    /// Buckets of another schema as they join these: in this schema, without those that are in the zero bucket.
    fn joining(&self, buckets: &[Bucket], schema: i32) -> Vec<Bucket> {
        let mut buckets = bounds::reduced(buckets, schema, self.schema);
        buckets.drain(..self.inside_zero(&buckets));
        buckets
    }

    /// How many buckets, from the first, end inside of the zero bucket.
    fn inside_zero(&self, buckets: &[Bucket]) -> usize {
        if self.has_custom_buckets() {
            return 0;
        }
        buckets.partition_point(|bucket| bounds::exponential(bucket.index, self.schema) <= self.zero_threshold)
    }

    /// Widens the zero bucket until it takes in both histograms' and ends inside of no bucket that holds something. Yields
    /// what the other histogram has in it, and what rounding left of that.
    fn reconcile_zero_buckets(&mut self, other: &FloatHistogram, mut lost: Option<&mut Compensation>) -> (f64, f64) {
        let (mut count, mut threshold, mut count_lost) = (other.zero_count, other.zero_threshold, 0.0);
        while threshold != self.zero_threshold {
            if self.zero_threshold > threshold {
                (count, threshold, count_lost) = other.zero_count_within(self.zero_threshold, None);
            }
            if threshold > self.zero_threshold {
                let (own, widened, own_lost) = self.zero_count_within(threshold, lost.as_deref());
                (self.zero_count, self.zero_threshold) = (own, widened);
                if let Some(lost) = lost.as_deref_mut() {
                    lost.zero_count = own_lost;
                }
                self.trim_inside_zero(lost.as_deref_mut());
            }
            if threshold.is_nan() || self.zero_threshold.is_nan() {
                break;
            }
        }
        (count, count_lost)
    }

    /// What the zero bucket would hold if it reached as far as a larger threshold; where that is inside of a bucket that
    /// holds something, it reaches to the end of it. And what rounding left behind.
    pub(super) fn zero_count_within(&self, threshold: f64, lost: Option<&Compensation>) -> (f64, f64, f64) {
        let mut count_lost = lost.map_or(0.0, |lost| lost.zero_count);
        if threshold == self.zero_threshold {
            return (self.zero_count, threshold, count_lost);
        }
        let mut threshold = threshold;
        'widen: loop {
            let mut count = self.zero_count;
            let sides =
                [(&self.positive, lost.map(|lost| &lost.positive)), (&self.negative, lost.map(|lost| &lost.negative))];
            for (side, (buckets, lost)) in sides.into_iter().enumerate() {
                for (at, bucket) in buckets.iter().enumerate() {
                    // The bounds of negative buckets are those of positive ones, mirrored.
                    let (lower, upper) = (
                        bounds::exponential(bucket.index - 1, self.schema),
                        bounds::exponential(bucket.index, self.schema),
                    );
                    if lower >= threshold {
                        break;
                    }
                    plus(&mut count, &mut count_lost, bucket.count);
                    if let Some(lost) = lost {
                        plus(&mut count, &mut count_lost, lost[at]);
                    }
                    if upper > threshold {
                        if bucket.count != 0.0 {
                            threshold = upper;
                            if side == 1 {
                                // The positive buckets have to be looked at again.
                                continue 'widen;
                            }
                        }
                        break;
                    }
                }
            }
            return (count, threshold, count_lost);
        }
    }

    /// Empties the buckets inside of the zero bucket, which has their observations already, and drops what is empty.
    fn trim_inside_zero(&mut self, lost: Option<&mut Compensation>) {
        let schema = self.schema;
        let threshold = self.zero_threshold;
        let outside = |bucket: &Bucket| bounds::exponential(bucket.index - 1, schema) >= threshold;
        match lost {
            None => {
                self.positive.retain(|bucket| outside(bucket) && bucket.count != 0.0);
                self.negative.retain(|bucket| outside(bucket) && bucket.count != 0.0);
            }
            Some(lost) => {
                for (buckets, lost) in
                    [(&mut self.positive, &mut lost.positive), (&mut self.negative, &mut lost.negative)]
                {
                    let kept = buckets.iter().zip(lost.iter()).map(|(bucket, lost)| (*bucket, *lost));
                    let kept = kept.filter(|(bucket, lost)| outside(bucket) && (bucket.count != 0.0 || *lost != 0.0));
                    (*buckets, *lost) = kept.unzip();
                }
            }
        }
    }

    /// Brings both histograms' custom buckets to the bounds that they share, and adds them.
    fn reconcile_bounds(&mut self, other: &FloatHistogram, sign: f64, lost: Option<&mut Compensation>) {
        let shared = shared_bounds(&self.custom_values, &other.custom_values);
        let mut counts = vec![0.0; shared.len() + 1];
        let mut counts_lost = counts.clone();
        for (at, bucket) in self.positive.iter().enumerate() {
            let to = place(bucket.index, &self.custom_values, &shared);
            plus(&mut counts[to], &mut counts_lost[to], bucket.count);
            if let Some(lost) = &lost {
                plus(&mut counts[to], &mut counts_lost[to], lost.positive[at]);
            }
        }
        for bucket in &other.positive {
            let to = place(bucket.index, &other.custom_values, &shared);
            plus(&mut counts[to], &mut counts_lost[to], sign * bucket.count);
        }
        let filled = |at: &usize| counts[*at] != 0.0 || counts_lost[*at] != 0.0;
        let kept: Vec<usize> = (0..counts.len()).filter(filled).collect();
        self.positive = kept.iter().map(|at| Bucket { index: *at as i32, count: counts[*at] }).collect();
        if let Some(lost) = lost {
            lost.positive = kept.iter().map(|at| counts_lost[*at]).collect();
        }
        self.custom_values = shared;
    }
}

/// Adds buckets to buckets, each with what rounding left behind.
fn add_compensated(own: (&mut Vec<Bucket>, &mut Vec<f64>), other: (&[Bucket], &[f64])) {
    let (buckets, lost) = own;
    let mut sum = Vec::with_capacity(buckets.len().max(other.0.len()));
    let mut sum_lost = Vec::with_capacity(sum.capacity());
    union(buckets, other.0, |a, b| {
        let (mut bucket, mut bucket_lost) = match (a, b) {
            (Some(a), _) => (buckets[a], lost[a]),
            (None, Some(b)) => (other.0[b], other.1[b]),
            (None, None) => return,
        };
        if let (Some(_), Some(b)) = (a, b) {
            plus(&mut bucket.count, &mut bucket_lost, other.0[b].count);
            if other.1[b] != 0.0 {
                plus(&mut bucket.count, &mut bucket_lost, other.1[b]);
            }
        }
        sum.push(bucket);
        sum_lost.push(bucket_lost);
    });
    (*buckets, *lost) = (sum, sum_lost);
}

/// Buckets of a lower schema, with what rounding left behind.
fn reduce_compensated(buckets: &mut Vec<Bucket>, lost: &mut Vec<f64>, from: i32, to: i32) {
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    let mut merged_lost: Vec<f64> = Vec::with_capacity(buckets.len());
    for (bucket, lost) in buckets.iter().zip(lost.iter()) {
        let index = bounds::target(bucket.index, from, to);
        match (merged.last_mut(), merged_lost.last_mut()) {
            (Some(last), Some(last_lost)) if last.index == index => {
                plus(&mut last.count, last_lost, bucket.count);
                plus(&mut last.count, last_lost, *lost);
            }
            _ => {
                merged.push(Bucket { index, count: bucket.count });
                merged_lost.push(*lost);
            }
        }
    }
    (*buckets, *lost) = (merged, merged_lost);
}
