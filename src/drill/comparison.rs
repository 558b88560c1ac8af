//! A day of a replay beside a recording: whether the rules say the same over both, and how far apart the series are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::blind;
use super::load::Incident;
use super::playback::Playback;
use super::verdict::Life;
use crate::evidence::Reason;
use crate::labels::Labels;
use crate::number::{KahanSum, is_stale};
use crate::recording::Recording;
use crate::replay::{Day, Generated, Limits};
use crate::rules::{RuleKind, RuleRef};
use crate::store::{MetricStore, Moment, Series};
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

/// How long a query sees a sample (Prometheus' default).
const LOOKBACK: Duration = Duration(300_000);

/// Series that Prometheus writes for every alert.
const ALERTS: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

/// What came out of the comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub drill: String,
    pub day: Arc<Day>,
    pub recording: RecordingFacts,
    /// How far apart the times of an alert may be.
    pub within: Duration,
    /// By alert, in order of the first activation.
    pub alerts: Vec<AlertPair>,
    /// Series that both have, the most different first.
    pub series: Vec<Distance>,
    pub only_replay: Vec<Labels>,
    pub only_recording: Vec<Labels>,
    /// Alerts that could not have come out of the recording for want of series, and could out of the replay: of them the
    /// comparison says nothing.
    pub blind: Vec<Reason>,
}

/// What of a recording was compared.
#[derive(Clone, Debug)]
pub struct RecordingFacts {
    pub name: String,
    pub series: usize,
    pub samples: usize,
    /// The first and the last sample within the day.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Series that rules write: they are computed anew, not taken from the recording.
    pub written_by_rules: usize,
}

/// One life of an alert instance on one side, and the life on the other side that overlaps it.
#[derive(Clone, Debug)]
pub struct AlertPair {
    pub labels: Labels,
    pub replay: Option<Life>,
    pub recording: Option<Life>,
    pub same: bool,
}

/// How far apart a series is on both sides. Both are seen at the times of the recording's samples, as a query at that time
/// would: the last sample of at most 5 minutes. A counter is compared by what it has counted since the first common time, unless
/// it was recorded but once.
#[derive(Clone, Debug)]
pub struct Distance {
    pub labels: Labels,
    pub counter: bool,
    /// At how many times both have a value.
    pub compared: usize,
    /// How many samples of the replay the recording has nothing for, and the other way round.
    pub only_replay: usize,
    pub only_recording: usize,
    /// At how many times one side is NaN or infinite and the other is not the same; they are in none of the figures below.
    pub unlike: usize,
    pub max: f64,
    pub mean: f64,
    /// Differences as parts of the larger of both amounts: 0 is equal, 1 is nothing against something.
    pub max_relative: f64,
    pub mean_relative: f64,
    /// Where the difference is largest: the time, the value in the replay, the value in the recording.
    pub worst: Option<(Timestamp, f64, f64)>,
}

impl Distance {
    /// Whether both sides are equal wherever one has a value.
    pub fn is_none(&self) -> bool {
        self.max == 0.0 && self.unlike == 0 && self.only_replay == 0 && self.only_recording == 0
    }
}

impl Comparison {
    /// Whether both sides have the same alerts, each of which the recording could have had.
    pub fn same_alerts(&self) -> bool {
        self.blind.is_empty() && self.alerts.iter().all(|pair| pair.same)
    }
}

/// Evaluates the rules of an incident over a day of its replay and over a recording, and compares alerts and series.
///
/// # Errors
/// What the replay's generators refuse, and a recording that has no series of the replay within its time.
pub fn compare(
    incident: &Incident,
    day: &Arc<Day>,
    recording: &Recording,
    within: Duration,
    limits: Limits,
) -> Result<Comparison, Vec<Diagnostic>> {
    let written = written_by_rules(incident);
    let generated = day.generate(limits)?;
    let (recorded, facts) = store(day, recording, &written).map_err(|problem| vec![problem])?;
    let own = |series: &&Series| !series.times.is_empty() && !written.contains(series.labels.name());
    let (mut series, mut only_replay, mut only_recording) = (Vec::new(), Vec::new(), Vec::new());
    let counters = day.counter_names();
    for one in generated.store.iter().filter(own) {
        match recorded.id(&one.labels).map(|id| recorded.series(id)).filter(|series| !series.times.is_empty()) {
            Some(other) => series.push(distance(one, other, counters.contains(one.labels.name()))),
            None => only_replay.push(one.labels.clone()),
        }
    }
    let known =
        |labels: &Labels| generated.store.id(labels).is_some_and(|id| !generated.store.series(id).times.is_empty());
    only_recording.extend(recorded.iter().map(|series| series.labels.clone()).filter(|labels| !known(labels)));
    only_replay.sort();
    only_recording.sort();
    if series.is_empty() {
        return Err(vec![nothing_in_common(recording, &only_replay, &only_recording)]);
    }
    series.sort_by(|a, b| {
        let gaps = |distance: &Distance| distance.unlike + distance.only_replay + distance.only_recording;
        b.max_relative.total_cmp(&a.max_relative).then(gaps(b).cmp(&gaps(a))).then_with(|| a.labels.cmp(&b.labels))
    });
    let of_replay = Playback::over(incident, day.clone(), generated, Vec::new())?;
    let (samples, provenance) = (facts.samples as u64, Vec::new());
    let generated = Generated { store: recorded, provenance, streams: day.stream_provenance(), samples };
    let of_recording = Playback::over(incident, day.clone(), generated, Vec::new())?;
    let rules = incident.groups.iter().enumerate().flat_map(|(group, rules)| {
        let alerts = rules.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert());
        alerts.map(move |(rule, _)| RuleRef { group, rule })
    });
    let blind = rules
        .filter(|rule| blind::reason(&of_replay, *rule, &[]).is_none())
        .filter_map(|rule| blind::reason(&of_recording, rule, &[]));
    Ok(Comparison {
        blind: blind.collect(),
        drill: incident.drill_name(day),
        day: day.clone(),
        recording: facts,
        within,
        alerts: pairs(&of_replay, &of_recording, within),
        series,
        only_replay,
        only_recording,
    })
}

/// Names of the series that rules write.
fn written_by_rules(incident: &Incident) -> BTreeSet<&str> {
    let rules = incident.groups.iter().flat_map(|group| &group.rules);
    let records = rules.filter(|rule| matches!(rule.kind, RuleKind::Record)).map(|rule| rule.name.value.as_str());
    records.chain(ALERTS).collect()
}

/// The samples of a recording within the day, each seen when it would have been that day.
fn store(
    day: &Day,
    recording: &Recording,
    written: &BTreeSet<&str>,
) -> Result<(MetricStore, RecordingFacts), Diagnostic> {
    let mut store = MetricStore::default();
    let (mut samples, mut by_rules) = (0, 0);
    let (mut from, mut to) = (Timestamp::MAX, Timestamp::MIN);
    let pushed = day.pushed_series();
    let Some((first, last)) = recording.extent() else {
        return Err(Diagnostic::error(format!("{} holds no samples", recording.name)));
    };
    for series in &recording.series {
        if written.contains(series.labels.name()) {
            by_rules += 1;
            continue;
        }
        let twice = |error: crate::store::AppendError| {
            Diagnostic::error(format!("{}: {error}: {}", recording.name, series.labels.as_metric()))
                .help("the file has this series twice; leave one out")
        };
        let ends = !pushed.contains(&series.labels);
        let mut id = None;
        for (time, value) in series.with_ends(last) {
            if time < day.start() || time > day.end() || (value.is_none() && (!ends || id.is_none())) {
                continue;
            }
            let id = *id.get_or_insert_with(|| store.id_or_create(&series.labels));
            let moment = Moment::arrival(day.arrival(&series.labels, time));
            store.append(id, time, value.unwrap_or_else(crate::number::stale_marker), moment).map_err(twice)?;
            if value.is_some() {
                samples += 1;
                (from, to) = (from.min(time), to.max(time));
            }
        }
    }
    if samples == 0 {
        return Err(Diagnostic::error(format!("{} has no samples within the replay", recording.name)).help(format!(
            "they go from {first} to {last}, and the replay from {} to {}; {}",
            day.start(),
            day.end(),
            recording.taken_as.unwrap_or("--offset moves them"),
        )));
    }
    let facts = RecordingFacts {
        name: recording.name.clone(),
        series: store.len(),
        samples,
        from,
        to,
        written_by_rules: by_rules,
    };
    Ok((store, facts))
}

fn nothing_in_common(recording: &Recording, only_replay: &[Labels], only_recording: &[Labels]) -> Diagnostic {
    let problem = Diagnostic::error(format!("{} has no series of the replay", recording.name));
    // The most similar two: the same name, if there are such.
    let pair = only_recording.iter().find_map(|recorded| {
        let namesake = |labels: &&Labels| labels.name() == recorded.name();
        Some((only_replay.iter().find(namesake)?, recorded))
    });
    match pair.or(only_replay.first().zip(only_recording.first())) {
        Some((replayed, recorded)) => problem.help(format!(
            "the replay has {}, the recording {}; --rename OLD=NEW gives labels of the recording other names, \
             --rename NAME= takes them away",
            replayed.as_metric(),
            recorded.as_metric()
        )),
        None => problem,
    }
}

fn distance(replay: &Series, recording: &Series, counter: bool) -> Distance {
    let labels = replay.labels.clone();
    let counter = counter && samples(recording).nth(1).is_some();
    let (mut one, mut other) = (Counted::default(), Counted::default());
    let (mut absolute, mut relative) = (KahanSum::default(), KahanSum::default());
    let mut found = Distance {
        labels,
        counter,
        compared: 0,
        only_replay: 0,
        only_recording: 0,
        unlike: 0,
        max: 0.0,
        mean: 0.0,
        max_relative: 0.0,
        mean_relative: 0.0,
        worst: None,
    };
    for (time, recorded) in samples(recording) {
        let Some(replayed) = seen(replay, time) else {
            found.only_recording += 1;
            continue;
        };
        found.compared += 1;
        let (a, b) = if counter { (one.add(replayed), other.add(recorded)) } else { (replayed, recorded) };
        let apart = if a == b || (a.is_nan() && b.is_nan()) { 0.0 } else { (a - b).abs() };
        if !apart.is_finite() {
            found.unlike += 1;
            continue;
        }
        let part = if apart == 0.0 { 0.0 } else { apart / a.abs().max(b.abs()) };
        absolute.add(apart);
        relative.add(part);
        found.max_relative = found.max_relative.max(part);
        if apart > found.max {
            found.max = apart;
            found.worst = Some((time, replayed, recorded));
        }
    }
    found.only_replay = samples(replay).filter(|(time, _)| seen(recording, *time).is_none()).count();
    let finite = found.compared - found.unlike;
    if finite > 0 {
        found.mean = absolute.total() / finite as f64;
        found.mean_relative = relative.total() / finite as f64;
    }
    found
}

/// What a counter has counted since it was first looked at; after a reset it counts from 0.
#[derive(Default)]
struct Counted {
    last: Option<f64>,
    sum: f64,
}

impl Counted {
    fn add(&mut self, value: f64) -> f64 {
        if let Some(last) = self.last {
            self.sum += if value < last { value } else { value - last };
        }
        self.last = Some(value);
        self.sum
    }
}

fn samples(series: &Series) -> impl Iterator<Item = (Timestamp, f64)> + '_ {
    let all = series.times.iter().copied().zip(series.values.iter().copied());
    all.filter(|(_, value)| !is_stale(*value))
}

/// The value that a query sees at a time.
fn seen(series: &Series, time: Timestamp) -> Option<f64> {
    let at = series.times.partition_point(|sample| *sample <= time).checked_sub(1)?;
    let value = series.values[at];
    (time - series.times[at] < LOOKBACK && !is_stale(value)).then_some(value)
}

/// Lives of both sides, each with the one that it overlaps.
fn pairs(replay: &Playback, recording: &Playback, within: Duration) -> Vec<AlertPair> {
    let mut lives: BTreeMap<Labels, [Vec<Life>; 2]> = BTreeMap::new();
    for (side, playback) in [replay, recording].into_iter().enumerate() {
        for (_, life) in playback.lives() {
            lives.entry(life.labels.clone()).or_default()[side].push(life);
        }
    }
    let mut all = Vec::new();
    for (labels, [of_replay, mut of_recording]) in lives {
        for life in of_replay {
            let near = |other: &Life| (other.active - life.active).0.abs();
            let overlapping = (0..of_recording.len()).filter(|at| overlap(&life, &of_recording[*at], within));
            let found = overlapping.min_by_key(|at| near(&of_recording[*at])).map(|at| of_recording.remove(at));
            let same = found.as_ref().is_some_and(|found| alike(&life, found, within));
            all.push(AlertPair { labels: labels.clone(), replay: Some(life), recording: found, same });
        }
        all.extend(of_recording.into_iter().map(|life| AlertPair {
            labels: labels.clone(),
            replay: None,
            recording: Some(life),
            same: false,
        }));
    }
    let begin = |pair: &AlertPair| pair.replay.as_ref().or(pair.recording.as_ref()).map(|life| life.active);
    all.sort_by(|a, b| (begin(a), &a.labels).cmp(&(begin(b), &b.labels)));
    all
}

fn overlap(a: &Life, b: &Life, within: Duration) -> bool {
    let before = |one: &Life, other: &Life| one.ended.is_none_or(|ended| other.active <= ended + within);
    before(a, b) && before(b, a)
}

fn alike(a: &Life, b: &Life, within: Duration) -> bool {
    let near = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => (a - b).0.abs() <= within.0,
        (None, None) => true,
        _ => false,
    };
    near(Some(a.active), Some(b.active)) && near(a.fired, b.fired) && near(a.ended, b.ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::METRIC_NAME;

    fn series(samples: &[(i64, f64)]) -> MetricStore {
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([(METRIC_NAME, "x")]));
        for (seconds, value) in samples {
            let time = Timestamp(seconds * 1000);
            store.append(id, time, *value, Moment::arrival(time)).unwrap();
        }
        store
    }

    fn apart(replay: &[(i64, f64)], recording: &[(i64, f64)], counter: bool) -> Distance {
        let (one, other) = (series(replay), series(recording));
        distance(one.iter().next().unwrap(), other.iter().next().unwrap(), counter)
    }

    #[test]
    fn a_gauge_is_apart_by_its_values_at_the_recordings_times() {
        let found = apart(&[(0, 1.0), (30, 2.0), (60, 4.0)], &[(7, 1.0), (37, 1.0), (67, 5.0)], false);
        assert_eq!((found.compared, found.only_replay, found.only_recording), (3, 1, 0));
        assert_eq!((found.max, found.max_relative), (1.0, 0.5));
        // 0, 1/2 and 1/5 of three.
        assert!((found.mean - 2.0 / 3.0).abs() < 1e-15 && (found.mean_relative - 0.7 / 3.0).abs() < 1e-15);
        assert_eq!(found.worst, Some((Timestamp(37_000), 2.0, 1.0)));
    }

    #[test]
    fn a_counter_is_apart_by_what_it_counted() {
        // It was at 1000 when the recording began, and starts again before 90 s.
        let found = apart(
            &[(0, 0.0), (30, 5.0), (60, 9.0), (90, 2.0)],
            &[(0, 1000.0), (30, 1005.0), (60, 1009.0), (90, 2.0)],
            true,
        );
        assert!(found.is_none(), "{found:?}");
        assert_eq!(apart(&[(0, 0.0), (30, 5.0)], &[(0, 7.0), (30, 13.0)], true).max, 1.0);
    }

    #[test]
    fn ends_and_values_that_are_no_numbers_are_counted_apart() {
        let stale = crate::number::stale_marker();
        let found = apart(&[(0, 1.0), (30, f64::NAN), (60, 2.0)], &[(0, f64::NAN), (30, f64::NAN), (60, stale)], false);
        assert_eq!((found.compared, found.unlike, found.only_replay, found.max), (2, 1, 1, 0.0));
        // Nobody sees a sample for longer than 5 minutes.
        assert_eq!(apart(&[(0, 1.0)], &[(299, 1.0), (300, 1.0)], false).only_recording, 1);
    }
}
