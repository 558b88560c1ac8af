//! A day of a replay as a test file of promtool.
//!
//! promtool has fewer means than a replay: no samples that arrive late, no intervals of groups, in older versions no
//! date. So what it will find is computed from what the file says, and every test is one that comes out as in the
//! replay. Where promtool would find something else there is no test, and the file says so.

use std::collections::{BTreeMap, BTreeSet};

use super::expressions::expressions;
use super::stretch::{Input, Stretch, stretches};
use super::test_file::{Alert, AlertTest, TestFile, TestGroup};
use super::values::grid;
use crate::drill::explain::clock;
use crate::drill::{Incident, Playback};
use crate::promql::ast::{DurationArg, Expr, ExprKind};
use crate::replay::{Day, Limits};
use crate::rules::{self, AlertState, AlertTrack, EvaluateOptions, Group, Language, Run};
use crate::store::{MetricStore, Moment};
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

/// Most samples that a query of promtool's tests may hold.
const QUERY_SAMPLES: u64 = 10_000;
/// From so many values on, promtool needs seconds to read them.
const MANY_VALUES: u64 = 10_000_000;

/// What the test file should be like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Tests of every alert at every tick, not only where it begins or ceases to fire.
    pub every_tick: bool,
    /// The day begins in 1970: promtool before 3.9 knows no other.
    pub undated: bool,
    pub limits: Limits,
}

/// Makes the test file of a day.
///
/// # Errors
/// What the day's generators refuse; a day whose alerts promtool cannot test at all.
pub fn promtool(incident: &Incident, playback: &Playback, wanted: Wanted) -> Result<TestFile, Vec<Diagnostic>> {
    let day = &*playback.day;
    let names: BTreeSet<&str> = playback
        .alert_rules()
        .filter(|(_, rule)| rule.promql().is_some())
        .map(|(_, rule)| rule.name.value.as_str())
        .collect();
    if names.is_empty() {
        let problem = Diagnostic::error(format!("{}: the rule files hold no alert in PromQL", day.source.name()));
        return Err(vec![problem.help("a promtool test checks alerts; name their file in `rules`")]);
    }
    // Without what the rules wrote, some of it perhaps into these series.
    let generated = day.generate(wanted.limits)?;
    let (stretches, late_series) = stretches(day, &generated.store);
    let mut warnings = about_rules(playback, &generated.store);
    if late_series > 0 {
        warnings.push(about_late(&stretches, late_series, day));
    }
    let replayed = Account::of(&playback.groups, &playback.generated.store, &playback.run, Duration::ZERO);
    let ticks: Vec<Timestamp> = stretches.iter().flat_map(|stretch| &stretch.ticks).copied().collect();
    let tested = names.iter().map(|name| (*name, replayed.tested(name, &ticks, wanted.every_tick))).collect();
    let mut differences: BTreeMap<&str, Vec<Difference>> = BTreeMap::new();
    let mut groups = Vec::new();
    let drill = incident.drill_name(day);
    let parted = stretches.len() > 1;
    let begins: Vec<Option<Timestamp>> = stretches.iter().map(|stretch| stretch.ticks.first().copied()).collect();
    for (at, stretch) in stretches.into_iter().enumerate() {
        let name = match (stretch.ticks.first(), stretch.ticks.last()) {
            (Some(first), Some(last)) if parted => {
                format!("{drill} from {} to {}", clock(*first, day.start()), clock(*last, day.start()))
            }
            _ => drill.clone(),
        };
        let found = Found::by_promtool(incident, playback, &stretch, wanted.undated)?;
        warnings.extend(found.about_failure(playback, day));
        let account = Account::of(&playback.groups, &found.store, &found.run, found.shift);
        let (tests, differing) = compare(&replayed, &account, &tested, &stretch.ticks, found.ends());
        for (name, found) in differing {
            differences.entry(name).or_default().extend(found);
        }
        let before = begins.get(at + 1).copied().flatten();
        let (expressions, differing) = expressions(playback, &found, &stretch.ticks, before);
        warnings.extend(differing);
        if tests.is_empty() && expressions.is_empty() {
            continue;
        }
        let times = stretch.inputs.iter().flat_map(|input| input.samples.iter().map(|(time, _)| *time));
        let grid = grid(day.start(), times).unwrap_or(day.interval);
        warnings.extend(about_size(&stretch.inputs, grid, day));
        let dated = !wanted.undated;
        groups.push(TestGroup { name, start: day.start(), dated, grid, inputs: stretch.inputs, tests, expressions });
    }
    warnings.extend(differences.iter().map(|(name, found)| about_differences(name, found, day)));
    if groups.is_empty() {
        let problem = format!("{}: no test of this day would come out in promtool as in the replay", day.source.name());
        warnings.push(Diagnostic::error(problem).help("the warnings say why"));
        return Err(warnings);
    }
    let mut group_order: Vec<String> = Vec::new();
    let is_written = |group: &&Group| group.rules.iter().any(|rule| rule.promql().is_some());
    for group in playback.groups.iter().filter(is_written) {
        if !group_order.contains(&group.name.value) {
            group_order.push(group.name.value.clone());
        }
    }
    Ok(TestFile {
        origin: format!(
            "{drill}: {}. Written by `firedrill export promtool`, to be run by `promtool test rules FILE`.",
            day.title
        ),
        evaluation_interval: day.interval,
        group_order,
        external_labels: Playback::options(incident, day).external_labels,
        groups,
        warnings,
    })
}

/// What promtool will find at the ticks of a stretch.
pub struct Found {
    pub store: MetricStore,
    run: Run,
    /// How much earlier than the day its ticks are.
    pub shift: Duration,
}

impl Found {
    /// Evaluates the rules as promtool does: all groups at every tick.
    fn by_promtool(
        incident: &Incident,
        playback: &Playback,
        stretch: &Stretch,
        undated: bool,
    ) -> Result<Found, Vec<Diagnostic>> {
        let day = &playback.day;
        let shift = if undated { day.start() - Timestamp::default() } else { Duration::ZERO };
        let mut store = MetricStore::default();
        for input in &stretch.inputs {
            let id = store.id_or_create(&input.labels);
            for (time, sample) in &input.samples {
                let time = *time - shift;
                store
                    .append_sample(id, time, sample, Moment::arrival(time))
                    .expect("samples of one series, in the order in which they stand in another store");
            }
        }
        let options = EvaluateOptions {
            start: day.start() - shift,
            end: stretch.ticks.last().copied().unwrap_or(day.start()) - shift,
            group_intervals: false,
            ..Playback::options(incident, day)
        };
        // promtool knows no rules of Loki, nor what they write.
        let mut groups = playback.groups.clone();
        groups.iter_mut().filter(|group| group.language == Language::Logql).for_each(|group| group.rules.clear());
        let run = rules::evaluate(&groups, &mut store, &options)?;
        Ok(Found { store, run, shift })
    }

    /// The tick of the day at which a rule fails: there promtool ends the test, and compares nothing.
    pub fn ends(&self) -> Option<Timestamp> {
        self.run.errors.first().map(|error| error.tick + self.shift)
    }

    fn about_failure(&self, playback: &Playback, day: &Day) -> Option<Diagnostic> {
        let error = self.run.errors.first()?;
        let rule = playback.rule(error.rule);
        let time = clock(error.tick + self.shift, day.start());
        let message =
            format!("`{}` fails at {time} ({}), and promtool ends its test there", rule.name.value, error.error);
        Some(rule.expr.diagnose_all(Diagnostic::warning(message).help("there are no tests from that tick on")))
    }
}

/// What alerts did, of the replay or of promtool's test, by times of the day.
struct Account<'a> {
    groups: &'a [Group],
    store: &'a MetricStore,
    run: &'a Run,
    shift: Duration,
    /// Lives by the alert's name, sorted by labels.
    lives: BTreeMap<&'a str, Vec<&'a AlertTrack>>,
}

impl<'a> Account<'a> {
    fn of(groups: &'a [Group], store: &'a MetricStore, run: &'a Run, shift: Duration) -> Account<'a> {
        let mut lives: BTreeMap<&str, Vec<&AlertTrack>> = BTreeMap::new();
        for track in run.alerts.iter().filter(|track| track.fired_at.is_some()) {
            lives.entry(groups[track.rule.group].rules[track.rule.rule].name.value.as_str()).or_default().push(track);
        }
        lives.values_mut().for_each(|tracks| tracks.sort_by(|a, b| a.labels.cmp(&b.labels)));
        Account { groups, store, run, shift, lives }
    }

    /// The lives of an alert that are firing at a tick.
    fn firing(&self, name: &str, tick: Timestamp) -> Vec<&'a AlertTrack> {
        let lives = self.lives.get(name).map_or(&[][..], Vec::as_slice);
        let tick = tick - self.shift;
        lives.iter().copied().filter(|track| track.state(tick) == Some(AlertState::Firing)).collect()
    }

    fn alerts(&self, tracks: &[&AlertTrack], tick: Timestamp) -> Vec<Alert> {
        let tick = tick - self.shift;
        let annotations = |track: &AlertTrack| self.run.annotations(self.groups, self.store, track, tick);
        let alert = |track: &&AlertTrack| Alert { labels: track.labels.clone(), annotations: annotations(track) };
        tracks.iter().map(alert).collect()
    }

    /// The ticks at which an alert is tested: the first, the last, and on both sides of each change.
    fn tested(&self, name: &str, ticks: &[Timestamp], every_tick: bool) -> BTreeSet<Timestamp> {
        if every_tick {
            return ticks.iter().copied().collect();
        }
        let mut tested: BTreeSet<Timestamp> = ticks.first().into_iter().chain(ticks.last()).copied().collect();
        let labels = |tick| self.firing(name, tick).into_iter().map(|track| &track.labels);
        for pair in ticks.windows(2) {
            if !labels(pair[0]).eq(labels(pair[1])) {
                tested.extend(pair);
            }
        }
        tested
    }
}

/// How what promtool finds differs from the replay at ticks in a row.
struct Difference {
    from: Timestamp,
    to: Timestamp,
    what: &'static str,
}

/// The tests that come out alike, by tick, and where the two accounts differ, by alert.
fn compare<'n>(
    replayed: &Account<'_>,
    found: &Account<'_>,
    tested: &BTreeMap<&'n str, BTreeSet<Timestamp>>,
    ticks: &[Timestamp],
    ends: Option<Timestamp>,
) -> (Vec<AlertTest>, BTreeMap<&'n str, Vec<Difference>>) {
    let mut tests = Vec::new();
    let mut differences = BTreeMap::new();
    for (name, tested) in tested {
        let mut own: Vec<Difference> = Vec::new();
        let mut last_differs = false;
        for tick in ticks.iter().copied().filter(|tick| ends.is_none_or(|end| *tick < end)) {
            let (wanted, there) = (replayed.firing(name, tick), found.firing(name, tick));
            let same_labels = wanted.iter().map(|track| &track.labels).eq(there.iter().map(|track| &track.labels));
            let what = if !same_labels && there.is_empty() {
                "silent there, firing in the replay"
            } else if !same_labels && wanted.is_empty() {
                "firing there, silent in the replay"
            } else if !same_labels {
                "firing there for other label sets"
            } else if tested.contains(&tick) {
                let firing = replayed.alerts(&wanted, tick);
                if firing == found.alerts(&there, tick) {
                    tests.push(AlertTest { tick, alertname: (*name).to_owned(), firing });
                    last_differs = false;
                    continue;
                }
                "firing there with other annotations"
            } else {
                last_differs = false;
                continue;
            };
            match own.last_mut().filter(|last| last_differs && last.what == what) {
                Some(last) => last.to = tick,
                None => own.push(Difference { from: tick, to: tick, what }),
            }
            last_differs = true;
        }
        if !own.is_empty() {
            differences.insert(*name, own);
        }
    }
    tests.sort_by_key(|test| test.tick);
    (tests, differences)
}

fn about_differences(name: &str, found: &[Difference], day: &Day) -> Diagnostic {
    const SHOWN: usize = 5;
    let at = |time| clock(time, day.start());
    let mut told: Vec<String> = found
        .iter()
        .take(SHOWN)
        .map(|Difference { from, to, what }| match from == to {
            true => format!("at {} ({what})", at(*from)),
            false => format!("from {} to {} ({what})", at(*from), at(*to)),
        })
        .collect();
    if found.len() > SHOWN {
        told.push(format!("and {} more times", found.len() - SHOWN));
    }
    Diagnostic::warning(format!("`{name}` is not tested where promtool would find something else: {}", told.join(", ")))
}

fn about_late(stretches: &[Stretch], late_series: usize, day: &Day) -> Diagnostic {
    let begins = stretches.iter().skip(1).filter_map(|stretch| stretch.ticks.first());
    let begins: Vec<String> = begins.map(|tick| clock(*tick, day.start())).collect();
    Diagnostic::warning(format!("samples of {late_series} series are late, which a promtool test cannot say")).help(format!(
        "the day is parted into {} test groups, with what had arrived by their ticks (new from {} on); in each, samples \
         stand at their own times, as if they had never been late",
        stretches.len(),
        begins.join(", ")
    ))
}

fn about_size(inputs: &[Input], grid: Duration, day: &Day) -> Option<Diagnostic> {
    let places = |input: &Input| input.samples.last().map_or(0, |(time, _)| (*time - day.start()).0 / grid.0 + 1);
    let values: u64 = inputs.iter().map(|input| places(input).unsigned_abs()).sum();
    (values > MANY_VALUES).then(|| {
        Diagnostic::warning(format!("promtool will expand {values} values: only a grid of {grid} holds every sample"))
            .help("scrapes whose phases are multiples of their intervals need a wider grid")
    })
}

/// What promtool does with the rules that a server does not.
fn about_rules(playback: &Playback, store: &MetricStore) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let interval = playback.day.interval;
    for (at, group) in playback.groups.iter().enumerate() {
        if group.language == Language::Logql {
            let message = format!("the group {:?} is left out: promtool evaluates no LogQL", group.name.value);
            let help = "README.md, \"Testing Loki rules\", says how to test it with log lines";
            warnings.push(group.name.diagnose_all(Diagnostic::warning(message).help(help)));
            continue;
        }
        if let Some(own) = group.interval.filter(|own| *own != interval) {
            let message = format!(
                "the group {:?} has an interval of {own}, and promtool evaluates it every {interval}",
                group.name.value
            );
            warnings.push(group.name.diagnose_all(Diagnostic::warning(message)));
        }
        if playback.groups[..at].iter().any(|other| other.name.value == group.name.value) {
            let message = format!("promtool evaluates the groups called {:?} in random order", group.name.value);
            warnings.push(group.name.diagnose_all(Diagnostic::warning(message).help("give them different names")));
        }
        for rule in &group.rules {
            let Some(most) = rule.promql().map(|expr| samples_held(expr, store, interval)) else { continue };
            if most > QUERY_SAMPLES {
                let message = format!(
                    "`{}` may need {most} samples at a time, and a query of a promtool test may hold {QUERY_SAMPLES}",
                    rule.name.value
                );
                let help = "where promtool finds too many samples, its test fails: test it with firedrill";
                warnings.push(rule.expr.diagnose_all(Diagnostic::warning(message).help(help)));
            }
        }
    }
    warnings
}

/// About how many samples a query holds at once, at most: those of all series that it selects, again for each step of a
/// subquery. A range is read series by series.
fn samples_held(expr: &Expr, store: &MetricStore, default_step: Duration) -> u64 {
    match &expr.kind {
        ExprKind::Selector(selector) => store.select(&selector.matchers).len() as u64,
        ExprKind::Range(range) => {
            let series = store.select(&range.selector.matchers);
            let length = range.range.length(default_step, Duration::ZERO, false).unwrap_or_default();
            let longest = series.iter().map(|id| within(&store.series(*id).times, length)).max().unwrap_or_default();
            longest.max(series.len()) as u64
        }
        ExprKind::Subquery(subquery) => {
            let length = |written: &DurationArg| written.length(default_step, Duration::ZERO, false).ok();
            let range = length(&subquery.range).unwrap_or_default();
            let step = subquery.step.as_ref().and_then(length).filter(|step| *step > Duration::ZERO);
            let steps = range.0 / step.unwrap_or(default_step).0 + 1;
            samples_held(&subquery.expr, store, default_step).saturating_mul(steps.unsigned_abs())
        }
        _ => expr.children().into_iter().map(|child| samples_held(child, store, default_step)).sum(),
    }
}

/// The most times that lie within a length of each other.
fn within(times: &[Timestamp], length: Duration) -> usize {
    let mut first = 0;
    let counts = times.iter().enumerate().map(|(at, time)| {
        first += times[first..at].iter().take_while(|earlier| *time - **earlier >= length).count();
        at + 1 - first
    });
    counts.max().unwrap_or_default()
}
