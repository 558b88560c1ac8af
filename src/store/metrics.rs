//! Series of samples, indexed by label, each sample with the moment from which a rule can see it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};

use super::histograms::Histograms;
use super::shape::Shape;
use crate::histogram::{FloatHistogram, Invalid, Sample, handle};
use crate::labels::{Labels, METRIC_NAME, MatchOp, Matcher};
use crate::time::Timestamp;

/// A position in the order of all that happens: the wall clock, then the order of rules at one tick.
///
/// A sample that the rule at position q writes at tick time t has the moment (t, q); an input sample that
/// arrives at t has (t, 0), and rules count from 1. A reader at moment m sees exactly the samples whose
/// moment is less than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    pub at: Timestamp,
    pub position: u32,
}

impl Moment {
    /// A reader that sees everything, as a query after the fact does.
    pub const END: Moment = Moment { at: Timestamp::MAX, position: u32::MAX };

    /// The arrival of an input sample.
    pub fn arrival(at: Timestamp) -> Moment {
        Moment { at, position: 0 }
    }
}

/// Index of a series in its store, in order of creation (the order in which Prometheus' head returns series).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

/// The samples of one series: columns of equal length, times strictly increasing, moments not decreasing.
#[derive(Clone, Debug)]
pub struct Series {
    pub labels: Labels,
    pub times: Vec<Timestamp>,
    /// Values; the stale marker is `number::stale_marker()`, a histogram is a `histogram::handle`.
    pub values: Vec<f64>,
    pub shape: Shape,
    /// The histograms of the series, where it has ever had any.
    pub histograms: Option<Box<Histograms>>,
    /// When the counter of each sample began to count, 0 where that is unknown; `None` while none is known.
    pub starts: Option<Vec<Timestamp>>,
    /// The moment of each sample; `None` while every sample arrived at its own time.
    pub moments: Option<Vec<Moment>>,
}

impl Series {
    /// How many samples, from the first, a reader at `reader` can see.
    pub fn visible(&self, reader: Moment) -> usize {
        match &self.moments {
            Some(moments) => moments.partition_point(|moment| *moment < reader),
            None => self.times.partition_point(|time| Moment::arrival(*time) < reader),
        }
    }
}

impl Series {
    fn push(&mut self, time: Timestamp, value: f64, moment: Moment) {
        if self.moments.is_none() && moment != Moment::arrival(time) {
            self.moments = Some(self.times.iter().copied().map(Moment::arrival).collect());
        }
        self.shape.note(self.times.last().copied(), time, value);
        self.times.push(time);
        self.values.push(value);
        if let Some(starts) = &mut self.starts {
            starts.push(Timestamp(0));
        }
        if let Some(moments) = &mut self.moments {
            // What comes later through a queue is not seen earlier than what went before it.
            let moment = moments.last().map_or(moment, |last| moment.max(*last));
            moments.push(moment);
        }
    }

    /// From which moment on the series is seen; behind all others while it has no sample.
    fn first_moment(&self) -> Moment {
        if self.times.is_empty() { Moment::END } else { self.moment(0) }
    }

    /// When the counter of the sample at an index began to count; 0 where that is unknown.
    pub fn start(&self, index: usize) -> Timestamp {
        self.starts.as_ref().and_then(|starts| starts.get(index)).copied().unwrap_or(Timestamp(0))
    }

    /// The sample at an index.
    pub fn sample(&self, index: usize) -> Sample {
        let value = self.values[index];
        match self.histograms.as_ref().and_then(|histograms| histograms.get(value)) {
            Some(histogram) => Sample::Histogram(histogram.clone()),
            None => Sample::Float(value),
        }
    }

    /// From which moment on the sample at an index is seen.
    pub fn moment(&self, index: usize) -> Moment {
        match &self.moments {
            Some(moments) => moments[index],
            None => Moment::arrival(self.times[index]),
        }
    }
}

/// Why a sample is refused, as Prometheus' head refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error("out of order sample")]
    OutOfOrder,
    #[error("duplicate sample for timestamp")]
    Duplicate,
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Tells one store from every other, so that what was looked up in one is not taken for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId(u64);

/// A number of its own for every store, a clone included: from then on the two grow apart.
#[derive(Debug)]
struct Identity(StoreId);

impl Default for Identity {
    fn default() -> Identity {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Identity(StoreId(NEXT.fetch_add(1, atomic::Ordering::Relaxed)))
    }
}

impl Clone for Identity {
    fn clone(&self) -> Identity {
        Identity::default()
    }
}

/// All series of one replay.
#[derive(Clone, Debug, Default)]
pub struct MetricStore {
    identity: Identity,
    series: Vec<Series>,
    ids: HashMap<Labels, SeriesId>,
    /// label name -> value -> ids, increasing.
    postings: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<SeriesId>>>,
}

impl MetricStore {
    pub fn store_id(&self) -> StoreId {
        self.identity.0
    }

    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub fn series(&self, id: SeriesId) -> &Series {
        &self.series[id.0 as usize]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Series> {
        self.series.iter()
    }

    pub fn id(&self, labels: &Labels) -> Option<SeriesId> {
        self.ids.get(labels).copied()
    }

    /// The id of a series, which is created where it does not exist.
    pub fn id_or_create(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = SeriesId(u32::try_from(self.series.len()).expect("fewer than 2^32 series fit into memory"));
        for (name, value) in labels.iter() {
            let values = match self.postings.get_mut(name) {
                Some(values) => values,
                None => self.postings.entry(name.into()).or_default(),
            };
            match values.get_mut(value) {
                Some(ids) => ids.push(id),
                None => drop(values.insert(value.into(), vec![id])),
            }
        }
        self.series.push(Series {
            labels: labels.clone(),
            times: Vec::new(),
            values: Vec::new(),
            shape: Shape::default(),
            histograms: None,
            starts: None,
            moments: None,
        });
        self.ids.insert(labels.clone(), id);
        id
    }

    /// Appends a sample that a reader sees from `moment` on.
    ///
    /// Errors as Prometheus' head does: an earlier time than the last one is out of order; the same time
    /// with the same bits is accepted and changes nothing; with other bits it is a duplicate.
    pub fn append(&mut self, id: SeriesId, time: Timestamp, value: f64, moment: Moment) -> Result<(), AppendError> {
        let series = &mut self.series[id.0 as usize];
        if let (Some(last), Some(last_value)) = (series.times.last(), series.values.last()) {
            if time < *last {
                return Err(AppendError::OutOfOrder);
            }
            if time == *last {
                return if last_value.to_bits() == value.to_bits() { Ok(()) } else { Err(AppendError::Duplicate) };
            }
        }
        series.push(time, value, moment);
        if let Some(histograms) = &mut series.histograms {
            histograms.interrupt(value);
        }
        Ok(())
    }

    /// Appends a histogram, as [`MetricStore::append`] appends a number. What can be said of counter resets is known from
    /// what comes before it: its hint is replaced.
    pub fn append_histogram(
        &mut self,
        id: SeriesId,
        time: Timestamp,
        histogram: &Arc<FloatHistogram>,
        moment: Moment,
    ) -> Result<(), AppendError> {
        histogram.validate()?;
        let series = &mut self.series[id.0 as usize];
        if let Some(last) = series.times.last() {
            if time < *last {
                return Err(AppendError::OutOfOrder);
            }
            if time == *last {
                let known = series.histograms.as_ref().and_then(|known| known.current());
                let same = known.is_some_and(|known| known.equals(histogram));
                return if same { Ok(()) } else { Err(AppendError::Duplicate) };
            }
        }
        let histograms = series.histograms.get_or_insert_default();
        let value = handle(histograms.arena.len());
        histograms.push(time, histogram);
        series.push(time, value, moment);
        Ok(())
    }

    /// Appends a number or a histogram.
    pub fn append_sample(
        &mut self,
        id: SeriesId,
        time: Timestamp,
        sample: &Sample,
        moment: Moment,
    ) -> Result<(), AppendError> {
        match sample {
            Sample::Float(value) => self.append(id, time, *value, moment),
            Sample::Histogram(histogram) => self.append_histogram(id, time, histogram, moment),
        }
    }

    /// Says when the counter of the last sample of a series began to count.
    pub fn set_start(&mut self, id: SeriesId, start: Timestamp) {
        let series = &mut self.series[id.0 as usize];
        let starts = series.starts.get_or_insert_with(|| vec![Timestamp(0); series.times.len()]);
        if let Some(last) = starts.last_mut() {
            *last = start;
        }
    }

    /// Takes all samples out of a series, with the moments from which they are seen.
    pub fn withdraw(&mut self, id: SeriesId) -> Vec<(Timestamp, Sample, Moment)> {
        let series = &mut self.series[id.0 as usize];
        let count = series.times.len();
        let samples = (0..count).map(|at| (series.times[at], series.sample(at), series.moment(at))).collect();
        series.times.clear();
        series.values.clear();
        series.shape = Shape::default();
        series.histograms = None;
        series.starts = None;
        series.moments = None;
        samples
    }

    /// The series of a metric's name, by id.
    pub fn named(&self, name: &str) -> &[SeriesId] {
        self.postings.get(METRIC_NAME).and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
    }

    /// The series that meet all matchers, in the order of their first samples, which is the order in which a server
    /// that runs through the same time would create them.
    pub fn select(&self, matchers: &[Matcher]) -> Vec<SeriesId> {
        // Start from the rarest equality; everything else is a check on its few series.
        let rarest = matchers
            .iter()
            .filter(|m| m.op == MatchOp::Equal && !m.value.is_empty())
            .map(|m| self.postings.get(&m.name).and_then(|values| values.get(&m.value)).map_or(&[][..], Vec::as_slice))
            .min_by_key(|ids| ids.len());
        let meets = |id: &SeriesId| {
            let labels = &self.series(*id).labels;
            matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)))
        };
        let mut found: Vec<SeriesId> = match rarest {
            Some(ids) => ids.iter().copied().filter(meets).collect(),
            None => (0..self.series.len() as u32).map(SeriesId).filter(meets).collect(),
        };
        // Rules that are evaluated for many ticks at once create their series rule by rule.
        found.sort_by_key(|id| self.series(*id).first_moment());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_was_written_before_its_moment() {
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([("__name__", "x")]));
        let at = |t, position| Moment { at: Timestamp(t), position };
        store.append(id, Timestamp(0), 1.0, Moment::arrival(Timestamp(0))).unwrap();
        store.append(id, Timestamp(60), 2.0, at(60, 2)).unwrap();
        let series = store.series(id);
        assert_eq!(series.visible(at(0, 1)), 1);
        assert_eq!(series.visible(at(60, 1)), 1);
        assert_eq!(series.visible(at(60, 2)), 1);
        assert_eq!(series.visible(at(60, 3)), 2);
        assert_eq!(series.visible(Moment::END), 2);
    }

    #[test]
    fn samples_are_refused_as_the_head_refuses_them() {
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([("__name__", "x")]));
        let mut append = |t, v| store.append(id, Timestamp(t), v, Moment::arrival(Timestamp(t)));
        assert_eq!(append(10, 1.0), Ok(()));
        assert_eq!(append(10, 1.0), Ok(()));
        assert_eq!(append(10, 2.0), Err(AppendError::Duplicate));
        assert_eq!(append(9, 1.0), Err(AppendError::OutOfOrder));
    }

    #[test]
    fn histograms_are_told_what_came_before_them() {
        use crate::histogram::{Bucket, ResetHint};
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([("__name__", "x")]));
        let histogram = |count: f64, hint| {
            let positive = vec![Bucket { index: 0, count }];
            Arc::new(FloatHistogram { hint, count, positive, ..FloatHistogram::default() })
        };
        let mut append = |t, histogram: &Arc<FloatHistogram>| {
            store.append_histogram(id, Timestamp(t), histogram, Moment::arrival(Timestamp(t)))
        };
        assert_eq!(append(0, &histogram(1.0, ResetHint::Unknown)), Ok(()));
        assert_eq!(append(1, &histogram(2.0, ResetHint::Unknown)), Ok(()));
        assert_eq!(append(1, &histogram(2.0, ResetHint::Unknown)), Ok(()));
        assert_eq!(append(1, &histogram(3.0, ResetHint::Unknown)), Err(AppendError::Duplicate));
        assert_eq!(append(0, &histogram(3.0, ResetHint::Unknown)), Err(AppendError::OutOfOrder));
        assert_eq!(append(2, &histogram(-1.0, ResetHint::Unknown)), Err(AppendError::Invalid(Invalid::Count)));
        assert_eq!(append(2, &histogram(1.0, ResetHint::Unknown)), Ok(()));
        assert_eq!(append(3, &histogram(1.0, ResetHint::Gauge)), Ok(()));
        assert_eq!(append(4, &histogram(0.0, ResetHint::Gauge)), Ok(()));
        store.append(id, Timestamp(5), crate::number::stale_marker(), Moment::arrival(Timestamp(5))).unwrap();
        store.append_histogram(id, Timestamp(6), &histogram(7.0, ResetHint::NotReset), Moment::END).unwrap();
        let series = store.series(id);
        let hints: Vec<Option<ResetHint>> =
            (0..series.times.len()).map(|at| series.sample(at).histogram().map(|found| found.hint)).collect();
        let expected =
            [ResetHint::Unknown, ResetHint::NotReset, ResetHint::Unknown, ResetHint::Gauge, ResetHint::Gauge];
        assert_eq!(hints[..5], expected.map(Some));
        assert_eq!(hints[5..], [None, Some(ResetHint::Unknown)]);
    }

    // promtool 3.14 says `not_reset` of each but the first.
    #[test]
    fn of_a_count_that_is_no_number_no_reset_is_known() {
        use crate::histogram::ResetHint;
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([("__name__", "x")]));
        for (time, count) in [(0, 4.0), (1, f64::NAN), (2, f64::NAN), (3, 3.0)] {
            let histogram = Arc::new(FloatHistogram { count, sum: 1.0, ..FloatHistogram::default() });
            store.append_histogram(id, Timestamp(time), &histogram, Moment::arrival(Timestamp(time))).unwrap();
        }
        let series = store.series(id);
        let hint = |at: usize| series.sample(at).histogram().map(|found| found.hint);
        assert_eq!(hint(0), Some(ResetHint::Unknown));
        assert_eq!([1, 2, 3].map(hint), [Some(ResetHint::NotReset); 3]);
    }
}
