//! `load_with_nhcb`: classic histograms as native ones with custom buckets (Prometheus `util/convertnhcb`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::LoadedSeries;
use crate::histogram::{Bucket, CUSTOM_BUCKETS, FloatHistogram, Sample};
use crate::labels::{Labels, METRIC_NAME};
use crate::time::{Duration, Timestamp};

/// Histograms of one series, by time.
type Histograms = BTreeMap<Timestamp, Arc<FloatHistogram>>;

/// What the series of a classic histogram say at one time.
#[derive(Default)]
struct Parts {
    /// Upper bounds and cumulative counts.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The native histograms that upstream makes of the series of classic ones.
///
/// Errors: counts that are negative, fall from bucket to bucket, or contradict each other.
pub fn custom_histograms(series: &[LoadedSeries], step: Duration) -> Result<Vec<(Labels, Histograms)>, String> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut found: Vec<(Labels, BTreeMap<Timestamp, Parts>)> = Vec::new();
    for LoadedSeries { labels, points, .. } in series {
        let suffixed = ["_bucket", "_count", "_sum"].into_iter();
        let Some((suffix, base)) =
            suffixed.filter_map(|suffix| Some((suffix, labels.name().strip_suffix(suffix)?))).next()
        else {
            continue;
        };
        let bound: f64 = match labels.get("le").parse() {
            Ok(bound) if !f64::is_nan(bound) => bound,
            _ if suffix == "_bucket" => continue,
            _ => 0.0,
        };
        let mut builder = labels.builder();
        builder.set(METRIC_NAME, base).remove("le");
        let labels = builder.build();
        let place = *places.entry(labels.clone()).or_insert(found.len());
        if place == found.len() {
            found.push((labels, BTreeMap::new()));
        }
        let mut time = Timestamp(0);
        for sample in points.iter().flat_map(|run| run.samples()) {
            if let Some(Sample::Float(value)) = sample {
                let parts = found[place].1.entry(time).or_default();
                match suffix {
                    "_bucket" => parts.buckets.push((bound, value)),
                    "_count" => parts.count = Some(value),
                    _ => parts.sum = value,
                }
            }
            time = time + step;
        }
    }
    let convert = |(labels, parts): (Labels, BTreeMap<Timestamp, Parts>)| {
        let histograms = parts.into_iter().map(|(time, parts)| Ok((time, Arc::new(parts.convert()?))));
        let histograms: Result<Histograms, String> = histograms.collect();
        histograms.map_err(|error| format!("{labels}: {error}")).map(|histograms| (labels, histograms))
    };
    found.into_iter().map(convert).collect()
}

impl Parts {
    fn convert(mut self) -> Result<FloatHistogram, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        // A bound that is there twice counts once.
        self.buckets.dedup_by(|next, kept| next.0 == kept.0);
        if self.count.is_some_and(|count| count < 0.0) || self.buckets.iter().any(|(_, count)| *count < 0.0) {
            return Err("a count is negative".to_owned());
        }
        if !self.buckets.is_sorted_by(|a, b| a.1 <= b.1) {
            return Err("count is not cumulative".to_owned());
        }
        let count = self.count.or(self.buckets.last().map(|(_, count)| *count)).unwrap_or(0.0);
        if self.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        if self.buckets.last().is_some_and(|(_, last)| *last != count) {
            return Err("count mismatch".to_owned());
        }
        let mut below = 0.0;
        let positive = (0..).zip(&self.buckets).map(|(index, (_, cumulative))| {
            let count = cumulative - std::mem::replace(&mut below, *cumulative);
            Bucket { index, count }
        });
        let mut histogram = FloatHistogram {
            schema: CUSTOM_BUCKETS,
            count,
            sum: self.sum,
            positive: positive.collect(),
            custom_values: self
                .buckets
                .iter()
                .map(|(bound, _)| *bound)
                .filter(|bound| *bound != f64::INFINITY)
                .collect(),
            ..FloatHistogram::default()
        };
        histogram.compact();
        Ok(histogram)
    }
}
