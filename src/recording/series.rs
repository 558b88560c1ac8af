//! Recorded series: labels and samples as a file has them.

use std::collections::BTreeMap;

use crate::labels::Labels;
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

/// The series of a file.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The file's name.
    pub name: String,
    pub series: Vec<RecordedSeries>,
    /// What the program that wrote it warned of: an answer that was cut short is no whole evidence.
    pub warnings: Vec<String>,
    /// How its times were taken, where it does not say: for whoever finds them in the wrong century.
    pub taken_as: Option<&'static str>,
}

/// One series of a file.
#[derive(Clone, Debug)]
pub struct RecordedSeries {
    /// Labels; without a name where the file has none, as in the answer to `sum by (job) (...)`.
    pub labels: Labels,
    /// How a table heads it, which may be no series: `errors`, `10.0.0.7:8080`.
    pub heading: Option<String>,
    /// In order of time, each time once. The stale marker is never among them.
    pub samples: Vec<(Timestamp, f64)>,
    /// How far its samples are apart: the step of a query, or the interval of the scrapes. `None` where nothing shows it.
    pub interval: Option<Duration>,
    /// What in the file keeps it from being used; of no interest to who takes other series.
    pub problem: Option<Diagnostic>,
}

impl RecordedSeries {
    /// The samples with the ends of the series between them: where the next sample comes more than one and a half intervals
    /// after a sample, or where there is none although the recording goes on up to `last`, the series ended one interval
    /// after it. `None` is such an end.
    pub fn with_ends(&self, last: Timestamp) -> impl Iterator<Item = (Timestamp, Option<f64>)> + '_ {
        self.samples.iter().enumerate().flat_map(move |(at, (time, value))| {
            let end = self.interval.and_then(|interval| {
                let (end, late) = (*time + interval, Duration(interval.0 / 2));
                let missing = match self.samples.get(at + 1) {
                    Some((next, _)) => *next > end + late,
                    None => end <= last,
                };
                missing.then_some(end)
            });
            [Some((*time, Some(*value))), end.map(|end| (end, None))].into_iter().flatten()
        })
    }
}

/// When the samples of a file's series were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// All at the steps of one query.
    Steps,
    /// Each series at the scrapes of its own target.
    Scrapes,
}

impl Recording {
    /// The recording, where all its series can be used.
    ///
    /// # Errors
    /// What is wrong with the first one that cannot.
    pub fn whole(self) -> Result<Recording, Diagnostic> {
        match self.series.iter().find_map(|series| series.problem.clone()) {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }

    /// The recording with other names for labels; a new name that is empty takes the label away.
    pub fn renamed(self, renames: &[(String, String)]) -> Recording {
        self.relabelled(|labels| rename(labels, renames))
    }

    /// The recording with other labels for each series.
    pub fn relabelled(mut self, labels: impl Fn(&Labels) -> Labels) -> Recording {
        self.series.iter_mut().for_each(|series| series.labels = labels(&series.labels));
        self
    }

    /// The recording so much later.
    pub fn moved(mut self, later: Duration) -> Recording {
        let samples = self.series.iter_mut().flat_map(|series| &mut series.samples);
        samples.for_each(|(time, _)| *time = *time + later);
        self
    }

    /// The first and the last time of all samples.
    pub fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.series.iter().filter_map(|series| series.samples.first()).map(|(time, _)| *time).min()?;
        let last = self.series.iter().filter_map(|series| series.samples.last()).map(|(time, _)| *time).max()?;
        Some((first, last))
    }
}

/// Labels with other names; a new name that is empty takes the label away.
pub fn rename(labels: &Labels, renames: &[(String, String)]) -> Labels {
    let mut builder = labels.builder();
    for (old, new) in renames {
        let value = labels.get(old);
        builder.remove(old);
        if !new.is_empty() && !value.is_empty() {
            builder.set(new, value);
        }
    }
    builder.build()
}

/// Series on their way out of a file, with the place of each.
pub struct Collected {
    source: Source,
    series: Vec<Open>,
}

/// A series that samples are still added to.
struct Open {
    series: RecordedSeries,
    place: Span,
    /// Each with the byte where it stands.
    samples: Vec<(Timestamp, f64, usize)>,
}

impl Collected {
    pub fn new(source: &Source) -> Collected {
        Collected { source: source.clone(), series: Vec::new() }
    }

    /// Adds a series and returns its number, by which samples are added.
    pub fn series(&mut self, labels: Labels, heading: Option<String>, place: Span) -> usize {
        let series = RecordedSeries { labels, heading, samples: Vec::new(), interval: None, problem: None };
        self.series.push(Open { series, place, samples: Vec::new() });
        self.series.len() - 1
    }

    /// Adds a sample; a stale marker is the absence of one.
    pub fn sample(&mut self, series: usize, time: Timestamp, value: f64) {
        self.sample_at(series, time, value, self.series[series].place.start);
    }

    /// As `sample`, with the byte where it stands.
    pub fn sample_at(&mut self, series: usize, time: Timestamp, value: f64, place: usize) {
        if !crate::number::is_stale(value) {
            self.series[series].samples.push((time, value, place));
        }
    }

    /// What keeps a series from being used; the first is told.
    pub fn problem(&mut self, series: usize, problem: Diagnostic) {
        self.series[series].series.problem.get_or_insert(problem);
    }

    /// The recording, every series in order of time; one that has two values at one time is a problem.
    pub fn finish(self, times: Times) -> Recording {
        let mut all: Vec<RecordedSeries> = Vec::with_capacity(self.series.len());
        for Open { mut series, place, mut samples } in self.series {
            samples.sort_by_key(|(time, ..)| *time);
            let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
            let clash = samples.windows(2).find(|pair| pair[0].0 == pair[1].0 && !same(pair[0].1, pair[1].1));
            if let Some([(time, one, _), (_, two, second)]) = clash {
                let name = series.heading.clone().unwrap_or_else(|| series.labels.as_metric());
                let message = format!("two values of {name} at {time}: {one} and {two}");
                let place = if *second == place.start { place } else { Span::new(*second, *second) };
                let problem = Diagnostic::error(message).at(&self.source, place);
                let problem = problem.help("keep one of them, or give the series different labels");
                series.problem.get_or_insert(problem);
            }
            samples.dedup_by_key(|(time, ..)| *time);
            series.samples = samples.into_iter().map(|(time, value, _)| (time, value)).collect();
            series.interval = most_common(distances(&series));
            all.push(series);
        }
        let overall = match times {
            Times::Steps => step(&all),
            Times::Scrapes => None,
        };
        let usual = overall.or_else(|| most_common(all.iter().flat_map(distances)));
        for series in &mut all {
            // One distance may be that over a gap.
            let known = series.interval.filter(|_| overall.is_none() && series.samples.len() > 2);
            series.interval = known.or(usual);
        }
        Recording { name: self.source.name().to_owned(), series: all, warnings: Vec::new(), taken_as: None }
    }
}

fn distances(series: &RecordedSeries) -> impl Iterator<Item = Duration> + '_ {
    series.samples.windows(2).map(|pair| pair[1].0 - pair[0].0)
}

/// The most common distance; of several that are as common, the shortest.
fn most_common(distances: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut counts: BTreeMap<Duration, usize> = BTreeMap::new();
    distances.for_each(|distance| *counts.entry(distance).or_default() += 1);
    counts.iter().rev().max_by_key(|(_, count)| **count).map(|(distance, _)| *distance)
}

/// The distance of the steps at which all samples stand, where there are such steps.
fn step(series: &[RecordedSeries]) -> Option<Duration> {
    let step = series.iter().flat_map(distances).min()?;
    let first = series.iter().find_map(|series| series.samples.first())?.0;
    let on_step = |(time, _): &(Timestamp, f64)| (*time - first).0 % step.0 == 0;
    series.iter().all(|series| series.samples.iter().all(on_step)).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(series: &[&[(i64, f64)]], times: Times) -> Result<Recording, Diagnostic> {
        let mut collected = Collected::new(&Source::new("f", "x"));
        for samples in series {
            let series = collected.series(Labels::from_pairs([("__name__", "x")]), None, Span::default());
            samples.iter().for_each(|(time, value)| collected.sample(series, Timestamp(time * 1000), *value));
        }
        collected.finish(times).whole()
    }

    /// Times of the ends, in seconds.
    fn ends(series: &RecordedSeries, last: i64) -> Vec<i64> {
        let all = series.with_ends(Timestamp(last * 1000));
        all.filter(|(_, value)| value.is_none()).map(|(time, _)| time.0 / 1000).collect()
    }

    #[test]
    fn samples_come_in_order_of_time_and_once() {
        let samples = [(60, 3.0), (0, 1.0), (30, 2.0), (0, 1.0), (90, crate::number::stale_marker())];
        let found = recording(&[&samples], Times::Scrapes).unwrap();
        let times: Vec<i64> = found.series[0].samples.iter().map(|(time, _)| time.0 / 1000).collect();
        assert_eq!(times, [0, 30, 60]);
        let problem = recording(&[&[(0, 1.0), (0, 2.0)]], Times::Scrapes).unwrap_err();
        assert!(problem.message.contains("two values of x at 1970-01-01T00:00:00Z"));
    }

    #[test]
    fn a_series_ends_one_interval_after_its_last_sample() {
        let samples = [(0, 1.0), (30, 2.0), (60, 3.0), (180, 4.0), (211, 5.0)];
        let found = recording(&[&samples], Times::Scrapes).unwrap();
        // The scrape of 90 s did not find it; that of 211 s is a late one, not a missing one.
        assert_eq!(ends(&found.series[0], 211), [90]);
        // The recording goes on, and it is not there at 241 s.
        assert_eq!(ends(&found.series[0], 300), [90, 241]);
    }

    #[test]
    fn steps_are_those_of_the_query_and_scrapes_those_of_each_target() {
        let often: Vec<(i64, f64)> = (0..20).map(|n| (n * 15, 1.0)).collect();
        let seldom: Vec<(i64, f64)> = (0..5).map(|n| (n * 60, 1.0)).collect();
        let found = recording(&[&often, &seldom], Times::Scrapes).unwrap();
        assert_eq!(ends(&found.series[1], 285), Vec::<i64>::new());
        let found = recording(&[&often, &seldom], Times::Steps).unwrap();
        assert_eq!(ends(&found.series[1], 285), [15, 75, 135, 195, 255]);
        // Not on the steps of the other one.
        let shifted: Vec<(i64, f64)> = (0..5).map(|n| (n * 60 + 7, 1.0)).collect();
        let found = recording(&[&often, &shifted], Times::Steps).unwrap();
        assert_eq!(ends(&found.series[1], 285), Vec::<i64>::new());
        assert_eq!(recording(&[&[(0, 1.0)]], Times::Steps).unwrap().series[0].interval, None);
    }
}
