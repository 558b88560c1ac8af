//! Writes the samples of a day, scrape by scrape, as Prometheus' scrape loop would store them.

use std::collections::BTreeSet;

use super::gaps::{Gap, GapKind};
use super::histogram::Distribution;
use super::metrics::{Generator, Metric, join};
use super::model::{Day, Target};
use super::provenance::{self, Figure, SeriesProvenance};
use super::timeline::{Timeline, whole};
use super::units::Rate;
use super::values::{Of, Values};
use crate::histogram::Sample;
use crate::labels::{Labels, METRIC_NAME};
use crate::number::{is_stale, stale_marker};
use crate::store::{AppendError, MetricStore, Moment, SeriesId};
use crate::text::{Diagnostic, Span};
use crate::time::Timestamp;

/// How much one day may generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_samples: u64,
    pub max_series: u64,
    /// Evaluations from start to end.
    pub max_steps: u64,
}

impl Default for Limits {
    /// 50 million samples, 800 MB; a million series; a million steps, two years of minutes.
    fn default() -> Limits {
        Limits { max_samples: 50_000_000, max_series: 1_000_000, max_steps: 1_000_000 }
    }
}

/// The samples of a day and what they rest on. Times of events and spans are in the [`Day`].
#[derive(Clone, Debug)]
pub struct Generated {
    pub store: MetricStore,
    /// One entry a series.
    pub provenance: Vec<SeriesProvenance>,
    /// One entry a stream of log lines.
    pub streams: Vec<SeriesProvenance>,
    /// How many samples were written, stale markers included.
    pub samples: u64,
}

impl Day {
    /// Generates every sample of the day. The same day gives the same bytes.
    ///
    /// # Errors
    /// More samples than `limits` allow (found before anything is written), and series that clash.
    pub fn generate(&self, limits: Limits) -> Result<Generated, Vec<Diagnostic>> {
        check_size(self, limits).map_err(|problem| vec![problem])?;
        let (store, provenance) = (MetricStore::default(), Vec::new());
        let mut generated = Generated { store, provenance, streams: self.stream_provenance(), samples: 0 };
        for (at, target) in self.targets.iter().enumerate().filter(|(_, target)| !target.pushed) {
            let mut scrape = Scrape::new(self, Some(at), target);
            scrape.up(&mut generated.store).map_err(|clash| vec![self.clash(target.place, &clash)])?;
            generated.samples += scrape.written;
            let figures: Vec<Figure> = scrape.gaps.iter().flat_map(|gap| gap.figures.iter().cloned()).collect();
            generated.provenance.extend(scrape.series.into_iter().map(|labels| SeriesProvenance {
                labels,
                kind: provenance::overall(None, &figures),
                figures: figures.clone(),
                implied: figures.is_empty(),
            }));
        }
        let unscraped = Target::none();
        for metric in &self.metrics {
            let target = metric.target.and_then(|at| self.targets.get(at)).unwrap_or(&unscraped);
            let mut scrape = Scrape::new(self, metric.target, target);
            scrape
                .metric(metric, &mut generated.store)
                .map_err(|clash| vec![self.clash(metric.series.span, &clash)])?;
            generated.samples += scrape.written;
            let kind = provenance::overall(metric.kind, &metric.figures);
            // Gaps say when it was not seen; what it counts as follows from its values.
            let series = scrape.series.into_iter();
            generated.provenance.extend(series.map(|labels| SeriesProvenance {
                labels,
                kind,
                figures: metric.figures.clone(),
                implied: false,
            }));
        }
        Ok(generated)
    }

    fn clash(&self, place: Span, clash: &Clash) -> Diagnostic {
        Diagnostic::error(format!("two generators for the series {}: {}", clash.labels.as_metric(), clash.error))
            .at(&self.source, place)
            .help("give them different labels, also after a restart")
    }
}

/// Refuses a day that would not fit, naming what is largest.
fn check_size(day: &Day, limits: Limits) -> Result<(), Diagnostic> {
    let steps = ((day.end() - day.start()).0 / day.interval.0.max(1)).unsigned_abs() + 1;
    if steps > limits.max_steps {
        let message = format!("{steps} steps of {}, more than the {} that are allowed", day.interval, limits.max_steps);
        let help =
            "shorten the replay, give it a longer `interval`, or raise `max_steps` under `limits` in firedrill.yaml";
        return Err(Diagnostic::error(message).at(&day.source, Span::default()).help(help));
    }
    let series = |metric: &Metric| metric.generator.series() as u64;
    let all = day.metrics.iter().map(series).sum::<u64>() + day.targets.len() as u64;
    if all > limits.max_series {
        let largest = day.metrics.iter().rev().max_by_key(|metric| series(metric));
        let place = largest.map(|metric| metric.series.span).unwrap_or_default();
        let message = format!("{all} series, more than the {} that are allowed", limits.max_series);
        let help = "make fewer, or raise `max_series` under `limits` in firedrill.yaml";
        return Err(Diagnostic::error(message).at(&day.source, place).help(help));
    }
    let counts = day.metrics.iter().filter_map(|metric| {
        let samples = match &metric.generator {
            Generator::Recorded(series) => series.iter().map(|series| series.samples.len() as u64).sum(),
            generator => {
                let scrapes = metric.target.and_then(|at| day.targets.get(at))?.scrapes(day.calendar);
                scrapes.saturating_mul(generator.series() as u64)
            }
        };
        Some((samples, metric.series.span, metric.labels.as_metric()))
    });
    let ups = day
        .targets
        .iter()
        .filter(|target| !target.pushed)
        .map(|target| (target.scrapes(day.calendar), target.place, format!("the target `{}`", target.name)));
    let counts: Vec<(u64, Span, String)> = ups.chain(counts).collect();
    let total = counts.iter().fold(0_u64, |sum, (samples, ..)| sum.saturating_add(*samples));
    if total <= limits.max_samples {
        return Ok(());
    }
    // Of several of one size the first.
    let largest = counts.iter().rev().max_by_key(|(samples, ..)| *samples);
    let (samples, place, name) = largest.cloned().unwrap_or_default();
    Err(Diagnostic::error(format!(
        "{total} samples, more than the {} that are allowed; {name} alone has {samples}",
        limits.max_samples
    ))
    .at(&day.source, place)
    .help("scrape less often, shorten the replay, or raise --max-samples"))
}

/// Two writers of one series, which reading the replay could not see.
struct Clash {
    labels: Labels,
    error: AppendError,
}

/// One target, scrape by scrape.
struct Scrape<'a> {
    day: &'a Day,
    target: &'a Target,
    /// The gaps of this target.
    gaps: Vec<&'a Gap>,
    /// Restarts in order of time, each with the labels of the target from then on.
    restarts: Vec<(Timestamp, Labels)>,
    series: Vec<Labels>,
    written: u64,
}

/// One series on its way into the store.
struct Series {
    labels: Labels,
    id: SeriesId,
    /// The last scrape found it, so that its end is marked.
    exposed: bool,
}

impl<'a> Scrape<'a> {
    fn new(day: &'a Day, at: Option<usize>, target: &'a Target) -> Scrape<'a> {
        let gaps: Vec<&Gap> = day.gaps.iter().filter(|gap| Some(gap.target) == at).collect();
        let mut changes: Vec<(Timestamp, &Labels)> = gaps
            .iter()
            .filter_map(|gap| match &gap.kind {
                GapKind::Restart(labels) => Some((gap.to, labels)),
                _ => None,
            })
            .collect();
        changes.sort_by_key(|(time, _)| *time);
        let mut labels = target.labels.clone();
        let restarts = changes
            .into_iter()
            .map(|(time, change)| {
                let mut changed = labels.builder();
                for (name, value) in change.iter() {
                    changed.set(name, value);
                }
                labels = changed.build();
                (time, labels.clone())
            })
            .collect();
        Scrape { day, target, gaps, restarts, series: Vec::new(), written: 0 }
    }

    /// The series `up`: 1, 0 while the target is down, and nothing while it is not discovered.
    fn up(&mut self, store: &mut MetricStore) -> Result<(), Clash> {
        let name = Labels::from_pairs([(METRIC_NAME, "up")]);
        let mut restarted = 0;
        let mut series = None;
        for time in self.target.scrape_times(self.day.calendar) {
            if self.pass_restarts(time, &mut restarted) || series.is_none() {
                self.turn(&mut series, self.labels(&name, restarted), time, store)?;
            }
            let covered = |kinds: &[GapKind]| {
                self.gaps.iter().any(|gap| gap.covers(time) && gap.matchers.is_empty() && kinds.contains(&gap.kind))
            };
            let starting = self.gaps.iter().any(|gap| gap.covers(time) && matches!(gap.kind, GapKind::Restart(_)));
            let value = match covered(&[GapKind::Vanished]) {
                true => None,
                false => Some(Sample::Float(f64::from(u8::from(!starting && !covered(&[GapKind::Down]))))),
            };
            self.write(series.as_mut(), time, value, store)?;
        }
        Ok(())
    }

    fn metric(&mut self, metric: &Metric, store: &mut MetricStore) -> Result<(), Clash> {
        match &metric.generator {
            Generator::Histogram { classic, native, rate, samples } => {
                let observations = observations(rate, samples);
                if let Some(bounds) = classic {
                    let mut parts: Vec<Of> = bounds.iter().map(|bound| Of::Bound(*bound)).collect();
                    parts.extend([Of::Bound(f64::INFINITY), Of::Sum, Of::Count]);
                    let labels = histogram_labels(&metric.own, bounds);
                    for (of, own) in parts.into_iter().zip(labels) {
                        let values = Values::of_histogram(&observations, of);
                        self.series(metric, &own, values, of != Of::Sum, store)?;
                    }
                }
                if let Some(buckets) = native {
                    self.series(metric, &metric.own, Values::of_native(&observations, buckets), false, store)?;
                }
                Ok(())
            }
            Generator::Recorded(recordings) => {
                for recording in recordings {
                    let mut series = None;
                    self.turn(&mut series, recording.labels.clone(), self.day.start(), store)?;
                    for (time, value) in &recording.samples {
                        self.write(series.as_mut(), *time, value.map(Sample::Float), store)?;
                    }
                }
                Ok(())
            }
            _ => match Values::of(metric, self.day.start()) {
                Some(values) => {
                    let rounds =
                        metric.whole && !matches!(metric.generator, Generator::Gauge { .. } | Generator::Values(_));
                    self.series(metric, &metric.own, values, rounds, store)
                }
                None => Ok(()),
            },
        }
    }

    /// Writes one series, scrape by scrape.
    fn series(
        &mut self,
        metric: &Metric,
        own: &Labels,
        mut values: Values<'_>,
        rounds: bool,
        store: &mut MetricStore,
    ) -> Result<(), Clash> {
        let counter = metric.generator.is_counter();
        let mut series = None;
        let mut restarted = 0;
        // What a counter counts from: its own start, or what it had reached at the last restart.
        let mut base = if counter { metric.starts } else { 0.0 };
        for time in self.target.scrape_times(self.day.calendar) {
            let began = self.pass_restarts(time, &mut restarted);
            if began
                && counter
                && let Some((at, _)) = self.restarts.get(restarted - 1)
            {
                base = -values.restart(*at);
            }
            if began || series.is_none() {
                self.turn(&mut series, self.labels(own, restarted), time, store)?;
            }
            let exactly = if rounds && base.fract() == 0.0 { values.whole(time) } else { None };
            let next = exactly.map_or_else(|| values.next(time), |value| Some(Sample::Float(value)));
            let value = next.map(|sample| match sample {
                Sample::Float(value) if !is_stale(value) => {
                    let value = if base == 0.0 { value } else { value + base };
                    Sample::Float(if rounds { whole(value) } else { value })
                }
                other => other,
            });
            let born = metric.born.is_some_and(|born| born <= time);
            let hidden = series.as_ref().is_some_and(|series: &Series| self.hidden(&series.labels, time));
            let exposed = born && !hidden;
            self.write(series.as_mut(), time, value.filter(|_| exposed), store)?;
        }
        Ok(())
    }

    /// Counts the restarts up to a time on from `restarted`; whether there were any.
    fn pass_restarts(&self, time: Timestamp, restarted: &mut usize) -> bool {
        let before = *restarted;
        while self.restarts.get(*restarted).is_some_and(|(at, _)| *at <= time) {
            *restarted += 1;
        }
        *restarted > before
    }

    /// The labels of a series after so many restarts.
    fn labels(&self, own: &Labels, restarted: usize) -> Labels {
        match restarted.checked_sub(1).and_then(|last| self.restarts.get(last)) {
            Some((_, labels)) => join(own, labels),
            None => join(own, &self.target.labels),
        }
    }

    /// Whether a scrape does not find a series, born though it is.
    fn hidden(&self, labels: &Labels, time: Timestamp) -> bool {
        self.gaps.iter().any(|gap| gap.covers(time) && gap.kind != GapKind::Late && gap.concerns(labels))
    }

    /// Ends the old series with a stale marker where labels have changed, and begins the new one.
    fn turn(
        &mut self,
        series: &mut Option<Series>,
        labels: Labels,
        time: Timestamp,
        store: &mut MetricStore,
    ) -> Result<(), Clash> {
        if series.as_ref().is_some_and(|series| series.labels == labels) {
            return Ok(());
        }
        self.write(series.as_mut(), time, None, store)?;
        let id = store.id_or_create(&labels);
        self.series.push(labels.clone());
        *series = Some(Series { labels, id, exposed: false });
        Ok(())
    }

    /// One sample, or the stale marker of a series that a scrape does not find any more.
    fn write(
        &mut self,
        series: Option<&mut Series>,
        time: Timestamp,
        sample: Option<Sample>,
        store: &mut MetricStore,
    ) -> Result<(), Clash> {
        let Some(series) = series else { return Ok(()) };
        let sample = match sample {
            Some(sample) => sample,
            None if series.exposed && !self.target.pushed => Sample::Float(stale_marker()),
            None => return Ok(()),
        };
        series.exposed = !sample.float().is_some_and(is_stale);
        let moment = Moment::arrival(self.arrival(&series.labels, time));
        self.written += 1;
        store
            .append_sample(series.id, time, &sample, moment)
            .map_err(|error| Clash { labels: series.labels.clone(), error })
    }

    /// When a sample arrives: at its time, or when the last gap ends that holds it back.
    fn arrival(&self, labels: &Labels, time: Timestamp) -> Timestamp {
        let late = self.gaps.iter().filter(|gap| gap.kind == GapKind::Late && gap.covers(time) && gap.concerns(labels));
        late.map(|gap| gap.to).max().unwrap_or(time)
    }
}

/// The labels of a histogram's series: one a bound, `+Inf`, the sum and the count.
pub fn histogram_labels(labels: &Labels, bounds: &[f64]) -> Vec<Labels> {
    let named = |suffix: &str, bound: Option<f64>| {
        let mut series = labels.builder();
        series.set(METRIC_NAME, &format!("{}{suffix}", labels.name()));
        if let Some(bound) = bound {
            // As Prometheus 3 normalises bounds: `1.0`, not `1`.
            series.set("le", &if bound == f64::INFINITY { "+Inf".to_owned() } else { format!("{bound:?}") });
        }
        series.build()
    };
    let buckets = bounds.iter().copied().chain([f64::INFINITY]).map(|bound| named("_bucket", Some(bound)));
    buckets.chain([named("_sum", None), named("_count", None)]).collect()
}

/// The rate of observations of each distribution: the whole rate while it holds, else none.
fn observations(rate: &Timeline<Rate>, samples: &Timeline<Distribution>) -> Vec<(Distribution, Timeline<Rate>)> {
    let times: BTreeSet<Timestamp> =
        rate.steps().iter().map(|(at, _)| *at).chain(samples.steps().iter().map(|(at, _)| *at)).collect();
    let times: Vec<Timestamp> = times.into_iter().collect();
    let mut found: Vec<(Distribution, Timeline<Rate>)> = Vec::new();
    for (_, distribution) in samples.steps() {
        if found.iter().any(|(known, _)| known == distribution) {
            continue;
        }
        let stretches: Vec<(Timestamp, Timestamp, Rate)> = times
            .iter()
            .enumerate()
            .filter(|(_, from)| samples.at(**from) == distribution)
            .map(|(n, from)| (*from, times.get(n + 1).copied().unwrap_or(Timestamp::MAX), *rate.at(*from)))
            .collect();
        let start = times.first().copied().unwrap_or_default();
        found.push((distribution.clone(), Timeline::new(start, Rate::ZERO, &stretches)));
    }
    found
}
